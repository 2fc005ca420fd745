//! What a gallery holds, record by record.

use std::fmt;

use facenet_core::{Adapter, Contract, Face};
use serde::{Deserialize, Serialize};

use super::embedding::{Form, StoredEmbedding};
use super::error::StoreError;
use super::subject::{CorrectionId, FaceId, PersonId, PhotoId};

/// What is fixed when a gallery is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What its embeddings, and so the probes, are comparable with.
    pub contract: Contract,
    /// How embeddings are kept.
    pub form: Form,
    /// Whether the paths of photos are kept.
    pub keeps_paths: bool,
    /// Whether small pictures of the faces are kept.
    pub keeps_crops: bool,
    /// Older models that faces are embedded by, which `contract` may be compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<Contract>,
    /// The model before an upgrade that is not finished and can be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrading_from: Option<Contract>,
}

impl Settings {
    /// The contract of a face.
    pub fn contract_of(&self, face: &FaceRecord) -> &Contract {
        let older =
            face.older_model.as_ref().and_then(|id| self.older.iter().find(|older| older.id() == *id));
        older.unwrap_or(&self.contract)
    }

    /// Checks that an embedding is of the form and dimension of the gallery at `place`.
    ///
    /// # Errors
    /// [`StoreError::Embedding`] when it is not.
    pub fn check_kind(&self, place: &str, embedding: &StoredEmbedding) -> Result<(), StoreError> {
        let words = |form: Form, dimension| format!("`{}` with {dimension} coordinates", form.name());
        if (embedding.form(), embedding.dimension()) == (self.form, self.contract.dimension) {
            return Ok(());
        }
        Err(StoreError::Embedding {
            place: place.into(),
            found: words(embedding.form(), embedding.dimension()),
            expected: words(self.form, self.contract.dimension),
        })
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The identifier.
    pub id: PersonId,
    /// The name, which no other person of the gallery has; none while it is not known.
    pub name: Option<String>,
    /// Words to filter by, sorted, each once.
    pub tags: Vec<String>,
}

impl Person {
    /// The name, or `person:17` for one without.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

/// SHA-256 of a photo's file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhotoDigest(pub [u8; 32]);

impl fmt::Display for PhotoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PhotoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PhotoDigest> for String {
    fn from(digest: PhotoDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for PhotoDigest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let is_hexadecimal = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let pairs = text.as_bytes().chunks(2).filter(|_| is_hexadecimal);
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        let digest = bytes.and_then(|bytes| bytes.try_into().ok()).map(Self);
        digest.ok_or_else(|| format!("`{text}` is no SHA-256 in hexadecimal"))
    }
}

/// A file that a photo was found in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// The absolute path.
    pub path: String,
    /// The length, in bytes.
    pub size: i64,
    /// The time of the last change, in nanoseconds since 1970.
    pub changed_ns: i64,
}

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoRecord {
    /// The identifier.
    pub id: PhotoId,
    /// Its content.
    pub content: PhotoDigest,
    /// When it was added, in seconds since 1970.
    pub added: i64,
    /// Where it was found, by path; empty in a gallery that keeps no paths.
    pub files: Vec<FileRecord>,
}

/// Who said whose face it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignedBy {
    /// The user: binds.
    User,
    /// Clustering: the next one may say otherwise.
    Machine,
}

/// A face in a photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceRecord {
    /// The identifier.
    pub id: FaceId,
    /// The photo.
    pub photo: PhotoId,
    /// Box, landmarks and score.
    pub found: Face,
    /// How good its picture is, in `[0, 1]`; none where that was not judged.
    pub quality: Option<f32>,
    /// The embedding.
    pub embedding: StoredEmbedding,
    /// [`Contract::id`] of the older model that the embedding is of; none for the gallery's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_model: Option<String>,
    /// Whose it is, and who said so; none while nobody did.
    pub person: Option<(PersonId, AssignedBy)>,
}

/// A photo to add.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPhoto {
    /// Its content.
    pub content: PhotoDigest,
    /// Where it was found; left out by a gallery that keeps no paths.
    pub file: Option<FileRecord>,
    /// Its faces; there may be none.
    pub faces: Vec<NewFace>,
}

/// A face to add.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFace {
    /// Box, landmarks and score.
    pub found: Face,
    /// How good its picture is, in `[0, 1]`.
    pub quality: Option<f32>,
    /// The embedding, in the gallery's form.
    pub embedding: StoredEmbedding,
    /// The face as a small JPEG; left out by a gallery that keeps no crops.
    pub crop: Option<Vec<u8>>,
    /// Whose it is, and who says so.
    pub person: Option<(PersonId, AssignedBy)>,
}

/// What became of a photo that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedPhoto {
    /// It is new.
    New(PhotoId),
    /// Its content was there.
    Known(PhotoId),
}

/// What the user says of two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// They are one person.
    Same,
    /// They are two.
    Different,
}

/// A word of the user about two faces; it binds until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The identifier.
    pub id: CorrectionId,
    /// The two faces, the one with the smaller identifier first.
    pub faces: (FaceId, FaceId),
    /// What they are.
    pub verdict: Verdict,
    /// The face that changed its person by it, and whose it was before; taking it back restores that.
    pub moved: Option<Moved>,
}

/// A face and whose it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The face.
    pub face: FaceId,
    /// Whose it was.
    pub before: Option<(PersonId, AssignedBy)>,
}

/// A kind of thing that is done to a gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the commands")]
pub enum EventKind {
    Create,
    Add,
    Assign,
    Rename,
    Tag,
    Merge,
    Split,
    Correct,
    Undo,
    Cluster,
    Remove,
    Compact,
    Upgrade,
    Import,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Create,
        Self::Add,
        Self::Assign,
        Self::Rename,
        Self::Tag,
        Self::Merge,
        Self::Split,
        Self::Correct,
        Self::Undo,
        Self::Cluster,
        Self::Remove,
        Self::Compact,
        Self::Upgrade,
        Self::Import,
    ];

    /// The name in files: the variant's, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Add => "add",
            Self::Assign => "assign",
            Self::Rename => "rename",
            Self::Tag => "tag",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Correct => "correct",
            Self::Undo => "undo",
            Self::Cluster => "cluster",
            Self::Remove => "remove",
            Self::Compact => "compact",
            Self::Upgrade => "upgrade",
            Self::Import => "import",
        }
    }
}

/// Something that was done: when and how much, without names or vectors.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The place in the order of events; above 0.
    pub id: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What.
    pub kind: EventKind,
    /// How many records it was done to.
    pub records: i64,
}

/// How much a gallery holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// People, named or not.
    pub people: u64,
    /// Photos, also those without a face.
    pub photos: u64,
    /// Faces.
    pub faces: u64,
    /// Faces that are nobody's yet.
    pub unassigned: u64,
    /// Faces whose embeddings are of an older model than the gallery's.
    pub older: u64,
    /// What the user said about pairs of faces.
    pub corrections: u64,
}

/// A change to people and to whose a face is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives a person a name, or takes it.
    Rename(PersonId, Option<String>),
    /// Adds a tag to a person.
    Tag(PersonId, String),
    /// Takes a tag from a person.
    Untag(PersonId, String),
    /// Says whose a face is.
    Assign(FaceId, Option<(PersonId, AssignedBy)>),
    /// Gives all faces and tags of the first person to the second; the first is no more.
    Merge(PersonId, PersonId),
    /// Deletes a person that has no face and no name.
    DropEmpty(PersonId),
    /// Remembers what the user says of two faces; an older word about the same two is replaced.
    Correct {
        /// The two faces.
        faces: (FaceId, FaceId),
        /// What they are.
        verdict: Verdict,
        /// The face that changes its person by it.
        moved: Option<Moved>,
    },
    /// Takes a correction back.
    Uncorrect(CorrectionId),
}

/// How a gallery comes to another model.
#[derive(Debug, Clone, Copy)]
pub enum Upgrade<'a> {
    /// The new model is harmonic to the present one: faces stay as they are until they are embedded anew.
    Harmonic,
    /// Faces are taken into the new model's space by an adapter from the present one.
    Adapter(&'a Adapter),
    /// All faces were embedded anew.
    Anew(&'a [(FaceId, StoredEmbedding)]),
}

/// What to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// People with all their faces, and the photos that show nobody else.
    People(Vec<PersonId>),
    /// Photos with all their faces; and people of whom no face is left, if `people` says so.
    Photos {
        /// The photos.
        photos: Vec<PhotoId>,
        /// Whether people of whom no face is left go too.
        people: bool,
    },
    /// Faces; their photos stay, so that adding these again does not bring the faces back.
    Faces(Vec<FaceId>),
}

/// What was deleted, and what a search for its traces found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Removed {
    /// The people.
    pub people: Vec<PersonId>,
    /// The photos.
    pub photos: Vec<PhotoId>,
    /// The faces.
    pub faces: Vec<FaceId>,
    /// Contents of which something was deleted, for caches beside the gallery.
    pub contents: Vec<PhotoDigest>,
    /// Pieces of embeddings, crops, paths and names that were looked for.
    pub pieces: u64,
    /// How many of these the store's files held before.
    pub found_before: u64,
    /// How many they hold now: 0, or an error would have been given.
    pub found_after: u64,
}

/// Any record, for copies and exports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// A person.
    Person(Person),
    /// A photo.
    Photo(PhotoRecord),
    /// A face.
    Face {
        /// All but its picture.
        record: FaceRecord,
        /// Its picture, if one is kept: the bytes of a JPEG.
        #[serde(with = "super::jsonl::bytes")]
        crop: Option<Vec<u8>>,
    },
    /// A word of the user.
    Correction(Correction),
    /// Something that was done.
    Event(Event),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let digest = PhotoDigest(std::array::from_fn(|i| (7 * i) as u8));
        assert_eq!(PhotoDigest::try_from(digest.to_string()), Ok(digest));
        for text in
            ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64), &"+f".repeat(32), &"é".repeat(32)]
        {
            assert!(PhotoDigest::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn events_have_the_names_that_their_json_has() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }
}
