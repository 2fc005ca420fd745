//! Area, equal error rate, VAL at a FAR, and both rates at a threshold, in one pass over weighed pairs.

use facenet_core::Distance;

use super::PersonPair;
use crate::Multiplicities;

/// What can be asked of verification pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// The mean accuracy of the folds, each at the threshold that is best on the others.
    Accuracy,
    /// The area under the ROC.
    Auc,
    /// The equal error rate.
    Eer,
    /// VAL at the largest threshold whose FAR is at most this.
    ValAtFar(f64),
    /// The share of genuine pairs within a threshold.
    ValAt(Distance),
    /// The share of impostor pairs within a threshold.
    FarAt(Distance),
}

/// Figures in the order in which they were asked for; none where one is not measurable.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// One a figure, each in `[0, 1]`.
    pub values: Vec<Option<f64>>,
}

/// A pair and how often it counts: at least once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) distance: Distance,
    pub(super) genuine: bool,
    pub(super) fold: u32,
    pub(super) weight: u64,
}

/// The weight of the pairs within a threshold, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weights {
    pub(super) genuine: u64,
    pub(super) impostors: u64,
}

impl Figure {
    /// Its name, as in tables: `VAL @ FAR 1e-3`.
    pub fn name(&self) -> String {
        match self {
            Self::Accuracy => "accuracy".into(),
            Self::Auc => "AUC".into(),
            Self::Eer => "EER".into(),
            Self::ValAtFar(far) => format!("VAL @ FAR {far:.0e}"),
            Self::ValAt(threshold) => format!("VAL at {:.3}", threshold.value()),
            Self::FarAt(threshold) => format!("FAR at {:.3}", threshold.value()),
        }
    }

    /// Whether a smaller number is the better one.
    pub fn lower_is_better(&self) -> bool {
        matches!(self, Self::Eer | Self::FarAt(_))
    }
}

impl Weighed {
    /// `pair` as often as its people were drawn; none if that is not at all.
    pub(super) fn of(pair: &PersonPair, drawn: &Multiplicities) -> Option<Self> {
        let [left, right] = pair.people;
        let weight = drawn.of_pair(left as usize, right as usize);
        (weight > 0).then_some(Self {
            distance: pair.distance,
            genuine: pair.is_genuine(),
            fold: pair.fold,
            weight,
        })
    }
}

impl Weights {
    pub(super) fn count(&mut self, pair: &Weighed) {
        match pair.genuine {
            true => self.genuine += pair.weight,
            false => self.impostors += pair.weight,
        }
    }
}

impl Figures {
    /// Measures `pairs`, nearest first; `accuracy` is asked only if it is needed.
    pub(super) fn measure(asked: &[Figure], pairs: &[Weighed], accuracy: impl Fn() -> Option<f64>) -> Self {
        let cumulated = cumulated(pairs);
        let all = cumulated.last().map_or(Weights::default(), |&(_, weights)| weights);
        let within = |threshold: Distance| {
            let groups = cumulated.partition_point(|&(distance, _)| distance <= threshold);
            groups.checked_sub(1).map_or(Weights::default(), |last| cumulated[last].1)
        };
        let figure = |figure: &Figure| match *figure {
            Figure::Accuracy => accuracy(),
            Figure::Auc => auc(&cumulated, all),
            Figure::Eer => eer(&cumulated, all),
            Figure::ValAtFar(far) => val_at_far(&cumulated, all, far),
            Figure::ValAt(threshold) => share(within(threshold).genuine, all.genuine),
            Figure::FarAt(threshold) => share(within(threshold).impostors, all.impostors),
        };
        Self { values: asked.iter().map(figure).collect() }
    }
}

/// Each distance that occurs, with the weight of all pairs up to and at it.
pub(super) fn cumulated(pairs: &[Weighed]) -> Vec<(Distance, Weights)> {
    let mut steps: Vec<(Distance, Weights)> = Vec::with_capacity(pairs.len());
    let mut weights = Weights::default();
    for pair in pairs {
        weights.count(pair);
        match steps.last_mut() {
            Some(last) if last.0 == pair.distance => last.1 = weights,
            _ => steps.push((pair.distance, weights)),
        }
    }
    steps
}

pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn both_kinds(all: Weights) -> bool {
    all.genuine > 0 && all.impostors > 0
}

fn auc(steps: &[(Distance, Weights)], all: Weights) -> Option<f64> {
    let mut twice_won = 0u128;
    let mut nearer = Weights::default();
    for &(_, weights) in steps {
        let impostors = u128::from(weights.impostors - nearer.impostors);
        twice_won += impostors * u128::from(nearer.genuine + weights.genuine);
        nearer = weights;
    }
    let couples = 2 * u128::from(all.genuine) * u128::from(all.impostors);
    both_kinds(all).then(|| twice_won as f64 / couples as f64)
}

/// Where the curve, its points joined by straight lines, has FAR = 1 − VAL.
fn eer(steps: &[(Distance, Weights)], all: Weights) -> Option<f64> {
    let excess = |(far, val): (f64, f64)| far + val - 1.0;
    let mut before = (0.0, 0.0);
    for &(_, weights) in steps {
        let here = (share(weights.impostors, all.impostors)?, share(weights.genuine, all.genuine)?);
        if excess(here) >= 0.0 {
            let way = excess(before) / (excess(before) - excess(here));
            return Some(before.0 + way * (here.0 - before.0));
        }
        before = here;
    }
    None
}

/// None when the impostor pairs are fewer than the target needs, or no threshold that accepts a pair keeps to it.
fn val_at_far(steps: &[(Distance, Weights)], all: Weights, target: f64) -> Option<f64> {
    let far = |impostors: u64| impostors as f64 / all.impostors as f64;
    if !both_kinds(all) || far(1) > target {
        return None;
    }
    let within = steps.partition_point(|&(_, weights)| far(weights.impostors) <= target);
    let (_, accepted) = steps.get(within.checked_sub(1)?)?;
    share(accepted.genuine, all.genuine)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weighted::oracle::{any_pairs, pair, written_out};
    use crate::{CrossValidation, PersonPairs, Roc, ScoredPairs, ValAtFar};

    const ASKED: [Figure; 5] =
        [Figure::Accuracy, Figure::Auc, Figure::Eer, Figure::ValAtFar(0.5), Figure::ValAtFar(0.1)];

    /// What the exact, unweighed code says.
    fn exact(pairs: &ScoredPairs) -> Vec<Option<f64>> {
        let roc = Roc::of(pairs);
        vec![
            CrossValidation::of(pairs).map(|accuracy| accuracy.mean),
            Some(roc.auc()),
            Some(roc.eer()),
            ValAtFar::of(pairs, 0.5).overall.map(|point| point.val),
            ValAtFar::of(pairs, 0.1).overall.map(|point| point.val),
        ]
    }

    #[test]
    fn rates_at_a_threshold_count_pairs_exactly_at_it() {
        let pairs =
            PersonPairs::new(vec![pair(0.5, 0, 0), pair(1.0, 0, 1), pair(1.5, 1, 1), pair(2.0, 1, 0)], 2);
        let at = |value| Distance::new(value).unwrap();
        let rates = |value| {
            pairs.as_ref().unwrap().figures(&[Figure::ValAt(at(value)), Figure::FarAt(at(value))]).values
        };
        assert_eq!(rates(0.25), [Some(0.0), Some(0.0)]);
        assert_eq!(rates(0.5), [Some(0.5), Some(0.0)]);
        assert_eq!(rates(1.0), [Some(0.5), Some(0.5)]);
        assert_eq!(rates(4.0), [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn one_kind_alone_has_only_its_own_rate() {
        let genuine = PersonPairs::new(vec![pair(0.5, 0, 0)], 1).unwrap();
        let at = Distance::new(1.0).unwrap();
        let asked = [Figure::Auc, Figure::Eer, Figure::ValAtFar(1.0), Figure::ValAt(at), Figure::FarAt(at)];
        assert_eq!(genuine.figures(&asked).values, [None, None, None, Some(1.0), None]);
    }

    #[test]
    fn names_say_the_rate_or_the_threshold() {
        assert_eq!(Figure::ValAtFar(1e-3).name(), "VAL @ FAR 1e-3");
        assert_eq!(Figure::FarAt(Distance::new(0.75).unwrap()).name(), "FAR at 0.750");
    }

    proptest! {
        #[test]
        fn with_everybody_once_the_figures_are_the_exact_ones((pairs, people) in any_pairs()) {
            let Some(scored) = written_out(&pairs, &Multiplicities::once(people)) else { return Ok(()) };
            let measured = PersonPairs::new(pairs, people).unwrap().figures(&ASKED).values;
            prop_assert_eq!(measured, exact(&scored));
        }

        #[test]
        fn drawn_people_count_as_if_their_pairs_were_written_out((pairs, people) in any_pairs(), number in 0u32..50) {
            let drawn = crate::Bootstrap::new(people, 50, 9).draw(number);
            let Some(scored) = written_out(&pairs, &drawn) else { return Ok(()) };
            let measured = PersonPairs::new(pairs, people).unwrap().figures_of(&ASKED, &drawn).values;
            prop_assert_eq!(measured, exact(&scored));
        }
    }
}
