//! From one model to another.

use facenet_core::{Adapter, AdapterFacts, Distance, Harmonic, HarmonicMeasure, Threshold};

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

/// An adapter that turns coordinates round, one place on.
fn adapter(to: &Contract, is_measured: bool) -> Adapter {
    let matrix = (0..DIMENSION * DIMENSION)
        .map(|i| if (i / DIMENSION + 1) % DIMENSION == i % DIMENSION { 1.0 } else { 0.0 })
        .collect();
    let facts = AdapterFacts {
        from: old(),
        to: to.clone(),
        faces: 600,
        held_out_distance: 0.5,
        digest: "aabbccddeeff".into(),
        harmonic: is_measured.then(|| model("", &[to]).harmonic.remove(0)),
    };
    Adapter::new(facts, matrix, vec![0.0; DIMENSION]).unwrap()
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
fn who_has_the_gallery_open_is_told_of_its_new_model() {
    let place = Place::new();
    let mut store = filled(&place);
    let mut other = SqliteStore::open(store.path()).unwrap();
    other.begin_upgrade(&model("ffff", &[&old()]), Upgrade::Harmonic).unwrap();
    let error = store.faces(FaceId(0), 9).unwrap_err();
    assert!(matches!(error, StoreError::ModelChanged { .. }), "{error}");
    let error = store.add(&[photo(&[60], None)]).unwrap_err();
    assert!(matches!(error, StoreError::ModelChanged { .. }), "{error}");
    assert_eq!(other.counts().unwrap().faces, 5);
}

#[test]
fn an_upgrade_is_taken_back_to_the_last_byte() {
    let place = Place::new();
    let mut store = filled(&place);
    let (before, settings_before) = (embeddings(&store), store.settings().clone());
    let new = model("ffff", &[&old()]);
    for _ in 0..2 {
        store.begin_upgrade(&new, Upgrade::Harmonic).unwrap();
        store.replace_embeddings(&[(FaceId(1), stored(70)), (FaceId(2), stored(71))]).unwrap();
        store.replace_embeddings(&[(FaceId(1), stored(72))]).unwrap();
        store.undo_upgrade().unwrap();
        assert_eq!((embeddings(&store), store.settings()), (before.clone(), &settings_before));
    }
    assert!(matches!(store.undo_upgrade(), Err(StoreError::NotUpgrading { .. })));
    assert!(matches!(store.finish_upgrade(), Err(StoreError::NotUpgrading { .. })));
    assert!(matches!(store.replace_embeddings(&[]), Err(StoreError::NotUpgrading { .. })));
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
fn an_adapter_takes_every_embedding_into_the_new_space() {
    let place = Place::new();
    let mut store = filled(&place);
    let before = embeddings(&store);
    let new = model("ffff", &[]);
    let error = store.begin_upgrade(&new, Upgrade::Adapter(&adapter(&new, false))).unwrap_err();
    assert!(matches!(error, StoreError::NotHarmonic { .. }), "it was not measured: {error}");

    let adapter = adapter(&new, true);
    store.begin_upgrade(&new, Upgrade::Adapter(&adapter)).unwrap();
    for (former, now) in before.iter().zip(embeddings(&store)) {
        let expected = adapter.apply(&former.embedding()).unwrap();
        assert!(now.embedding().distance(&expected).value() < 1e-6);
    }
    assert_eq!(older_models(&store)[0], Some("drawn-adapted-128-aabbccddeeff".into()));
    assert!(to_gallery(&store, &new, &GalleryFilter::default(), Template::Best).is_ok());
    assert!(to_gallery(&store, &old(), &GalleryFilter::default(), Template::Best).is_err());

    store.add(&[photo(&[60], None)]).unwrap();
    let error = store.undo_upgrade().unwrap_err();
    assert!(matches!(error, StoreError::LeftBehind { faces: 1, .. }), "{error}");
    let added = store.faces(FaceId(0), 99).unwrap().pop().unwrap().id;
    store.remove(&Removal::Faces(vec![added])).unwrap();
    store.undo_upgrade().unwrap();
    assert_eq!(embeddings(&store), before);
}

#[test]
fn a_model_that_is_not_harmonic_comes_in_only_with_all_faces_embedded_anew() {
    let place = Place::new();
    let mut store = filled(&place);
    let (before, new) = (embeddings(&store), model("ffff", &[]));
    let error = store.begin_upgrade(&new, Upgrade::Harmonic).unwrap_err();
    assert!(error.to_string().contains("`--anew`"), "{error}");
    let same = store.begin_upgrade(&old(), Upgrade::Harmonic).unwrap_err();
    assert!(matches!(same, StoreError::SameModel { .. }), "{same}");

    let all: Vec<(FaceId, StoredEmbedding)> =
        (1..=before.len() as u32).map(|id| (FaceId(id.into()), stored(100 + id))).collect();
    let error = store.begin_upgrade(&new, Upgrade::Anew(&all[1..])).unwrap_err();
    assert!(matches!(error, StoreError::LeftBehind { faces: 1, .. }), "{error}");
    assert_eq!((embeddings(&store), store.settings().contract.clone()), (before.clone(), old()));
    store.begin_upgrade(&new, Upgrade::Anew(&all)).unwrap();
    assert_eq!(store.counts().unwrap().older, 0);

    let third = model("eeee", &[&new]);
    let error = store.begin_upgrade(&third, Upgrade::Harmonic).unwrap_err();
    assert!(matches!(error, StoreError::Upgrading { .. }), "one after the other: {error}");
    store.undo_upgrade().unwrap();
    assert_eq!(embeddings(&store), before);
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
