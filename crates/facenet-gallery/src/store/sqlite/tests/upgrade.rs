//! From one model to another.

use facenet_core::{Distance, Harmonic, HarmonicMeasure, Threshold};

use super::*;
use crate::store::{Removal, Upgrade};

/// A model of other weights, which says that it is harmonic to these.
fn model(weights: &str, to: &[&Contract]) -> Contract {
    let threshold = |distance| Threshold {
        distance: Distance::new(distance).unwrap(),
        false_accept_rate: 0.01,
        data: "drawn".into(),
        interval: None,
    };
    let measured = HarmonicMeasure { old: 0.8, mixed: 0.85, new: 0.9, data: "drawn".into() };
    let harmonic = |old: &&Contract| Harmonic {
        to: old.id(),
        thresholds: vec![threshold(1.0)],
        calibration: None,
        measured: Some(measured.clone()),
    };
    Contract {
        weights: weights.into(),
        thresholds: vec![threshold(0.5)],
        harmonic: to.iter().map(harmonic).collect(),
        ..settings(Form::Float).contract
    }
}

fn old() -> Contract {
    settings(Form::Float).contract
}

fn stored(seed: u32) -> StoredEmbedding {
    StoredEmbedding::of(&embedding(seed), Form::Float)
}

fn older_models(store: &SqliteStore) -> Vec<Option<String>> {
    store.faces(FaceId(0), 99).unwrap().into_iter().map(|face| face.older_model).collect()
}

fn embeddings(store: &SqliteStore) -> Vec<StoredEmbedding> {
    store.faces(FaceId(0), 99).unwrap().into_iter().map(|face| face.embedding).collect()
}

#[test]
fn old_faces_stay_and_are_found_by_the_new_model_in_one_ranking() {
    let place = Place::new();
    let mut store = filled(&place);
    let before = embeddings(&store);
    let new = model("ffff", &[&old()]);
    // Also before the gallery is upgraded, the new model's probes are taken.
    assert!(to_gallery(&store, &new, &GalleryFilter::default(), Template::Best).is_ok());
    store.begin_upgrade(&new, Upgrade::Harmonic).unwrap();
    assert_eq!(embeddings(&store), before);
    assert_eq!((store.counts().unwrap().older, store.settings().older.len()), (before.len() as u64, 1));

    let faces = store.faces(FaceId(0), 99).unwrap();
    let known: Vec<FaceId> = faces.iter().filter(|face| face.person.is_some()).map(|face| face.id).collect();
    store.replace_embeddings(&[(known[0], stored(77))]).unwrap();
    store.add(&[photo(&[60], Some(PersonId(1)))]).unwrap();
    let gallery = to_gallery(&store, &new, &GalleryFilter::default(), Template::Best).unwrap();
    let found = gallery.nearest_people(&embedding(77), 9);
    assert!(found[0].distance.value() < 1e-6 && found[0].older_model.is_none(), "{found:?}");

    // 1 between the models is as strict as 0.5 within the new one: lines from 0 to there, and from there to 4.
    let told = |distance: f32| match distance {
        near if near <= 1.0 => 0.5 * near,
        far => 0.5 + (far - 1.0) / 3.0 * 3.5,
    };
    let probe = embedding(61);
    let all = gallery.nearest_people(&probe, 9);
    for person in store.people().unwrap() {
        let found = all.iter().find(|found| found.person == person.label()).unwrap();
        let of_person = store.faces(FaceId(0), 99).unwrap().into_iter();
        let distances =
            of_person.filter(|face| face.person.is_some_and(|(id, _)| id == person.id)).map(|face| {
                let distance = probe.distance(&face.embedding.embedding()).value();
                if face.older_model.is_some() { told(distance) } else { distance }
            });
        let nearest = distances.fold(f32::INFINITY, f32::min);
        assert!((found.distance.value() - nearest).abs() < 1e-5, "{found:?} {nearest}");
    }
    assert!(all.iter().any(|found| found.older_model == Some(old().id())), "{all:?}");

    // What was done is done once, and survives being opened again.
    store.begin_upgrade(&new, Upgrade::Harmonic).unwrap();
    let path = store.path().to_owned();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.settings().upgrading_from, Some(old()));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_finished_upgrade_leaves_no_byte_of_the_former_embeddings() {
    let place = Place::new();
    let mut store = filled(&place);
    let before = embeddings(&store);
    let new = model("ffff", &[&old()]);
    store.begin_upgrade(&new, Upgrade::Harmonic).unwrap();
    let all: Vec<(FaceId, StoredEmbedding)> =
        (1..=before.len() as u32).map(|id| (FaceId(id.into()), stored(100 + id))).collect();
    store.replace_embeddings(&all).unwrap();
    store.finish_upgrade().unwrap();
    assert_eq!((store.counts().unwrap().older, &store.settings().older), (0, &vec![]));
    assert_eq!(store.settings().upgrading_from, None);
    let path = store.path().to_owned();
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    let is_there = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(before.iter().all(|former| !is_there(&bytes, &former.as_bytes()[..16])));
    assert!(all.iter().all(|(_, now)| is_there(&bytes, &now.as_bytes()[..16])));
}

#[test]
fn a_removed_face_takes_its_former_embedding_with_it() {
    let place = Place::new();
    let mut store = filled(&place);
    let former = embeddings(&store)[0].clone();
    store.begin_upgrade(&model("ffff", &[&old()]), Upgrade::Harmonic).unwrap();
    store.replace_embeddings(&[(FaceId(1), stored(70))]).unwrap();
    let removed = store.remove(&Removal::Faces(vec![FaceId(1)])).unwrap();
    assert!(removed.found_before > 0 && removed.found_after == 0);
    store.undo_upgrade().unwrap();
    assert!(!embeddings(&store).contains(&former));
}

#[test]
fn a_gallery_in_the_middle_of_an_upgrade_is_copied_with_the_models_of_its_faces() {
    let place = Place::new();
    let mut store = filled(&place);
    store.begin_upgrade(&model("ffff", &[&old()]), Upgrade::Harmonic).unwrap();
    store.replace_embeddings(&[(FaceId(1), stored(70))]).unwrap();
    let mut lines = Vec::new();
    export_jsonl(&store, &mut lines).unwrap();
    let to = place.at("copy");
    let (copy, _) =
        import_jsonl(&lines[..], |settings: &Settings| SqliteStore::create(&to, settings)).unwrap();
    assert_eq!(older_models(&copy), older_models(&store));
    assert_eq!(copy.settings().older, store.settings().older);

    let mut other = SqliteStore::create(&place.at("other"), &settings(Form::Float)).unwrap();
    let mut face = store.faces(FaceId(1), 1).unwrap().remove(0);
    face.older_model = Some("nobody-128-00".into());
    let photos = store.photos(PhotoId(0), 99).unwrap().into_iter().map(Record::Photo).collect::<Vec<_>>();
    other.put(&photos).unwrap();
    face.person = None;
    let error = other.put(&[Record::Face { record: face, crop: None }]).unwrap_err();
    assert!(matches!(error, StoreError::UnknownModel { .. }), "{error}");
}
