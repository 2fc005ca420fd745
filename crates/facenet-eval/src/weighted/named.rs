//! Pairs of a file, with the names of their people.

use std::collections::BTreeMap;

use facenet_core::Distance;

use super::{PersonPair, PersonPairs};
use crate::{ImageRef, Pair, PairsFile};

/// A pair of a file with its distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamedPair<'a> {
    /// The pair.
    pub pair: &'a Pair,
    /// The fold it stands in, from 0.
    pub fold: u32,
    /// The distance of its two embeddings.
    pub distance: Distance,
}

/// Numbers for people, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleNumbers<'a>(BTreeMap<&'a str, u32>);

impl PairsFile {
    /// The pairs that `distance` gives a distance for, in the file's order.
    pub fn named<'a>(
        &'a self,
        mut distance: impl FnMut(&ImageRef, &ImageRef) -> Option<Distance>,
    ) -> Vec<NamedPair<'a>> {
        let folds = (0..).zip(&self.folds);
        let pairs = folds.flat_map(|(fold, pairs)| pairs.iter().map(move |pair| (fold, pair)));
        pairs
            .filter_map(|(fold, pair)| {
                let distance = distance(&pair.left, &pair.right)?;
                Some(NamedPair { pair, fold, distance })
            })
            .collect()
    }
}

impl<'a> PeopleNumbers<'a> {
    /// Numbers the people of `pairs` from 0.
    pub fn of(pairs: &[NamedPair<'a>]) -> Self {
        let names = pairs.iter().flat_map(|named| [named.pair.left.person(), named.pair.right.person()]);
        let mut numbers: BTreeMap<&str, u32> = names.map(|name| (name, 0)).collect();
        numbers.values_mut().zip(0..).for_each(|(number, next)| *number = next);
        Self(numbers)
    }

    /// The number of people.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `pairs` with numbers for names.
    ///
    /// # Panics
    /// When a pair names a person who has no number.
    pub fn pairs<'b>(&self, pairs: impl IntoIterator<Item = &'b NamedPair<'b>>) -> PersonPairs {
        let number = |image: &ImageRef| self.0[image.person()];
        let person_pair = |named: &NamedPair<'_>| PersonPair {
            distance: named.distance,
            people: [number(&named.pair.left), number(&named.pair.right)],
            fold: named.fold,
        };
        let pairs = pairs.into_iter().map(person_pair).collect();
        PersonPairs::new(pairs, self.len()).expect("every number is below the number of people")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `text` with the distances in turn.
    pub(crate) fn named<'a>(file: &'a PairsFile, distances: &[f32]) -> Vec<NamedPair<'a>> {
        let mut distances = distances.iter();
        file.named(|_, _| Distance::new(*distances.next()?).ok())
    }

    #[test]
    fn people_are_numbered_by_name_and_pairs_without_distance_left_out() {
        let text = "2 1\nzoe 1 2\nzoe 1 bob 1\nada 1 2\nada 2 dan 1\n";
        let file = PairsFile::parse(text, "pairs.txt".as_ref()).unwrap();
        let pairs = named(&file, &[0.5, 2.0, 0.25]);
        let numbers = PeopleNumbers::of(&pairs);
        assert_eq!((pairs.len(), numbers.len()), (3, 3));
        let numbered: Vec<_> =
            numbers.pairs(&pairs).pairs().iter().map(|pair| (pair.people, pair.fold)).collect();
        assert_eq!(numbered, [([0, 0], 1), ([2, 2], 0), ([2, 1], 0)]); // nearest first
        assert!(PeopleNumbers::of(&[]).is_empty());
    }
}
