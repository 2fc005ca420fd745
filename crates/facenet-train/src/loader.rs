//! Batches, decoded and augmented ahead of the training on threads of their own.

mod ahead;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use facenet::ChipCutter;
use facenet_core::{Chip, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::dataset::{Dataset, ImageId};
use crate::miner::Triplet;
use crate::offline::{OfflineConfig, OfflinePool};
use crate::sampler::{BatchPlan, Item, Sampler};
pub(crate) use ahead::Ahead;
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
    /// Images that are not used, as if they could not be read.
    pub excluded: Arc<HashSet<ImageId>>,
    /// Triplets that some batches are made of; none, all are the sampler's.
    pub offline: Option<OfflineBatches>,
}

/// Batches made of triplets that were mined beforehand.
#[derive(Debug, Clone)]
pub struct OfflineBatches {
    /// The triplets.
    pub pool: Arc<OfflinePool>,
    /// How they are used.
    pub config: OfflineConfig,
    /// What decides which steps are theirs, in which order.
    pub seed: u64,
}

/// A batch, ready for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBatch {
    /// Which step it is for.
    pub step: u64,
    /// The augmented faces: bytes, a quarter of what the network's input takes.
    pub chips: Vec<Chip>,
    /// Whose they are, `[batch]`: positions in [`Dataset::identities`].
    pub labels: Vec<u32>,
    /// Which images they are, `[batch]`.
    pub ids: Vec<ImageId>,
    /// A seed of each face for what the network draws, `[batch]`.
    pub seeds: Vec<u64>,
    /// The triplets that the batch was made of, by its rows; none when it is to be mined.
    pub triplets: Option<Vec<Triplet>>,
    /// How many planned images could not be read. For each, another image of the same person stands in, if
    /// there is one; without, the batch is smaller, and who has one face left in it serves as a negative.
    pub skipped: usize,
}

impl BatchSource {
    /// Reads, decodes and augments the batch of a step.
    pub fn load(&self, step: u64) -> LoadedBatch {
        let (plan, triplets) =
            match self.offline.as_ref().and_then(|offline| offline.batch(step, &self.dataset)) {
                Some((plan, triplets)) => (plan, Some(triplets)),
                None => (self.sampler.batch(step), None),
            };
        let planned = plan.items.len();
        let (readable, skipped) = self.readable(plan);

        let mut batch = LoadedBatch {
            step,
            chips: Vec::with_capacity(planned),
            labels: Vec::with_capacity(planned),
            ids: Vec::with_capacity(planned),
            seeds: Vec::with_capacity(planned),
            triplets: triplets.map(|triplets| in_rows(&triplets, planned, &readable)),
            skipped,
        };
        let mut cutter = ChipCutter::new();
        for (_, item, image) in readable {
            let chip = self.augment.chip(&mut cutter, &image, item.augment_seed);
            batch.chips.push(chip.expect("every part that is seen of an image of MIN_EDGE_PX has a pixel"));
            batch.labels.push(item.identity);
            batch.ids.push(item.image);
            batch.seeds.push(item.augment_seed);
        }
        batch
    }

    /// The decoded images of a plan with their places in it, and how many of those planned are unreadable.
    fn readable(&self, plan: BatchPlan) -> (Vec<(usize, Item, Arc<RgbImage>)>, usize) {
        let mut taken: HashSet<ImageId> = plan.items.iter().map(|item| item.image).collect();
        let mut skipped = 0;
        let read = |(place, item): (usize, Item)| match self.image(item.image) {
            Some(image) => Some((place, item, image)),
            None => {
                skipped += 1; // the dataset keeps the error
                self.stand_in(item, &mut taken).map(|(item, image)| (place, item, image))
            }
        };
        let images = plan.items.into_iter().enumerate().filter_map(read).collect();
        (images, skipped)
    }

    /// A decoded image; none when it cannot be read or is not to be used.
    fn image(&self, image: ImageId) -> Option<Arc<RgbImage>> {
        if self.excluded.contains(&image) { None } else { self.dataset.image(image).ok() }
    }

    /// The next image of the same person that is readable and not in the batch yet; after the last one comes
    /// the first.
    fn stand_in(&self, item: Item, taken: &mut HashSet<ImageId>) -> Option<(Item, Arc<RgbImage>)> {
        let images = &self.dataset.identities()[item.identity as usize].images;
        (item.image.0 + 1..images.end).chain(images.start..item.image.0).map(ImageId).find_map(|other| {
            if taken.contains(&other) {
                return None;
            }
            let image = self.image(other)?;
            taken.insert(other);
            Some((Item { image: other, ..item }, image))
        })
    }
}

impl OfflineBatches {
    /// The faces of a step's batch, each image once, and its triplets by their places; none when the step is the
    /// sampler's.
    fn batch(&self, step: u64, dataset: &Dataset) -> Option<(BatchPlan, Vec<Triplet>)> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(step);
        if self.pool.is_empty() || rng.random::<f64>() >= self.config.share {
            return None;
        }
        let drawn = self.pool.batch(step, self.seed, self.config.batch);
        let mut places: HashMap<ImageId, u32> = HashMap::new();
        let mut items = Vec::new();
        for &image in &drawn {
            places.entry(image).or_insert_with(|| {
                let identity = dataset.identity_of(image);
                items.push(Item { image, identity, augment_seed: rng.random() });
                items.len() as u32 - 1
            });
        }
        let (triplets, _) = drawn.as_chunks::<3>();
        let triplet = |&[anchor, positive, negative]: &[ImageId; 3]| Triplet {
            anchor: places[&anchor],
            positive: places[&positive],
            negative: places[&negative],
        };
        let triplets = triplets.iter().map(triplet).collect();
        Some((BatchPlan { items }, triplets))
    }
}

/// Triplets of places in a plan as those of rows in the batch, without those that lost a face.
fn in_rows(triplets: &[Triplet], planned: usize, rows: &[(usize, Item, Arc<RgbImage>)]) -> Vec<Triplet> {
    let mut row_of = vec![None; planned];
    for (row, (place, ..)) in rows.iter().enumerate() {
        row_of[*place] = Some(row as u32);
    }
    let row = |place: u32| row_of[place as usize];
    let triplet = |t: &Triplet| {
        Some(Triplet { anchor: row(t.anchor)?, positive: row(t.positive)?, negative: row(t.negative)? })
    };
    triplets.iter().filter_map(triplet).collect()
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
        BatchSource { dataset: Arc::new(dataset), sampler, augment, excluded: Arc::default(), offline: None }
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
        assert_eq!((batch.chips.len(), batch.skipped), (plan.len(), 0));
        for (item, chip) in plan.iter().zip(&batch.chips) {
            // The red channel of person p and image i is 16 p + i everywhere.
            let image = item.image.0 - source.dataset.identities()[item.identity as usize].images.start;
            let red = (item.identity * 16 + image) as u8;
            assert!(chip.image().pixels().all(|pixel| pixel[0] == red), "{item:?}");
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

    #[test]
    fn an_excluded_image_is_replaced_like_an_unreadable_one() {
        let folder = people(&[]);
        let mut source = source(&folder, AugmentConfig::NONE, 0);
        let images = source.dataset.identities()[3].images.clone();
        source.excluded = Arc::new([ImageId(images.start + 2)].into());
        let shown = |batch: &LoadedBatch| batch.ids.contains(&ImageId(images.start + 2));
        let batches: Vec<LoadedBatch> = (0..40).map(|step| source.load(step)).collect();
        assert!(batches.iter().any(|batch| batch.skipped > 0));
        assert!(!batches.iter().any(shown));
        assert!(source.dataset.take_unreadable().is_empty());
    }

    #[test]
    fn offline_batches_hold_their_triplets_in_rows_and_only_their_share_of_the_steps() {
        let folder = people(&["p03/1.png"]);
        let mut source = source(&folder, AugmentConfig::NONE, 0);
        // Person p at the angle 0.3 p on the circle, images a little apart: all triplets are within the margin.
        let ids: Vec<ImageId> = (0..source.dataset.image_count() as u32).map(ImageId).collect();
        let labels: Vec<u32> = ids.iter().map(|id| source.dataset.identity_of(*id)).collect();
        let angle = |(id, label): (&ImageId, &u32)| 0.3 * *label as f32 + 0.01 * (id.0 % 7) as f32;
        let embeddings: Vec<f32> =
            ids.iter().zip(&labels).map(angle).flat_map(|a| [a.cos(), a.sin()]).collect();
        let config = OfflineConfig { share: 0.5, batch: 4, ..OfflineConfig::default() };
        let subset = crate::Subset { images: ids, labels };
        let pool = OfflinePool::mine(&embeddings, &subset, config.triplets, 1, 1).unwrap().0;
        assert!(!pool.is_empty());
        source.offline = Some(OfflineBatches { pool: Arc::new(pool), config, seed: 3 });

        let batches: Vec<LoadedBatch> = (0..60).map(|step| source.load(step)).collect();
        let offline: Vec<_> = batches.iter().filter(|batch| batch.triplets.is_some()).collect();
        assert!((15..45).contains(&offline.len()), "{}", offline.len());
        for batch in offline {
            assert_eq!(batch.ids.iter().collect::<HashSet<_>>().len(), batch.ids.len());
            for t in batch.triplets.iter().flatten() {
                let [a, p, n] = [t.anchor, t.positive, t.negative].map(|row| batch.labels[row as usize]);
                assert!(a == p && a != n && t.anchor != t.positive, "{t:?}");
            }
        }
        assert_eq!(batches[7], source.load(7), "a function of the step");
    }
}
