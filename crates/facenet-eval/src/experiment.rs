//! The paper's experiments (Schroff et al. 2015, §5): VAL over one thing that changes, beside what the paper found.
//!
//! Five kinds share everything here: [`ExperimentReport`] is the table in the paper's form, as Markdown, CSV and JSON,
//! and the picture; [`CellStore`] keeps each finished cell, so that an experiment that was stopped goes on where it was;
//! [`ImageChange`] is what is done to images where the model stays the same.

mod change;
mod kind;
mod paper;
mod picture;
mod report;
mod store;
mod table;
mod warp;

pub use self::change::{ImageChange, NotAChange};
pub use self::kind::{ExperimentKind, FactColumn, FactUnit, Group};
pub use self::paper::PaperVal;
pub use self::report::{CellFigures, ExperimentReport, ExperimentRow};
pub use self::store::{CellError, CellStore};
