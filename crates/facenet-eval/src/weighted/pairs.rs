//! Scored pairs that name their people.

use facenet_core::Distance;

use super::figures::Figures;
use crate::verification::Weighed;
use crate::{Estimate, Figure, Multiplicities};

/// A scored pair of two people, who are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonPair {
    /// The distance of the two embeddings.
    pub distance: Distance,
    /// The people of the two images: twice the same makes it a genuine pair.
    pub people: [u32; 2],
    /// The fold, from 0.
    pub fold: u32,
}

/// Scored pairs with their people; unlike [`ScoredPairs`](crate::ScoredPairs) they may lack a kind, or be none.
#[derive(Debug, Clone)]
pub struct PersonPairs {
    /// Nearest first; equal ones in the order they came.
    sorted: Vec<PersonPair>,
    people: usize,
    folds: u32,
}

/// A pair that names a person who is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pair {pair} names the person {person}, expected a number below {people}")]
pub struct NotPersonPairs {
    /// The pair, from 0.
    pub pair: usize,
    /// The number it names.
    pub person: u32,
    /// How many people there are.
    pub people: usize,
}

impl PersonPair {
    /// Whether both images show the same person.
    pub fn is_genuine(&self) -> bool {
        self.people[0] == self.people[1]
    }

    /// The fold, and the pair as often as its people were drawn; none if that is not at all.
    fn weighed(&self, drawn: &Multiplicities) -> Option<(u32, Weighed)> {
        let [left, right] = self.people;
        let weight = drawn.of_pair(left as usize, right as usize);
        let pair = Weighed { distance: self.distance, same: self.is_genuine(), weight };
        (weight > 0).then_some((self.fold, pair))
    }
}

impl PersonPairs {
    /// Takes pairs of `people` people in any order.
    ///
    /// # Errors
    /// When a pair names a person whose number is not below `people`.
    pub fn new(mut pairs: Vec<PersonPair>, people: usize) -> Result<Self, NotPersonPairs> {
        for (pair, &PersonPair { people: [left, right], .. }) in pairs.iter().enumerate() {
            let person = left.max(right);
            if person as usize >= people {
                return Err(NotPersonPairs { pair, person, people });
            }
        }
        pairs.sort_by_key(|pair| pair.distance);
        let folds = pairs.iter().map(|pair| pair.fold + 1).max().unwrap_or(0);
        Ok(Self { sorted: pairs, people, folds })
    }

    /// All pairs, nearest first.
    pub fn pairs(&self) -> &[PersonPair] {
        &self.sorted
    }

    /// The number of people that may be named.
    pub fn people(&self) -> usize {
        self.people
    }

    /// The number of genuine and of impostor pairs.
    pub fn counts(&self) -> (u64, u64) {
        let genuine = self.sorted.iter().filter(|pair| pair.is_genuine()).count() as u64;
        (genuine, self.sorted.len() as u64 - genuine)
    }

    /// The figures with everybody counting once.
    pub fn figures(&self, asked: &[Figure]) -> Figures {
        self.figures_of(asked, &Multiplicities::once(self.people))
    }

    /// The figures with people counting as often as they were `drawn`.
    ///
    /// # Panics
    /// When `drawn` is of other people.
    pub fn figures_of(&self, asked: &[Figure], drawn: &Multiplicities) -> Figures {
        let weighed: Vec<_> = self.sorted.iter().filter_map(|pair| pair.weighed(drawn)).collect();
        Figures::measure(asked, &weighed, self.folds)
    }

    /// Each figure with its interval, in the order of `asked`.
    pub fn estimates(&self, asked: &[Figure], bootstrap: &crate::Bootstrap) -> Vec<Estimate> {
        let values = self.figures(asked).values;
        let drawn = bootstrap.figures(|drawn| self.figures_of(asked, drawn).values);
        let enough = bootstrap.identities() > 1;
        let estimate = |(at, value): (usize, Option<f64>)| {
            let column: Vec<Option<f64>> = drawn.iter().map(|figures| figures[at]).collect();
            let interval = value.filter(|_| enough).and_then(|_| crate::Interval::of(&column));
            Estimate { value, interval }
        };
        values.into_iter().enumerate().map(estimate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bootstrap;
    use crate::weighted::oracle::pair;

    #[test]
    fn a_person_who_is_not_there_is_refused() {
        let error = PersonPairs::new(vec![pair(1.0, 0, 1), pair(1.0, 2, 1)], 2).unwrap_err();
        assert_eq!(error.to_string(), "pair 1 names the person 2, expected a number below 2");
    }

    #[test]
    fn no_pairs_have_no_figures() {
        let none = PersonPairs::new(Vec::new(), 0).unwrap();
        let asked = [Figure::Accuracy, Figure::Auc, Figure::Eer, Figure::ValAtFar(1.0)];
        assert_eq!(none.figures(&asked).values, [None; 4]);
        assert_eq!(none.estimates(&asked, &Bootstrap::new(0, 10, 1)), [Estimate::default(); 4]);
        assert_eq!(none.counts(), (0, 0));
    }

    #[test]
    fn perfect_distances_are_perfect_with_whomever_is_drawn() {
        let mut pairs: Vec<_> = (0..40).map(|person| pair(0.5, person, person)).collect();
        pairs.extend((0..40).map(|person| pair(2.0, person, (person + 1) % 40)));
        let pairs = PersonPairs::new(pairs, 40).unwrap();
        let [auc, eer] = pairs.estimates(&[Figure::Auc, Figure::Eer], &Bootstrap::new(40, 50, 1))[..] else {
            panic!("two were asked for")
        };
        assert_eq!(
            auc,
            Estimate { value: Some(1.0), interval: Some(crate::Interval { low: 1.0, high: 1.0 }) }
        );
        assert_eq!(
            eer,
            Estimate { value: Some(0.0), interval: Some(crate::Interval { low: 0.0, high: 0.0 }) }
        );
    }
}
