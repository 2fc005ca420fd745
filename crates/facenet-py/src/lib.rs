//! The Python package `facenet`: embed, verify, search, cluster and measure faces from Python.
//!
//! Every function takes its arguments out of Python's objects, gives up Python's lock, works, and takes it again for the
//! result. What Python sees is `python/facenet/`: this crate is its module `facenet._native`, and `_native.pyi` says what
//! is in it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "arguments are taken out of Python's objects, which gives values"
)]

mod arrays;
mod clusters;
mod contract;
mod crop;
mod engines;
mod face;
mod failure;
mod gallery;
mod measure;
mod net;
mod photo;
mod verdict;

/// What `facenet/__init__.py` hands on.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::clusters::{Clusters, Suggestion, cluster};
    #[pymodule_export]
    use crate::contract::{Contract, Threshold};
    #[pymodule_export]
    use crate::face::Face;
    #[pymodule_export]
    use crate::gallery::{Added, Gallery, GalleryFace, Grouped, Identified, Person, Removed};
    #[pymodule_export]
    use crate::measure::{Report, evaluate};
    #[pymodule_export]
    use crate::net::FaceNet;
    #[pymodule_export]
    use crate::verdict::Verdict;
}
