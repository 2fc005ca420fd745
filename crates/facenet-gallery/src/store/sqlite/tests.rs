use std::time::Duration;

use facenet_core::{BoundingBox, Contract, Distance, Embedding, Face, Point, Preprocessing};

use super::*;
use crate::store::IndexState;
use crate::store::embedding::Form;
use crate::store::record::{AssignedBy, NewFace, Verdict};
use crate::store::{
    GalleryFilter, Regrouped, Ungrouped, copy_store, export_jsonl, import_jsonl, regroup, remember_answer,
    take_back_answer, to_gallery,
};
use crate::templates::Template;

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
fn what_is_added_comes_back_also_after_opening_again() {
    for form in [Form::Float, Form::Byte] {
        let place = Place::new();
        let path = place.at("g");
        let mut store = SqliteStore::create(&path, &settings(form)).unwrap();
        let people = store.add_people(&[Some("Ada"), None]).unwrap();
        let mut new = photo(&[1, 2], Some(people[0]));
        new.faces = vec![face(1, form, Some(people[0])), face(2, form, None)];
        let added = store.add(std::slice::from_ref(&new)).unwrap();
        assert_eq!(added, [AddedPhoto::New(PhotoId(1))]);
        drop(store);

        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.settings(), &settings(form));
        let photos = store.photos(PhotoId(0), 10).unwrap();
        assert_eq!((photos[0].content, photos[0].files.clone()), (new.content, vec![new.file.unwrap()]));
        let faces = store.faces(FaceId(0), 10).unwrap();
        for (found, new) in faces.iter().zip(&new.faces) {
            assert_eq!(
                (&found.found, found.quality, &found.embedding),
                (&new.found, new.quality, &new.embedding)
            );
            assert_eq!(found.person, new.person);
        }
        assert_eq!(store.crops(&[FaceId(2), FaceId(9)]).unwrap(), [Some(crop(2)), None]);
        let counts = Counts { people: 2, photos: 1, faces: 2, unassigned: 1, older: 0, corrections: 0 };
        assert_eq!(store.counts().unwrap(), counts);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn the_same_photo_twice_is_one_entry_and_both_of_its_files_are_known() {
    let place = Place::new();
    let mut store = place.gallery();
    let first = photo(&[1], None);
    let copy = NewPhoto {
        file: Some(FileRecord { path: "/copy.jpg".into(), size: 1, changed_ns: 2 }),
        ..first.clone()
    };
    assert_eq!(
        store.add(&[first.clone(), copy.clone()]).unwrap(),
        [AddedPhoto::New(PhotoId(1)), AddedPhoto::Known(PhotoId(1))]
    );
    assert_eq!(store.counts().unwrap().faces, 1);
    let changed = FileRecord { size: 2, ..copy.file.clone().unwrap() };
    let files = [first.file.unwrap(), copy.file.unwrap(), changed];
    assert_eq!(store.photos_at(&files).unwrap(), [Some(PhotoId(1)), Some(PhotoId(1)), None]);
    assert_eq!(
        store.photos_with(&[first.content, photo(&[2], None).content]).unwrap(),
        [Some(PhotoId(1)), None]
    );
}

#[test]
fn a_gallery_keeps_no_paths_and_no_crops_if_it_shall_not() {
    let place = Place::new();
    let settings = Settings { keeps_paths: false, keeps_crops: false, ..settings(Form::Float) };
    let mut store = SqliteStore::create(&place.at("g"), &settings).unwrap();
    store.add(&[photo(&[1], None)]).unwrap();
    assert_eq!(store.photos(PhotoId(0), 1).unwrap()[0].files, []);
    assert_eq!(store.crops(&[FaceId(1)]).unwrap(), [None]);
}

#[test]
fn a_batch_with_one_wrong_photo_adds_none() {
    let place = Place::new();
    let mut store = place.gallery();
    let error = store.add(&[photo(&[1], None), photo(&[2], Some(PersonId(9)))]).unwrap_err();
    assert!(matches!(error, StoreError::NoSuch { subject: Subject::Person(PersonId(9)), .. }), "{error}");
    let mut byte = photo(&[3], None);
    byte.faces = vec![face(3, Form::Byte, None)];
    assert!(matches!(store.add(&[photo(&[1], None), byte]), Err(StoreError::Embedding { .. })));
    assert_eq!(store.counts().unwrap(), Counts::default());
}

#[test]
fn people_are_renamed_tagged_merged_and_names_are_unique() {
    let place = Place::new();
    let mut store = filled(&place);
    let (ada, bert) = (PersonId(1), PersonId(2));
    let apply = |store: &mut SqliteStore, change| store.apply(EventKind::Rename, &[change]);
    let taken = apply(&mut store, Change::Rename(bert, Some("Ada Lovelace".into())));
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    for name in ["", " ", "a\nb", "person:3"] {
        let refused = apply(&mut store, Change::Rename(bert, Some(name.into())));
        assert!(matches!(refused, Err(StoreError::NotAName { .. })), "{name}");
    }
    apply(&mut store, Change::Rename(ada, Some("Ada Lovelace".into()))).unwrap(); // her own
    apply(&mut store, Change::Tag(bert, "poet".into())).unwrap();
    apply(&mut store, Change::Tag(bert, "poet".into())).unwrap();
    apply(&mut store, Change::Merge(bert, ada)).unwrap();
    let person = Person { id: ada, name: Some("Ada Lovelace".into()), tags: vec!["poet".into()] };
    assert_eq!(store.people().unwrap(), [person]);
    let of_ada = |face: &FaceRecord| face.person == Some((ada, AssignedBy::User));
    assert_eq!(store.faces(FaceId(0), 9).unwrap().iter().filter(|face| of_ada(face)).count(), 4);
    apply(&mut store, Change::Untag(ada, "poet".into())).unwrap();
    assert_eq!(store.people().unwrap()[0].tags, Vec::<String>::new());
    assert!(matches!(apply(&mut store, Change::Merge(bert, ada)), Err(StoreError::NoSuch { .. })));
}

#[test]
fn what_is_not_there_is_said_for_any_number() {
    let place = Place::new();
    let store = filled(&place);
    for id in [i64::MIN, -1, 0, 99, i64::MAX] {
        let (face, photo) = (store.face(FaceId(id)).unwrap_err(), store.photo(PhotoId(id)).unwrap_err());
        assert!(matches!(face, StoreError::NoSuch { .. }), "{face}");
        assert!(matches!(photo, StoreError::NoSuch { .. }), "{photo}");
    }
    assert_eq!(store.face(FaceId(1)).unwrap().id, FaceId(1));
    assert_eq!(store.photo(PhotoId(1)).unwrap().id, PhotoId(1));
}

#[test]
fn several_changes_are_made_all_or_none() {
    let place = Place::new();
    let mut store = filled(&place);
    let changes = [Change::Tag(PersonId(1), "x".into()), Change::Tag(PersonId(7), "x".into())];
    store.apply(EventKind::Tag, &changes).unwrap_err();
    assert_eq!(store.people().unwrap()[0].tags, Vec::<String>::new());
    assert_eq!(store.events().unwrap().iter().filter(|event| event.kind == EventKind::Tag).count(), 0);
}

#[test]
fn an_answer_moves_a_face_and_taking_it_back_moves_it_back() {
    let place = Place::new();
    let mut store = filled(&place);
    let person = |store: &SqliteStore, id: i64| store.face(FaceId(id)).unwrap().person;
    let before = person(&store, 3);
    remember_answer(&mut store, (FaceId(5), FaceId(1)), Verdict::Same).unwrap();
    assert_eq!(person(&store, 5), Some((PersonId(1), AssignedBy::User)));
    remember_answer(&mut store, (FaceId(4), FaceId(3)), Verdict::Different).unwrap();
    assert_eq!((person(&store, 4), person(&store, 3)), (Some((PersonId(2), AssignedBy::User)), None));
    let faces: Vec<_> = store.corrections().unwrap().iter().map(|c| c.faces).collect();
    assert_eq!(faces, [(FaceId(1), FaceId(5)), (FaceId(3), FaceId(4))]);

    assert_eq!(take_back_answer(&mut store).unwrap().unwrap().faces, (FaceId(3), FaceId(4)));
    assert_eq!(person(&store, 3), before);
    take_back_answer(&mut store).unwrap().unwrap();
    assert_eq!(person(&store, 5), None);
    assert_eq!(take_back_answer(&mut store).unwrap(), None);
}

#[test]
fn the_last_word_about_two_faces_counts() {
    let place = Place::new();
    let mut store = filled(&place);
    remember_answer(&mut store, (FaceId(1), FaceId(4)), Verdict::Same).unwrap();
    remember_answer(&mut store, (FaceId(4), FaceId(1)), Verdict::Different).unwrap();
    let verdicts: Vec<_> = store.corrections().unwrap().iter().map(|c| c.verdict).collect();
    assert_eq!(verdicts, [Verdict::Different]);
    assert!(remember_answer(&mut store, (FaceId(1), FaceId(99)), Verdict::Same).is_err());
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
fn a_copy_into_another_store_can_be_repeated() {
    let place = Place::new();
    let mut from = filled(&place);
    remember_answer(&mut from, (FaceId(5), FaceId(1)), Verdict::Same).unwrap();
    let mut to = SqliteStore::create(&place.at("to"), &settings(Form::Float)).unwrap();
    for _ in 0..2 {
        assert_eq!(copy_store(&from, &mut to).unwrap(), from.counts().unwrap());
    }
    assert_eq!(to.faces(FaceId(0), 99).unwrap(), from.faces(FaceId(0), 99).unwrap());
    assert_eq!(to.corrections().unwrap(), from.corrections().unwrap());
    let mut other = settings(Form::Float);
    other.contract.weights = "ffff".into();
    let mut to = SqliteStore::create(&place.at("other"), &other).unwrap();
    assert!(matches!(copy_store(&from, &mut to), Err(StoreError::OtherContract { .. })));
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
        (3, include_str!("../../../tests/fixtures/gallery-3.sql")),
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

/// Clusters all embeddings as given, whatever they are.
fn as_one(_: &Ungrouped) -> Result<Vec<Vec<usize>>, StoreError> {
    Ok(vec![vec![0, 1, 2, 3, 4]])
}

#[test]
fn clustering_obeys_the_user_and_keeps_people_over_runs() {
    let place = Place::new();
    let mut store = filled(&place);
    let people = |store: &SqliteStore| -> Vec<Option<i64>> {
        store.faces(FaceId(0), 9).unwrap().iter().map(|face| face.person.map(|(id, _)| id.0)).collect()
    };
    assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), None]);
    // Ada's faces and Bert's one are the user's word; faces 2 and 3 lie in one photo.
    let done = regroup(&mut store, as_one).unwrap();
    assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), Some(2)]);
    assert_eq!(done, Regrouped { faces: 5, people: 2, new_people: 0, alone: 0 });
    remember_answer(&mut store, (FaceId(1), FaceId(5)), Verdict::Different).unwrap();
    remember_answer(&mut store, (FaceId(4), FaceId(5)), Verdict::Different).unwrap();
    for _ in 0..2 {
        let done = regroup(&mut store, as_one).unwrap();
        assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), None], "the words bind for ever");
        assert_eq!(done, Regrouped { faces: 5, people: 2, new_people: 0, alone: 1 });
    }
}

#[test]
fn clustering_is_told_what_the_user_said() {
    let place = Place::new();
    let mut store = filled(&place);
    // Faces 1 and 5 are one person, and so are all that are as near to the two of them as the threshold.
    remember_answer(&mut store, (FaceId(1), FaceId(5)), Verdict::Same).unwrap();
    let threshold = Distance::new(0.001).unwrap();
    let options = crate::GroupOptions::at(threshold);
    let done = regroup(&mut store, |faces| -> Result<_, StoreError> {
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
    let done = regroup(&mut empty, |faces| -> Result<_, StoreError> {
        Ok(faces.by_average(options).unwrap().clusters().iter().map(|c| c.faces().collect()).collect())
    });
    assert_eq!(done.unwrap(), Regrouped { faces: 0, people: 0, new_people: 0, alone: 0 });
}

#[test]
fn new_people_have_no_name_stay_the_same_and_go_with_their_last_face() {
    let place = Place::new();
    let mut store = place.gallery();
    store.add(&(1..=4).map(|seed| photo(&[seed], None)).collect::<Vec<_>>()).unwrap();
    let pairs = |groups: &[&[usize]]| -> Result<Vec<Vec<usize>>, StoreError> {
        Ok(groups.iter().map(|group| group.to_vec()).collect())
    };
    let done = regroup(&mut store, |_| pairs(&[&[0, 1], &[2, 3]])).unwrap();
    assert_eq!((done.new_people, store.people().unwrap().len()), (2, 2));
    let done = regroup(&mut store, |_| pairs(&[&[0, 1, 2, 3]])).unwrap();
    assert_eq!((done.new_people, store.people().unwrap()[0].id), (0, PersonId(1)));
    assert_eq!(store.people().unwrap().len(), 1);
    let done = regroup(&mut store, |_| pairs(&[&[0], &[1], &[2], &[3]])).unwrap();
    assert_eq!(done.people, 1, "one of them keeps the person that they were");
}
