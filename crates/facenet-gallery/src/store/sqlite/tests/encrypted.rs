//! Galleries that are encrypted on the disk.

use super::*;

fn key() -> Key {
    Key::new("correct horse battery").unwrap()
}

#[test]
fn a_key_that_can_be_guessed_is_refused_and_none_is_shown() {
    assert!(matches!(Key::new("short"), Err(StoreError::ShortKey { shortest: 12 })));
    assert_eq!(format!("{:?}", key()), "Key(…)");
}

#[cfg(not(feature = "encryption"))]
#[test]
fn a_program_without_encryption_says_so() {
    let place = Place::new();
    let error = SqliteStore::create_by(&place.at("g"), &settings(Form::Float), Some(&key())).unwrap_err();
    assert!(matches!(error, StoreError::NoEncryption { .. }), "{error}");
    assert!(!place.at("g").exists());
    drop(filled(&place));
    let store = SqliteStore::open_by(&place.at("g.faces"), WAIT, Some(&key())).unwrap();
    assert_eq!((store.is_encrypted(), store.counts().unwrap().faces), (false, 5));
}

#[cfg(feature = "encryption")]
mod with_encryption {
    use super::*;
    use crate::copy_store;

    fn encrypted(place: &Place, key: &Key) -> SqliteStore {
        let mut store =
            SqliteStore::create_by(&place.at("secret"), &settings(Form::Float), Some(key)).unwrap();
        copy_store(&filled(place), &mut store).unwrap();
        store
    }

    #[test]
    fn no_byte_of_a_gallery_lies_in_the_clear() {
        for key in [key(), Key::new(&"0f".repeat(32)).unwrap()] {
            let place = Place::new();
            let store = encrypted(&place, &key);
            assert!(store.is_encrypted());
            let clear = |name: &str| {
                let bytes: Vec<u8> = [name.to_owned(), format!("{name}-wal")]
                    .iter()
                    .flat_map(|name| std::fs::read(place.at(name)).unwrap_or_default())
                    .collect();
                let embedding: Vec<u8> =
                    embedding(1).as_slice()[..8].iter().flat_map(|v| v.to_le_bytes()).collect();
                [&b"SQLite format 3"[..], b"Ada Lovelace", b"/photos/of/1.jpg", &embedding]
                    .map(|wanted| bytes.windows(wanted.len()).any(|window| window == wanted))
            };
            assert_eq!(clear("g.faces"), [true; 4], "the plain one shows what is looked for");
            assert_eq!(clear("secret"), [false; 4]);
            drop(store);
            assert_eq!(clear("secret"), [false; 4]);
            let store = SqliteStore::open_by(&place.at("secret"), WAIT, Some(&key)).unwrap();
            assert_eq!((store.counts().unwrap().faces, store.check().unwrap()), (5, vec![]));
        }
    }

    #[test]
    fn another_key_or_none_opens_nothing_and_a_plain_gallery_opens_with_any() {
        let place = Place::new();
        drop(encrypted(&place, &key()));
        let open = |name: &str, key: Option<&Key>| SqliteStore::open_by(&place.at(name), WAIT, key);
        let other = Key::new("another passphrase").unwrap();
        assert!(matches!(open("secret", Some(&other)), Err(StoreError::OtherKey { .. })));
        let error = open("secret", None).unwrap_err();
        assert!(error.to_string().contains("FACENET_GALLERY_KEY"), "{error}");
        let plain = open("g.faces", Some(&other)).unwrap();
        assert!(!plain.is_encrypted() && plain.counts().unwrap().faces == 5);
    }

    #[test]
    fn what_is_removed_is_gone_and_there_is_no_index_in_the_clear() {
        let place = Place::new();
        let mut store = encrypted(&place, &key());
        let error = store.build_index(false, &mut |_| ()).unwrap_err();
        assert!(matches!(error, StoreError::EncryptedIndex { .. }), "{error}");
        let photos = Removal::Photos { photos: vec![PhotoId(1), PhotoId(2)], people: false };
        let removed = store.remove(&photos).unwrap();
        assert_eq!((removed.faces.len(), removed.found_before), (3, 0));
        for subject in [Subject::Photo(PhotoId(1)), Subject::Face(FaceId(2))] {
            let gone = store.check_gone(subject).unwrap();
            assert!(gone.is_proven() && gone.was_there, "{gone:?}");
        }
        store.compact().unwrap();
        assert!(store.is_encrypted());
        drop(store);
        let store = SqliteStore::open_by(&place.at("secret"), WAIT, Some(&key())).unwrap();
        assert_eq!(store.counts().unwrap().faces, 2);
    }
}
