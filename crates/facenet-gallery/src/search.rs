//! Who is this? Exact search through the faces of known people.

use std::collections::HashMap;
use std::path::PathBuf;

use facenet_core::{Comparability, Contract, Distance, Embedding, Incompatible};

use crate::rows::{Rows, squared_distance};
use crate::scale::Scale;

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

impl Gallery {
    /// A gallery without faces, for embeddings under `contract`.
    pub fn new(contract: Contract) -> Self {
        let rows = Rows::new(contract.dimension);
        let (people, faces, older) = (Vec::new(), Vec::new(), Vec::new());
        Self { contract, people, person_index: HashMap::new(), rows, faces, older }
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
    /// A person is as near as their nearest face; of equally near faces the one added first is named. Exact: every
    /// face is compared. Empty when the gallery is, or when `k` is 0.
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
        let mut nearest = self.nearest_people(probe, k.max(1));
        let person =
            nearest.first().filter(|best| best.distance <= threshold).map(|best| best.person.clone());
        nearest.truncate(k);
        Identification { person, nearest }
    }

    /// The distance and index of each person's nearest face, in the order of `people`.
    fn best_faces(&self, probe: &Embedding) -> Vec<(Distance, usize)> {
        assert_eq!(probe.dimension(), self.contract.dimension, "a probe of another contract was searched");
        let mut best = vec![(f32::INFINITY, 0); self.people.len()];
        for (index, face) in self.faces.iter().enumerate() {
            let distance = squared_distance(probe.as_slice(), self.rows.row(index));
            let distance = face.older.map_or(distance, |older| self.older[older].scale.apply(distance));
            let person = &mut best[face.person];
            if distance < person.0 {
                *person = (distance, index);
            }
        }
        let checked = |(distance, face)| (Distance::new(distance).expect("every person has a face"), face);
        best.into_iter().map(checked).collect()
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::Preprocessing;
    use proptest::prelude::*;

    use super::*;

    fn contract(dimension: usize, weights: &str) -> Contract {
        Contract {
            network: "nn4".into(),
            dimension,
            weights: weights.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: vec![],
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        }
    }

    fn unit(values: &[f32]) -> Embedding {
        Embedding::normalize(values.to_vec()).unwrap()
    }

    fn entry(person: &str, source: &str, values: &[f32]) -> Entry {
        Entry { person: person.into(), source: source.into(), embedding: unit(values) }
    }

    /// In the plane, distances from (1, 0): Anna 2 and 0, Bert 4 and 2, Cleo 2.
    fn gallery() -> Gallery {
        let mut gallery = Gallery::new(contract(2, "a"));
        for (person, source, values) in [
            ("Cleo", "c1.jpg", [0.0, -1.0]),
            ("Anna", "a1.jpg", [0.0, 1.0]),
            ("Bert", "b1.jpg", [-1.0, 0.0]),
            ("Anna", "a2.jpg", [1.0, 0.0]),
            ("Anna", "a3.jpg", [1.0, 0.0]),
            ("Bert", "b2.jpg", [0.0, 1.0]),
        ] {
            gallery.add(&contract(2, "a"), entry(person, source, &values)).unwrap();
        }
        gallery
    }

    fn summary(matches: &[PersonMatch]) -> Vec<(&str, f32, &str)> {
        matches.iter().map(|m| (m.person.as_str(), m.distance.value(), m.source.to_str().unwrap())).collect()
    }

    #[test]
    fn a_person_is_as_near_as_their_best_face_and_ties_go_by_name() {
        let probe = unit(&[1.0, 0.0]);
        let all = [("Anna", 0.0, "a2.jpg"), ("Bert", 2.0, "b2.jpg"), ("Cleo", 2.0, "c1.jpg")];
        for k in [0, 1, 2, 3, 4, usize::MAX] {
            assert_eq!(summary(&gallery().nearest_people(&probe, k)), all[..k.min(3)], "k {k}");
        }
    }

    #[test]
    fn a_person_exactly_at_the_threshold_is_accepted() {
        let (probe, distance) = (unit(&[-1.0, 0.001]), |d: f32| Distance::new(d).unwrap());
        let at = gallery().nearest_people(&probe, 1)[0].distance;
        let below = distance(at.value().next_down());
        assert_eq!(gallery().identify(&probe, at, 1).person.as_deref(), Some("Bert"));
        assert_eq!(gallery().identify(&probe, below, 1).person, None);
        assert_eq!(
            gallery().identify(&probe, below, 2).nearest.len(),
            2,
            "the nearest are told all the same"
        );
    }

    #[test]
    fn the_verdict_does_not_need_a_list() {
        let identification = gallery().identify(&unit(&[1.0, 0.0]), Distance::new(0.0).unwrap(), 0);
        assert_eq!(identification, Identification { person: Some("Anna".into()), nearest: vec![] });
    }

    #[test]
    fn an_empty_gallery_knows_nobody() {
        let gallery = Gallery::new(contract(2, "a"));
        assert!(gallery.is_empty());
        let identification = gallery.identify(&unit(&[1.0, 0.0]), Distance::MAX, 5);
        assert_eq!(identification, Identification { person: None, nearest: vec![] });
    }

    #[test]
    fn embeddings_of_another_model_or_dimension_are_refused() {
        let mut gallery = gallery();
        let foreign = gallery.add(&contract(2, "b"), entry("Dora", "d.jpg", &[1.0, 0.0]));
        assert!(matches!(foreign, Err(AddError::Incompatible(_))));
        let longer = gallery.add(&contract(2, "a"), entry("Dora", "d.jpg", &[1.0, 0.0, 0.0])).unwrap_err();
        assert_eq!(
            longer.to_string(),
            "the face in `d.jpg` has 3 coordinates, but the gallery's model makes 2"
        );
        assert_eq!((gallery.len(), gallery.nearest_people(&unit(&[1.0, 0.0]), 9).len()), (6, 3));
    }

    #[test]
    #[should_panic(expected = "another contract")]
    fn a_probe_of_another_dimension_is_not_searched() {
        gallery().nearest_people(&unit(&[1.0, 0.0, 0.0]), 1);
    }

    proptest! {
        #[test]
        fn the_search_finds_what_sorting_all_faces_finds(
            faces in prop::collection::vec((0u8..5, prop::collection::vec(-1.0f32..1.0, 20)), 0..30),
            probe in prop::collection::vec(-1.0f32..1.0, 20),
            k in 0usize..7,
        ) {
            let Ok(probe) = Embedding::normalize(probe) else { return Ok(()) };
            let mut gallery = Gallery::new(contract(20, "a"));
            let mut sorted = Vec::new();
            for (index, (person, values)) in faces.into_iter().enumerate() {
                let Ok(embedding) = Embedding::normalize(values) else { continue };
                let (person, source) = (format!("person {person}"), PathBuf::from(index.to_string()));
                sorted.push((embedding.distance(&probe), person.clone(), source.clone()));
                gallery.add(&contract(20, "a"), Entry { person, source, embedding }).unwrap();
            }
            sorted.sort();
            let mut seen = std::collections::HashSet::new();
            sorted.retain(|(_, person, _)| seen.insert(person.clone()));

            let found = gallery.nearest_people(&probe, k);
            prop_assert_eq!(found.len(), k.min(sorted.len()));
            for (found, (distance, person, source)) in found.iter().zip(&sorted) {
                prop_assert_eq!((&found.person, &found.source), (person, source));
                // Twenty additions in another order.
                prop_assert!((found.distance.value() - distance.value()).abs() < 1e-5);
            }
        }
    }
}
