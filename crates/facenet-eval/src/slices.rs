//! Does it work equally well for everybody? Verification figures by groups of a metadata table.
//!
//! A pair belongs to a group if both its images do. A pair between two groups belongs to none: those are reported
//! apart, since impostors of different groups are easier to tell apart, and mixing them in hides errors.
//!
//! Beside the figures of a group for itself stand both of its error rates at the one threshold that all pairs share:
//! a system in use has one threshold for everybody, and a group's own threshold hides who pays for it.

mod groups;
mod metadata;

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

pub use self::metadata::{Column, Metadata, MetadataError};
use crate::{Bootstrap, Estimate, Figure, Interval, NamedPair, PeopleNumbers};

/// With fewer pairs of a kind than this, one error more moves a rate by more than 3 points.
const FEW_PAIRS: u64 = 30;

/// With fewer people than this, drawing them anew does not show how much others would differ.
const FEW_PEOPLE: usize = 10;

/// The FAR over all pairs that gives the threshold which the groups share: the default for verifying.
pub const SHARED_FAR: f64 = 1e-2;

/// The figures by the values of one column: does it work equally well for everybody?
///
/// A pair belongs to a group if both its images do; pairs between two groups stand apart. Beside the figures of a group
/// for itself stand both of its error rates at the one threshold that all pairs share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slices {
    /// The column's name.
    pub column: String,
    /// The threshold that all groups share: FAR 1e-2 over all pairs; none where that is not measurable.
    pub threshold: Option<Distance>,
    /// All pairs together, for comparison.
    pub all: GroupFigures,
    /// One a value, in the order of names, numbers by size.
    pub groups: Vec<GroupFigures>,
    /// The pairs between two groups; none if there is no such pair.
    pub between: Option<GroupFigures>,
    /// The number of pairs of which an image has no value in the column.
    pub without_value: u64,
}

/// The figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupFigures {
    /// The value that its images share.
    pub group: String,
    /// People with a pair in the group.
    pub people: usize,
    /// Pairs of one person.
    pub genuine: u64,
    /// Pairs of two people.
    pub impostors: u64,
    /// Area under the group's own ROC.
    pub auc: Estimate,
    /// The group's own equal error rate.
    pub eer: Estimate,
    /// VAL at the group's own FAR 1e-2.
    pub val_at_far: Estimate,
    /// The share of genuine pairs accepted at the shared threshold. Where it is 0 or 1 drawing shows no spread, and the
    /// interval is the exact one-sided 95 % bound of as many independent trials as people.
    pub val_at_threshold: Estimate,
    /// The share of impostor pairs accepted at the shared threshold; its interval as for `val_at_threshold`.
    pub far_at_threshold: Estimate,
    /// Why the figures say little; none when they may be relied on.
    pub warning: Option<String>,
}

impl Slices {
    /// Measures `pairs` by the groups of `column`; intervals are 95 %, from `draws` draws of the group's people.
    pub fn of(pairs: &[NamedPair<'_>], column: &Column, draws: u32, seed: u64) -> Self {
        let threshold = shared_threshold(pairs);
        let split = groups::split(pairs, column);
        let figures =
            |group: &str, pairs: &[NamedPair<'_>]| GroupFigures::of(group, pairs, threshold, draws, seed);
        let between = (!split.between.is_empty()).then(|| {
            let between = figures("between groups", &split.between);
            // A person is mostly in one group, so that genuine pairs are not missed here.
            GroupFigures { warning: warning(between.people, FEW_PAIRS, between.impostors), ..between }
        });
        Self {
            column: column.name().into(),
            threshold,
            all: figures("all pairs", pairs),
            groups: split.groups.iter().map(|(group, pairs)| figures(group, pairs)).collect(),
            between,
            without_value: split.without_value,
        }
    }
}

impl GroupFigures {
    fn of(group: &str, pairs: &[NamedPair<'_>], threshold: Option<Distance>, draws: u32, seed: u64) -> Self {
        let numbers = PeopleNumbers::of(pairs);
        let numbered = numbers.pairs(pairs);
        let (genuine, impostors) = numbered.counts();
        let mut asked = vec![Figure::Auc, Figure::Eer, Figure::ValAtFar(SHARED_FAR)];
        asked.extend(threshold.into_iter().flat_map(|at| [Figure::ValAt(at), Figure::FarAt(at)]));
        let mut estimates =
            numbered.estimates(&asked, &Bootstrap::new(numbers.len(), draws, seed)).into_iter();
        let mut next = || estimates.next().unwrap_or_default();
        let trials = |pairs: u64| pairs.min(numbers.len() as u64);
        Self {
            group: group.into(),
            people: numbers.len(),
            genuine,
            impostors,
            auc: next(),
            eer: next(),
            val_at_far: next(),
            val_at_threshold: bounded(next(), trials(genuine)),
            far_at_threshold: bounded(next(), trials(impostors)),
            warning: warning(numbers.len(), genuine, impostors),
        }
    }
}

/// Where no pair errs, or all do, every draw says the same: the interval then is the one-sided 95 % bound of so many
/// independent trials (Clopper and Pearson 1934; about 3 / trials). As many as people, since their pairs are not.
fn bounded(estimate: Estimate, trials: u64) -> Estimate {
    let rest = 0.05f64.powf(1.0 / trials.max(1) as f64);
    let interval = match estimate.value {
        Some(0.0) => Some(Interval { low: 0.0, high: 1.0 - rest }),
        Some(1.0) => Some(Interval { low: rest, high: 1.0 }),
        _ => estimate.interval,
    };
    Estimate { interval, ..estimate }
}

fn warning(people: usize, genuine: u64, impostors: u64) -> Option<String> {
    let mut few = Vec::new();
    if people < FEW_PEOPLE {
        few.push(format!("{people} people"));
    }
    if genuine < FEW_PAIRS {
        few.push(format!("{genuine} genuine pairs"));
    }
    if impostors < FEW_PAIRS {
        few.push(format!("{impostors} impostor pairs"));
    }
    (!few.is_empty()).then(|| format!("too few to rely on: {}", few.join(", ")))
}

fn shared_threshold(pairs: &[NamedPair<'_>]) -> Option<Distance> {
    let scored: Vec<_> = pairs
        .iter()
        .map(|named| crate::ScoredPair { distance: named.distance, same: named.pair.same })
        .collect();
    let scored = crate::ScoredPairs::new(&[scored]).ok()?;
    Some(crate::ValAtFar::of(&scored, SHARED_FAR).overall?.threshold)
}

#[cfg(test)]
mod tests;
