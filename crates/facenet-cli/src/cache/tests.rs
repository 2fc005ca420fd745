use facenet_core::BoundingBox;

use super::*;

fn faces(x: f32) -> Vec<CachedFace> {
    let face =
        Face { bounds: BoundingBox { x, y: 2.0, width: 3.0, height: 4.0 }, landmarks: None, score: 0.75 };
    let embedding = Embedding::normalize(vec![x, 1.0]).unwrap();
    vec![CachedFace { face, quality: None, embedding }]
}

fn found(cache: &Cache, name: &str) -> Option<f32> {
    cache.faces(&content(name.as_bytes())).map(|faces| faces[0].face.bounds.x)
}

fn put(cache: &Cache, name: &str, x: f32) {
    cache.put(content(name.as_bytes()), faces(x)).unwrap();
}

fn only_faces_file(folder: &Path) -> PathBuf {
    let mut files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("faces-")).unwrap()
}

#[test]
fn what_was_found_is_known_at_once_and_later_and_only_for_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path(), "a").unwrap();
    put(&cache, "one", 1.0);
    put(&cache, "two", 2.0);
    cache.put(content(b"nobody"), Vec::new()).unwrap();
    for cache in [&cache, &Cache::open(dir.path(), "a").unwrap()] {
        assert_eq!(
            (found(cache, "one"), found(cache, "two"), found(cache, "three")),
            (Some(1.0), Some(2.0), None)
        );
        assert_eq!(cache.faces(&content(b"nobody")).unwrap().len(), 0);
    }
    assert_eq!(found(&Cache::open(dir.path(), "b").unwrap(), "one"), None);
}

#[test]
fn a_line_that_is_cut_off_or_damaged_is_none_and_the_next_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    put(&Cache::open(dir.path(), "a").unwrap(), "one", 1.0);
    let file = only_faces_file(dir.path());
    let whole = fs_err::read(&file).unwrap();
    for length in [1, 20, 90, whole.len() - 1] {
        fs_err::write(&file, [&whole[..], &whole[..length]].concat()).unwrap();
        put(&Cache::open(dir.path(), "a").unwrap(), "two", 2.0);
        let cache = Cache::open(dir.path(), "a").unwrap();
        // A cut-off line of the same content comes later than the whole one, and is read in its place or skipped.
        assert_eq!(found(&cache, "two"), Some(2.0), "{length} bytes");
    }
    fs_err::write(&file, [b"\xff\xfe garbage\n", &whole[..]].concat()).unwrap();
    assert_eq!(found(&Cache::open(dir.path(), "a").unwrap(), "one"), Some(1.0));
}

#[test]
fn two_programs_may_write_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (left, right) = (Cache::open(dir.path(), "a").unwrap(), Cache::open(dir.path(), "a").unwrap());
    for step in 0..20 {
        put(&left, &format!("left {step}"), step as f32);
        put(&right, &format!("right {step}"), 100.0 + step as f32);
        assert_eq!(found(&left, &format!("left {step}")), Some(step as f32));
        assert_eq!(found(&right, &format!("right {step}")), Some(100.0 + step as f32));
    }
    let both = Cache::open(dir.path(), "a").unwrap();
    assert_eq!((found(&both, "left 7"), found(&both, "right 19")), (Some(7.0), Some(119.0)));
}

/// A file that was changed `seconds` ago.
fn file(path: &Path, text: &str, seconds: u64) {
    fs_err::write(path, text).unwrap();
    let time = SystemTime::now() - Duration::from_secs(seconds);
    std::fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_file_of_the_same_size_and_time_is_known_without_reading_it() {
    let (dir, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = photos.path().join("a.jpg");
    file(&path, "12345", 100);
    let remember = || {
        let cache = Cache::open(dir.path(), "a").unwrap();
        cache.put_file(State::of(&path), &content(&fs_err::read(&path).unwrap())).unwrap();
    };
    let known = || Cache::open(dir.path(), "a").unwrap().content(&path);
    assert_eq!(known(), None);
    remember();
    assert_eq!(known(), Some(content(b"12345")));

    file(&path, "123456", 100); // another size
    assert_eq!(known(), None);
    file(&path, "54321", 50); // another time
    assert_eq!(known(), None);
    remember();
    assert_eq!(known(), Some(content(b"54321")));

    file(&path, "11111", 0); // changed just now: it may change again
    remember();
    assert_eq!(known(), None);
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_look_into_the_cache() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/cache");
    put(&Cache::open(&folder, "a").unwrap(), "one", 1.0);
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&only_faces_file(&folder))), (0o700, 0o600));
}

#[test]
fn what_is_forgotten_leaves_no_byte_and_the_rest_stays_also_for_who_has_it_open() {
    let (dir, photos) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cache = Cache::open(dir.path(), "a").unwrap();
    for (name, x) in [("one", 0.125), ("two", 2.0), ("three", 3.0)] {
        let path = photos.path().join(name);
        file(&path, name, 100);
        put(&cache, name, x);
        cache.put_file(State::of(&path), &content(name.as_bytes())).unwrap();
    }
    put(&Cache::open(dir.path(), "b").unwrap(), "one", 0.125);
    let bytes = || -> String {
        let files = fs_err::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| fs_err::read_to_string(path).unwrap()).collect()
    };
    assert_eq!(bytes().matches("0.125").count(), 2);
    let contents = std::collections::HashSet::from([content(b"one")]);
    assert_eq!(forget(dir.path(), &contents).unwrap(), 3); // one file, and its faces found in two ways
    assert_eq!(forget(dir.path(), &contents).unwrap(), 0);
    assert!(!bytes().contains("0.125") && !bytes().contains(&content(b"one")) && !bytes().contains("/one"));
    for cache in [&cache, &Cache::open(dir.path(), "a").unwrap()] {
        assert_eq!((found(cache, "one"), found(cache, "two")), (None, Some(2.0)));
    }
    put(&cache, "four", 4.0);
    assert_eq!(found(&Cache::open(dir.path(), "a").unwrap(), "four"), Some(4.0));
    assert_eq!(forget(&dir.path().join("gone"), &contents).unwrap(), 0);
}
