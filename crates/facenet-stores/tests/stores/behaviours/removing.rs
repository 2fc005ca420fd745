//! What is deleted is gone.

use facenet_gallery::{
    AddedPhoto, Counts, EventKind, FaceId, PersonId, PhotoId, Removal, Store, StoreError, Subject, Verdict,
    remember_answer,
};

use super::Kind;
use crate::drawn::photo;

pub(super) fn a_person_goes_with_faces_crops_corrections_and_the_photos_of_nobody_else(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    remember_answer(&mut store, (FaceId(1), FaceId(4)), Verdict::Different).unwrap();
    let what = Removal::People(vec![PersonId(1)]);
    let foreseen = store.would_remove(&what).unwrap();
    let removed = store.remove(&what).unwrap();
    assert_eq!(
        (&foreseen.people, &foreseen.faces, &foreseen.photos),
        (&removed.people, &removed.faces, &removed.photos)
    );
    assert_eq!(removed.people, [PersonId(1)]);
    assert_eq!(removed.faces, [FaceId(1), FaceId(2)]);
    assert_eq!(removed.photos, [PhotoId(1)], "the second shows Bert too");
    let mut contents = [photo(&[1], None).content, photo(&[2], None).content];
    contents.sort();
    assert_eq!(removed.contents, contents, "both photos were looked at with her faces in them");
    let counts = Counts { people: 1, photos: 4, faces: 3, unassigned: 1, older: 0, corrections: 0 };
    assert_eq!((store.counts().unwrap(), store.check().unwrap()), (counts, vec![]));
    assert_eq!(store.crops(&[FaceId(1), FaceId(2)]).unwrap(), [None, None]);
    let files: Vec<_> = photo(&[1], None).file.into_iter().collect();
    assert_eq!(store.photos_at(&files).unwrap(), [None]);
    for subject in [Subject::Person(PersonId(1)), Subject::Face(FaceId(2)), Subject::Photo(PhotoId(1))] {
        let gone = store.check_gone(subject).unwrap();
        assert!(gone.was_there && !gone.is_there && !gone.is_unwiped, "{gone:?}");
        // Only a file can be looked into to the last byte.
        assert_eq!(gone.is_proven(), gone.beyond.is_none());
        assert_eq!(gone.beyond.is_none(), kind.name() == "SQLite");
    }
    assert!(store.check_gone(Subject::Face(FaceId(3))).unwrap().is_there);
}

pub(super) fn a_photo_goes_and_its_people_stay_unless_they_shall_go_too(kind: &mut dyn Kind) {
    for (people, left) in [(false, 2), (true, 1)] {
        let mut store = kind.filled();
        let photos = vec![PhotoId(2), PhotoId(3)];
        let removed = store.remove(&Removal::Photos { photos, people }).unwrap();
        assert_eq!((removed.faces.len(), removed.people.len()), (3, 2 - left));
        assert_eq!(store.people().unwrap().len(), left);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
    }
}

pub(super) fn a_face_goes_and_adding_its_photo_again_does_not_bring_it_back(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    store.remove(&Removal::Faces(vec![FaceId(3)])).unwrap();
    assert_eq!(store.add(&[photo(&[2, 3], None)]).unwrap(), [AddedPhoto::Known(PhotoId(2))]);
    assert_eq!(store.counts().unwrap().faces, 4);
}

pub(super) fn identifiers_are_never_given_twice(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    store.remove(&Removal::Photos { photos: vec![PhotoId(4), PhotoId(5)], people: false }).unwrap();
    assert_eq!(store.add(&[photo(&[5], None)]).unwrap(), [AddedPhoto::New(PhotoId(6))]);
    assert_eq!(store.faces(FaceId(4), 9).unwrap()[0].id, FaceId(6));
    let never = store.check_gone(Subject::Photo(PhotoId(7))).unwrap();
    assert!(!never.was_there && !never.is_there);
}

pub(super) fn nothing_is_removed_when_one_does_not_exist(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    for what in [
        Removal::People(vec![PersonId(1), PersonId(9)]),
        Removal::Photos { photos: vec![PhotoId(1), PhotoId(9)], people: true },
        Removal::Faces(vec![FaceId(1), FaceId(9)]),
    ] {
        assert!(matches!(store.remove(&what), Err(StoreError::NoSuch { .. })));
    }
    assert_eq!(store.counts().unwrap().faces, 5);
}

pub(super) fn compacting_keeps_all(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let faces = store.faces(FaceId(0), 9).unwrap();
    store.compact().unwrap();
    assert_eq!(store.faces(FaceId(0), 9).unwrap(), faces);
    assert_eq!(store.events().unwrap().last().unwrap().kind, EventKind::Compact);
    assert!(store.size().unwrap().is_none_or(|bytes| bytes > 0));
}
