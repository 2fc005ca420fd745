//! What a server does for a gallery: it keeps rows, and changes them all or none.

use facenet_core::Embedding;
use facenet_gallery::{
    Correction, Counts, Event, FaceId, FileRecord, Hit, Person, PersonId, PhotoDigest, PhotoId, PhotoRecord,
    StoreError,
};

use crate::desk::{Desk, FaceRow, Former};
use crate::meta::Meta;

/// People to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum People<'a> {
    All,
    Ids(&'a [PersonId]),
    Named(&'a [&'a str]),
}

/// Photos to read, with their files.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Photos<'a> {
    After(PhotoId, usize),
    Ids(&'a [PhotoId]),
}

/// Faces to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Faces<'a> {
    After(FaceId, usize),
    Ids(&'a [FaceId]),
    OfPeople(&'a [PersonId]),
    OfPhotos(&'a [PhotoId]),
}

/// Former embeddings to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FormerOf<'a> {
    All,
    Ids(&'a [FaceId]),
}

/// Where the rows of a gallery are kept. Rows come in the order of their identifiers.
pub(crate) trait Rows {
    /// The address, without secrets.
    fn place(&self) -> &str;

    fn meta(&self) -> Result<Meta, StoreError>;

    /// Keeps all others from changing the gallery, until [`commit`](Self::commit) or [`give_up`](Self::give_up).
    fn lock(&mut self) -> Result<Meta, StoreError>;

    /// Writes what is changed on the desk, all or nothing, and lets the others in.
    fn commit(&mut self, desk: &Desk) -> Result<(), StoreError>;

    /// Lets the others in, without a change.
    fn give_up(&mut self);

    /// How much there is; `contract` is the number of the gallery's model.
    fn counts(&self, contract: i64) -> Result<Counts, StoreError>;

    /// The number of faces of a model.
    fn faces_of(&self, contract: i64) -> Result<u64, StoreError>;

    fn people(&self, which: People<'_>) -> Result<Vec<Person>, StoreError>;

    fn photos(&self, which: Photos<'_>) -> Result<Vec<PhotoRecord>, StoreError>;

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError>;

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError>;

    fn faces(&self, which: Faces<'_>) -> Result<Vec<FaceRow>, StoreError>;

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    fn former(&self, which: FormerOf<'_>) -> Result<Vec<(FaceId, Former)>, StoreError>;

    fn corrections(&self) -> Result<Vec<Correction>, StoreError>;

    fn events(&self) -> Result<Vec<Event>, StoreError>;

    /// The assigned faces nearest to `probe`, among all of which are of one model; distances are computed here.
    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Vec<Hit>, StoreError>;

    /// Makes or brings up to date what `nearest` goes by.
    fn prepare_search(&mut self) -> Result<(), StoreError>;

    /// Checks that vectors may be of this dimension.
    fn check_dimension(&self, dimension: usize) -> Result<(), StoreError>;

    /// Writes everything anew, without what was deleted.
    fn wipe(&mut self) -> Result<(), StoreError>;

    /// What the server keeps of deleted rows where nobody can look, in words.
    fn beyond(&self) -> &'static str;

    fn size(&self) -> Result<Option<u64>, StoreError>;
}
