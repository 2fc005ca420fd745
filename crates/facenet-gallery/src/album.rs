//! Showing what clustering found: folders of photos, and a page of faces.

mod folders;
mod page;
mod staging;

use std::io;
use std::path::PathBuf;

pub use folders::{check_free, write_folders};
pub use page::{Cut, Page, PageFace, write_page};

/// Why an album could not be written. Nothing was then left at its place.
#[derive(Debug, thiserror::Error)]
pub enum AlbumError {
    /// There is something at the place of the output folder.
    #[error(
        "`{path}` exists and is not an empty folder\n\
         hint: name a folder that does not exist yet: nothing is ever overwritten"
    )]
    Occupied {
        /// The output folder.
        path: PathBuf,
    },
    /// The output cannot be written, for example in a read-only folder or on a full disk.
    #[error("cannot write `{path}`")]
    Write {
        /// The output.
        path: PathBuf,
        /// Why, with the file concerned.
        source: io::Error,
    },
    /// A photo cannot be copied.
    #[error("cannot copy the photo `{path}`")]
    Copy {
        /// The photo.
        path: PathBuf,
        /// Why, with the files concerned.
        source: io::Error,
    },
    /// A face cannot be shown, for example because its picture has no pixels.
    #[error("cannot make a thumbnail of a face in `{path}`, of {width} x {height} pixels")]
    Thumbnail {
        /// The photo that the face is from.
        path: PathBuf,
        /// Width of the face's picture, in pixels.
        width: u32,
        /// Height of the face's picture, in pixels.
        height: u32,
        /// Why.
        source: image::ImageError,
    },
}
