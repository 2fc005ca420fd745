//! From one model to another.

use facenet_core::{Adapter, AdapterFacts, Contract, Distance, Harmonic, HarmonicMeasure, Threshold};
use facenet_gallery::{
    FaceId, Form, GalleryFilter, Removal, Store, StoreError, StoredEmbedding, Template, Upgrade, to_gallery,
};

use super::Kind;
use crate::drawn::{DIMENSION, photo, settings, stored};

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
        ..old()
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

fn embeddings(store: &dyn Store) -> Vec<StoredEmbedding> {
    store.faces(FaceId(0), 99).unwrap().into_iter().map(|face| face.embedding).collect()
}

pub(super) fn an_upgrade_is_taken_back_to_the_last_byte(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let (before, settings_before) = (embeddings(&store), store.settings().clone());
    let new = model("ffff", &[&old()]);
    for _ in 0..2 {
        store.begin_upgrade(&new, Upgrade::Harmonic).unwrap();
        store.begin_upgrade(&new, Upgrade::Harmonic).unwrap(); // done once
        assert_eq!((store.counts().unwrap().older, store.settings().older.len()), (5, 1));
        assert_eq!(embeddings(&store), before);
        store.replace_embeddings(&[(FaceId(1), stored(70)), (FaceId(2), stored(71))]).unwrap();
        store.replace_embeddings(&[(FaceId(1), stored(72)), (FaceId(99), stored(73))]).unwrap();
        assert_eq!(store.face(FaceId(1)).unwrap().older_model, None);
        assert_eq!(store.face(FaceId(3)).unwrap().older_model, Some(old().id()));
        assert_eq!(store.nearest(&stored(1).embedding(), 3).unwrap(), None, "they are of two models");
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        drop(store);
        store = kind.again();
        assert_eq!(store.settings().upgrading_from, Some(old()));
        store.undo_upgrade().unwrap();
        assert_eq!((embeddings(&store), store.settings()), (before.clone(), &settings_before));
    }
    assert!(matches!(store.undo_upgrade(), Err(StoreError::NotUpgrading { .. })));
    assert!(matches!(store.finish_upgrade(), Err(StoreError::NotUpgrading { .. })));
    assert!(matches!(store.replace_embeddings(&[]), Err(StoreError::NotUpgrading { .. })));
}

pub(super) fn a_finished_upgrade_leaves_none_of_the_former_embeddings(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    store.begin_upgrade(&model("ffff", &[&old()]), Upgrade::Harmonic).unwrap();
    let all: Vec<(FaceId, StoredEmbedding)> =
        (1..=5).map(|id| (FaceId(id.into()), stored(100 + id))).collect();
    store.replace_embeddings(&all).unwrap();
    store.finish_upgrade().unwrap();
    assert_eq!((store.counts().unwrap().older, &store.settings().older), (0, &vec![]));
    assert_eq!(store.settings().upgrading_from, None);
    assert_eq!(embeddings(&store), all.into_iter().map(|(_, stored)| stored).collect::<Vec<_>>());
    assert_eq!(store.counts().unwrap().older, 0);
}

pub(super) fn an_adapter_takes_every_embedding_into_the_new_space(kind: &mut dyn Kind) {
    let mut store = kind.filled();
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
    assert_eq!(store.face(FaceId(1)).unwrap().older_model, Some("drawn-adapted-128-aabbccddeeff".into()));
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

pub(super) fn a_model_that_is_not_harmonic_comes_in_only_with_all_faces_embedded_anew(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let (before, new) = (embeddings(&store), model("ffff", &[]));
    let error = store.begin_upgrade(&new, Upgrade::Harmonic).unwrap_err();
    assert!(matches!(error, StoreError::NotHarmonic { .. }), "{error}");
    assert!(error.to_string().contains("`--anew`"), "{error}");
    let same = store.begin_upgrade(&old(), Upgrade::Harmonic).unwrap_err();
    assert!(matches!(same, StoreError::SameModel { .. }), "{same}");

    let all: Vec<(FaceId, StoredEmbedding)> =
        (1..=5).map(|id| (FaceId(id.into()), stored(100 + id))).collect();
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

pub(super) fn who_has_the_gallery_open_is_told_of_its_new_model(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let mut other = kind.again();
    other.begin_upgrade(&model("ffff", &[&old()]), Upgrade::Harmonic).unwrap();
    let error = store.faces(FaceId(0), 9).unwrap_err();
    assert!(matches!(error, StoreError::ModelChanged { .. }), "{error}");
    let error = store.add(&[photo(&[60], None)]).unwrap_err();
    assert!(matches!(error, StoreError::ModelChanged { .. }), "{error}");
    assert_eq!(other.counts().unwrap().faces, 5);
}
