//! What a training run tells while it goes on, and gives in the end.

use std::path::PathBuf;

use facenet::Model;
use facenet_eval::VerificationReport;

use crate::log::{StepRecord, ValidationRecord};
use crate::{Snapshot, Unreadable};

/// What happens during a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// The data was read.
    Data {
        /// People.
        identities: usize,
        /// Faces.
        images: usize,
        /// Entries that are no images.
        ignored: usize,
    },
    /// The run goes on after this many steps; 0 at the start.
    Starts {
        /// Steps already taken.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
    /// A step was taken.
    Step {
        /// Steps taken.
        step: u64,
    },
    /// A window of steps was logged.
    Logged(&'a StepRecord),
    /// A look at the batch of the last step of a window.
    Looked(&'a Snapshot),
    /// The network was validated.
    Validated(&'a ValidationRecord),
    /// An image could not be read; it is skipped from now on.
    Unreadable(&'a Unreadable),
    /// Triplets were mined from a part of the data set.
    MinedOffline {
        /// Steps taken.
        step: u64,
        /// How many.
        triplets: usize,
        /// Images they were mined from.
        images: usize,
    },
    /// The labels of the data set were looked at.
    Suspected {
        /// Steps taken.
        step: u64,
        /// Images that every look so far found impossible.
        images: usize,
        /// Where they are shown.
        sheet: PathBuf,
    },
    /// All faces lie in nearly one point; the run goes on for a while, since training can recover.
    Collapsed {
        /// Steps taken.
        step: u64,
    },
}

/// What a finished run gives.
#[derive(Debug)]
pub struct Trained {
    /// The model, with thresholds calibrated on the validation pairs if there are any.
    pub model: Model,
    /// Its figures on the validation pairs; none without.
    pub report: Option<VerificationReport>,
    /// Images that could not be read.
    pub unreadable: usize,
}
