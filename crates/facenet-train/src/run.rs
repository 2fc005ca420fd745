//! The folder of a run: all that is needed to look at it, to go on with it, and to repeat it.
//!
//! `config.toml` (the effective settings), `log.jsonl`, `curves.svg`, `index.html` (the page), `checkpoints/`, for a
//! harmonic one `old-embeddings.safetensors`, and when it has ended
//! `model.safetensors` and `report.json`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use facenet::{DetectorModel, Model, ModelError, write_beside};
use facenet_eval::{DetectionReport, VerificationReport};

use crate::checkpoint::{Checkpoint, CheckpointError, Terms};
use crate::curves;
use crate::log::{Log, LogError, Record};
use crate::{Dataset, DetectorTrainError, LivePage, SheetLimits, Suspects, TrainConfig, contact_sheet};

/// A run's folder, locked against a second process.
#[derive(Debug)]
pub struct RunFolder {
    folder: PathBuf,
    /// Held for as long as the run lives; the system lets go of it when the process dies.
    _lock: std::fs::File,
    log: Option<Log>,
    keep: usize,
}

/// Why a folder cannot be used for a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something in it cannot be read or written.
    #[error("cannot use `{path}` in the run folder")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process trains there.
    #[error("another process is training in `{0}`\nhint: wait for it, or choose another folder with `--run`")]
    Busy(PathBuf),
    /// It holds a run that was not asked to go on.
    #[error(
        "`{0}` already holds a run\nhint: go on with it by `--resume`, or choose another folder with `--run`"
    )]
    Used(PathBuf),
    /// The final files cannot be written.
    #[error("cannot write the trained model")]
    Model(#[from] ModelError),
    /// The curves cannot be drawn.
    #[error("cannot draw the curves of the run: {0}")]
    Curves(String),
    /// The log cannot be kept.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl RunFolder {
    /// Makes the folder, or takes an existing run to go on with if `resume`.
    ///
    /// # Errors
    /// When it cannot be written to, another process uses it, or it holds a run and `resume` is false.
    pub fn open(folder: &Path, resume: bool) -> Result<Self, RunError> {
        let wrong = |path: &Path| {
            let path = path.to_path_buf();
            move |source| RunError::Io { path, source }
        };
        let checkpoints = folder.join("checkpoints");
        fs_err::create_dir_all(&checkpoints).map_err(wrong(&checkpoints))?;
        let lock_path = folder.join("lock");
        let lock = std::fs::File::create(&lock_path).map_err(wrong(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(RunError::Busy(folder.into())),
            Err(std::fs::TryLockError::Error(source)) => return Err(wrong(&lock_path)(source)),
        }
        let run = Self { folder: folder.into(), _lock: lock, log: None, keep: 1 };
        if !resume && (folder.join("log.jsonl").exists() || !run.checkpoints()?.is_empty()) {
            return Err(RunError::Used(folder.into()));
        }
        Ok(run)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The newest checkpoint, if there is one.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn last_checkpoint(&self) -> Result<Option<PathBuf>, RunError> {
        Ok(self.checkpoints()?.pop())
    }

    /// The checkpoints, oldest first. Their names hold the step with leading zeros, so the order of names is theirs.
    fn checkpoints(&self) -> Result<Vec<PathBuf>, RunError> {
        let folder = self.folder.join("checkpoints");
        let wrong = |source| RunError::Io { path: folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs_err::read_dir(&folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("step-") && name.ends_with(".safetensors") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Writes the settings, TOML, and opens the log, for a run that goes on after `step`.
    pub(crate) fn begin(&mut self, settings: &str, keep: usize, step: u64) -> Result<(), RunError> {
        self.keep = keep;
        let path = self.folder.join("config.toml");
        write_beside(&path, settings.as_bytes()).map_err(|source| RunError::Io { path, source })?;
        self.log = Some(Log::open(&self.folder.join("log.jsonl"), step)?);
        Ok(())
    }

    pub(crate) fn log(&mut self, record: &Record) -> Result<(), LogError> {
        self.log.as_mut().map_or(Ok(()), |log| log.append(record))
    }

    /// Writes a checkpoint, then removes the oldest beyond those that are kept.
    pub(crate) fn save_checkpoint(
        &self,
        state: &Checkpoint,
        terms: &Terms,
        data: &str,
    ) -> Result<(), CheckpointError> {
        let path = self.folder.join("checkpoints").join(format!("step-{:09}.safetensors", state.step));
        state.write(&path, terms, data)?;
        let found = self.checkpoints().unwrap_or_default();
        for old in &found[..found.len().saturating_sub(self.keep)] {
            // One too many does no harm; the run goes on.
            drop(fs_err::remove_file(old));
        }
        Ok(())
    }

    /// The page of the run, as it goes on after `step`.
    pub(crate) fn page(
        &self,
        settings: &TrainConfig,
        dataset: &Arc<Dataset>,
        step: u64,
    ) -> Result<LivePage, LogError> {
        let title = self.folder.file_name().map_or("run".into(), |name| name.to_string_lossy().into_owned());
        let records = self.log.as_ref().map_or(Ok(Vec::new()), Log::records)?;
        Ok(LivePage::new(self.page_path(), title, settings.clone(), Arc::clone(dataset), records, step))
    }

    /// Writes what is suspected, as JSON, and as pictures to look through; gives where those lie.
    pub(crate) fn suspect(&self, suspects: &Suspects, dataset: &Dataset) -> Result<PathBuf, RunError> {
        let list = self.folder.join("suspects.json");
        let json = serde_json::to_string_pretty(suspects).expect("suspects are plain data");
        write_beside(&list, json.as_bytes()).map_err(|source| RunError::Io { path: list, source })?;
        let sheet = self.folder.join("suspects.html");
        let page = contact_sheet(suspects, dataset, SheetLimits::default());
        write_beside(&sheet, page.as_bytes())
            .map_err(|source| RunError::Io { path: sheet.clone(), source })?;
        Ok(sheet)
    }

    /// Where the older model's embeddings of the training images lie, if the new one is to be harmonic to it.
    pub(crate) fn old_embeddings_path(&self) -> PathBuf {
        self.folder.join("old-embeddings.safetensors")
    }

    /// Where the page of the run lies.
    pub fn page_path(&self) -> PathBuf {
        self.folder.join("index.html")
    }

    pub(crate) fn page_error(&self, source: std::io::Error) -> RunError {
        RunError::Io { path: self.page_path(), source }
    }

    pub(crate) fn draw_curves(&self) -> Result<(), RunError> {
        let Some(log) = &self.log else { return Ok(()) };
        let path = self.folder.join("curves.svg");
        let picture = curves::draw(&log.records()?).map_err(RunError::Curves)?;
        write_beside(&path, picture.as_bytes()).map_err(|source| RunError::Io { path, source })
    }

    pub(crate) fn finish(&self, model: &Model, report: Option<&VerificationReport>) -> Result<(), RunError> {
        if let Some(report) = report {
            let path = self.folder.join("report.json");
            write_beside(&path, report.to_json().as_bytes())
                .map_err(|source| RunError::Io { path, source })?;
        }
        Ok(model.save(&self.model_path())?)
    }

    pub(crate) fn finish_detector(
        &self,
        model: &DetectorModel,
        report: Option<&DetectionReport>,
    ) -> Result<(), DetectorTrainError> {
        if let Some(report) = report {
            let path = self.folder.join("report.json");
            write_beside(&path, report.to_json().as_bytes())
                .map_err(|source| RunError::Io { path, source })?;
        }
        Ok(model.save(&self.model_path())?)
    }

    /// Where the trained model lies once the run has ended.
    pub fn model_path(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunFolder::open(folder.path(), false).unwrap();
        assert!(matches!(RunFolder::open(folder.path(), true), Err(RunError::Busy(_))));
        drop(first);
        assert!(RunFolder::open(folder.path(), false).is_ok(), "an empty folder is still free");
    }

    #[test]
    fn a_run_is_not_overwritten_unless_asked_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunFolder::open(folder.path(), false).unwrap());
        std::fs::write(folder.path().join("log.jsonl"), "").unwrap();
        assert!(matches!(RunFolder::open(folder.path(), false), Err(RunError::Used(_))));
        assert!(RunFolder::open(folder.path(), true).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let error = RunFolder::open(Path::new("/proc/run"), false).unwrap_err();
        assert_eq!(error.to_string(), "cannot use `/proc/run/checkpoints` in the run folder");
    }
}
