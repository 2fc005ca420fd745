//! Records that tests draw.

use facenet_core::{BoundingBox, Contract, Embedding, Face, Point, Preprocessing};
use facenet_gallery::{
    AssignedBy, FileRecord, Form, NewFace, NewPhoto, PersonId, PhotoDigest, Settings, Store, StoredEmbedding,
};

pub(crate) const DIMENSION: usize = 128;

pub(crate) fn settings(form: Form) -> Settings {
    let contract = Contract {
        network: "drawn".into(),
        dimension: DIMENSION,
        weights: "00112233445566".into(),
        preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
        thresholds: vec![],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    let (older, upgrading_from) = (Vec::new(), None);
    Settings { contract, form, keeps_paths: true, keeps_crops: true, older, upgrading_from }
}

pub(crate) fn embedding(seed: u32) -> Embedding {
    let wave = |i| ((i * 7919 + seed as usize * 104_729) as f32 * 0.618_034).sin();
    Embedding::normalize((0..DIMENSION).map(wave).collect()).unwrap()
}

pub(crate) fn stored(seed: u32) -> StoredEmbedding {
    StoredEmbedding::of(&embedding(seed), Form::Float)
}

/// Bytes that look like a JPEG of a face.
pub(crate) fn crop(seed: u32) -> Vec<u8> {
    let noise = embedding(seed + 50_000).as_slice().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    [&[0xff, 0xd8, 1, 2, 3, 0xff, 0xda][..], &noise, &[0xff, 0xd9]].concat()
}

pub(crate) fn face(seed: u32, form: Form, person: Option<PersonId>) -> NewFace {
    let bounds = BoundingBox { x: seed as f32 + 0.1, y: 2.5, width: 30.3, height: 40.0 };
    let landmarks = seed.is_multiple_of(2).then(|| std::array::from_fn(|i| Point { x: i as f32, y: 0.7 }));
    NewFace {
        found: Face { bounds, landmarks, score: 0.77 },
        quality: (!seed.is_multiple_of(3)).then_some(0.3),
        embedding: StoredEmbedding::of(&embedding(seed), form),
        crop: Some(crop(seed)),
        person: person.map(|person| (person, AssignedBy::User)),
    }
}

/// A photo with these faces; its content and its path come from the first.
pub(crate) fn photo(faces: &[u32], person: Option<PersonId>) -> NewPhoto {
    let mut content = [7; 32];
    content[..4].copy_from_slice(&faces[0].to_le_bytes());
    NewPhoto {
        content: PhotoDigest(content),
        file: Some(FileRecord {
            path: format!("/photos/of \"{}\"/ä.jpg", faces[0]),
            size: 1000,
            changed_ns: 5,
        }),
        faces: faces.iter().map(|seed| face(*seed, Form::Float, person)).collect(),
    }
}

/// Ada in photos 1 and 2, Bert in 2 and 3, nobody yet in 4, and photo 5 without faces.
pub(crate) fn fill(store: &mut dyn Store) {
    let people = store.add_people(&[Some("Ada Lovelace"), Some("Bert O'Brecht")]).unwrap();
    let mut photos =
        vec![photo(&[1], Some(people[0])), photo(&[2, 3], Some(people[0])), photo(&[4], Some(people[1]))];
    photos[1].faces[1].person = Some((people[1], AssignedBy::Machine));
    photos.push(photo(&[5], None));
    photos.push(NewPhoto { faces: vec![], ..photo(&[6], None) });
    store.add(&photos).unwrap();
}
