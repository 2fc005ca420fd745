//! Area, equal error rate, VAL at a FAR, and both rates at a threshold, in one pass over weighed pairs.

use facenet_core::Distance;

use crate::Roc;
use crate::verification::{Tally, Weighed, cuts, weighed_accuracy};

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

impl Figures {
    /// Measures `pairs`, nearest first, each with its fold.
    pub(super) fn measure(asked: &[Figure], pairs: &[(u32, Weighed)], folds: u32) -> Self {
        let weighed = || pairs.iter().map(|(_, pair)| *pair);
        let within = |threshold: Distance| {
            let mut tally = Tally::default();
            let near = weighed().take_while(|pair| pair.distance <= threshold);
            near.for_each(|pair| tally.add(pair.same, pair.weight));
            tally
        };
        let all = within(Distance::MAX);
        let roc = (all.genuine > 0 && all.impostors > 0).then(|| Roc::of_cuts(cuts(weighed()), all));
        let roc = roc.as_ref();
        let figure = |figure: &Figure| match *figure {
            Figure::Accuracy => weighed_accuracy(pairs, folds),
            Figure::Auc => roc.map(Roc::auc),
            Figure::Eer => roc.map(Roc::eer),
            Figure::ValAtFar(far) => Some(roc?.operating_point(far)?.val),
            Figure::ValAt(threshold) => share(within(threshold).genuine, all.genuine),
            Figure::FarAt(threshold) => share(within(threshold).impostors, all.impostors),
        };
        Self { values: asked.iter().map(figure).collect() }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weighted::oracle::{any_pairs, pair, written_out};
    use crate::{CrossValidation, Multiplicities, PersonPairs, ScoredPairs, ValAtFar};

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
