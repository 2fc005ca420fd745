use super::super::tests::rows;
use super::*;

fn binding() -> Binding {
    Binding { gallery: "g1".into(), contract: "lite-16-aa".into(), state: State { faces: 200, last: 231 } }
}

fn options(exact_up_to: usize) -> IndexOptions {
    IndexOptions { exact_up_to, ..IndexOptions::of(16) }
}

fn saved(folder: &Path, exact_up_to: usize) -> (PathBuf, Index, Vec<f32>) {
    let faces = rows(200, 16, 1);
    let mut index = Index::build(options(exact_up_to), &(0..200).collect::<Vec<_>>(), &faces).unwrap();
    let path = folder.join("people.index");
    index.save(&path, &binding()).unwrap();
    (path, index, faces)
}

#[test]
fn a_loaded_index_answers_as_the_saved_one_and_can_grow() {
    let folder = tempfile::tempdir().unwrap();
    for exact_up_to in [1000, 0] {
        let (path, index, faces) = saved(folder.path(), exact_up_to);
        let later = Binding { state: State { faces: 201, last: 500 }, ..binding() };
        let (mut loaded, state) = Index::load(&path, options(exact_up_to), &later).unwrap();
        assert_eq!(state, binding().state);
        assert_eq!((loaded.kind(), loaded.len()), (index.kind(), 200));
        assert_eq!(loaded.search_many(&faces, 5).unwrap(), index.search_many(&faces, 5).unwrap());
        let probe = rows(1, 16, 9);
        loaded.add(&[500], &probe).unwrap();
        assert_eq!(loaded.search(&probe, 1).unwrap()[0].id, 500);
    }
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_index_of_something_else_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, _) = saved(folder.path(), 1000);
    let refusal = |options, binding: &Binding| {
        let error = Index::load(&path, options, binding).unwrap_err();
        assert!(error.is_rebuildable());
        error.to_string().replace(&path.display().to_string(), "F")
    };
    let usual = options(1000);
    assert_eq!(
        refusal(usual, &Binding { gallery: "g2".into(), ..binding() }),
        "the index `F` is of gallery `g1`, expected `g2`"
    );
    assert_eq!(
        refusal(usual, &Binding { contract: "nn4".into(), ..binding() }),
        "the index `F` is of contract `lite-16-aa`, expected `nn4`"
    );
    assert_eq!(
        refusal(IndexOptions { dimension: 8, ..usual }, &binding()),
        "the index `F` was built by other settings: 16 coordinates, expected 8"
    );
    assert_eq!(
        refusal(options(100), &binding()),
        "the index `F` was built by other settings: 200 faces without a graph"
    );
}

#[test]
fn a_file_cut_off_or_changed_anywhere_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for exact_up_to in [1000, 0] {
        let (path, _, _) = saved(folder.path(), exact_up_to);
        let whole = fs_err::read(&path).unwrap();
        let load = || Index::load(&path, options(exact_up_to), &binding());
        let is_damaged = |bytes: &[u8]| {
            fs_err::write(&path, bytes).unwrap();
            matches!(load(), Err(IndexFileError::Damaged { .. }))
        };
        for length in [0, 5, 16, 18, 20, 40, 200, whole.len() - 1] {
            assert!(is_damaged(&whole[..length]), "{length}");
        }
        for position in (0..whole.len()).step_by(97) {
            let mut changed = whole.clone();
            changed[position] ^= 0x20;
            assert!(is_damaged(&changed), "{position}");
        }
        assert!(is_damaged(&[whole.as_slice(), b"x"].concat()));
    }
}

#[test]
fn a_missing_file_is_rebuilt_and_an_unreadable_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let error = Index::load(&folder.path().join("none"), options(10), &binding()).unwrap_err();
    assert!(matches!(error, IndexFileError::Missing { .. }) && error.is_rebuildable());
    let error = Index::load(folder.path(), options(10), &binding()).unwrap_err();
    assert!(matches!(error, IndexFileError::Read { .. }) && !error.is_rebuildable());
}

#[test]
fn what_was_removed_is_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for exact_up_to in [1000, 0] {
        let (path, mut index, faces) = saved(folder.path(), exact_up_to);
        let vector: Vec<u8> = faces[16..32].iter().flat_map(|v| v.to_le_bytes()).collect();
        let is_there =
            |path: &Path| fs_err::read(path).unwrap().windows(vector.len()).any(|window| window == vector);
        assert!(is_there(&path));
        index.remove(1).unwrap();
        index.save(&path, &binding()).unwrap();
        assert!(!is_there(&path));
        assert_eq!(Index::load(&path, options(exact_up_to), &binding()).unwrap().0.len(), 199);
    }
}
