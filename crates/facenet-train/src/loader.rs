//! Batches, decoded and augmented ahead of the training on threads of their own.

mod ahead;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use facenet::network::Shape;
use facenet::{ChipCutter, preprocess};
use facenet_core::RgbImage;
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::dataset::{Dataset, ImageId};
use crate::sampler::{BatchPlan, Item, Sampler};
use ahead::Ahead;
pub use ahead::LoadError;

/// How far and on how many threads batches are prepared. It changes no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Threads, each with a batch of its own. The default, 2, prepares some 1,000 faces a second of 64 pixels
    /// from WebP files and some 4,000 from memory, on two cores that also train: more than they train on. For
    /// a GPU take as many as there are cores.
    pub workers: NonZeroUsize,
    /// The most batches that are being prepared or wait, in all. The default, 4, evens out slow ones; each
    /// batch of 320 faces of 64 pixels takes 15 MiB.
    pub ahead: NonZeroUsize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            workers: const { NonZeroUsize::new(2).unwrap() },
            ahead: const { NonZeroUsize::new(4).unwrap() },
        }
    }
}

/// What batches are made from: data, plan, augmentation. A batch is a function of these and its step.
#[derive(Debug, Clone)]
pub struct BatchSource {
    /// Where the images are.
    pub dataset: Arc<Dataset>,
    /// Which of them make a batch; made from the counts of the same dataset.
    pub sampler: Sampler,
    /// How they become chips.
    pub augment: Augment,
}

/// A batch, ready for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBatch {
    /// Which step it is for.
    pub step: u64,
    /// The chips, `[batch, 3, edge, edge]`, as [`facenet::preprocess`] writes them.
    pub images: Vec<f32>,
    /// Whose they are, `[batch]`: positions in [`Dataset::identities`].
    pub labels: Vec<u32>,
    /// Which images they are, `[batch]`.
    pub ids: Vec<ImageId>,
    /// How many planned images could not be read. For each, another image of the same person stands in, if
    /// there is one; without, the batch is smaller, and who has one face left in it serves as a negative.
    pub skipped: usize,
}

impl BatchSource {
    /// Reads, decodes, augments and preprocesses the batch of a step.
    pub fn load(&self, step: u64) -> LoadedBatch {
        let plan = self.sampler.batch(step);
        let planned = plan.items.len();
        let (readable, skipped) = self.readable(plan);

        let edge = self.augment.edge_px() as usize;
        let input = Shape { channels: 3, height: edge, width: edge };
        let mut batch = LoadedBatch {
            step,
            images: vec![0.0; readable.len() * input.len()],
            labels: Vec::with_capacity(planned),
            ids: Vec::with_capacity(planned),
            skipped,
        };
        let mut cutter = ChipCutter::new();
        for ((item, image), out) in readable.iter().zip(batch.images.chunks_exact_mut(input.len())) {
            let chip = self.augment.chip(&mut cutter, image, item.augment_seed);
            let chip = chip.expect("every part that is seen of an image of MIN_EDGE_PX has a pixel");
            preprocess(&chip, input, out);
            batch.labels.push(item.identity);
            batch.ids.push(item.image);
        }
        batch
    }

    /// The decoded images of a plan, in its order, and how many of those planned are unreadable.
    fn readable(&self, plan: BatchPlan) -> (Vec<(Item, Arc<RgbImage>)>, usize) {
        let mut taken: HashSet<ImageId> = plan.items.iter().map(|item| item.image).collect();
        let mut skipped = 0;
        let read = |item: Item| match self.dataset.image(item.image) {
            Ok(image) => Some((item, image)),
            Err(_) => {
                skipped += 1; // the dataset keeps the error
                self.stand_in(item, &mut taken)
            }
        };
        let images = plan.items.into_iter().filter_map(read).collect();
        (images, skipped)
    }

    /// The next image of the same person that is readable and not in the batch yet; after the last one comes
    /// the first.
    fn stand_in(&self, item: Item, taken: &mut HashSet<ImageId>) -> Option<(Item, Arc<RgbImage>)> {
        let images = &self.dataset.identities()[item.identity as usize].images;
        (item.image.0 + 1..images.end).chain(images.start..item.image.0).map(ImageId).find_map(|other| {
            if taken.contains(&other) {
                return None;
            }
            let image = self.dataset.image(other).ok()?;
            taken.insert(other);
            Some((Item { image: other, ..item }, image))
        })
    }
}

/// Prepares batches ahead and gives them in the order of their steps. Dropping it stops its threads and waits
/// for them, at most for the batches in their hands.
#[derive(Debug)]
pub struct Loader(Ahead<LoadedBatch>);

impl Loader {
    /// Starts the threads, with the batch of `first_step` first.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(source: BatchSource, first_step: u64, config: LoaderConfig) -> std::io::Result<Self> {
        Ahead::start(move |step| source.load(step), first_step, config.workers, config.ahead).map(Self)
    }

    /// The batch of the next step; waits until it is ready. There is always a next one.
    ///
    /// # Errors
    /// When its thread has panicked, and from then on.
    #[expect(clippy::should_implement_trait, reason = "an iterator would have to end")]
    pub fn next(&mut self) -> Result<LoadedBatch, LoadError> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use facenet_core::Preprocessing;
    use tempfile::TempDir;

    use super::*;
    use crate::augment::AugmentConfig;
    use crate::dataset::tests::{folder_of, png};
    use crate::sampler::{Draw, SamplerConfig};

    /// Twelve people with 1 to 4 images of 20 pixels, where `broken` are cut off.
    fn people(broken: &[&str]) -> TempDir {
        let mut files = Vec::new();
        for person in 0..12u8 {
            for image in 0..=person % 4 {
                let name = format!("p{person:02}/{image}.png");
                let mut bytes = png(20, person * 16 + image);
                if broken.contains(&name.as_str()) {
                    bytes.truncate(30);
                }
                files.push((name, bytes));
            }
        }
        folder_of(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
    }

    fn source(folder: &TempDir, config: AugmentConfig, cache_mib: usize) -> BatchSource {
        let dataset = Dataset::open(folder.path()).unwrap().cached_up_to(cache_mib);
        let sampler = SamplerConfig { identities: 5, faces: 3, negatives: 4, draw: Draw::Uniform };
        let sampler = Sampler::new(&dataset.image_counts(), sampler, 11).unwrap();
        let augment = Augment::new(config, Preprocessing { version: 1, edge_px: 16, field: 0.875 }).unwrap();
        BatchSource { dataset: Arc::new(dataset), sampler, augment }
    }

    fn config(workers: usize, ahead: usize) -> LoaderConfig {
        let some = |n| NonZeroUsize::new(n).unwrap();
        LoaderConfig { workers: some(workers), ahead: some(ahead) }
    }

    #[test]
    fn neither_threads_nor_cache_change_a_bit_of_any_batch() {
        let folder = people(&["p03/1.png", "p07/0.png"]);
        let of = |workers, ahead, cache_mib| -> Vec<LoadedBatch> {
            let source = source(&folder, AugmentConfig::default(), cache_mib);
            let mut loader = Loader::start(source, 0, config(workers, ahead)).unwrap();
            (0..12).map(|_| loader.next().unwrap()).collect()
        };
        let expected = of(1, 1, 0);
        assert!(expected.iter().any(|batch| batch.skipped > 0));
        assert!(expected.iter().map(|batch| batch.step).eq(0..12));
        for (workers, ahead, cache_mib) in [(1, 4, 1), (3, 2, 0), (4, 8, 1)] {
            assert_eq!(of(workers, ahead, cache_mib), expected, "{workers} workers, {ahead} ahead");
        }
    }

    #[test]
    fn a_loader_that_starts_later_gives_the_batches_of_one_that_started_at_zero() {
        let folder = people(&[]);
        let from =
            |first| Loader::start(source(&folder, AugmentConfig::default(), 1), first, config(2, 3)).unwrap();
        let mut whole = from(0);
        let whole: Vec<LoadedBatch> = (0..6).map(|_| whole.next().unwrap()).collect();
        let mut resumed = from(4);
        assert_eq!([resumed.next().unwrap(), resumed.next().unwrap()], whole[4..]);
    }

    #[test]
    fn a_batch_holds_the_chips_of_its_plan_under_their_labels() {
        let folder = people(&[]);
        let source = source(&folder, AugmentConfig::NONE, 0);
        let batch = source.load(3);
        let plan = source.sampler.batch(3).items;
        assert!(plan.iter().map(|item| item.image).eq(batch.ids.iter().copied()));
        assert!(plan.iter().map(|item| item.identity).eq(batch.labels.iter().copied()));
        assert_eq!((batch.images.len(), batch.skipped), (plan.len() * 3 * 16 * 16, 0));
        for (item, chip) in plan.iter().zip(batch.images.chunks_exact(3 * 16 * 16)) {
            // The red channel of person p and image i is 16 p + i everywhere.
            let image = item.image.0 - source.dataset.identities()[item.identity as usize].images.start;
            let red = ((item.identity * 16 + image) as f32 - 127.5) / 128.0;
            assert!(chip[..256].iter().all(|&v| v == red), "{item:?}");
        }
    }

    #[test]
    fn for_an_unreadable_image_another_of_the_same_person_stands_in() {
        // Each person's batch is all images but one, so with one of four broken the fourth stands in.
        let folder = people(&["p03/2.png"]);
        let source = source(&folder, AugmentConfig::NONE, 0);
        let id =
            |name: &str| (0..30).map(ImageId).find(|id| source.dataset.place(*id).ends_with(name)).unwrap();
        let broken = id("p03/2.png");
        let is_drawn =
            |step: &u64| source.sampler.batch(*step).items[..15].iter().any(|item| item.image == broken);
        let step = (0..100).find(is_drawn).unwrap();

        let batch = source.load(step);
        let images_of_it = batch.labels.iter().filter(|&&label| label == 3).count();
        assert_eq!((images_of_it, batch.skipped), (3, 1));
        assert!(!batch.ids.contains(&broken));
        assert_eq!(batch.ids.iter().collect::<HashSet<_>>().len(), batch.ids.len());
        let place = source.dataset.take_unreadable().remove(0).place;
        assert!(place.ends_with("p03/2.png"), "{place}");
    }

    #[test]
    fn without_another_image_the_batch_is_smaller_and_the_rest_still_under_its_labels() {
        let folder = people(&["p01/0.png", "p02/0.png", "p02/1.png"]);
        let source = source(&folder, AugmentConfig::NONE, 0);
        for step in 0..30 {
            let batch = source.load(step);
            let plan = source.sampler.batch(step).items;
            let mut planned: BTreeMap<u32, usize> = BTreeMap::new();
            plan.iter().for_each(|item| *planned.entry(item.identity).or_default() += 1);
            for (identity, count) in planned {
                let readable = match identity {
                    1 | 2 => 1, // of two and of three
                    _ => 4,
                };
                let found = batch.labels.iter().filter(|&&label| label == identity).count();
                assert_eq!(found, count.min(readable), "step {step}, identity {identity}");
            }
        }
    }
}
