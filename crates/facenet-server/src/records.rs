//! What a gallery holds, in JSON.

use facenet_core::Distance;
use facenet_gallery::{AssignedBy, FaceRecord, Person, PhotoRecord, Removed, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::gallery::View;
use crate::problem::ApiError;
use crate::shapes::Place;

/// The most items of a page.
const MOST: usize = 500;

/// A person of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonJson {
    id: i64,
    /// The name; none while it is not known.
    name: Option<String>,
    /// The name, or `person:17` for one without.
    label: String,
    /// Words to filter by.
    tags: Vec<String>,
    /// How many faces there are.
    faces: usize,
    /// The face that shows the person best.
    cover: Option<i64>,
}

/// Who a face may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Who {
    id: i64,
    /// The name; none while it is not known.
    name: Option<String>,
    /// The name, or `person:17` for one without.
    label: String,
}

/// A face of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaceJson {
    id: i64,
    /// The photo that it is in.
    photo: i64,
    #[serde(flatten)]
    place: Place,
    /// How good its picture is, from 0 to 1.
    quality: Option<f32>,
    /// Whose it is.
    person: Option<i64>,
    /// Who said so: `user` or `machine`.
    by: Option<&'static str>,
    /// How far it is from the middle of the person's faces, in a list of these.
    #[schema(value_type = Option<f32>)]
    distance: Option<Distance>,
    /// Whether it is farther from there than the threshold.
    doubtful: bool,
    /// Where its picture is, if one is kept.
    picture: Option<String>,
}

/// A photo of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PhotoJson {
    id: i64,
    /// SHA-256 of the file.
    content: String,
    /// When it was added, in seconds since 1970.
    added: i64,
    /// Where it was found; empty for one that was sent.
    paths: Vec<String>,
    /// The faces in it.
    faces: Vec<i64>,
}

/// What was deleted, and what a search for its traces found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedJson {
    people: Vec<i64>,
    photos: Vec<i64>,
    faces: Vec<i64>,
    /// Pieces of embeddings, pictures, paths and names that were looked for.
    pieces: u64,
    /// How many of these the gallery's files held before.
    found_before: u64,
    /// How many they hold now.
    found_after: u64,
    /// Whether nothing was deleted, since only a plan was wanted.
    dry_run: bool,
}

/// What two faces are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    /// One person.
    Same,
    /// Two people.
    Different,
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items at most, from 1 to 500; 100 by default.
    limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Whether to delete, or only to say what would be.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRun {
    /// Delete nothing, and say what would be.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// The `cursor` of the next page; none at the end.
    next: Option<String>,
}

impl Paging {
    /// The same, for a query with more in it.
    pub(crate) fn new(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// How many items are wanted, and the number to go on after.
    ///
    /// # Errors
    /// When a value cannot be used.
    pub(crate) fn of(&self) -> Result<(usize, i64), ApiError> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=MOST).contains(&limit) {
            return Err(ApiError::BadValue(format!("`limit` is {limit}, but 1 to {MOST} are expected")));
        }
        let after = match self.cursor.as_deref().map(str::parse) {
            None => 0,
            Some(Ok(after)) if after >= 0 => after,
            Some(_) => return Err(ApiError::BadValue("`cursor` is none that a page gave".into())),
        };
        Ok((limit, after))
    }
}

impl<T> Page<T> {
    /// The first `limit` of `items`, which come after the cursor; `key` is what goes on after an item.
    pub(crate) fn of<I>(
        items: impl Iterator<Item = I>,
        limit: usize,
        key: impl Fn(&I) -> i64,
        json: impl FnMut(I) -> T,
    ) -> Self {
        let mut items: Vec<I> = items.take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| key(last).to_string());
        Self { items: items.into_iter().map(json).collect(), next }
    }
}

impl PersonJson {
    pub(crate) fn of(person: &Person, view: &View) -> Self {
        Self {
            id: person.id.0,
            name: person.name.clone(),
            label: person.label(),
            tags: person.tags.clone(),
            faces: view.faces_of(person.id).count(),
            cover: view.cover(person.id).map(|face| face.0),
        }
    }
}

impl Who {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

impl From<&Person> for Who {
    fn from(person: &Person) -> Self {
        Self { id: person.id.0, name: person.name.clone(), label: person.label() }
    }
}

impl FaceJson {
    /// A face; `keeps_crops` says whether pictures are kept.
    pub(crate) fn of(face: &FaceRecord, keeps_crops: bool) -> Self {
        let by = |by| match by {
            AssignedBy::User => "user",
            AssignedBy::Machine => "machine",
        };
        Self {
            id: face.id.0,
            photo: face.photo.0,
            place: (&face.found).into(),
            quality: face.quality,
            person: face.person.map(|(person, _)| person.0),
            by: face.person.map(|(_, who)| by(who)),
            distance: None,
            doubtful: false,
            picture: keeps_crops.then(|| format!("/v1/faces/{}/picture", face.id.0)),
        }
    }

    /// The same, so far from the middle of its person's faces; farther than `threshold` is doubtful.
    pub(crate) fn away(self, distance: Option<Distance>, threshold: Option<Distance>) -> Self {
        let doubtful = distance.zip(threshold).is_some_and(|(distance, threshold)| distance > threshold);
        Self { distance, doubtful, ..self }
    }
}

impl PhotoJson {
    pub(crate) fn of(photo: PhotoRecord, view: &View) -> Self {
        Self {
            id: photo.id.0,
            content: photo.content.to_string(),
            added: photo.added,
            faces: view.faces_in(photo.id).map(|face| face.id.0).collect(),
            paths: photo.files.into_iter().map(|file| file.path).collect(),
        }
    }
}

impl RemovedJson {
    pub(crate) fn of(removed: &Removed, dry_run: bool) -> Self {
        Self {
            people: removed.people.iter().map(|id| id.0).collect(),
            photos: removed.photos.iter().map(|id| id.0).collect(),
            faces: removed.faces.iter().map(|id| id.0).collect(),
            pieces: removed.pieces,
            found_before: removed.found_before,
            found_after: removed.found_after,
            dry_run,
        }
    }
}

impl From<Word> for Verdict {
    fn from(word: Word) -> Self {
        match word {
            Word::Same => Self::Same,
            Word::Different => Self::Different,
        }
    }
}

impl From<Verdict> for Word {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same => Self::Same,
            Verdict::Different => Self::Different,
        }
    }
}
