//! A gallery from one place to another, whatever keeps it there, and the proof that it arrived.

mod answers;
mod both;

use std::collections::HashSet;

use facenet_core::Incompatible;
use facenet_gallery::{
    Counts, Event, EventKind, FaceId, Form, Record, Settings, Store, StoreError, StoredEmbedding,
};
use serde::Serialize;

use self::both::{Pair, for_each_pair};

/// Differences that are told one by one.
const TOLD: usize = 20;
/// The share of the exact answers that a target's own search has to give.
const LEAST_RECALL: f64 = 0.95;

/// How the answers of both places are compared.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many faces of known people are searched for.
    pub probes: usize,
    /// How many of the nearest faces are compared.
    pub k: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { probes: 100, k: 10 }
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Records are written that the target lacks.
    Copy,
    /// All records of both places are compared.
    Compare,
    /// The target makes its index.
    Index,
    /// Searches in both places are compared.
    Search,
}

/// What a migration did, and what both places then hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Migrated {
    /// Records that were written.
    pub written: u64,
    /// Records that the target had already, as they are.
    pub kept: u64,
    /// What both hold.
    pub counts: Counts,
    /// Faces that were searched for in both.
    pub probes: usize,
    /// How many of them have the same nearest face in both.
    pub same_nearest: usize,
    /// The share of the exact nearest faces that the target's search gives.
    pub recall: f64,
}

/// Something that is not the same in both places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// They do not hold the same number of records.
    #[error("the target holds {found:?}, the source {expected:?}")]
    Counts {
        /// What the target holds.
        found: Counts,
        /// What the source holds.
        expected: Counts,
    },
    /// A record is another one, or only in one place.
    #[error("{0} is not the same")]
    Record(String),
    /// A search gives other answers.
    #[error(
        "of {probes} searches {same} have the same nearest face, and {recall} of the nearest are found, expected \
         {LEAST_RECALL}"
    )]
    Answers {
        /// How many were compared.
        probes: usize,
        /// How many have the same nearest face.
        same: usize,
        /// The share that was found, in words.
        recall: String,
    },
}

/// Why a gallery could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// One of the two failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They are of different models.
    #[error("`{to}` is a gallery of another model than `{from}`")]
    OtherModel {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// The two models.
        source: Incompatible,
    },
    /// They keep things differently.
    #[error(
        "`{to}` keeps {found}, but `{from}` keeps {expected}\nhint: migrate to a place where nothing is yet"
    )]
    OtherSettings {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// What the target keeps.
        found: String,
        /// What the source keeps.
        expected: String,
    },
    /// The source is between two models.
    #[error(
        "the gallery `{place}` is being upgraded, and what its faces were before cannot come along\n\
         hint: `facenet gallery upgrade {place}` with `--finish` ends that, with `--undo` it takes it back"
    )]
    Upgrading {
        /// The source.
        place: String,
    },
    /// The target is more than a copy.
    #[error(
        "`{to}` was changed by itself (event {event}), so that it is no copy of `{from}` any more, and is left as it is\n\
         hint: migrate to a place where nothing is yet"
    )]
    GoneOn {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// The first event that the source does not know.
        event: String,
    },
    /// Not all arrived.
    #[error("`{to}` is not the same as `{from}`: {}", list(.differences))]
    Different {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// The first of what differs.
        differences: Vec<Difference>,
    },
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Copies all that `from` holds and `to` lacks, with identifiers, and then proves that both hold the same and answer alike.
/// Only `to` is written. One that was interrupted goes on when it is called again. `tell` is told how many records of how
/// many are done.
///
/// # Errors
/// [`MigrateError::Different`] when the proof fails: `to` held something else before, or `from` was changed meanwhile.
pub fn migrate(
    from: &dyn Store,
    to: &mut dyn Store,
    plan: Plan,
    tell: &mut dyn FnMut(Phase, u64, u64),
) -> Result<Migrated, MigrateError> {
    check_settings(from, to)?;
    check_events(from, to)?;
    let all = all_records(from)?;
    let (mut written, mut kept) = (0, 0);
    for_each_pair(from, to, |to, batch| {
        let missing: Vec<Record> =
            batch.iter().filter(|pair| pair.differs()).filter_map(Pair::wanted).collect();
        kept += batch.len() as u64 - missing.len() as u64;
        written += missing.len() as u64;
        if !missing.is_empty() {
            to.put(&missing)?;
        }
        tell(Phase::Copy, written + kept, all);
        Ok(())
    })?;
    tell(Phase::Index, 0, 1);
    to.prepare_search()?;

    let counts = from.counts()?;
    let every = (counts.faces - counts.unassigned).div_ceil(plan.probes.max(1) as u64).max(1);
    let (mut differences, mut probes) = (Vec::new(), Vec::new());
    let (mut compared, mut known) = (0, 0);
    for_each_pair(from, to, |_, batch| {
        for pair in &batch {
            if pair.differs() && differences.len() < TOLD {
                differences.push(Difference::Record(pair.name()));
            }
            let Some((id, embedding)) = pair.known_face() else { continue };
            if known % every == 0 {
                probes.push((id, embedding.clone()));
            }
            known += 1;
        }
        compared += batch.len() as u64;
        tell(Phase::Compare, compared, all);
        Ok(())
    })?;
    let found = to.counts()?;
    if found != counts {
        differences.push(Difference::Counts { found, expected: counts });
    }
    let answers = compare_answers(from, to, &probes, plan.k, tell)?;
    if answers.same_nearest < probes.len() || answers.recall < LEAST_RECALL {
        let recall = format!("{:.3}", answers.recall);
        differences.push(Difference::Answers { probes: probes.len(), same: answers.same_nearest, recall });
    }
    if differences.is_empty() {
        let (same_nearest, recall) = (answers.same_nearest, answers.recall);
        return Ok(Migrated { written, kept, counts, probes: probes.len(), same_nearest, recall });
    }
    Err(MigrateError::Different { from: from.place().into(), to: to.place().into(), differences })
}

fn compare_answers(
    from: &dyn Store,
    to: &dyn Store,
    probes: &[(FaceId, StoredEmbedding)],
    k: usize,
    tell: &mut dyn FnMut(Phase, u64, u64),
) -> Result<answers::Compared, StoreError> {
    let embeddings: Vec<_> = probes.iter().map(|(_, stored)| stored.embedding()).collect();
    let total = probes.len() as u64;
    tell(Phase::Search, 0, total);
    let expected = answers::exact(from, &embeddings, k)?;
    let mut found = Vec::new();
    for (probe, done) in embeddings.iter().zip(1..) {
        let Some(hits) = to.nearest(probe, k)? else {
            found = answers::exact(to, &embeddings, k)?;
            break;
        };
        found.push(hits);
        tell(Phase::Search, done, total);
    }
    tell(Phase::Search, total, total);
    Ok(answers::compare(&expected, &found))
}

/// Checks that one can be a copy of the other.
fn check_settings(from: &dyn Store, to: &dyn Store) -> Result<(), MigrateError> {
    let (source, target) = (from.settings(), to.settings());
    let (from_place, to_place) = (from.place().to_owned(), to.place().to_owned());
    if source.upgrading_from.is_some() {
        return Err(MigrateError::Upgrading { place: from_place });
    }
    let comparable = target.contract.check_comparable(&source.contract);
    comparable.map_err(|incompatible| MigrateError::OtherModel {
        from: from_place.clone(),
        to: to_place.clone(),
        source: incompatible,
    })?;
    let words = |settings: &Settings| {
        let with = |is: bool| if is { "with" } else { "without" };
        let bytes = if settings.form == Form::Byte { "one byte" } else { "four bytes" };
        format!(
            "{bytes} a coordinate, {} paths and {} pictures",
            with(settings.keeps_paths),
            with(settings.keeps_crops)
        )
    };
    let (expected, found) = (words(source), words(target));
    if expected == found {
        return Ok(());
    }
    Err(MigrateError::OtherSettings { from: from_place, to: to_place, found, expected })
}

/// Checks that the target has no story of its own: writing into it would bring back what was deleted there.
fn check_events(from: &dyn Store, to: &dyn Store) -> Result<(), MigrateError> {
    let known: HashSet<Event> = from.events()?.into_iter().collect();
    let is_own = |event: &Event| !known.contains(event) && (event.id, event.kind) != (1, EventKind::Create);
    match to.events()?.into_iter().find(is_own) {
        None => Ok(()),
        Some(Event { id, kind, .. }) => Err(MigrateError::GoneOn {
            from: from.place().into(),
            to: to.place().into(),
            event: format!("{id}, `{}`", kind.name()),
        }),
    }
}

fn all_records(store: &dyn Store) -> Result<u64, StoreError> {
    let Counts { people, photos, faces, corrections, .. } = store.counts()?;
    Ok(people + photos + faces + corrections + store.events()?.len() as u64)
}
