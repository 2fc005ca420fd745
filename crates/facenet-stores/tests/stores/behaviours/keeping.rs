//! What is given comes back.

use facenet_gallery::{
    AddedPhoto, Change, Counts, EventKind, FaceId, FileRecord, Form, NewPhoto, PersonId, PhotoId, Record,
    Settings, Store, StoreError, Subject, Verdict, copy_store, export_jsonl, remember_answer,
};

use super::Kind;
use crate::drawn::{DIMENSION, crop, face, photo, settings};

pub(super) fn what_is_added_comes_back_also_after_opening_again(kind: &mut dyn Kind) {
    for form in [Form::Float, Form::Byte] {
        let mut store = kind.make(&settings(form));
        let people = store.add_people(&[Some("Ada"), None]).unwrap();
        let mut new = photo(&[1, 2], Some(people[0]));
        new.faces = vec![face(1, form, Some(people[0])), face(2, form, None)];
        let added = store.add(std::slice::from_ref(&new)).unwrap();
        assert_eq!(added, [AddedPhoto::New(PhotoId(1))]);
        drop(store);

        let store = kind.again();
        assert_eq!(store.settings(), &settings(form));
        let photos = store.photos(PhotoId(0), 10).unwrap();
        assert_eq!((photos[0].content, photos[0].files.clone()), (new.content, vec![new.file.unwrap()]));
        let faces = store.faces(FaceId(0), 10).unwrap();
        assert_eq!(faces.len(), 2);
        for (found, new) in faces.iter().zip(&new.faces) {
            assert_eq!(
                (&found.found, found.quality, &found.embedding),
                (&new.found, new.quality, &new.embedding)
            );
            assert_eq!(found.person, new.person);
        }
        assert_eq!(store.faces(FaceId(0), 1).unwrap(), faces[..1]);
        assert_eq!(store.faces(FaceId(1), 10).unwrap(), faces[1..]);
        assert_eq!(store.crops(&[FaceId(2), FaceId(9)]).unwrap(), [Some(crop(2)), None]);
        let counts = Counts { people: 2, photos: 1, faces: 2, unassigned: 1, older: 0, corrections: 0 };
        assert_eq!(store.counts().unwrap(), counts);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        let kinds: Vec<_> = store.events().unwrap().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Create, EventKind::Add]);
    }
}

pub(super) fn the_same_photo_twice_is_one_entry_and_both_of_its_files_are_known(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
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
    assert_eq!(store.photo(PhotoId(1)).unwrap().files.len(), 2);
    assert_eq!(store.photos_at(&[]).unwrap(), []);
}

pub(super) fn a_gallery_keeps_no_paths_and_no_crops_if_it_shall_not(kind: &mut dyn Kind) {
    let settings = Settings { keeps_paths: false, keeps_crops: false, ..settings(Form::Float) };
    let mut store = kind.make(&settings);
    store.add(&[photo(&[1], None)]).unwrap();
    assert_eq!(store.photos(PhotoId(0), 1).unwrap()[0].files, []);
    assert_eq!(store.crops(&[FaceId(1)]).unwrap(), [None]);
}

pub(super) fn a_batch_with_one_wrong_photo_adds_none(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
    let error = store.add(&[photo(&[1], None), photo(&[2], Some(PersonId(9)))]).unwrap_err();
    assert!(matches!(error, StoreError::NoSuch { subject: Subject::Person(PersonId(9)), .. }), "{error}");
    let mut byte = photo(&[3], None);
    byte.faces = vec![face(3, Form::Byte, None)];
    assert!(matches!(store.add(&[photo(&[1], None), byte]), Err(StoreError::Embedding { .. })));
    assert!(matches!(store.add_people(&[Some("Ada"), Some("Ada")]), Err(StoreError::NameTaken { .. })));
    assert_eq!(store.counts().unwrap(), Counts::default());
}

pub(super) fn what_is_not_there_is_said_for_any_number(kind: &mut dyn Kind) {
    let store = kind.filled();
    for id in [i64::MIN, -1, 0, 99, i64::MAX] {
        let (face, photo) = (store.face(FaceId(id)).unwrap_err(), store.photo(PhotoId(id)).unwrap_err());
        assert!(matches!(face, StoreError::NoSuch { .. }), "{face}");
        assert!(matches!(photo, StoreError::NoSuch { .. }), "{photo}");
    }
    assert_eq!(store.face(FaceId(1)).unwrap().id, FaceId(1));
    assert_eq!(store.photo(PhotoId(1)).unwrap().id, PhotoId(1));
}

pub(super) fn a_copy_can_be_repeated_and_brings_everything(kind: &mut dyn Kind) {
    let mut from = kind.filled();
    from.apply(EventKind::Tag, &[Change::Tag(PersonId(2), "poet".into())]).unwrap();
    remember_answer(&mut from, (FaceId(5), FaceId(1)), Verdict::Same).unwrap();
    let mut to = kind.gallery();
    for _ in 0..2 {
        assert_eq!(copy_store(&from, &mut to).unwrap(), from.counts().unwrap());
    }
    let lines = |store: &dyn Store| {
        let mut lines = Vec::new();
        export_jsonl(store, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    };
    assert_eq!(lines(&to), lines(&from));
    // What comes next has identifiers that nobody had.
    assert_eq!(to.add(&[photo(&[60], None)]).unwrap(), [AddedPhoto::New(PhotoId(6))]);
    assert_eq!(to.add_people(&[None]).unwrap(), [PersonId(3)]);
    let mut other = settings(Form::Float);
    other.contract.weights = "ffff".into();
    let mut other = kind.make(&other);
    assert!(matches!(copy_store(&from, &mut other), Err(StoreError::OtherContract { .. })));
}

pub(super) fn a_record_is_put_only_after_what_it_refers_to(kind: &mut dyn Kind) {
    let from = kind.filled();
    let mut to = kind.gallery();
    let record = from.face(FaceId(4)).unwrap();
    let face = Record::Face { record, crop: None };
    let person = Record::Person(from.people().unwrap().remove(1));
    assert!(matches!(to.put(std::slice::from_ref(&face)), Err(StoreError::NoSuch { .. })));
    to.put(&[person]).unwrap();
    let error = to.put(std::slice::from_ref(&face)).unwrap_err();
    assert!(matches!(error, StoreError::NoSuch { subject: Subject::Photo(PhotoId(3)), .. }), "{error}");
    to.put(&[Record::Photo(from.photo(PhotoId(3)).unwrap()), face]).unwrap();
    assert_eq!(to.face(FaceId(4)).unwrap(), from.face(FaceId(4)).unwrap());
    assert_eq!(to.face(FaceId(4)).unwrap().embedding.dimension(), DIMENSION);
}

pub(super) fn one_changes_after_another(kind: &mut dyn Kind) {
    let mut first = kind.gallery();
    let mut second = kind.again();
    for seed in 0..4 {
        first.add(&[photo(&[2 * seed], None)]).unwrap();
        second.add(&[photo(&[2 * seed + 1], None)]).unwrap();
    }
    let ids: Vec<i64> = first.faces(FaceId(0), 99).unwrap().iter().map(|face| face.id.0).collect();
    assert_eq!(ids, (1..=8).collect::<Vec<i64>>());
    assert_eq!(first.events().unwrap().len(), 9);
}
