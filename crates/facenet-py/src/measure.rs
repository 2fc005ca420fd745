//! How good are these embeddings? Verification figures with intervals over people.

use facenet_core::Distance;
use facenet_eval::{Bootstrap, Interval, ScoredPair, ScoredPairs, ValAtFar, VerificationReport};
use numpy::{AllowTypeChange, PyArrayLike1, PyArrayLike2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::arrays::{Matrix, check_units};
use crate::clusters::numbered;
use crate::failure::{Failure, Kind, OrFail};

/// All pairs of so many faces take 1 GB of memory.
const MOST_FACES: usize = 10_000;

/// What a verification test found.
#[pyclass(frozen, module = "facenet")]
pub(crate) struct Report(VerificationReport);

type Bounds = Option<(f64, f64)>;

#[pymethods]
impl Report {
    /// The mean accuracy over folds; none with a single fold.
    #[getter]
    fn accuracy(&self) -> Option<f64> {
        self.0.accuracy.as_ref().map(|accuracy| accuracy.mean)
    }

    #[getter]
    fn accuracy_interval(&self) -> Bounds {
        bounds(self.0.uncertainty.as_ref()?.accuracy)
    }

    #[getter]
    fn auc(&self) -> f64 {
        self.0.auc
    }

    #[getter]
    fn auc_interval(&self) -> Bounds {
        bounds(self.0.uncertainty.as_ref()?.auc)
    }

    #[getter]
    fn eer(&self) -> f64 {
        self.0.eer
    }

    #[getter]
    fn eer_interval(&self) -> Bounds {
        bounds(self.0.uncertainty.as_ref()?.eer)
    }

    /// The numbers of pairs of one person and of two.
    #[getter]
    fn genuine(&self) -> u64 {
        self.0.pairs.genuine
    }

    #[getter]
    fn impostors(&self) -> u64 {
        self.0.pairs.impostors
    }

    /// The share of genuine pairs accepted where at most `far` of the impostors are; none where that is not measurable.
    fn val(&self, far: f64) -> PyResult<Option<f64>> {
        Ok(self.at(far)?.overall.map(|point| point.val))
    }

    fn val_interval(&self, far: f64) -> PyResult<Bounds> {
        let number = self.number_of(far)?;
        Ok(self.0.uncertainty.as_ref().and_then(|u| bounds(u.val_at_far[number].val)))
    }

    /// The distance that keeps to `far`; none where that is not measurable.
    fn threshold(&self, far: f64) -> PyResult<Option<f32>> {
        Ok(self.at(far)?.overall.map(|point| point.threshold.value()))
    }

    /// All figures, as JSON with the keys of the program's reports.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let pairs = self.0.pairs;
        format!(
            "<facenet.Report of {} genuine and {} impostor pairs, AUC {:.4}>",
            pairs.genuine, pairs.impostors, self.0.auc
        )
    }
}

impl Report {
    fn number_of(&self, far: f64) -> Result<usize, Failure> {
        let rates = self.0.val_at_far.iter().map(|val| val.target_far);
        rates.clone().position(|rate| (rate - far).abs() <= 1e-9 * far.abs()).ok_or_else(|| {
            let text =
                format!("`far={far}` was not measured: expected one of {:?}", rates.collect::<Vec<_>>());
            Failure::new(Kind::Threshold, text)
        })
    }

    fn at(&self, far: f64) -> Result<&ValAtFar, Failure> {
        Ok(&self.0.val_at_far[self.number_of(far)?])
    }
}

fn bounds(interval: Option<Interval>) -> Bounds {
    interval.map(|interval| (interval.low, interval.high))
}

/// Measures embeddings by labelled pairs.
#[pyfunction]
#[pyo3(
    signature = (
        embeddings, labels=None, *, pairs=None, same=None, folds=None, draws=Bootstrap::DRAWS, seed=0, model="", data=""
    ),
    text_signature = "(embeddings, labels=None, *, pairs=None, same=None, folds=None, draws=1000, seed=0, model='', data='')"
)]
#[expect(clippy::too_many_arguments, reason = "Python's keyword arguments are the struct")]
pub(crate) fn evaluate(
    py: Python<'_>,
    embeddings: Matrix<'_>,
    labels: Option<Vec<Bound<'_, PyAny>>>,
    pairs: Option<PyArrayLike2<'_, i64, AllowTypeChange>>,
    same: Option<PyArrayLike1<'_, bool, AllowTypeChange>>,
    folds: Option<PyArrayLike1<'_, i64, AllowTypeChange>>,
    draws: u32,
    seed: u64,
    model: &str,
    data: &str,
) -> PyResult<Report> {
    let (faces, dimension) = embeddings.size();
    let people = labels.map(|labels| numbered(py, labels)).transpose()?;
    let asked = Asked {
        people: people.map(|people| people.into_iter().map(|person| person as u32).collect()),
        pairs: pairs.map(|pairs| pair_list(&pairs, faces)).transpose()?,
        same: same.map(|same| same.as_array().to_vec()),
        folds: folds.map(|folds| folds.as_array().to_vec()),
        faces,
    };
    asked.check()?;
    let rows = embeddings.rows();
    let report = py.detach(|| {
        check_units(&rows, dimension)?;
        let scored = asked.score(&rows, dimension)?;
        Ok::<_, Failure>(VerificationReport::measure_with_intervals(model, data, &scored, draws, seed))
    })?;
    Ok(Report(report))
}

/// Pairs as the arguments name them.
struct Asked {
    people: Option<Vec<u32>>,
    pairs: Option<Vec<(usize, usize)>>,
    same: Option<Vec<bool>>,
    folds: Option<Vec<i64>>,
    faces: usize,
}

impl Asked {
    fn check(&self) -> Result<(), Failure> {
        let refused = |text: String| Err(Failure::new(Kind::Data, text));
        let lengths = |what: &str, found: usize, of: &str, expected: usize| {
            refused(format!("found {found} {what} for {expected} {of}"))
        };
        match (&self.people, &self.pairs, &self.same) {
            (Some(people), ..) if people.len() != self.faces => {
                return lengths("labels", people.len(), "embeddings", self.faces);
            }
            (None, None, _) | (None, Some(_), None) | (_, None, Some(_)) => {
                return refused("expected `labels`, or `pairs` with `same` or with `labels`".into());
            }
            (Some(_), Some(_), Some(_)) => {
                return refused(
                    "found both `labels` and `same`, which say the same: expected one of them".into(),
                );
            }
            (_, Some(pairs), Some(same)) if same.len() != pairs.len() => {
                return lengths("values of `same`", same.len(), "pairs", pairs.len());
            }
            (Some(_), None, None) if self.faces > MOST_FACES => {
                return refused(format!(
                    "all pairs of {} faces are too many to hold: at most {MOST_FACES} faces\n\
                     hint: name the pairs with `pairs=`, or use `facenet eval`, which needs not hold them",
                    self.faces
                ));
            }
            _ => {}
        }
        match (&self.folds, &self.pairs) {
            (Some(_), None) => refused("`folds` say which fold a pair is in: expected `pairs` too".into()),
            (Some(folds), Some(pairs)) if folds.len() != pairs.len() => {
                lengths("folds", folds.len(), "pairs", pairs.len())
            }
            _ => Ok(()),
        }
    }

    fn score(&self, rows: &[f32], dimension: usize) -> Result<ScoredPairs, Failure> {
        let every = || (0..self.faces).flat_map(|a| (a + 1..self.faces).map(move |b| (a, b))).collect();
        let pairs: Vec<(usize, usize)> = self.pairs.clone().unwrap_or_else(every);
        let row = |face: usize| &rows[face * dimension..][..dimension];
        let distance = |&(a, b): &(usize, usize)| {
            let squares = row(a).iter().zip(row(b)).map(|(x, y)| (x - y) * (x - y));
            Distance::new(squares.sum::<f32>().min(4.0)).expect("a sum of squares of checked rows")
        };
        let distances: Vec<Distance> = pairs.par_iter().map(distance).collect();
        let fold_of = |pair: usize| self.folds.as_ref().map_or(0, |folds| folds[pair]);
        let mut names: Vec<i64> = self.folds.clone().unwrap_or_else(|| vec![0]);
        names.sort_unstable();
        names.dedup();
        let fold = |pair: usize| names.binary_search(&fold_of(pair)).expect("every fold was collected");
        match (&self.people, &self.same) {
            (Some(people), _) => {
                let mut folds = vec![Vec::new(); names.len()];
                for (number, (&(a, b), distance)) in pairs.iter().zip(distances).enumerate() {
                    let people = [people[a], people[b]];
                    let pair = ScoredPair { distance, same: people[0] == people[1] };
                    folds[fold(number)].push((pair, people));
                }
                ScoredPairs::with_subjects(&folds).or_fail(Kind::Data)
            }
            (None, same) => {
                let same = same.as_ref().expect("checked before");
                let mut folds = vec![Vec::new(); names.len()];
                for (number, (distance, &same)) in distances.into_iter().zip(same).enumerate() {
                    folds[fold(number)].push(ScoredPair { distance, same });
                }
                ScoredPairs::new(&folds).or_fail(Kind::Data)
            }
        }
    }
}

/// `[pairs, 2]`, each within the faces.
fn pair_list(
    pairs: &PyArrayLike2<'_, i64, AllowTypeChange>,
    faces: usize,
) -> Result<Vec<(usize, usize)>, Failure> {
    if pairs.shape()[1] != 2 {
        let text = format!("pairs are an array [pairs, 2], but this one is {:?}", pairs.shape());
        return Err(Failure::new(Kind::Data, text));
    }
    let index = |value: i64| usize::try_from(value).ok().filter(|face| *face < faces);
    let pair = |pair: numpy::ndarray::ArrayView1<'_, i64>| {
        index(pair[0]).zip(index(pair[1])).ok_or_else(|| {
            let text = format!("there is no pair ({}, {}) of {faces} embeddings", pair[0], pair[1]);
            Failure::new(Kind::Data, text)
        })
    };
    pairs.as_array().outer_iter().map(pair).collect()
}
