//! Who is this? Exact search through the faces of known people.

use std::collections::HashMap;
use std::path::PathBuf;

use facenet_core::{Comparability, Contract, Distance, Embedding, Incompatible};

use crate::rows::{Rows, dot};
use crate::scale::Scale;
use crate::templates::Template;

/// Faces of known people, embedded under one [`Contract`], or under others that may be compared with it: older models that
/// it is harmonic to (Schroff et al. 2015, §7). A distance to an older model's face is told as the distance between two of
/// its own that lets as many strangers pass, by the thresholds of both, so that all faces stand in one ranking.
///
/// A scan of all faces: 100,000 faces of 128 coordinates are 51 MB and take a few milliseconds.
#[derive(Debug, Clone)]
pub struct Gallery {
    contract: Contract,
    /// Each person once, in the order of their first face.
    people: Vec<String>,
    person_index: HashMap<String, usize>,
    /// `[faces, dimension]`.
    rows: Rows,
    faces: Vec<GalleryFace>,
    /// The older models of faces.
    older: Vec<Older>,
    template: Template,
    /// A row a person and model, the sum of the faces; only for [`Template::Mean`].
    sums: Vec<Sum>,
    sum_index: HashMap<(usize, Option<usize>), usize>,
}

/// The sum of a person's faces by one model.
#[derive(Debug, Clone)]
struct Sum {
    person: usize,
    older: Option<usize>,
    values: Vec<f32>,
}

/// A model whose embeddings the gallery's own can be compared with.
#[derive(Debug, Clone)]
struct Older {
    /// Its [`Contract::id`].
    id: String,
    scale: Scale,
}

#[derive(Debug, Clone)]
struct GalleryFace {
    /// Index in `people`.
    person: usize,
    source: PathBuf,
    /// Index in the gallery's `older`; none under its own contract.
    older: Option<usize>,
}

/// A face of a known person.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who it is: any text.
    pub person: String,
    /// The image that the face was found in.
    pub source: PathBuf,
    /// The face.
    pub embedding: Embedding,
}

/// Why an embedding cannot join a gallery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It comes from another model.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// It is not what its contract says.
    #[error("the face in `{source_path}` has {found} coordinates, but the gallery's model makes {expected}")]
    Dimension {
        /// The image that the face was found in.
        source_path: PathBuf,
        /// The number of coordinates found.
        found: usize,
        /// The number of coordinates that the contract names.
        expected: usize,
    },
}

/// A person, seen from a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonMatch {
    /// Who.
    pub person: String,
    /// The distance from the probe to the person's nearest face.
    pub distance: Distance,
    /// The image of that face.
    pub source: PathBuf,
    /// [`Contract::id`] of the older model that embedded that face; none for the gallery's own.
    pub older_model: Option<String>,
}

/// The answer to: who is this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// The nearest person, if at most the threshold away; nobody otherwise.
    pub person: Option<String>,
    /// The nearest people, whether accepted or not; as [`Gallery::nearest_people`] gives them.
    pub nearest: Vec<PersonMatch>,
}

impl Identification {
    /// The answer by the nearest people, of whom `k` are told.
    pub(crate) fn of(mut nearest: Vec<PersonMatch>, threshold: Distance, k: usize) -> Self {
        let person =
            nearest.first().filter(|best| best.distance <= threshold).map(|best| best.person.clone());
        nearest.truncate(k);
        Self { person, nearest }
    }
}

impl Gallery {
    /// A gallery without faces, for embeddings under `contract`.
    pub fn new(contract: Contract) -> Self {
        let rows = Rows::new(contract.dimension);
        Self {
            contract,
            people: Vec::new(),
            person_index: HashMap::new(),
            rows,
            faces: Vec::new(),
            older: Vec::new(),
            template: Template::default(),
            sums: Vec::new(),
            sum_index: HashMap::new(),
        }
    }

    /// A gallery without faces in which a person is as near as `template` says. The thresholds of a contract are calibrated
    /// for pairs of faces, so for the nearest face.
    pub fn with_template(contract: Contract, template: Template) -> Self {
        Self { template, ..Self::new(contract) }
    }

    /// What the embeddings, and so the probes, are comparable with.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The number of faces.
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// Whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// Adds a face that was embedded under `contract`.
    ///
    /// # Errors
    /// When `contract` is not comparable with the gallery's, and neither is harmonic to the other, or the embedding has another dimension; the gallery is
    /// then as before.
    pub fn add(&mut self, contract: &Contract, entry: Entry) -> Result<(), AddError> {
        let older = self.older(contract)?;
        let Entry { person, source, embedding } = entry;
        let (found, expected) = (embedding.dimension(), self.contract.dimension);
        if found != expected {
            return Err(AddError::Dimension { source_path: source, found, expected });
        }
        let person = *self.person_index.entry(person).or_insert_with_key(|name| {
            self.people.push(name.clone());
            self.people.len() - 1
        });
        self.rows.push(&embedding);
        self.faces.push(GalleryFace { person, source, older });
        if self.template == Template::Mean {
            let sum = *self.sum_index.entry((person, older)).or_insert_with(|| {
                self.sums.push(Sum { person, older, values: vec![0.0; expected] });
                self.sums.len() - 1
            });
            let values = self.sums[sum].values.iter_mut().zip(embedding.as_slice());
            values.for_each(|(sum, value)| *sum += value);
        }
        Ok(())
    }

    /// The index of a contract among the older ones; none for the gallery's own.
    fn older(&mut self, contract: &Contract) -> Result<Option<usize>, Incompatible> {
        let Comparability::Harmonic(harmonic) = self.contract.compare_with(contract)? else {
            return Ok(None);
        };
        let id = contract.id();
        if let Some(known) = self.older.iter().position(|older| older.id == id) {
            return Ok(Some(known));
        }
        let scale = Scale::of(&harmonic.thresholds, &self.contract.thresholds);
        self.older.push(Older { id, scale });
        Ok(Some(self.older.len() - 1))
    }

    /// The `k` people nearest to `probe`, or all when there are fewer: nearest first, at equal distance by name.
    ///
    /// A person is as near as the gallery's template says, by default as their nearest face; that face is named, of equally
    /// near ones the one added first. Exact: every face is compared. Empty when the gallery is, or when `k` is 0.
    ///
    /// # Panics
    /// When the probe's dimension is not the contract's.
    pub fn nearest_people(&self, probe: &Embedding, k: usize) -> Vec<PersonMatch> {
        let mut matches: Vec<(Distance, &str, usize)> = self
            .best_faces(probe)
            .into_iter()
            .zip(&self.people)
            .map(|((distance, face), person)| (distance, person.as_str(), face))
            .collect();
        matches.sort_unstable();
        matches.truncate(k);
        let owned = |(distance, person, face): (Distance, &str, usize)| PersonMatch {
            person: person.to_owned(),
            distance,
            source: self.faces[face].source.clone(),
            older_model: self.faces[face].older.map(|older| self.older[older].id.clone()),
        };
        matches.into_iter().map(owned).collect()
    }

    /// Who `probe` is, by the nearest face: that person if at most `threshold` away (inclusive), else nobody; and the
    /// `k` nearest people. The verdict does not depend on `k`.
    ///
    /// # Panics
    /// When the probe's dimension is not the contract's.
    pub fn identify(&self, probe: &Embedding, threshold: Distance, k: usize) -> Identification {
        Identification::of(self.nearest_people(probe, k.max(1)), threshold, k)
    }

    /// The distance of each person, and the index of their nearest face, in the order of `people`.
    fn best_faces(&self, probe: &Embedding) -> Vec<(Distance, usize)> {
        assert_eq!(probe.dimension(), self.contract.dimension, "a probe of another contract was searched");
        let mut best = vec![(f32::INFINITY, 0); self.people.len()];
        let mut sums = vec![(0.0, 0u32); if self.template == Template::All { self.people.len() } else { 0 }];
        let distances = self.rows.distances(probe.as_slice());
        for (index, (face, distance)) in self.faces.iter().zip(distances).enumerate() {
            let distance = self.told(distance, face.older);
            let person = &mut best[face.person];
            if distance < person.0 {
                *person = (distance, index);
            }
            if let Some(sum) = sums.get_mut(face.person) {
                *sum = (sum.0 + f64::from(distance), sum.1 + 1);
            }
        }
        match self.template {
            Template::Best => {}
            Template::All => {
                let mean = |(sum, faces): (f64, u32)| (sum / f64::from(faces)) as f32;
                best.iter_mut().zip(sums).for_each(|(best, sum)| best.0 = mean(sum));
            }
            Template::Mean => self.means(probe, &mut best),
        }
        let checked = |(distance, face)| (Distance::new(distance).expect("every person has a face"), face);
        best.into_iter().map(checked).collect()
    }

    /// Puts the distances to people's mean faces in place of those to their nearest; where faces are by several models, to
    /// the nearest of the means. Faces that lie so opposite that they have no mean leave the nearest face.
    fn means(&self, probe: &Embedding, best: &mut [(f32, usize)]) {
        let mut nearest = vec![f32::INFINITY; best.len()];
        for sum in &self.sums {
            let norm = dot(&sum.values, &sum.values).sqrt();
            let distance = (2.0 - 2.0 * dot(probe.as_slice(), &sum.values) / norm).clamp(0.0, 4.0);
            if distance.is_finite() {
                nearest[sum.person] = nearest[sum.person].min(self.told(distance, sum.older));
            }
        }
        let found = best.iter_mut().zip(nearest).filter(|(_, mean)| mean.is_finite());
        found.for_each(|(best, mean)| best.0 = mean);
    }

    /// A distance to a face by the gallery's own model, or by one of the older ones, in the one ranking.
    fn told(&self, distance: f32, older: Option<usize>) -> f32 {
        older.map_or(distance, |older| self.older[older].scale.apply(distance))
    }
}

#[cfg(test)]
mod tests;
