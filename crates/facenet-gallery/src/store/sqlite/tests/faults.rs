//! What goes wrong, and what is said then.

use std::sync::mpsc;

use super::*;

fn words(error: &StoreError) -> String {
    error.to_string()
}

fn open_error(path: &Path) -> StoreError {
    SqliteStore::open_waiting(path, Duration::from_millis(50)).unwrap_err()
}

#[test]
fn what_is_no_gallery_is_named_for_what_it_is() {
    let place = Place::new();
    std::fs::write(place.at("text"), "a letter to somebody, longer than sixteen bytes").unwrap();
    std::fs::write(place.at("empty"), "").unwrap();
    Connection::open(place.at("other")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for (name, found) in [
        ("text", "it is no database, or its first bytes are damaged"),
        ("empty", "an empty file"),
        ("other", "an SQLite database of another program"),
        (".", "a folder"),
    ] {
        let error = words(&open_error(&place.at(name)));
        assert!(error.ends_with(&format!("is no gallery of faces: {found}")), "{name}: {error}");
    }
    assert!(matches!(open_error(&place.at("missing")), StoreError::Missing { .. }));
    assert!(!place.at("missing").exists(), "opening makes nothing");
}

#[test]
fn a_gallery_is_not_made_over_a_file() {
    let place = Place::new();
    std::fs::write(place.at("g"), "mine").unwrap();
    let error = SqliteStore::create(&place.at("g"), &settings(Form::Float)).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }));
    assert_eq!(std::fs::read(place.at("g")).unwrap(), b"mine");
    let error = SqliteStore::create(&place.at("no/folder"), &settings(Form::Float)).unwrap_err();
    assert!(matches!(error, StoreError::File { .. }));
}

#[test]
fn a_newer_gallery_is_left_alone() {
    let place = Place::new();
    let path = place.gallery().path().to_owned();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA + 1).unwrap();
    let error = open_error(&path);
    assert!(matches!(error, StoreError::Newer { found: 5, known: 4, .. }), "{error}");
}

#[test]
fn a_read_only_gallery_is_read_and_not_changed() {
    let place = Place::new();
    let path = filled(&place).path().to_owned();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions.clone()).unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(store.is_read_only());
    assert_eq!(store.counts().unwrap().faces, 5);
    let error = store.add(&[photo(&[9], None)]).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(matches!(store.remove(&Removal::Faces(vec![FaceId(1)])), Err(StoreError::ReadOnly { .. })));
    assert!(matches!(store.compact(), Err(StoreError::ReadOnly { .. })));
    drop(store);

    let old = place.at("old");
    let sql = include_str!("../../../../tests/fixtures/gallery-1.sql");
    Connection::open(&old).unwrap().execute_batch(sql).unwrap();
    std::fs::set_permissions(&old, permissions).unwrap();
    assert!(matches!(open_error(&old), StoreError::Older { found: 1, known: 4, .. }));
}

#[test]
fn a_damaged_page_is_told_and_never_a_panic() {
    let place = Place::new();
    let path = {
        let mut store = place.gallery();
        let photos: Vec<NewPhoto> = (1..200).map(|seed| photo(&[seed], None)).collect();
        store.add(&photos).unwrap();
        store.path().to_owned()
    };
    let whole = std::fs::read(&path).unwrap();
    let (mut told, mut opened) = (0, 0);
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 64].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        let check = |store: SqliteStore| -> Result<bool, StoreError> {
            let faults = store.check()?;
            store.faces(FaceId(0), 1000)?;
            Ok(!faults.is_empty())
        };
        let opening = SqliteStore::open_waiting(&path, Duration::from_millis(50));
        opened += usize::from(opening.is_ok());
        match opening.and_then(check) {
            Ok(has_faults) => told += usize::from(has_faults),
            Err(StoreError::Damaged { what, .. }) => {
                assert!(!what.is_empty());
                told += 1;
            }
            Err(other) => panic!("page {page}: {other}"),
        }
    }
    let pages = whole.len() / 4096 - 1;
    assert!(opened > pages / 2);
    // A page in the middle of a picture has no structure to be wrong; all others have.
    assert!(told * 100 >= pages * 90, "{told} of {pages}");
}

#[test]
fn a_damaged_embedding_is_found_by_the_check() {
    let place = Place::new();
    let store = filled(&place);
    store.connection.execute("UPDATE faces SET embedding = zeroblob(512) WHERE id = 2", []).unwrap();
    store.connection.execute("UPDATE faces SET embedding = X'00' WHERE id = 3", []).unwrap();
    let faults = store.check().unwrap();
    assert_eq!(faults.len(), 2);
    assert!(
        faults[0].starts_with("face:2: ") && faults[1] == "face:3: its embedding has 1 bytes, expected 512"
    );
    assert!(matches!(store.faces(FaceId(0), 9), Err(StoreError::NotAnEmbedding { .. })));
}

#[test]
fn a_full_disk_keeps_all_that_was_before() {
    let place = Place::new();
    let mut store = filled(&place);
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages + 3).unwrap();
    let photos: Vec<NewPhoto> = (100..200).map(|seed| photo(&[seed], None)).collect();
    let error = store.add(&photos).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!((store.counts().unwrap().faces, store.check().unwrap()), (5, vec![]));
    store.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    assert_eq!(store.add(&photos).unwrap().len(), 100, "with room, the same call works");
}

#[test]
fn another_program_that_writes_is_waited_for_and_then_told() {
    let place = Place::new();
    let path = filled(&place).path().to_owned();
    let (locked, wait_for_lock) = mpsc::channel();
    let (release, wait_for_release) = mpsc::channel::<()>();
    let other = std::thread::spawn({
        let path = path.clone();
        move || {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            locked.send(()).unwrap();
            wait_for_release.recv().unwrap();
            connection.execute_batch("COMMIT").unwrap();
        }
    });
    wait_for_lock.recv().unwrap();
    let mut store = SqliteStore::open_waiting(&path, Duration::from_millis(50)).unwrap();
    assert_eq!(store.counts().unwrap().faces, 5, "reading goes on");
    let error = store.add(&[photo(&[9], None)]).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");

    let mut patient = SqliteStore::open_waiting(&path, Duration::from_secs(60)).unwrap();
    release.send(()).unwrap();
    patient.add(&[photo(&[9], None)]).unwrap();
    other.join().unwrap();
}

#[test]
fn two_that_add_at_once_lose_nothing() {
    let place = Place::new();
    let path = place.gallery().path().to_owned();
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let path = path.clone();
            scope.spawn(move || {
                let mut store = SqliteStore::open(&path).unwrap();
                for step in 0..30 {
                    // Half of the photos are added by both.
                    let seed = if step % 2 == 0 { step } else { 100 * (writer + 1) + step };
                    store.add(&[photo(&[seed + 1], None)]).unwrap();
                }
            });
        }
    });
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!((store.counts().unwrap().photos, store.check().unwrap()), (15 + 30, vec![]));
}
