//! `facenet serve`.

mod keys;
mod limits;
mod looker;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use facenet_server::{Server, Settings, TlsFiles};

use self::limits::LimitOptions;
use self::looker::Looker;
use crate::console::Console;
use crate::engine::EngineOptions;
use crate::outcome::Outcome;

/// Answer over HTTP, and show a page, until told to stop by ctrl-c or SIGTERM.
///
/// What is in work is finished then. It listens on this machine alone, where no key is needed; beyond it every request
/// needs one. `/docs` is a page to try the routes, `/openapi.json` describes them. docs/service.md has the rest.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  facenet serve --gallery family.faces
  curl --data-binary @a.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8750/v1/detect
  facenet serve --run runs/mine
  facenet serve keys add keys.json door --scope read
  facenet serve --listen 0.0.0.0:8750 --keys keys.json --tls-cert cert.pem --tls-key key.pem --audit audit.jsonl"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    service: ServiceOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make, list, renew and remove API keys.
    #[command(subcommand)]
    Keys(keys::Command),
}

#[derive(Debug, clap::Args)]
struct ServiceOptions {
    /// Where to listen. Port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8750")]
    listen: SocketAddr,
    /// The gallery's file, as `facenet gallery create` makes it.
    #[arg(short, long, value_name = "FILE")]
    gallery: Option<PathBuf>,
    /// A folder of this machine whose photos keys of the scope `admin` may add; may be given more than once.
    #[arg(long = "allow-folder", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The folder of a training run, whose curves the page shows as it grows; may be given more than once.
    #[arg(long = "run", value_name = "DIR")]
    runs: Vec<PathBuf>,
    /// The file of keys. Without, nobody needs one, and it may listen on this machine alone.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Another name of the service, as a proxy before it passes it on; may be given more than once. Needs keys.
    #[arg(long = "host-name", value_name = "NAME")]
    host_names: Vec<String>,
    /// The certificate for TLS, in PEM, with those that vouch for it.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Write a line of JSON for each search and change into this file: who, when, whom; no names.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Give out figures for Prometheus at `/metrics`.
    #[arg(long)]
    metrics: bool,
    /// Send traces to this collector for OpenTelemetry, by OTLP over HTTP; 4318 is the usual port.
    #[arg(long, value_name = "http://HOST:PORT")]
    otlp: Option<String>,
    #[command(flatten)]
    engine: EngineOptions,
    #[command(flatten)]
    limits: LimitOptions,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<Outcome> {
    match &args.command {
        Some(Command::Keys(command)) => keys::run(command, console),
        None => serve(&args.service, console),
    }
}

fn serve(options: &ServiceOptions, console: &Console) -> Result<Outcome> {
    for run in &options.runs {
        ensure!(
            run.is_dir(),
            "`{}` is no folder\nhint: name the folder that `facenet train --run` was given",
            run.display()
        );
    }
    let limits = options.limits.limits()?;
    let looker = Looker::new(options.engine.build()?, &limits);
    let tls = options.tls_cert.clone().zip(options.tls_key.clone());
    let settings = Settings {
        listen: options.listen,
        limits,
        gallery: options.gallery.clone(),
        folders: options.folders.clone(),
        runs: options.runs.clone(),
        keys: options.keys.clone(),
        host_names: options.host_names.clone(),
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        audit: options.audit.clone(),
        metrics: options.metrics,
        otlp: options.otlp.clone(),
        report: |line| eprintln!("facenet: {line}"),
    };
    let is_open = !options.listen.ip().is_loopback() && settings.tls.is_none();
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let server = Server::start(settings, Box::new(looker))?;
    if is_open {
        console.note(
            "without TLS whoever is on the way can read keys and faces; put a proxy with TLS before it",
        );
    }
    console.note(format_args!("listening on {scheme}://{}", server.address()));
    server.run()?;
    console.note("stopped; all that was accepted is done");
    Ok(Outcome::Yes)
}
