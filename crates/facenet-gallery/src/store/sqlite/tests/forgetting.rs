//! What is deleted is gone, from tables and from files.

use super::*;

/// Whether any file of the gallery holds these bytes.
fn files_hold(store: &SqliteStore, bytes: &[u8]) -> bool {
    let files = store.files().unwrap();
    files.iter().any(|file| std::fs::read(file).unwrap().windows(bytes.len()).any(|window| window == bytes))
}

/// The bytes that a face leaves: of its embedding and of its picture.
fn traces(seed: u32) -> [Vec<u8>; 2] {
    let embedding = StoredEmbedding::of(&embedding(seed), Form::Float).as_bytes()[64..96].to_vec();
    [embedding, crop(seed)[40..72].to_vec()]
}

#[test]
fn a_person_goes_with_faces_crops_corrections_and_the_photos_of_nobody_else() {
    let place = Place::new();
    let mut store = filled(&place);
    remember_answer(&mut store, (FaceId(1), FaceId(4)), Verdict::Different).unwrap();
    for bytes in traces(1).iter().chain(&traces(2)) {
        assert!(files_hold(&store, bytes));
    }
    let removed = store.remove(&Removal::People(vec![PersonId(1)])).unwrap();
    assert_eq!(removed.people, [PersonId(1)]);
    assert_eq!(removed.faces, [FaceId(1), FaceId(2)]);
    assert_eq!(removed.photos, [PhotoId(1)], "the second shows Bert too");
    let mut contents = [photo(&[1], None).content, photo(&[2], None).content];
    contents.sort();
    assert_eq!(removed.contents, contents, "both photos were looked at with her faces in them");
    assert!(removed.pieces > 100 && removed.found_before == removed.pieces && removed.found_after == 0);

    for bytes in traces(1).iter().chain(&traces(2)) {
        assert!(!files_hold(&store, bytes));
    }
    assert!(!files_hold(&store, b"Ada Lovelace") && !files_hold(&store, b"/photos/of/1.jpg"));
    assert!(files_hold(&store, b"Bert Brecht") && files_hold(&store, &traces(3)[0]));
    let counts = Counts { people: 1, photos: 4, faces: 3, unassigned: 1, older: 0, corrections: 0 };
    assert_eq!((store.counts().unwrap(), store.check().unwrap()), (counts, vec![]));
    for subject in [Subject::Person(PersonId(1)), Subject::Face(FaceId(2)), Subject::Photo(PhotoId(1))] {
        let gone = store.check_gone(subject).unwrap();
        assert!(gone.was_there && gone.is_proven(), "{gone:?}");
    }
}

#[test]
fn a_photo_goes_and_its_people_stay_unless_they_shall_go_too() {
    for (people, left) in [(false, 2), (true, 1)] {
        let place = Place::new();
        let mut store = filled(&place);
        let photos = vec![PhotoId(2), PhotoId(3)];
        let removed = store.remove(&Removal::Photos { photos, people }).unwrap();
        assert_eq!((removed.faces.len(), removed.people.len()), (3, 2 - left));
        assert_eq!(store.people().unwrap().len(), left);
        assert!(!files_hold(&store, &traces(3)[0]) && files_hold(&store, &traces(1)[0]));
    }
}

#[test]
fn a_face_goes_and_adding_its_photo_again_does_not_bring_it_back() {
    let place = Place::new();
    let mut store = filled(&place);
    store.remove(&Removal::Faces(vec![FaceId(3)])).unwrap();
    assert!(!files_hold(&store, &traces(3)[0]) && files_hold(&store, &traces(2)[0]));
    assert_eq!(store.add(&[photo(&[2, 3], None)]).unwrap(), [AddedPhoto::Known(PhotoId(2))]);
    assert_eq!(store.counts().unwrap().faces, 4);
}

#[test]
fn what_others_have_too_is_not_taken_for_a_trace() {
    let place = Place::new();
    let mut store = place.gallery();
    let people = store.add_people(&[Some("Anna"), Some("Annabel")]).unwrap();
    // The same face in two photos, as when a photo was saved twice.
    let mut copy = photo(&[9], Some(people[1]));
    copy.faces = photo(&[1], Some(people[1])).faces;
    store.add(&[photo(&[1], Some(people[0])), copy]).unwrap();
    let removed = store.remove(&Removal::People(vec![people[0]])).unwrap();
    assert_eq!(removed.found_after, 0);
    assert!(files_hold(&store, &traces(1)[0]) && files_hold(&store, b"Anna"));
}

#[test]
fn many_photos_leave_no_trace_after_pages_were_split_and_joined() {
    let place = Place::new();
    let mut store = place.gallery();
    let photos: Vec<NewPhoto> = (1..=600).map(|seed| photo(&[seed], None)).collect();
    photos.chunks(50).for_each(|photos| {
        store.add(photos).unwrap();
    });
    let odd: Vec<PhotoId> = (0..300).map(|i| PhotoId(2 * i + 1)).collect();
    let removed = store.remove(&Removal::Photos { photos: odd, people: false }).unwrap();
    assert_eq!((removed.faces.len(), removed.found_before), (300, removed.pieces));
    let bytes: Vec<u8> =
        store.files().unwrap().iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    for seed in (1..=600).step_by(2) {
        let path = format!("/photos/of/{seed}.jpg");
        assert!(!bytes.windows(path.len()).any(|window| window == path.as_bytes()), "{path}");
    }
    store.compact().unwrap();
    let gone = store.check_gone(Subject::Photo(PhotoId(1))).unwrap();
    assert!(gone.is_proven() && gone.was_there, "{gone:?}");
    assert!(!store.check_gone(Subject::Photo(PhotoId(2))).unwrap().is_proven());
}

#[test]
fn an_index_goes_with_every_deletion_and_an_old_one_is_told() {
    let place = Place::new();
    let mut store = filled(&place);
    let index = place.at("g.faces.index");
    std::fs::write(&index, traces(1)[0].clone()).unwrap();
    store.remove(&Removal::Faces(vec![FaceId(1)])).unwrap();
    assert!(!index.exists());
    std::fs::write(&index, "made again").unwrap();
    assert_eq!(store.check_gone(Subject::Face(FaceId(1))).unwrap().stale_indexes, Vec::<PathBuf>::new());
    let old = std::time::SystemTime::now() - Duration::from_secs(1000);
    std::fs::File::options().append(true).open(&index).unwrap().set_modified(old).unwrap();
    let gone = store.check_gone(Subject::Face(FaceId(1))).unwrap();
    assert!(!gone.is_proven() && gone.stale_indexes == [index]);
}

#[test]
fn a_deletion_whose_traces_could_not_be_wiped_is_finished_by_the_next_who_opens() {
    let place = Place::new();
    let mut store = filled(&place);
    store.wait = Duration::from_millis(50);
    // Another program that reads: an older state must stay readable for it.
    let reader = Connection::open(store.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM faces").unwrap();
    let reading: i64 = reader.query_row("SELECT count(*) FROM faces", [], |row| row.get(0)).unwrap();
    assert_eq!(reading, 5);
    store.connection.busy_timeout(store.wait).unwrap();
    let error = store.remove(&Removal::Faces(vec![FaceId(1)])).unwrap_err();
    assert!(matches!(error, StoreError::Remains { .. }), "{error}");
    assert_eq!(store.counts().unwrap().faces, 4, "it is deleted all the same");
    let path = store.path().to_owned();
    drop(store);
    // It can be opened while the reader stays, and says what is left.
    let store = SqliteStore::open_waiting(&path, Duration::from_millis(50)).unwrap();
    assert!(store.is_unwiped().unwrap());
    drop((store, reader));
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(!store.is_unwiped().unwrap() && !files_hold(&store, &traces(1)[0]));
    assert!(store.check_gone(Subject::Face(FaceId(1))).unwrap().is_proven());
}
