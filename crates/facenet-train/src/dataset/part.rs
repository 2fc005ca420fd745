//! A random part of a data set.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Entry;

/// A random part of the training data, always the same one: for experiments on how much data is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartConfig {
    /// How many images; all, if there are not as many.
    pub images: usize,
    /// What is drawn.
    #[serde(default)]
    pub by: PartBy,
    /// The seed of the draw. Of one seed, a smaller part lies within every larger one.
    #[serde(default)]
    pub seed: u64,
}

/// What a part of a data set is drawn by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartBy {
    /// Images: of most people some are left, of many a single one, which has no positive.
    #[default]
    Images,
    /// Whole people, with all their images, until there are enough images; of the last one only some.
    People,
}

impl PartConfig {
    /// The entries of the part, in the order of `entries`, which are sorted by person.
    pub(super) fn of(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let count = self.images.min(entries.len());
        let order: Vec<usize> = match self.by {
            PartBy::Images => index::sample(&mut rng, entries.len(), entries.len()).into_vec(),
            PartBy::People => {
                let mut people: Vec<Vec<usize>> = Vec::new();
                for (i, entry) in entries.iter().enumerate() {
                    match people.last_mut() {
                        Some(last) if entries[last[0]].identity == entry.identity => last.push(i),
                        _ => people.push(vec![i]),
                    }
                }
                people.shuffle(&mut rng);
                people.into_iter().flatten().collect()
            }
        };
        let kept: BTreeSet<usize> = order.into_iter().take(count).collect();
        entries.into_iter().enumerate().filter_map(|(i, entry)| kept.contains(&i).then_some(entry)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    /// Ten people; the person `n` has `n + 1` images.
    fn entries() -> Vec<Entry> {
        let image = |person: usize, image: usize| Entry {
            identity: format!("p{person}"),
            name: format!("{image}.png"),
            bytes: 0,
            place: Place::File(format!("p{person}/{image}.png").into()),
        };
        (0..10).flat_map(|person| (0..=person).map(move |i| image(person, i))).collect()
    }

    fn names(part: PartConfig) -> BTreeSet<String> {
        let names: Vec<String> =
            part.of(entries()).iter().map(|entry| format!("{}/{}", entry.identity, entry.name)).collect();
        assert!(names.is_sorted(), "the order stays");
        names.into_iter().collect()
    }

    #[test]
    fn a_part_has_as_many_images_as_were_asked_for_or_all() {
        for by in [PartBy::Images, PartBy::People] {
            for (images, expected) in [(1, 1), (30, 30), (55, 55), (1000, 55)] {
                assert_eq!(names(PartConfig { images, by, seed: 3 }).len(), expected, "{by:?} {images}");
            }
        }
    }

    #[test]
    fn one_seed_draws_one_part_and_smaller_ones_lie_within() {
        for by in [PartBy::Images, PartBy::People] {
            let draw = |images, seed| names(PartConfig { images, by, seed });
            assert_eq!(draw(20, 1), draw(20, 1));
            assert_ne!(draw(20, 1), draw(20, 2));
            assert!(draw(20, 1).is_subset(&draw(40, 1)), "{by:?}");
        }
    }

    #[test]
    fn by_people_everybody_but_one_is_whole() {
        let mut left = std::collections::BTreeMap::<String, usize>::new();
        for entry in (PartConfig { images: 20, by: PartBy::People, seed: 5 }).of(entries()) {
            *left.entry(entry.identity).or_default() += 1;
        }
        let partial =
            |(person, images): (&String, &usize)| person[1..].parse::<usize>().unwrap() + 1 != *images;
        assert!(left.iter().filter(|&entry| partial(entry)).count() <= 1, "{left:?}");
    }
}
