//! Errors as Python knows them: the classes of `facenet/errors.py`, with the causes and hints of ours.

use std::error::Error;
use std::io;

use facenet_gallery::StoreError;
use pyo3::PyErr;

use self::classes::{
    DataError, FaceNetError, GalleryError, ImageError, MissingFileError, ModelError, NoFaceError,
    ThresholdError, UnknownError,
};

/// The line of an error's text that says what to do next.
const HINT: &str = "hint: ";

/// The classes that are raised.
mod classes {
    use pyo3::import_exception;

    import_exception!(facenet.errors, FaceNetError);
    import_exception!(facenet.errors, DataError);
    import_exception!(facenet.errors, GalleryError);
    import_exception!(facenet.errors, ImageError);
    import_exception!(facenet.errors, MissingFileError);
    import_exception!(facenet.errors, ModelError);
    import_exception!(facenet.errors, NoFaceError);
    import_exception!(facenet.errors, ThresholdError);
    import_exception!(facenet.errors, UnknownError);
}

/// An error that waits for Python's lock to be raised.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    kind: Kind,
    text: String,
}

/// Which class it is raised as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Arrays that do not fit.
    Data,
    /// A gallery.
    Gallery,
    /// A photo.
    Image,
    /// A file that is not there.
    MissingFile,
    /// A model file.
    Model,
    /// A photo without a face.
    NoFace,
    /// No threshold for what was asked.
    Threshold,
    /// A name that is not in a gallery.
    Unknown,
    /// Anything else.
    Other,
}

/// Gives a result's error its class.
pub(crate) trait OrFail<T> {
    /// The value, or the error as one of this kind.
    fn or_fail(self, kind: Kind) -> Result<T, Failure>;
}

impl<T, E: Error + 'static> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure> {
        self.map_err(|error| Failure::of(kind, &error))
    }
}

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The error with its causes in one line, and its hints on their own.
    pub(crate) fn of(kind: Kind, error: &(dyn Error + 'static)) -> Self {
        let kind = if kind == Kind::Image && is_missing(error) { Kind::MissingFile } else { kind };
        Self { kind, text: text(error) }
    }

    /// The same failure, with where it happened before it.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(Kind::Gallery, &error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        let text = failure.text;
        match failure.kind {
            Kind::Data => DataError::new_err(text),
            Kind::Gallery => GalleryError::new_err(text),
            Kind::Image => ImageError::new_err(text),
            Kind::MissingFile => MissingFileError::new_err(text),
            Kind::Model => ModelError::new_err(text),
            Kind::NoFace => NoFaceError::new_err(text),
            Kind::Threshold => ThresholdError::new_err(text),
            Kind::Unknown => UnknownError::new_err(text),
            Kind::Other => FaceNetError::new_err(text),
        }
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_missing(error: &(dyn Error + 'static)) -> bool {
    let io_error = |cause: &(dyn Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    chain(error).filter_map(io_error).any(|kind| kind == io::ErrorKind::NotFound)
}

fn text(error: &(dyn Error + 'static)) -> String {
    let (mut messages, mut hints) = (Vec::<String>::new(), Vec::<String>::new());
    for cause in chain(error) {
        let message = cause.to_string();
        let (told, lines): (Vec<&str>, Vec<&str>) = message.lines().partition(|line| line.starts_with(HINT));
        hints.extend(told.into_iter().map(str::to_owned));
        let message = lines.join("\n");
        // Some libraries put their source into their own text too.
        if !messages.last().is_some_and(|before| before.ends_with(&message)) {
            messages.push(message);
        }
    }
    hints.dedup();
    std::iter::once(messages.join(": ")).chain(hints).collect::<Vec<_>>().join("\n")
}
