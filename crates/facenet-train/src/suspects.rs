//! Images that look wrongly labelled: found under each checkpoint, dropped when all agree.
//!
//! [`Suspects::look`] at the embeddings of the data set, or of a part, under one checkpoint after another;
//! [`Suspects::impossible`] names the images to leave out, and [`contact_sheet`] shows them to a person.

mod look;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::NotEmbeddings;
use crate::dataset::ImageId;
use crate::range::{OutOfRange, within};

pub use sheet::{SheetLimits, contact_sheet};

/// When an image is suspected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuspectConfig {
    /// Steps between looks at the whole data set, at least 1.
    pub every: u64,
    /// Whether images that every checkpoint called are left out of batches; they are listed in any case.
    pub drop: bool,
    /// How much nearer the mean of another person must be than that of an image's own, in squared distance.
    pub gap: f32,
    /// Up to which squared distance (inclusive) images of two people are twins: one image twice, or one person
    /// under two names.
    pub twin: f32,
    /// Up to which squared distance (inclusive) the means of two people are those of one.
    pub same_person: f32,
}

impl SuspectConfig {
    /// Checks that the settings are in their ranges.
    ///
    /// # Errors
    /// On the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        within(self.every > 0, "every", &self.every, "at least 1")?;
        let distance =
            |key, value: f32| within((0.0..=4.0).contains(&value), key, &value, "a number from 0 to 4");
        distance("gap", self.gap)?;
        distance("twin", self.twin)?;
        distance("same_person", self.same_person)
    }
}

impl Default for SuspectConfig {
    /// The gap is the margin of the paper: an image on the wrong side of its own person by as much as training
    /// asks for on the right side. The others are a quarter of it, and half.
    fn default() -> Self {
        Self { every: 500, drop: true, gap: 0.2, twin: 0.05, same_person: 0.1 }
    }
}

/// An image that is nearer to another person than to its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stranger {
    /// The image, an [`ImageId`].
    pub image: u32,
    /// The person whose name it bears.
    pub person: u32,
    /// The person whose mean is nearest, at the last checkpoint.
    pub looks_like: u32,
    /// Squared distance to the mean of its person's other images, in `[0, 4]`; the average over checkpoints.
    pub own_distance: f32,
    /// Squared distance to the nearest mean of another person, in `[0, 4]`; the average over checkpoints.
    pub other_distance: f32,
    /// How many checkpoints called it.
    pub called: u32,
}

impl Stranger {
    /// How much nearer the other person is, in `[-4, 4]`; more is more certain.
    pub fn certainty(&self) -> f32 {
        self.own_distance - self.other_distance
    }
}

/// Images of two people that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Twins {
    /// The images, the smaller [`ImageId`] first.
    pub images: [u32; 2],
    /// The person of each.
    pub people: [u32; 2],
    /// Squared distance between them, in `[0, 4]`; the average over checkpoints.
    pub distance: f32,
    /// How many checkpoints called them.
    pub called: u32,
}

/// Two people whose means are nearly the same. They are reported, not dropped: to join them is a person's
/// decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SamePerson {
    /// The people, the smaller number first.
    pub people: [u32; 2],
    /// Squared distance between their means, in `[0, 4]`; the average over checkpoints.
    pub distance: f32,
    /// How many checkpoints called them.
    pub called: u32,
}

/// What the checkpoints so far have called. A run stores it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Suspects {
    config: SuspectConfig,
    /// How many checkpoints have looked at each image.
    looked: Vec<u32>,
    strangers: Vec<Stranger>,
    twins: Vec<Twins>,
    same_people: Vec<SamePerson>,
}

impl Suspects {
    /// Nobody is suspected yet.
    pub fn new(config: SuspectConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Looks at embeddings under one checkpoint: unit rows `[images, dimension]` of the images `ids`, which are
    /// of the people `labels`; no image twice. Gives how many images it would call on its own.
    ///
    /// An image is called when the mean of another person is nearer by the gap than that of its person's other
    /// images, or when it has a twin: of each image the nearest one of another person counts. A person's only
    /// image is no stranger, since there is nothing to compare it with. Means are scaled to unit length. Time
    /// grows as `images²`; memory with the images and the rows of a block.
    ///
    /// # Errors
    /// When the embeddings do not match the labels in number, or a row is not a finite unit vector; nothing is
    /// then remembered.
    ///
    /// # Panics
    /// When there are not as many ids as labels.
    pub fn look(
        &mut self,
        embeddings: &[f32],
        labels: &[u32],
        ids: &[ImageId],
    ) -> Result<usize, NotEmbeddings> {
        assert_eq!(ids.len(), labels.len(), "one id for each label");
        let found = look::look(embeddings, labels, ids, &self.config)?;
        let end = ids.iter().map(|id| id.0 as usize + 1).max().unwrap_or(0);
        if self.looked.len() < end {
            self.looked.resize(end, 0);
        }
        ids.iter().for_each(|id| self.looked[id.0 as usize] += 1);

        let strangers = found.strangers.iter().map(|stranger| stranger.image);
        let twins = found.twins.iter().flat_map(|twins| twins.images);
        let called: BTreeSet<u32> = strangers.chain(twins).collect();
        merge(
            &mut self.strangers,
            found.strangers,
            |s| s.image,
            |old, new| {
                old.own_distance = average(old.own_distance, old.called, new.own_distance);
                old.other_distance = average(old.other_distance, old.called, new.other_distance);
                (old.looks_like, old.called) = (new.looks_like, old.called + 1);
            },
        );
        merge(
            &mut self.twins,
            found.twins,
            |t| t.images,
            |old, new| {
                old.distance = average(old.distance, old.called, new.distance);
                old.called += 1;
            },
        );
        merge(
            &mut self.same_people,
            found.same_people,
            |s| s.people,
            |old, new| {
                old.distance = average(old.distance, old.called, new.distance);
                old.called += 1;
            },
        );
        Ok(called.len())
    }

    /// The images to leave out, in their order: those that every checkpoint that looked at them called
    /// strangers, and both of twins that every one called (an image that looked at one of them alone did not).
    ///
    /// One checkpoint alone is easily wrong, most of all an early one; ask after several.
    pub fn impossible(&self) -> Vec<ImageId> {
        let strangers = self.strangers.iter().filter(|s| self.every(s)).map(|s| s.image);
        let twins = self.twins.iter().filter(|t| self.every_pair(t)).flat_map(|t| t.images);
        strangers.chain(twins).collect::<BTreeSet<u32>>().into_iter().map(ImageId).collect()
    }

    /// The strangers that every checkpoint called, the most certain first.
    pub fn strangers(&self) -> Vec<Stranger> {
        let mut found: Vec<_> = self.strangers.iter().copied().filter(|s| self.every(s)).collect();
        found.sort_by(|a, b| b.certainty().total_cmp(&a.certainty()).then(a.image.cmp(&b.image)));
        found
    }

    /// The twins that every checkpoint called, the nearest first.
    pub fn twins(&self) -> Vec<Twins> {
        let mut found: Vec<_> = self.twins.iter().copied().filter(|t| self.every_pair(t)).collect();
        found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.images.cmp(&b.images)));
        found
    }

    /// The people that may be one, those that most checkpoints called first, then the nearest.
    pub fn same_people(&self) -> Vec<SamePerson> {
        let mut found = self.same_people.clone();
        found.sort_by(|a, b| b.called.cmp(&a.called).then(a.distance.total_cmp(&b.distance)));
        found
    }

    fn looked(&self, image: u32) -> u32 {
        self.looked.get(image as usize).copied().unwrap_or(0)
    }

    fn every(&self, stranger: &Stranger) -> bool {
        stranger.called == self.looked(stranger.image)
    }

    fn every_pair(&self, twins: &Twins) -> bool {
        twins.images.iter().all(|&image| self.looked(image) == twins.called)
    }
}

fn average(old: f32, count: u32, new: f32) -> f32 {
    old + (new - old) / (count + 1) as f32
}

/// Brings what one checkpoint found into what is known, by key.
fn merge<T, K: Ord>(known: &mut Vec<T>, found: Vec<T>, key: impl Fn(&T) -> K, again: impl Fn(&mut T, &T)) {
    let mut by_key: BTreeMap<K, T> = known.drain(..).map(|item| (key(&item), item)).collect();
    for new in found {
        match by_key.get_mut(&key(&new)) {
            Some(old) => again(old, &new),
            None => {
                by_key.insert(key(&new), new);
            }
        }
    }
    known.extend(by_key.into_values());
}

#[cfg(test)]
mod tests;
