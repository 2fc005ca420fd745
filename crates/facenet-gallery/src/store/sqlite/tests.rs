use std::time::Duration;

use facenet_core::{BoundingBox, Contract, Distance, Embedding, Face, Point, Preprocessing};

use super::*;
use crate::store::IndexState;
use crate::store::embedding::Form;
use crate::store::record::{AssignedBy, NewFace, Verdict};
use crate::store::{
    GalleryFilter, Regrouped, Scope, export_jsonl, import_jsonl, regroup, remember_answer, to_gallery,
};
use crate::templates::Template;

mod encrypted;
mod faults;
mod forgetting;
mod index;
mod upgrade;

pub(super) const DIMENSION: usize = 128;

pub(super) fn settings(form: Form) -> Settings {
    let preprocessing = Preprocessing { version: 1, edge_px: 64, field: 0.875 };
    let contract = Contract {
        network: "drawn".into(),
        dimension: DIMENSION,
        weights: "00112233445566".into(),
        preprocessing,
        thresholds: vec![],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    let (older, upgrading_from) = (Vec::new(), None);
    Settings { contract, form, keeps_paths: true, keeps_crops: true, older, upgrading_from }
}

pub(super) fn embedding(seed: u32) -> Embedding {
    let wave = |i| ((i * 7919 + seed as usize * 104_729) as f32 * 0.618_034).sin();
    Embedding::normalize((0..DIMENSION).map(wave).collect()).unwrap()
}

/// Bytes that look like a JPEG of a face: a head that all have, and then noise.
pub(super) fn crop(seed: u32) -> Vec<u8> {
    let noise = embedding(seed + 50_000).as_slice().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    [&[0xff, 0xd8, 1, 2, 3, 0xff, 0xda][..], &noise, &noise, &[0xff, 0xd9]].concat()
}

pub(super) fn face(seed: u32, form: Form, person: Option<PersonId>) -> NewFace {
    let bounds = BoundingBox { x: seed as f32, y: 2.5, width: 30.0, height: 40.0 };
    let landmarks = seed.is_multiple_of(2).then(|| std::array::from_fn(|i| Point { x: i as f32, y: 0.5 }));
    NewFace {
        found: Face { bounds, landmarks, score: 0.75 },
        quality: (!seed.is_multiple_of(3)).then_some(0.5),
        embedding: StoredEmbedding::of(&embedding(seed), form),
        crop: Some(crop(seed)),
        person: person.map(|person| (person, AssignedBy::User)),
    }
}

/// A photo with these faces; its content and its path come from the first.
pub(super) fn photo(faces: &[u32], person: Option<PersonId>) -> NewPhoto {
    let first = faces[0];
    let mut content = [7; 32];
    content
        .iter_mut()
        .zip(first.wrapping_mul(2_654_435_761).to_le_bytes().repeat(8))
        .enumerate()
        .for_each(|(i, (to, from))| *to = from.wrapping_mul(i as u8 + 1).wrapping_add(i as u8));
    content[..4].copy_from_slice(&first.to_le_bytes());
    NewPhoto {
        content: PhotoDigest(content),
        file: Some(FileRecord { path: format!("/photos/of/{first}.jpg"), size: 1000, changed_ns: 5 }),
        faces: faces.iter().map(|seed| face(*seed, Form::Float, person)).collect(),
    }
}

pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn gallery(&self) -> SqliteStore {
        SqliteStore::create(&self.at("g.faces"), &settings(Form::Float)).unwrap()
    }
}

/// Ada in photos 1 and 2, Bert in 2 and 3, nobody yet in 4, and photo 5 without faces.
fn filled(place: &Place) -> SqliteStore {
    let mut store = place.gallery();
    let people = store.add_people(&[Some("Ada Lovelace"), Some("Bert Brecht")]).unwrap();
    let mut photos =
        vec![photo(&[1], Some(people[0])), photo(&[2, 3], Some(people[0])), photo(&[4], Some(people[1]))];
    photos[1].faces[1].person = Some((people[1], AssignedBy::Machine));
    photos.push(photo(&[5], None));
    photos.push(NewPhoto { faces: vec![], ..photo(&[6], None) });
    store.add(&photos).unwrap();
    store
}

#[test]
fn an_export_brings_everything_back() {
    let place = Place::new();
    let mut store = filled(&place);
    store.apply(EventKind::Tag, &[Change::Tag(PersonId(2), "poet".into())]).unwrap();
    remember_answer(&mut store, (FaceId(5), FaceId(1)), Verdict::Same).unwrap();
    let mut lines = Vec::new();
    let records = export_jsonl(&store, &mut lines).unwrap();
    let make = |settings: &Settings| SqliteStore::create(&place.at("copy"), settings);
    let (copy, counts) = import_jsonl(&lines[..], make).unwrap();
    assert_eq!(counts, store.counts().unwrap());
    let mut again = Vec::new();
    assert_eq!(export_jsonl(&copy, &mut again).unwrap(), records);
    // The new gallery has its own first event, which the old one's replaces.
    assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(lines.clone()).unwrap());

    let cut = lines.len() - 5;
    let make = |settings: &Settings| SqliteStore::create(&place.at("cut"), settings);
    assert!(import_jsonl(&lines[..cut], make).is_err());
    for text in ["", "{}", r#"{"facenet_gallery":1}"#] {
        let make = |settings: &Settings| SqliteStore::create(&place.at("none"), settings);
        assert!(import_jsonl(text.as_bytes(), make).is_err(), "{text}");
    }
}

#[test]
fn a_gallery_is_searched_by_tag_and_only_under_its_contract() {
    let place = Place::new();
    let mut store = filled(&place);
    let contract = settings(Form::Float).contract;
    let all = to_gallery(&store, &contract, &GalleryFilter::default(), Template::Best).unwrap();
    let nearest = all.nearest_people(&embedding(4), 2);
    assert_eq!((all.len(), nearest[0].person.as_str()), (4, "Bert Brecht"));
    assert_eq!(nearest[0].source, PathBuf::from("/photos/of/4.jpg"));

    store.apply(EventKind::Tag, &[Change::Tag(PersonId(1), "x".into())]).unwrap();
    let filter = GalleryFilter { tags: vec!["x".into()] };
    assert_eq!(
        to_gallery(&store, &contract, &filter, Template::Best)
            .unwrap()
            .nearest_people(&embedding(4), 9)
            .len(),
        1
    );

    let other = Contract { weights: "ffff".into(), ..contract };
    let error = to_gallery(&store, &other, &filter, Template::Best).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("drawn-128-001122334455") && source.contains("drawn-128-ffff"), "{source}");
}

#[test]
fn a_gallery_of_an_older_schema_is_brought_up_to_date() {
    for (schema, sql) in [
        (1, include_str!("../../../tests/fixtures/gallery-1.sql")),
        (2, include_str!("../../../tests/fixtures/gallery-2.sql")),
        // What a program of schema 3 made of it.
        (
            3,
            concat!(
                include_str!("../../../tests/fixtures/gallery-2.sql"),
                include_str!("upgrade_2.sql"),
                "PRAGMA user_version = 3;"
            ),
        ),
    ] {
        is_brought_up_to_date(schema, sql);
    }
}

fn is_brought_up_to_date(schema: u32, sql: &str) {
    let place = Place::new();
    let path = place.at(&format!("old-{schema}"));
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        let counts = Counts { people: 2, photos: 2, faces: 3, unassigned: 1, older: 0, corrections: 1 };
        assert_eq!(store.counts().unwrap(), counts);
        let photos = store.photos(PhotoId(0), 9).unwrap();
        let file = FileRecord { path: "/photos/1.jpg".into(), size: 1000, changed_ns: 5 };
        assert_eq!((&photos[0].files[..], &photos[1].files[..]), (&[file][..], &[][..]));
        assert_eq!(store.faces(FaceId(0), 9).unwrap()[1].person, Some((PersonId(2), AssignedBy::Machine)));
        assert_eq!(store.events().unwrap().iter().map(|e| e.kind).collect::<Vec<_>>(), [EventKind::Upgrade]);
    }
    // What a new gallery has, an old one has then too.
    let tables = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut select = connection.prepare(sql).unwrap();
        let names: Vec<String> =
            select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let columns = |name: &String| -> String {
            let sql = "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(?1) ORDER BY name)";
            let columns: Option<String> = connection.query_row(sql, [name], |row| row.get(0)).unwrap();
            format!("{name}: {}", columns.unwrap_or_default())
        };
        names.iter().map(columns).collect()
    };
    let new = place.gallery();
    assert_eq!(tables(&path), tables(new.path()));
}

#[test]
fn clustering_is_told_what_the_user_said() {
    let place = Place::new();
    let mut store = filled(&place);
    // Faces 1 and 5 are one person, and so are all that are as near to the two of them as the threshold.
    remember_answer(&mut store, (FaceId(1), FaceId(5)), Verdict::Same).unwrap();
    let threshold = Distance::new(0.001).unwrap();
    let options = crate::GroupOptions::at(threshold);
    let done = regroup(&mut store, Scope::All, |faces| -> Result<_, StoreError> {
        assert_eq!((faces.embeddings.len(), &faces.quality[..3]), (5, &[0.5, 0.5, 1.0][..]));
        // Ada's two faces by name, and the answer; Bert's face 4 alone is named, his face 3 lies in a photo with one of hers.
        assert_eq!(faces.known.same, [(0, 1), (0, 4)]);
        assert_eq!(faces.known.different, [(0, 3), (1, 2)]);
        let clusters = faces.by_average(options).unwrap().clusters();
        let clusters: Vec<Vec<usize>> = clusters.iter().map(|c| c.faces().collect()).collect();
        assert!(clusters.iter().any(|c| [0, 1, 4].iter().all(|face| c.contains(face))), "{clusters:?}");
        Ok(clusters)
    });
    assert_eq!(done.unwrap().faces, 5);
    let mut empty = SqliteStore::create(&place.at("empty"), &settings(Form::Float)).unwrap();
    let done = regroup(&mut empty, Scope::All, |faces| -> Result<_, StoreError> {
        Ok(faces.by_average(options).unwrap().clusters().iter().map(|c| c.faces().collect()).collect())
    });
    assert_eq!(done.unwrap(), Regrouped { faces: 0, new_faces: 0, people: 0, new_people: 0, alone: 0 });
}
