//! Remembers people: galleries in folders, exact search, agglomerative clustering, and albums of what was found.
//! It runs no model: embeddings come in from outside.
//!
//! ```
//! use facenet_core::{Contract, Distance, Embedding, Preprocessing};
//! use facenet_gallery::{ClusterOptions, Entry, Gallery, cluster};
//!
//! let contract = Contract {
//!     network: "nn4".into(),
//!     dimension: 2,
//!     weights: "0f3a9c1d2b4e".into(),
//!     preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
//!     thresholds: vec![],
//!     calibration: None,
//!     mirrored: false,
//!     harmonic: vec![],
//! };
//! let anna = Embedding::normalize(vec![1.0, 0.1])?;
//! let bert = Embedding::normalize(vec![-1.0, 1.0])?;
//! let probe = Embedding::normalize(vec![1.0, 0.0])?;
//! let threshold = Distance::new(1.1)?;
//!
//! let mut gallery = Gallery::new(contract.clone());
//! for (person, embedding) in [("Anna", anna.clone()), ("Bert", bert.clone())] {
//!     gallery.add(&contract, Entry { person: person.into(), source: "1.jpg".into(), embedding })?;
//! }
//! let identification = gallery.identify(&probe, threshold, 5);
//! assert_eq!(identification.person.as_deref(), Some("Anna"));
//! assert_eq!(identification.nearest.len(), 2);
//!
//! let clusters = cluster(&[anna, bert, probe], &ClusterOptions::at(threshold))?;
//! assert_eq!(clusters[0].faces().collect::<Vec<_>>(), [0, 2]);
//! assert_eq!(clusters[1].faces().collect::<Vec<_>>(), [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod album;
mod cluster;
mod finder;
mod folder;
mod graph;
mod index;
mod knowledge;
mod map;
mod rows;
mod scale;
mod search;
mod store;
mod templates;
mod wrong_pairs;

pub use album::{AlbumError, Cut, Page, PageFace, check_free, write_folders, write_page};
pub use cluster::{
    Cluster, ClusterError, ClusterOptions, Linkage, MAX_FACES, Member, UnknownLinkage, cluster,
    pairs_in_one_photo,
};
pub use finder::Finder;
pub use folder::{FolderGallery, PersonFolder, ScanError, Unreadable, has_image_ending};
pub use graph::{ALL_PAIRS_UP_TO, Clustering, GroupError, GroupFaces, GroupOptions, Suggestion, Why};
pub use index::{
    Binding, EXACT_UP_TO, Hit, Index, IndexError, IndexFileError, IndexKind, IndexOptions, Precision, State,
    recall,
};
pub use knowledge::{Contradiction, Knowledge};
pub use map::{MapMethod, map};
pub use scale::Scales;
pub use search::{AddError, Entry, Gallery, Identification, PersonMatch};
pub use store::{
    AddedPhoto, AssignedBy, Change, Correction, CorrectionId, Counts, Event, EventKind, FaceId, FaceRecord,
    FileRecord, Form, GalleryFilter, Gone, IndexState, JsonlError, KEY_VARIABLE, Key, Moved, NewFace,
    NewPhoto, NotStored, Person, PersonId, PhotoDigest, PhotoId, PhotoRecord, Record, Regrouped, Removal,
    Removed, Scope, Settings, SqliteStore, Store, StoreError, StoredEmbedding, Subject, Ungrouped,
    UnknownSubject, Upgrade, Verdict, all_faces, check_upgrade, copy_store, export_jsonl, first_paths,
    for_each_batch, import_jsonl, is_name, is_tag, regroup, remember_answer, take_back_answer, to_gallery,
    upgrade_order,
};
pub use templates::{NotStrictEnough, Template, false_positive_rate, far_for, threshold_for_fpir};
pub use wrong_pairs::{STATED_SHARES, threshold_for_wrong_pairs};
