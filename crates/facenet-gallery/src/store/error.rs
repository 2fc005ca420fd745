//! Why a gallery could not be used.

use facenet_core::Incompatible;

use super::embedding::NotStored;
use super::subject::{FaceId, Subject};
use crate::index::IndexFileError;

/// Why a gallery could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error(
        "there is no gallery `{place}`\n\
         hint: `facenet gallery create {place}` makes one"
    )]
    Missing {
        /// Where.
        place: String,
    },
    /// There is something already.
    #[error("`{place}` exists already, and is not replaced")]
    Exists {
        /// Where.
        place: String,
    },
    /// It is something else.
    #[error("`{place}` is no gallery of faces: {found}")]
    NotAGallery {
        /// Where.
        place: String,
        /// What it is instead.
        found: String,
    },
    /// A newer program made it.
    #[error(
        "the gallery `{place}` has the schema {found}, but this program knows those up to {known}\n\
         hint: use the version of `facenet` that made it, or a newer one"
    )]
    Newer {
        /// Where.
        place: String,
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// An older program made it, and it cannot be brought up to date here.
    #[error(
        "the gallery `{place}` has the older schema {found} and is read-only, so it cannot be brought to {known}\n\
         hint: copy it to a place that can be written"
    )]
    Older {
        /// Where.
        place: String,
        /// Its schema.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// Its file is damaged.
    #[error(
        "the gallery `{place}` is damaged: {what}\n\
         hint: restore a copy, or save what can still be read with `facenet gallery export`"
    )]
    Damaged {
        /// Where.
        place: String,
        /// What was found.
        what: String,
    },
    /// It may not be changed.
    #[error("the gallery `{place}` is read-only, so it cannot be changed")]
    ReadOnly {
        /// Where.
        place: String,
    },
    /// The disk is full.
    #[error(
        "the disk of the gallery `{place}` is full: nothing of this step was kept, all before it was\n\
         hint: make room, then run the same command again"
    )]
    Full {
        /// Where.
        place: String,
    },
    /// Another program is changing it.
    #[error(
        "another program has been changing the gallery `{place}` for more than {waited_s} s\n\
         hint: try again when it is done"
    )]
    Busy {
        /// Where.
        place: String,
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// Something was deleted, but its traces could not be wiped yet.
    #[error(
        "it is deleted from the gallery `{place}`, but traces of it remain in its files: {why}\n\
         hint: when no other program uses the gallery, run `facenet gallery compact {place}`"
    )]
    Remains {
        /// Where.
        place: String,
        /// Why they could not be wiped.
        why: String,
    },
    /// An embedding comes from another model.
    #[error("the gallery `{place}` was made with another model")]
    OtherContract {
        /// Where.
        place: String,
        /// The two contracts.
        source: Incompatible,
    },
    /// A record names an older model that the gallery does not know.
    #[error(
        "a face was given to the gallery `{place}` with an embedding of `{model}`, a model that it does not know"
    )]
    UnknownModel {
        /// Where.
        place: String,
        /// The model's [`Contract::id`](facenet_core::Contract::id).
        model: String,
    },
    /// Another program has brought it to another model since it was opened.
    #[error(
        "another program has upgraded the gallery `{place}` to the model `{model}`\n\
         hint: open it anew, with that model"
    )]
    ModelChanged {
        /// Where.
        place: String,
        /// The model that it is of now.
        model: String,
    },
    /// An adapter takes an embedding to nowhere.
    #[error("the adapter gives no direction for {face} of the gallery `{place}`")]
    NoDirection {
        /// Where.
        place: String,
        /// Whose embedding.
        face: FaceId,
    },
    /// It is of this model already.
    #[error("the gallery `{place}` is of the model `{model}` already")]
    SameModel {
        /// Where.
        place: String,
        /// The model.
        model: String,
    },
    /// Its faces could not be found by the new model.
    #[error(
        "the gallery `{place}` cannot be upgraded as it is\n\
         hint: train the new model with a table `[harmonic]` and measure it by `facenet eval harmonic --write`, learn and \
         measure an adapter by `facenet adapter learn`, or embed all photos anew with `--anew`"
    )]
    NotHarmonic {
        /// Where.
        place: String,
        /// The two contracts.
        source: Incompatible,
    },
    /// An upgrade is under way.
    #[error(
        "the gallery `{place}` is being upgraded from `{from}` to `{to}`\n\
         hint: `facenet gallery upgrade {place}` with `--finish` ends that, with `--undo` it takes it back"
    )]
    Upgrading {
        /// Where.
        place: String,
        /// The model before.
        from: String,
        /// The model after.
        to: String,
    },
    /// No upgrade is under way.
    #[error("the gallery `{place}` is not being upgraded")]
    NotUpgrading {
        /// Where.
        place: String,
    },
    /// An upgrade would leave faces that nobody can compare.
    #[error(
        "{faces} of the faces of the gallery `{place}` would be left with embeddings of `{model}`, which cannot be compared\n\
             hint: {hint}"
    )]
    LeftBehind {
        /// Where.
        place: String,
        /// How many.
        faces: u64,
        /// The model of their embeddings.
        model: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// An embedding is not of the gallery's kind.
    #[error("an embedding of the form {found} was given to the gallery `{place}`, which keeps {expected}")]
    Embedding {
        /// Where.
        place: String,
        /// What was given.
        found: String,
        /// What it keeps.
        expected: String,
    },
    /// A record holds what is no embedding.
    #[error("the gallery `{place}` holds a face whose embedding cannot be used")]
    NotAnEmbedding {
        /// Where.
        place: String,
        /// Why.
        source: NotStored,
    },
    /// It has no such person, photo or face.
    #[error("the gallery `{place}` has no {subject}")]
    NoSuch {
        /// Where.
        place: String,
        /// What was asked for.
        subject: Subject,
    },
    /// It is encrypted with another key than the one that was given, or is no gallery.
    #[error(
        "the gallery `{place}` cannot be read with the key in FACENET_GALLERY_KEY: it is encrypted with another one, is no \
         gallery, or its first bytes are damaged"
    )]
    OtherKey {
        /// Where.
        place: String,
    },
    /// There is a key, but this program was built without encryption.
    #[error(
        "the gallery `{place}` cannot be encrypted or decrypted: this program was built without encryption\n\
         hint: build it with `--features encryption`, or unset FACENET_GALLERY_KEY"
    )]
    NoEncryption {
        /// Where.
        place: String,
    },
    /// A key that could be guessed.
    #[error(
        "the key in FACENET_GALLERY_KEY cannot be used: expected a passphrase of at least {shortest} letters, or 64 \
         hexadecimal digits\n\
         hint: `openssl rand -hex 32` makes one"
    )]
    ShortKey {
        /// The fewest letters.
        shortest: usize,
    },
    /// An index would lie beside it in the clear.
    #[error(
        "the gallery `{place}` is encrypted, and an index would hold its embeddings in the clear: it has none"
    )]
    EncryptedIndex {
        /// Where.
        place: String,
    },
    /// Its faces are of several models, which no index can rank.
    #[error(
        "the faces of the gallery `{place}` are of several models, whose distances no index can rank\n\
         hint: `facenet gallery upgrade {place}` goes on with the upgrade; searches compare with every face meanwhile"
    )]
    SeveralModels {
        /// Where.
        place: String,
    },
    /// Its index cannot be built, written or searched.
    #[error("the index of the gallery `{place}` failed")]
    Index {
        /// Where.
        place: String,
        /// Why.
        source: IndexFileError,
    },
    /// A name belongs to somebody else.
    #[error(
        "the gallery `{place}` has a person named `{name}` already\n\
         hint: if they are one, `facenet gallery merge` makes them one"
    )]
    NameTaken {
        /// Where.
        place: String,
        /// The name.
        name: String,
    },
    /// A name is empty or has control characters.
    #[error("`{name}` cannot be a name: expected some text in one line that does not look like `person:3`")]
    NotAName {
        /// The name.
        name: String,
    },
    /// A file could not be read or written.
    #[error("cannot use the files of the gallery `{place}`")]
    File {
        /// Where.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The store behind it failed.
    #[error("the gallery `{place}` cannot be used")]
    Backend {
        /// Where.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No server answers.
    #[error(
        "the server of the gallery `{place}` cannot be reached\n\
         hint: is it running there, and do the user and the password hold?"
    )]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This kind of store cannot do it.
    #[error("the gallery `{place}` cannot do that: {what}")]
    Unsupported {
        /// Where.
        place: String,
        /// What it cannot, and what to do instead.
        what: String,
    },
}
