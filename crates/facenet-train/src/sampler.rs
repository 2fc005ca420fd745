//! Which faces make a batch: some people with several faces each, and faces of others as negatives
//! (Schroff et al. 2015, §3.2).

use std::ops::Range;

use rand::seq::{SliceRandom, index};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::dataset::ImageId;

/// What a batch is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplerConfig {
    /// People with several faces, at least 2.
    pub identities: usize,
    /// Faces of each of them, at least 2; who has fewer gives all, and always at least 2.
    pub faces: usize,
    /// Faces of other people, drawn from all their images; fewer if there are not as many.
    pub negatives: usize,
    /// How often a person is drawn.
    pub draw: Draw,
}

impl Default for SamplerConfig {
    /// 64 people x 4 faces + 64 negatives: 320 faces.
    ///
    /// The paper's batch has about 1,800 faces, about 40 of a person, from millions of people with many
    /// images each. Public sets are flat: of those this was chosen on, half of the people have at most 4
    /// images and a tenth more than 20. There, more faces of a person would only be had from few people, and
    /// for a given cost of a batch more people mean more, and nearer, negatives. The number of random
    /// negatives is not in the paper; here they are a fifth, since they cost as much as the others and give
    /// no positive pairs, but are the only way in which people with a single image take part.
    fn default() -> Self {
        Self { identities: 64, faces: 4, negatives: 64, draw: Draw::Uniform }
    }
}

/// How often a person is drawn as one of the `identities` of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Draw {
    /// All people with two images or more are seen in a shuffled order, pass after pass; the last batch of a
    /// pass is filled up with the first people of the same order. An image of a person with many is seen less
    /// often.
    Uniform,
    /// Each batch is drawn anew, a person with probability proportional to the square root of the number of
    /// images: half way between the same chance for each person and the same chance for each image.
    SqrtImages,
}

/// Draws batches. It has no state: a batch is a function of the seed and its step, so a resumed run goes on
/// with the same batches, and any number of threads may draw them in any order.
#[derive(Debug, Clone)]
pub struct Sampler {
    config: SamplerConfig,
    seed: u64,
    /// The images of each identity.
    images: Vec<Range<u32>>,
    /// The identities with two images or more.
    drawn: Vec<u32>,
}

/// The faces of a batch: first the drawn people, one after the other, then the negatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPlan {
    /// The faces; no image twice.
    pub items: Vec<Item>,
}

/// A face of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The image.
    pub image: ImageId,
    /// Whose it is: the label in the loss. Negatives have their own, like all others.
    pub identity: u32,
    /// What its augmentation is drawn from.
    pub augment_seed: u64,
}

/// Why no batch can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// One person has no negatives.
    #[error("a batch of {0} people was asked for, but expected at least 2")]
    TooFewIdentities(usize),
    /// One face has no positive.
    #[error("{0} faces of each person were asked for, but expected at least 2")]
    TooFewFaces(usize),
    /// Nobody has so many.
    #[error(
        "{wanted} faces of each person were asked for, but nobody has more than {most}\nhint: set `batch.faces` to {most} \
         or less"
    )]
    NotEnoughFaces {
        /// How many each should give.
        wanted: usize,
        /// The most images of one person.
        most: usize,
    },
    /// The data have fewer people.
    #[error("a batch of {wanted} people was asked for, but only {found} have two images or more")]
    NotEnoughIdentities {
        /// How many a batch should have.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
}

impl Sampler {
    /// A sampler over people with `image_counts` images each, as [`Dataset::image_counts`] gives them.
    ///
    /// # Errors
    /// When a batch should have fewer than two people, fewer than two faces of each, more people than there are
    /// with two images, or more faces of each than anybody has.
    ///
    /// [`Dataset::image_counts`]: crate::Dataset::image_counts
    pub fn new(image_counts: &[u32], config: SamplerConfig, seed: u64) -> Result<Self, SamplerError> {
        let starts = image_counts.iter().scan(0, |next, count| {
            *next += count;
            Some(*next - count)
        });
        let images: Vec<Range<u32>> =
            starts.zip(image_counts).map(|(start, count)| start..start + count).collect();
        let drawn: Vec<u32> =
            (0..).zip(image_counts).filter(|(_, count)| **count >= 2).map(|(i, _)| i).collect();
        match config {
            SamplerConfig { identities: wanted @ ..2, .. } => Err(SamplerError::TooFewIdentities(wanted)),
            SamplerConfig { faces: wanted @ ..2, .. } => Err(SamplerError::TooFewFaces(wanted)),
            SamplerConfig { identities: wanted, .. } if wanted > drawn.len() => {
                Err(SamplerError::NotEnoughIdentities { wanted, found: drawn.len() })
            }
            SamplerConfig { faces: wanted, .. } if images.iter().all(|images| images.len() < wanted) => {
                let most = images.iter().map(Range::len).max().unwrap_or(0);
                Err(SamplerError::NotEnoughFaces { wanted, most })
            }
            _ => Ok(Self { config, seed, images, drawn }),
        }
    }

    /// How many batches show every person with two images once ([`Draw::Uniform`]), or as many people in all.
    pub fn steps_per_pass(&self) -> u64 {
        self.drawn.len().div_ceil(self.config.identities) as u64
    }

    /// The most faces that a batch can have.
    pub fn max_batch(&self) -> usize {
        self.config.identities * self.config.faces + self.config.negatives
    }

    /// The batch of a step.
    pub fn batch(&self, step: u64) -> BatchPlan {
        let mut rng = self.rng(Stream::Batch(step));
        let mut identities = match self.config.draw {
            Draw::Uniform => self.of_the_pass(step),
            Draw::SqrtImages => self.by_images(&mut rng),
        };
        let mut items = Vec::with_capacity(self.max_batch());
        for &identity in &identities {
            let images = &self.images[identity as usize];
            for picked in index::sample(&mut rng, images.len(), self.config.faces.min(images.len())) {
                items.push(Item {
                    image: ImageId(images.start + picked as u32),
                    identity,
                    augment_seed: rng.random(),
                });
            }
        }
        identities.sort_unstable();
        self.add_negatives(&identities, &mut rng, &mut items);
        BatchPlan { items }
    }

    /// The people of a step of a pass. There are at least as many as a batch needs, so none comes twice.
    fn of_the_pass(&self, step: u64) -> Vec<u32> {
        let mut order = self.drawn.clone();
        order.shuffle(&mut self.rng(Stream::Pass(step / self.steps_per_pass())));
        let first = (step % self.steps_per_pass()) as usize * self.config.identities;
        order.iter().cycle().skip(first).take(self.config.identities).copied().collect()
    }

    /// Weighted drawing without replacement (Efraimidis and Spirakis 2006): each person waits an exponential
    /// time with its weight as rate, and the first ones are taken.
    fn by_images(&self, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let mut waits: Vec<(f64, u32)> = self
            .drawn
            .iter()
            .map(|&identity| {
                let weight = (self.images[identity as usize].len() as f64).sqrt();
                (-(1.0 - rng.random::<f64>()).ln() / weight, identity) // 1 - [0, 1): never the logarithm of 0
            })
            .collect();
        waits.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        waits.truncate(self.config.identities);
        waits.into_iter().map(|(_, identity)| identity).collect()
    }

    /// Adds random images of all people but `sorted`.
    fn add_negatives(&self, sorted: &[u32], rng: &mut ChaCha8Rng, items: &mut Vec<Item>) {
        let total = self.images.last().map_or(0, |images| images.end);
        let others = total as usize - sorted.iter().map(|&i| self.images[i as usize].len()).sum::<usize>();
        for picked in index::sample(rng, others, self.config.negatives.min(others)) {
            // From a position among the others' images to one among all: step over the ranges before it.
            let mut image = picked as u32;
            for excluded in sorted.iter().map(|&i| &self.images[i as usize]) {
                if image >= excluded.start {
                    image += excluded.len() as u32;
                }
            }
            let identity = self.images.partition_point(|images| images.end <= image) as u32;
            items.push(Item { image: ImageId(image), identity, augment_seed: rng.random() });
        }
    }

    /// A generator of its own for each batch and each pass.
    fn rng(&self, stream: Stream) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(match stream {
            Stream::Pass(pass) => pass << 1,
            Stream::Batch(step) => step << 1 | 1,
        });
        rng
    }
}

#[derive(Clone, Copy)]
enum Stream {
    Pass(u64),
    Batch(u64),
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn config(identities: usize, faces: usize, negatives: usize) -> SamplerConfig {
        SamplerConfig { identities, faces, negatives, draw: Draw::Uniform }
    }

    fn faces_of_each(items: &[Item]) -> BTreeMap<u32, usize> {
        items.iter().fold(BTreeMap::new(), |mut faces, item| {
            *faces.entry(item.identity).or_default() += 1;
            faces
        })
    }

    #[test]
    fn a_batch_that_cannot_be_is_refused_with_both_numbers() {
        let error = |counts: &[u32], config| Sampler::new(counts, config, 0).unwrap_err();
        assert_eq!(error(&[5, 5], config(1, 2, 0)), SamplerError::TooFewIdentities(1));
        assert_eq!(error(&[5, 5], config(2, 1, 0)), SamplerError::TooFewFaces(1));
        let too_many = error(&[5, 1, 2, 1], config(3, 2, 0));
        assert_eq!(too_many, SamplerError::NotEnoughIdentities { wanted: 3, found: 2 });
        assert_eq!(
            too_many.to_string(),
            "a batch of 3 people was asked for, but only 2 have two images or more"
        );
        assert!(Sampler::new(&[5, 1, 2, 1], config(2, 2, 0), 0).is_ok());
    }

    #[test]
    fn a_pass_shows_everybody_with_two_images_once_and_fills_up_the_last_batch() {
        let sampler = Sampler::new(&[2, 1, 3, 2, 2, 9], config(2, 2, 0), 7).unwrap();
        assert_eq!(sampler.steps_per_pass(), 3); // five people
        for pass in 0..20 {
            let people: Vec<u32> = (0..3)
                .flat_map(|step| faces_of_each(&sampler.batch(pass * 3 + step).items).into_keys())
                .collect();
            assert_eq!(people.len(), 6);
            assert_eq!(people.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([0, 2, 3, 4, 5]));
        }
    }

    #[test]
    fn passes_have_different_orders_and_seeds_different_batches() {
        let with_seed = |seed| Sampler::new(&[2; 50], config(10, 2, 5), seed).unwrap();
        let sampler = with_seed(1);
        assert_ne!(sampler.of_the_pass(0), sampler.of_the_pass(5));
        assert_ne!(sampler.batch(0), with_seed(2).batch(0));
    }

    #[test]
    fn a_batch_is_a_function_of_seed_and_step() {
        for draw in [Draw::Uniform, Draw::SqrtImages] {
            let new = || Sampler::new(&[4; 30], SamplerConfig { draw, ..config(10, 3, 5) }, 3).unwrap();
            let forwards: Vec<BatchPlan> = (0..9).map(|step| new().batch(step)).collect();
            let sampler = new();
            let backwards: Vec<BatchPlan> = (0..9).rev().map(|step| sampler.batch(step)).collect();
            assert!(forwards.iter().eq(backwards.iter().rev()));
        }
    }

    #[test]
    fn a_batch_drawn_once_stays_the_same_through_releases() {
        let sampler = Sampler::new(&[2, 3, 1, 4], config(2, 2, 1), 42).unwrap();
        let images: Vec<u32> = sampler.batch(0).items.iter().map(|item| item.image.0).collect();
        assert_eq!(images, [7, 8, 2, 4, 5]);
    }

    #[test]
    fn the_square_root_rule_draws_who_has_four_times_the_images_twice_as_often() {
        // 200 people with 2 images, 200 with 8; two of them a batch: nearly independent draws.
        let counts: Vec<u32> = [[2; 200], [8; 200]].concat();
        let sampler =
            Sampler::new(&counts, SamplerConfig { draw: Draw::SqrtImages, ..config(2, 2, 0) }, 5).unwrap();
        let drawn = (0..3000).flat_map(|step| faces_of_each(&sampler.batch(step).items).into_keys());
        let many = drawn.filter(|&identity| identity >= 200).count();
        // Expected 4,000 of 6,000, standard deviation 37.
        assert!((3850..4150).contains(&many), "{many}");
    }

    #[test]
    fn negatives_are_drawn_evenly_from_all_images_of_the_others() {
        // Two people are in every batch, the others have 1 and 3 images.
        let sampler = Sampler::new(&[2, 1, 2, 3], config(3, 2, 1), 0).unwrap();
        let of_single =
            (0..200).filter(|&step| sampler.batch(step).items.last().unwrap().image == ImageId(2)).count();
        assert_eq!(of_single, 200); // the only image left
        let sampler = Sampler::new(&[2, 1, 2, 1, 1, 1], config(2, 2, 1), 0).unwrap();
        let mut times = [0; 8];
        (0..4000).for_each(|step| times[sampler.batch(step).items[4].image.0 as usize] += 1);
        // Expected 1,000 each of the single ones, standard deviation 27.
        let [_, _, single @ .., a, b, c] = times;
        assert_eq!(single, [single[0], 0, 0]);
        assert!([single[0], a, b, c].iter().all(|n| (890..1110).contains(n)), "{times:?}");
    }

    proptest! {
        #[test]
        fn every_batch_keeps_its_promises(
            counts in prop::collection::vec(1u32..9, 2..40),
            (identities, faces, negatives) in (2usize..8, 2usize..6, 0usize..20),
            draw in prop::sample::select(vec![Draw::Uniform, Draw::SqrtImages]),
            (seed, step) in (any::<u64>(), any::<u64>()),
        ) {
            let config = SamplerConfig { identities, faces, negatives, draw };
            let Ok(sampler) = Sampler::new(&counts, config, seed) else { return Ok(()) };
            let items = sampler.batch(step).items;
            let starts: Vec<u32> = counts.iter().scan(0, |s, c| { *s += c; Some(*s - c) }).collect();

            let images: BTreeSet<ImageId> = items.iter().map(|item| item.image).collect();
            prop_assert_eq!(images.len(), items.len(), "an image came twice");
            for item in &items {
                let (start, count) = (starts[item.identity as usize], counts[item.identity as usize]);
                prop_assert!((start..start + count).contains(&item.image.0), "a wrong label");
            }

            let of_drawn: usize = items
                .chunk_by(|a, b| a.identity == b.identity)
                .take(identities)
                .map(|faces_of_one| {
                    let expected = faces.min(counts[faces_of_one[0].identity as usize] as usize);
                    assert_eq!(faces_of_one.len(), expected);
                    expected
                })
                .sum();
            let people: BTreeSet<u32> = items[..of_drawn].iter().map(|item| item.identity).collect();
            prop_assert_eq!(people.len(), identities);
            let others: usize =
                (0..).zip(&counts).filter(|(i, _)| !people.contains(i)).map(|(_, c)| *c as usize).sum();
            prop_assert_eq!(items.len() - of_drawn, negatives.min(others));
            prop_assert!(items[of_drawn..].iter().all(|item| !people.contains(&item.identity)));
        }
    }
}
