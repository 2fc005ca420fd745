//! Labelled pairs with their distances, sorted once for everything that is measured of them.

use facenet_core::Distance;

use super::cut::Weighed;
use super::d_prime::d_prime;
use crate::Multiplicities;

/// A labelled pair and how far its two embeddings lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoredPair {
    /// The distance of the two embeddings.
    pub distance: Distance,
    /// Whether both images show the same person: a genuine pair, else an impostor pair.
    pub same: bool,
}

/// Scored pairs in folds: at least one genuine and one impostor pair, and no fold without a pair.
#[derive(Debug, Clone)]
pub struct ScoredPairs {
    /// All pairs, nearest first.
    sorted: Vec<PairInFold>,
    /// The number of pairs in each fold.
    folds: Vec<Tally>,
    all: Tally,
    skipped: u64,
    /// The number of people, when it is known who is in which pair.
    subjects: Option<u32>,
}

/// Pairs of which nothing can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMeasurable {
    /// There is no pair at all.
    #[error("found no pairs, expected at least one genuine and one impostor pair")]
    NoPairs,
    /// One fold of several is empty.
    #[error("found no pairs in fold {fold}, expected at least one")]
    EmptyFold {
        /// The fold, counted from 1.
        fold: usize,
    },
    /// No pair shows the same person.
    #[error("found {impostors} impostor pairs and no genuine pair, expected both")]
    NoGenuine {
        /// The number of impostor pairs.
        impostors: u64,
    },
    /// No pair shows two people.
    #[error("found {genuine} genuine pairs and no impostor pair, expected both")]
    NoImpostors {
        /// The number of genuine pairs.
        genuine: u64,
    },
}

/// A pair that remembers its fold; the fold is small, since ten million of these are sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairInFold {
    pub(super) distance: Distance,
    pub(super) fold: u32,
    pub(super) same: bool,
    /// Who is in the two images, counted from 0; without meaning where that is not known.
    pub(super) subjects: [u32; 2],
}

/// Numbers of pairs of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) genuine: u64,
    pub(crate) impostors: u64,
}

impl ScoredPairs {
    /// Takes scored pairs fold by fold; one fold is enough for everything but the cross-validated figures.
    ///
    /// # Errors
    /// When there is no pair, a fold is empty, or pairs of one kind are missing altogether. A single fold may
    /// lack one kind.
    ///
    /// # Panics
    /// With more than `u32::MAX` folds.
    pub fn new(folds: &[Vec<ScoredPair>]) -> Result<Self, NotMeasurable> {
        let unknown = |pair: &ScoredPair| (*pair, [0, 0]);
        Self::from_folds(&folds.iter().map(|fold| fold.iter().map(unknown).collect()).collect::<Vec<_>>())
    }

    /// As [`new`](Self::new), with the two people of every pair, each a number of its own: what is measured can
    /// then be given [`Uncertainty`](super::Uncertainty).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// With more than `u32::MAX` folds, and when a pair's people contradict its label.
    pub fn with_subjects(folds: &[Vec<(ScoredPair, [u32; 2])>]) -> Result<Self, NotMeasurable> {
        for (pair, [left, right]) in folds.iter().flatten() {
            assert_eq!(pair.same, left == right, "a genuine pair shows one person, an impostor pair two");
        }
        let mut people: Vec<u32> = folds.iter().flatten().flat_map(|(_, subjects)| *subjects).collect();
        people.sort_unstable();
        people.dedup();
        let index = |person| people.binary_search(&person).expect("every person was collected") as u32;
        let mut scored = Self::from_folds(folds)?;
        for pair in &mut scored.sorted {
            pair.subjects = pair.subjects.map(index);
        }
        Ok(Self { subjects: Some(people.len() as u32), ..scored })
    }

    fn from_folds(folds: &[Vec<(ScoredPair, [u32; 2])>]) -> Result<Self, NotMeasurable> {
        if folds.iter().all(Vec::is_empty) {
            return Err(NotMeasurable::NoPairs);
        }
        if let Some(fold) = folds.iter().position(Vec::is_empty) {
            return Err(NotMeasurable::EmptyFold { fold: fold + 1 });
        }
        let mut tallies = vec![Tally::default(); folds.len()];
        let mut sorted = Vec::with_capacity(folds.iter().map(Vec::len).sum());
        for ((fold, pairs), tally) in folds.iter().enumerate().zip(&mut tallies) {
            let fold = u32::try_from(fold).expect("more than u32::MAX folds");
            for &(ScoredPair { distance, same }, subjects) in pairs {
                tally.add(same, 1);
                sorted.push(PairInFold { distance, fold, same, subjects });
            }
        }
        sorted.sort_unstable_by_key(|pair| pair.distance);

        let all = tallies.iter().fold(Tally::default(), |sum, tally| sum.plus(*tally));
        match all {
            Tally { genuine: 0, impostors } => Err(NotMeasurable::NoGenuine { impostors }),
            Tally { genuine, impostors: 0 } => Err(NotMeasurable::NoImpostors { genuine }),
            _ => Ok(Self { sorted, folds: tallies, all, skipped: 0, subjects: None }),
        }
    }

    /// Remembers that `skipped` further pairs have no distance.
    pub fn with_skipped(self, skipped: u64) -> Self {
        Self { skipped, ..self }
    }

    /// The number of genuine pairs, at least one.
    pub fn genuine(&self) -> u64 {
        self.all.genuine
    }

    /// The number of impostor pairs, at least one.
    pub fn impostors(&self) -> u64 {
        self.all.impostors
    }

    /// The number of folds, at least one.
    pub fn folds(&self) -> usize {
        self.folds.len()
    }

    /// The number of pairs that were listed but have no distance; they count nowhere else.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// d′, how far the two kinds of distances lie apart: `(μ_impostor − μ_genuine) / √((σ²_genuine + σ²_impostor) / 2)`.
    /// None when no distance varies.
    pub fn d_prime(&self) -> Option<f64> {
        d_prime(self.weighed())
    }

    /// The number of people in the pairs; none when it is not known who is in them.
    pub fn subjects(&self) -> Option<usize> {
        self.subjects.map(|subjects| subjects as usize)
    }

    /// How often each pair counts, nearest first, with people `drawn` that often.
    ///
    /// # Panics
    /// When `drawn` is of other people; and where it is not known who is in the pairs, this has no meaning.
    pub(super) fn weights(&self, drawn: &Multiplicities) -> Vec<u64> {
        let weight = |pair: &PairInFold| {
            let [left, right] = pair.subjects.map(|subject| subject as usize);
            drawn.of_pair(left, right)
        };
        self.sorted.iter().map(weight).collect()
    }

    /// The number of pairs in all folds.
    pub(super) fn tally(&self) -> Tally {
        self.all
    }

    /// All pairs, nearest first.
    pub(super) fn sorted(&self) -> &[PairInFold] {
        &self.sorted
    }

    /// The pairs of all folds but `held_out`, nearest first.
    pub(super) fn training(&self, held_out: usize) -> impl Iterator<Item = Weighed> {
        self.sorted.iter().filter(move |pair| pair.fold as usize != held_out).map(PairInFold::once)
    }

    /// All pairs, nearest first, as they are counted.
    pub(crate) fn weighed(&self) -> impl Iterator<Item = Weighed> {
        self.sorted.iter().map(PairInFold::once)
    }

    /// The number of pairs in `fold`.
    pub(super) fn fold(&self, fold: usize) -> Tally {
        self.folds[fold]
    }

    /// The number of pairs in all folds but `held_out`.
    pub(super) fn training_tally(&self, held_out: usize) -> Tally {
        let fold = self.folds[held_out];
        Tally { genuine: self.all.genuine - fold.genuine, impostors: self.all.impostors - fold.impostors }
    }

    /// The pairs of `fold` that `threshold` accepts.
    pub(super) fn accepted(&self, fold: usize, threshold: Distance) -> Tally {
        let mut accepted = Tally::default();
        let near = self.sorted.iter().take_while(|pair| pair.distance <= threshold);
        near.filter(|pair| pair.fold as usize == fold).for_each(|pair| accepted.add(pair.same, 1));
        accepted
    }
}

impl PairInFold {
    /// The pair, counted once.
    fn once(&self) -> Weighed {
        Weighed { distance: self.distance, same: self.same, weight: 1 }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, same: bool, weight: u64) {
        *(if same { &mut self.genuine } else { &mut self.impostors }) += weight;
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { genuine: self.genuine + other.genuine, impostors: self.impostors + other.impostors }
    }

    pub(crate) fn total(self) -> u64 {
        self.genuine + self.impostors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    #[test]
    fn pairs_without_one_kind_or_with_an_empty_fold_are_not_measurable() {
        let refusal = |folds: &[Vec<ScoredPair>]| ScoredPairs::new(folds).map(|_| ()).unwrap_err();
        assert_eq!(refusal(&[]), NotMeasurable::NoPairs);
        assert_eq!(refusal(&[vec![], vec![]]), NotMeasurable::NoPairs);
        assert_eq!(refusal(&[fold(&[1.0], &[1.0]), vec![]]), NotMeasurable::EmptyFold { fold: 2 });
        assert_eq!(refusal(&[fold(&[], &[1.0, 2.0])]), NotMeasurable::NoGenuine { impostors: 2 });
        assert_eq!(refusal(&[fold(&[1.0], &[])]), NotMeasurable::NoImpostors { genuine: 1 });
    }

    #[test]
    fn a_single_fold_may_lack_one_kind() {
        let scored = pairs(&[fold(&[1.0], &[]), fold(&[], &[2.0])]);
        assert_eq!((scored.genuine(), scored.impostors(), scored.folds(), scored.skipped()), (1, 1, 2, 0));
    }
}
