//! Is one model better than another? Both measured on the same pairs, with the same people drawn.

mod table;

use serde::{Deserialize, Serialize};

use crate::{Bootstrap, Figure, Interval, PersonPairs};

/// The figures that models are compared by.
const COMPARED: [Figure; 6] = [
    Figure::Accuracy,
    Figure::ValAtFar(1e-1),
    Figure::ValAtFar(1e-2),
    Figure::ValAtFar(1e-3),
    Figure::Auc,
    Figure::Eer,
];

/// Two models on the same pairs; its `Display` is a table for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The model that is looked at.
    pub model: String,
    /// The model that it is compared with.
    pub against: String,
    /// The number of pairs that both models have a distance for.
    pub pairs: u64,
    /// The number of people that were drawn from.
    pub people: usize,
    /// The number of draws.
    pub draws: u32,
    /// Accuracy, VAL at FAR 1e-1, 1e-2 and 1e-3, AUC and EER, in this order.
    pub figures: Vec<Difference>,
}

/// One figure of two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The figure's name: `VAL @ FAR 1e-3`.
    pub figure: String,
    /// What the model reaches; none where it is not measurable.
    pub model: Option<f64>,
    /// What the other model reaches; none where it is not measurable.
    pub against: Option<f64>,
    /// The first less the second; none where either is.
    pub difference: Option<f64>,
    /// The 95 % interval of the difference (paired bootstrap over identities).
    pub interval: Option<Interval>,
    /// What follows.
    pub verdict: Verdict,
}

/// What an interval of a difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies on the model's side of 0.
    Better,
    /// The interval lies on the other model's side of 0.
    Worse,
    /// The interval holds 0: these pairs show no difference, which is not to say that there is none.
    NoDifferenceShown,
    /// There is no difference or no interval to judge by.
    NotMeasurable,
}

/// Two lists of pairs that are not of the same people in the same folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pairs of the two models differ: found {found} pairs, expected the same {expected} with the same people"
)]
pub struct NotTheSamePairs {
    /// The number of pairs of the second model.
    pub found: usize,
    /// The number of pairs of the first model.
    pub expected: usize,
}

impl Comparison {
    /// Compares `pairs` with `others`: the same pairs with another model's distances. `names` are the two models'.
    ///
    /// Every draw of people is applied to both, so what makes pairs hard for both cancels out.
    ///
    /// # Errors
    /// When the two are not the same pairs of people in the same folds.
    pub fn of(
        names: [&str; 2],
        pairs: &PersonPairs,
        others: &PersonPairs,
        bootstrap: &Bootstrap,
    ) -> Result<Self, NotTheSamePairs> {
        check_same(pairs, others)?;
        let (model, against) = (pairs.figures(&COMPARED).values, others.figures(&COMPARED).values);
        let draws = bootstrap.figures(|drawn| {
            let (first, second) = (pairs.figures_of(&COMPARED, drawn), others.figures_of(&COMPARED, drawn));
            let difference = |(first, second): (&Option<f64>, &Option<f64>)| Some((*first)? - (*second)?);
            first.values.iter().zip(&second.values).map(difference).collect::<Vec<_>>()
        });
        let figures = (0..COMPARED.len()).map(|at| {
            let column: Vec<Option<f64>> = draws.iter().map(|figures| figures[at]).collect();
            Difference::of(&COMPARED[at], model[at], against[at], &column)
        });
        Ok(Self {
            model: names[0].into(),
            against: names[1].into(),
            pairs: pairs.pairs().len() as u64,
            people: bootstrap.identities(),
            draws: bootstrap.draws(),
            figures: figures.collect(),
        })
    }
}

impl Difference {
    fn of(figure: &Figure, model: Option<f64>, against: Option<f64>, draws: &[Option<f64>]) -> Self {
        let difference = model.zip(against).map(|(model, against)| model - against);
        let interval = difference.and_then(|_| Interval::of(draws));
        let verdict = match interval {
            None => Verdict::NotMeasurable,
            Some(interval) if interval.contains(0.0) => Verdict::NoDifferenceShown,
            Some(interval) if (interval.low > 0.0) != figure.lower_is_better() => Verdict::Better,
            Some(_) => Verdict::Worse,
        };
        Self { figure: figure.name(), model, against, difference, interval, verdict }
    }
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDifferenceShown => "no difference shown",
            Self::NotMeasurable => "not measurable",
        }
    }
}

fn check_same(pairs: &PersonPairs, others: &PersonPairs) -> Result<(), NotTheSamePairs> {
    let who = |pairs: &PersonPairs| {
        let mut who: Vec<_> = pairs.pairs().iter().map(|pair| (pair.fold, pair.people)).collect();
        who.sort_unstable();
        who
    };
    if pairs.people() == others.people() && who(pairs) == who(others) {
        return Ok(());
    }
    Err(NotTheSamePairs { found: others.pairs().len(), expected: pairs.pairs().len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weighted::oracle::pair;

    /// 60 people in a ring: genuine pairs at `genuine`, impostor pairs at 1.0, a few of which `near` pulls in.
    fn ring(genuine: f32, near: u32) -> PersonPairs {
        let own = (0..60).map(|person| pair(genuine, person, person));
        let next =
            (0..60).map(|person| pair(if person < near { 0.25 } else { 1.0 }, person, (person + 1) % 60));
        PersonPairs::new(own.chain(next).collect(), 60).unwrap()
    }

    fn compared(pairs: &PersonPairs, others: &PersonPairs) -> Vec<(String, Verdict)> {
        let comparison = Comparison::of(["a", "b"], pairs, others, &Bootstrap::new(60, 200, 1)).unwrap();
        comparison.figures.into_iter().map(|figure| (figure.figure, figure.verdict)).collect()
    }

    #[test]
    fn a_model_is_no_better_than_itself() {
        let pairs = ring(0.5, 0);
        let comparison = Comparison::of(["a", "a"], &pairs, &pairs, &Bootstrap::new(60, 100, 1)).unwrap();
        for figure in comparison.figures.iter().filter(|figure| figure.difference.is_some()) {
            assert_eq!(
                (figure.difference, figure.verdict),
                (Some(0.0), Verdict::NoDifferenceShown),
                "{figure:?}"
            );
            assert_eq!(figure.interval, Some(Interval { low: 0.0, high: 0.0 }));
        }
    }

    #[test]
    fn a_clearly_better_model_is_better_by_each_figure_also_where_less_is_more() {
        let (good, bad) = (ring(0.5, 0), ring(2.0, 0));
        let verdicts = compared(&good, &bad);
        assert!(verdicts.contains(&("AUC".into(), Verdict::Better)), "{verdicts:?}");
        assert!(verdicts.contains(&("EER".into(), Verdict::Better)), "{verdicts:?}");
        let verdicts = compared(&bad, &good);
        assert!(verdicts.contains(&("AUC".into(), Verdict::Worse)), "{verdicts:?}");
        assert!(verdicts.contains(&("EER".into(), Verdict::Worse)), "{verdicts:?}");
    }

    #[test]
    fn one_pair_of_sixty_shows_no_difference() {
        let verdicts = compared(&ring(0.5, 0), &ring(0.5, 1));
        assert!(verdicts.contains(&("AUC".into(), Verdict::NoDifferenceShown)), "{verdicts:?}");
    }

    #[test]
    fn what_the_pairs_cannot_measure_is_not_judged() {
        let verdicts = compared(&ring(0.5, 0), &ring(2.0, 0));
        for (figure, expected) in
            [("accuracy", Verdict::NotMeasurable), ("VAL @ FAR 1e-2", Verdict::NotMeasurable)]
        {
            assert!(verdicts.contains(&(figure.into(), expected)), "one fold, 60 impostors: {verdicts:?}");
        }
    }

    #[test]
    fn other_pairs_are_refused() {
        let fewer = PersonPairs::new(vec![pair(0.5, 0, 0)], 60).unwrap();
        let error = Comparison::of(["a", "b"], &ring(0.5, 0), &fewer, &Bootstrap::new(60, 1, 1)).unwrap_err();
        assert_eq!(error, NotTheSamePairs { found: 1, expected: 120 });
    }
}
