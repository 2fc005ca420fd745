//! The index beside a gallery: what searches may rely on, and what they pass over.

use super::*;
use crate::finder::Finder;
use crate::index::{IndexFileError, IndexKind};

/// A hundred photos of ten people, and one of nobody.
fn large(place: &Place) -> SqliteStore {
    let mut store = place.gallery();
    let names: Vec<String> = (0..10).map(|number| format!("Person {number}")).collect();
    let names: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let people = store.add_people(&names).unwrap();
    let photos: Vec<NewPhoto> =
        (1..=100).map(|seed| photo(&[seed], Some(people[seed as usize % 10]))).collect();
    store.add(&photos).unwrap();
    store.add(&[photo(&[777], None)]).unwrap();
    store
}

fn find(store: &dyn Store, seed: u32) -> (Vec<crate::PersonMatch>, bool) {
    let contract = store.settings().contract.clone();
    let finder = Finder::of(store, &contract, GalleryFilter::default(), Template::Best).unwrap();
    (finder.nearest_people(&embedding(seed), 3).unwrap(), finder.is_exact())
}

#[test]
fn an_index_answers_as_a_scan_does_and_grows_with_the_gallery() {
    let place = Place::new();
    let mut store = large(&place);
    let by_scan: Vec<_> = (0..120).map(|seed| find(&store, seed).0).collect();
    assert!(find(&store, 1).1, "no index yet");
    assert!(matches!(store.index_state().unwrap(), IndexState::Missing));

    let mut told = Vec::new();
    let index = store.build_index(false, &mut |done| told.push(done)).unwrap();
    assert_eq!((index.len(), index.kind(), told), (101, IndexKind::Exact, vec![0, 101]));
    for (seed, expected) in (0..120).zip(&by_scan) {
        let (found, is_exact) = find(&store, seed);
        assert!(!is_exact && found == *expected, "{seed}");
    }

    // Another connection adds somebody, and names the face of nobody.
    let mut other = SqliteStore::open(store.path()).unwrap();
    let new = other.add_people(&[Some("Zoe")]).unwrap()[0];
    other.add(&[photo(&[888], Some(new))]).unwrap();
    other.apply(EventKind::Assign, &[Change::Assign(FaceId(101), Some((new, AssignedBy::User)))]).unwrap();
    for seed in [777, 888] {
        let (found, is_exact) = find(&store, seed);
        assert!(found[0].distance.value() < 1e-6);
        assert_eq!((found[0].person.as_str(), is_exact), ("Zoe", false));
    }
    let is_usable = |store: &SqliteStore, of| {
        matches!(store.index_state().unwrap(),
            IndexState::Usable { faces, missing, .. } if (faces, missing) == of)
    };
    assert!(is_usable(&store, (101, 1)));
    store.build_index(false, &mut |_| ()).unwrap();
    assert!(is_usable(&store, (102, 0)));
}

#[test]
fn a_removed_face_is_found_by_no_index_and_in_none() {
    let place = Place::new();
    let mut store = large(&place);
    store.build_index(false, &mut |_| ()).unwrap();
    assert_eq!(find(&store, 5).0[0].source, PathBuf::from("/photos/of/5.jpg"));
    let other = SqliteStore::open(store.path()).unwrap();
    assert!(!find(&other, 5).1);
    store.remove(&Removal::Faces(vec![FaceId(5)])).unwrap();
    for store in [&store, &other] {
        let (found, is_exact) = find(store, 5);
        assert!(is_exact && found[0].source.as_path() != "/photos/of/5.jpg", "{found:?}");
    }
    assert!(!store.index_path().exists());

    // One that a killed program left half-written goes too.
    std::fs::write(store.index_path(), "x").unwrap();
    let unfinished = place.at("g.faces.index-abcdef");
    std::fs::write(&unfinished, "y").unwrap();
    store.remove(&Removal::Faces(vec![FaceId(6)])).unwrap();
    assert!(!unfinished.exists() && !store.index_path().exists());
}

#[test]
fn an_index_that_cannot_be_used_is_passed_over_and_made_anew() {
    let place = Place::new();
    let mut store = large(&place);
    store.build_index(false, &mut |_| ()).unwrap();
    let path = store.index_path();
    let good = std::fs::read(&path).unwrap();
    let expected = find(&store, 7).0;

    let elsewhere = Place::new();
    let mut foreign = large(&elsewhere);
    foreign.build_index(false, &mut |_| ()).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    let foreign = std::fs::read(foreign.index_path()).unwrap();
    for (bytes, is_it) in [
        (foreign, (|error| matches!(error, IndexFileError::Other { what: "gallery", .. })) as fn(_) -> bool),
        (damaged, |error| matches!(error, IndexFileError::Damaged { .. })),
        (vec![], |error| matches!(error, IndexFileError::Damaged { .. })),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let mut store = SqliteStore::open(store.path()).unwrap();
        assert_eq!(find(&store, 7), (expected.clone(), true));
        match store.index_state().unwrap() {
            IndexState::Unusable(error) => assert!(is_it(error)),
            other => panic!("{other:?}"),
        }
        store.build_index(false, &mut |_| ()).unwrap();
        assert_eq!(find(&store, 7), (expected.clone(), false));
    }

    // One of faces that are gone: put back behind the gallery's back.
    store.remove(&Removal::Faces(vec![FaceId(50)])).unwrap();
    std::fs::write(&path, good).unwrap();
    assert!(matches!(store.index_state().unwrap(), IndexState::Unusable(IndexFileError::Settings { .. })));
    assert!(find(&store, 50).1);
}

#[test]
fn faces_that_go_while_an_index_is_built_do_not_reach_the_disk() {
    let place = Place::new();
    let mut store = large(&place);
    let mut other = SqliteStore::open(store.path()).unwrap();
    let mut rounds = 0;
    let index = store.build_index(false, &mut |done| {
        rounds += usize::from(done == 0);
        if done > 0 && rounds == 1 {
            other.remove(&Removal::Faces(vec![FaceId(9)])).unwrap();
        }
    });
    assert_eq!((index.unwrap().len(), rounds), (100, 2), "it was read again");
    let vector: Vec<u8> = embedding(9).as_slice().iter().flat_map(|v| v.to_le_bytes()).collect();
    let bytes = std::fs::read(store.index_path()).unwrap();
    assert!(!bytes.windows(64).any(|window| window == &vector[..64]));
    assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 4, "gallery, log, its map, index");
}

#[test]
fn a_rare_tag_finds_its_people_through_the_index() {
    let place = Place::new();
    let mut store = large(&place);
    store.build_index(false, &mut |_| ()).unwrap();
    store.apply(EventKind::Tag, &[Change::Tag(PersonId(3), "x".into())]).unwrap();
    let contract = store.settings().contract.clone();
    let filter = GalleryFilter { tags: vec!["x".into()] };
    let finder = Finder::of(&store, &contract, filter.clone(), Template::Best).unwrap();
    assert!(!finder.is_exact());
    let exact = to_gallery(&store, &contract, &filter, Template::Best).unwrap();
    for seed in 0..50 {
        let probe = embedding(seed);
        assert_eq!(finder.nearest_people(&probe, 5).unwrap(), exact.nearest_people(&probe, 5));
        let threshold = Distance::new(0.5).unwrap();
        let identified = finder.identify(&probe, threshold, 0).unwrap();
        assert_eq!(identified, exact.identify(&probe, threshold, 0));
    }
    let nobody = GalleryFilter { tags: vec!["y".into()] };
    let finder = Finder::of(&store, &contract, nobody, Template::Best).unwrap();
    assert!(finder.is_empty() && finder.nearest_people(&embedding(1), 5).unwrap().is_empty());
}
