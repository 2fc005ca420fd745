//! `facenet gallery migrate`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use facenet_stores::{Migrated, Phase, Plan, migrate};
use serde::Serialize;

use crate::console::Console;
use crate::galleries;
use crate::numbers::{counted, grouped};
use crate::outcome::Outcome;

/// Bring a gallery to another place, and prove that it arrived.
///
/// From a file to a server, back, or from one server to another: `family.faces`, `postgres://ada@db/people?gallery=family`,
/// `milvus://host/default?gallery=family`. The target is made if nothing is there. The source is only read.
///
/// Identifiers stay. A run that was interrupted goes on when it is started again: what is there is passed over, what differs
/// is written anew. Then all records of both places are compared, and some faces are searched for in both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Passwords: PGPASSWORD for PostgreSQL, FACENET_MILVUS_TOKEN for Milvus, so that none stands in an address.

Examples:
  facenet gallery migrate family.faces 'postgres://ada@db/people?gallery=family'
  facenet gallery migrate 'milvus://host/default?gallery=family' family.faces")]
pub(crate) struct Args {
    /// The gallery to read: a file or an address.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The gallery to write: a file or an address.
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// How many faces are searched for in both places.
    #[arg(long, value_name = "N", default_value_t = Plan::default().probes)]
    probes: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Done<'a> {
    from: &'a str,
    to: &'a str,
    #[serde(flatten)]
    migrated: &'a Migrated,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    if galleries::shown(&args.from) == galleries::shown(&args.to) {
        bail!("`{}` cannot be migrated to itself", galleries::shown(&args.from).display());
    }
    let from = galleries::open(&args.from)?;
    let mut to = galleries::open_or_create(&args.to, from.settings())?;
    let plan = Plan { probes: args.probes, ..Plan::default() };
    let mut last = None;
    let migrated = migrate(&*from, &mut *to, plan, &mut |phase, done, all| {
        if last != Some(phase) {
            console.end();
            console.begin_of(usize::try_from(all).unwrap_or(usize::MAX), words(phase));
            last = Some(phase);
        }
        console.reach(done);
    });
    console.end();
    let migrated = migrated?;
    if args.json {
        console.print_json(&Done { from: from.place(), to: to.place(), migrated: &migrated })?;
    }
    let Migrated { written, kept, counts, probes, same_nearest, recall } = migrated;
    console.note(format_args!(
        "{}: {} written, {} there already; {} of {} in {}, all equal",
        to.place(),
        counted(written as usize, "record", "records"),
        grouped(kept as usize),
        counted(counts.faces as usize, "face", "faces"),
        counted(counts.people as usize, "person", "people"),
        counted(counts.photos as usize, "photo", "photos"),
    ));
    console.note(format_args!(
        "of {}, {} gave the same nearest face in both places; {:.1} % of the nearest were found",
        counted(probes, "search", "searches"),
        grouped(same_nearest),
        100.0 * recall
    ));
    Ok(Outcome::Yes)
}

/// What is counted.
fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Copy => "records",
        Phase::Compare => "records compared",
        Phase::Index => "index",
        Phase::Search => "searches compared",
    }
}
