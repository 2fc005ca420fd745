//! The part of a data set that triplets are mined from.

use rand::SeedableRng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;

use super::OfflineConfig;
use crate::dataset::{Identity, ImageId};

/// Images of random people, person by person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subset {
    /// The images; no image twice.
    pub images: Vec<ImageId>,
    /// Whose they are: the number of each image's identity.
    pub labels: Vec<u32>,
}

impl Subset {
    /// Draws the subset of a `step`: people in random order, of each up to `config.faces` random images that
    /// `usable` lets pass, until there are `config.images`; the last person may be cut short.
    ///
    /// Whole people rather than single images, since an image without another of its person has no positive.
    /// The same arguments give the same subset.
    pub fn draw(
        identities: &[Identity],
        config: &OfflineConfig,
        usable: impl Fn(ImageId) -> bool,
        seed: u64,
        step: u64,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A stream for each step; the highest bit keeps them apart from streams numbered by batch.
        rng.set_stream(step | 1 << 63);
        let mut people: Vec<usize> = (0..identities.len()).collect();
        people.shuffle(&mut rng);
        let mut subset = Self::default();
        for person in people {
            let room = config.images - subset.images.len();
            if room == 0 {
                break;
            }
            let images: Vec<u32> =
                identities[person].images.clone().filter(|&i| usable(ImageId(i))).collect();
            let count = images.len().min(config.faces);
            let drawn = index::sample(&mut rng, images.len(), count).into_iter().take(room);
            subset.images.extend(drawn.map(|i| ImageId(images[i])));
            subset.labels.resize(subset.images.len(), person as u32);
        }
        subset
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn people(counts: &[u32]) -> Vec<Identity> {
        let mut start = 0;
        let person = |(i, &count): (usize, &u32)| {
            let images = start..start + count;
            start += count;
            Identity { name: i.to_string(), images }
        };
        counts.iter().enumerate().map(person).collect()
    }

    fn config(images: usize, faces: usize) -> OfflineConfig {
        OfflineConfig { images, faces, ..OfflineConfig::default() }
    }

    #[test]
    fn another_step_or_seed_draws_other_images() {
        let people = people(&[5; 40]);
        let draw = |seed, step| Subset::draw(&people, &config(50, 4), |_| true, seed, step);
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7), draw(1, 8));
        assert_ne!(draw(1, 7), draw(2, 7));
    }

    #[test]
    fn images_that_are_not_usable_are_left_out() {
        let subset = Subset::draw(&people(&[3, 3]), &config(10, 9), |id| id.0 != 1, 1, 1);
        let images: BTreeSet<u32> = subset.images.iter().map(|id| id.0).collect();
        assert_eq!(images, BTreeSet::from([0, 2, 3, 4, 5]));
    }

    #[test]
    fn no_people_and_no_room_give_nothing() {
        assert_eq!(Subset::draw(&[], &config(10, 9), |_| true, 1, 1), Subset::default());
        assert_eq!(Subset::draw(&people(&[3]), &config(0, 9), |_| true, 1, 1), Subset::default());
    }

    proptest! {
        #[test]
        fn a_subset_has_its_size_and_nobody_too_many_faces_and_no_image_twice(
            counts in prop::collection::vec(1u32..12, 1..20),
            images in 1usize..80,
            faces in 2usize..8,
            seed: u64,
            step: u64,
        ) {
            let people = people(&counts);
            let subset = Subset::draw(&people, &config(images, faces), |_| true, seed, step);
            let available: usize = counts.iter().map(|&c| faces.min(c as usize)).sum();
            prop_assert_eq!(subset.images.len(), images.min(available));
            prop_assert_eq!(subset.images.iter().collect::<BTreeSet<_>>().len(), subset.images.len());
            for (image, &label) in subset.images.iter().zip(&subset.labels) {
                prop_assert!(people[label as usize].images.contains(&image.0));
                prop_assert!(subset.labels.iter().filter(|&&l| l == label).count() <= faces);
            }
        }
    }
}
