//! Training runs, looked at from outside: their folders are read as they grow, and nothing in them is touched.
//!
//! A run folder has `log.jsonl` (a JSON object a line, with a `kind` and the `step` it belongs to), `config.toml`, `index.html`
//! (the run's own page) and, when the run has ended, `model.safetensors`. The service knows no more of training than that.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The most points of a curve: about as many as a screen has pixels for it.
const POINTS: usize = 600;
/// The most bytes of a log that are read: a line each 25 of ten million steps.
const LOG: u64 = 128 << 20;
/// The most bytes of a run's page that are given out: a dozen triplets have a quarter of a MiB.
const PAGE: u64 = 16 << 20;
/// A log that was written to later than this belongs to a run that goes on. The largest network's steps take seconds, a
/// validation minutes.
const ALIVE: Duration = Duration::from_secs(10 * 60);

/// A training run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunJson {
    /// The place among the runs that the service was started with, from 1 on.
    id: usize,
    /// The folder's name.
    name: String,
    state: RunState,
    /// The last step that was written down; none before the first.
    step: Option<u64>,
    /// How many steps there will be, if the settings say so.
    steps: Option<u64>,
    /// When the log was last written, in seconds since 1970.
    updated: Option<u64>,
    /// Images that could not be read.
    unreadable: u64,
    /// Whether the run has a page of its own, with its hardest triplets.
    page: bool,
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunState {
    /// Nothing was written down yet.
    Empty,
    /// Something was written in the last minutes.
    Running,
    /// Nothing was written for ten minutes, and no model came of it.
    Quiet,
    /// There is a model.
    Finished,
}

/// A figure over the steps of a run.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Curve {
    /// The kind of the records that it is from: `step`, `validation`, `detector` …
    kind: String,
    /// The field of the records; of one with several values, `field.0` and so on.
    field: String,
    /// Step and value, in the order of steps. Of long runs every n-th, and the last.
    points: Vec<[f64; 2]>,
}

/// What a log says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Log {
    pub(crate) curves: Vec<Curve>,
    step: Option<u64>,
    unreadable: u64,
}

/// What is read of a run's settings.
#[derive(Deserialize)]
struct Config {
    schedule: Option<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    steps: Option<u64>,
}

/// The run in `folder`, as the one with this identifier, and what its log says.
///
/// # Errors
/// When its log is there, but cannot be read.
pub(crate) fn look(id: usize, folder: &Path) -> io::Result<(RunJson, Log)> {
    let path = folder.join("log.jsonl");
    let (log, updated) = match changed(&path)? {
        Some(updated) => (Log::of(&bounded(&path, LOG)?), Some(updated)),
        None => (Log::default(), None),
    };
    let has_model = changed(&folder.join("model.safetensors"))?.is_some();
    let is_alive = updated.is_some_and(|at| at.elapsed().map_or(true, |age| age < ALIVE));
    let state = match updated {
        None => RunState::Empty,
        Some(_) if has_model => RunState::Finished,
        Some(_) if is_alive => RunState::Running,
        Some(_) => RunState::Quiet,
    };
    let run = RunJson {
        id,
        name: name(folder),
        state,
        step: log.step,
        steps: steps(folder),
        updated: updated.and_then(|at| Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs())),
        unreadable: log.unreadable,
        page: page_path(folder).is_file(),
    };
    Ok((run, log))
}

/// The page that the run writes of itself; none when it wrote none.
///
/// # Errors
/// When it is there, but cannot be read.
pub(crate) fn page(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    match bounded(&page_path(folder), PAGE) {
        Ok(page) => Ok(Some(page)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Log {
    /// Reads lines of JSON. A last line that is still being written, or a record of a kind that is not known, is no fault.
    fn of(text: &[u8]) -> Self {
        let mut log = Self::default();
        let mut curves: BTreeMap<(String, String), Vec<[f64; 2]>> = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            let Ok(record) = serde_json::from_slice::<Map<String, Value>>(line) else { continue };
            let kind = record.get("kind").and_then(Value::as_str).unwrap_or_default();
            if kind == "unreadable" {
                log.unreadable += 1;
            }
            let Some(step) = record.get("step").and_then(Value::as_u64) else { continue };
            log.step = log.step.max(Some(step));
            for (field, value) in figures(&record) {
                curves.entry((kind.to_owned(), field)).or_default().push([step as f64, value]);
            }
        }
        let curve = |((kind, field), points)| Curve { kind, field, points: thinned(points) };
        log.curves = curves.into_iter().map(curve).collect();
        log
    }
}

/// The numbers of a record, but its step.
fn figures(record: &Map<String, Value>) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    for (field, value) in record.iter().filter(|(field, _)| *field != "step") {
        if let Some(value) = value.as_f64() {
            figures.push((field.clone(), value));
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            figures.extend(value.as_f64().map(|value| (format!("{field}.{index}"), value)));
        }
    }
    figures
}

fn thinned(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let every = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let is_kept = |index: usize| index.is_multiple_of(every) || index == last;
    points.into_iter().enumerate().filter(|(index, _)| is_kept(*index)).map(|(_, point)| point).collect()
}

fn steps(folder: &Path) -> Option<u64> {
    let text = fs_err::read_to_string(folder.join("config.toml")).ok()?;
    toml::from_str::<Config>(&text).ok()?.schedule?.steps
}

fn page_path(folder: &Path) -> PathBuf {
    folder.join("index.html")
}

fn name(folder: &Path) -> String {
    let real = fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    real.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

/// When a file was changed; none when there is none.
fn changed(path: &Path) -> io::Result<Option<SystemTime>> {
    match fs_err::metadata(path) {
        Ok(metadata) => metadata.modified().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The bytes of a file that has no more than `most`.
fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let length = fs_err::metadata(path)?.len();
    if length > most {
        return Err(io::Error::other(format!("`{}` has more than {most} bytes", path.display())));
    }
    fs_err::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_becomes_a_curve_for_each_figure_and_a_half_written_line_is_left_out() {
        let log = Log::of(
            br#"{"kind":"step","step":25,"loss":0.5,"active":null}
{"kind":"unreadable","place":"a.jpg","reason":"cut off"}
{"kind":"step","step":50,"loss":0.25,"active":0.75}
{"kind":"detector-validation","step":50,"average_precision":[0.5,null,0.25]}
{"kind":"step","step":75,"lo"#,
        );
        let curve = |kind: &str, field: &str, points: &[[f64; 2]]| Curve {
            kind: kind.into(),
            field: field.into(),
            points: points.to_vec(),
        };
        let curves = vec![
            curve("detector-validation", "average_precision.0", &[[50.0, 0.5]]),
            curve("detector-validation", "average_precision.2", &[[50.0, 0.25]]),
            curve("step", "active", &[[50.0, 0.75]]),
            curve("step", "loss", &[[25.0, 0.5], [50.0, 0.25]]),
        ];
        assert_eq!(log, Log { curves, step: Some(50), unreadable: 1 });
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_end() {
        let long: Vec<[f64; 2]> = (0..1501).map(|step| [f64::from(step), 0.0]).collect();
        let thin = thinned(long);
        assert!(thin.len() <= POINTS + 1);
        assert_eq!((thin[0][0], thin[1][0], thin[thin.len() - 1][0]), (0.0, 3.0, 1500.0));
        assert_eq!(thinned(vec![]), Vec::<[f64; 2]>::new());
    }

    #[test]
    fn a_run_is_empty_then_running_then_quiet_or_finished() {
        let folder = tempfile::tempdir().unwrap();
        let state = || look(1, folder.path()).unwrap().0.state;
        assert_eq!(state(), RunState::Empty);
        let log = folder.path().join("log.jsonl");
        fs_err::write(&log, "{\"kind\":\"step\",\"step\":25,\"loss\":1}\n").unwrap();
        fs_err::write(folder.path().join("config.toml"), "seed = 1\n[schedule]\nsteps = 100\n").unwrap();
        assert_eq!(state(), RunState::Running);
        let (run, _) = look(1, folder.path()).unwrap();
        assert_eq!((run.step, run.steps, run.page), (Some(25), Some(100), false));
        let file = std::fs::File::options().append(true).open(&log).unwrap();
        file.set_modified(SystemTime::now() - 2 * ALIVE).unwrap();
        assert_eq!(state(), RunState::Quiet);
        fs_err::write(folder.path().join("model.safetensors"), "").unwrap();
        assert_eq!(state(), RunState::Finished);
    }
}
