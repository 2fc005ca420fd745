//! Pickles of every protocol, and hostile ones.

use proptest::prelude::*;

use super::*;

/// `pickle.dumps(([b"one", b"two", b"three" * 60, b""], [True, False]), protocol=P)` of Python 3.11 for P = 2 … 5,
/// and of Python 2 in its form with `BINSTRING`: made by `tests/fixtures/issame.py`.
const SETS: [&[u8]; 4] = [
    include_bytes!("../../tests/fixtures/issame_python2.bin"),
    include_bytes!("../../tests/fixtures/issame_protocol3.bin"),
    include_bytes!("../../tests/fixtures/issame_protocol4.bin"),
    include_bytes!("../../tests/fixtures/issame_protocol5.bin"),
];

fn refusal(bytes: &[u8]) -> String {
    let error = IssameSet::parse(bytes.to_vec(), "x.bin".as_ref()).unwrap_err();
    std::error::Error::source(&error).map_or(error.to_string(), |source| source.to_string())
}

#[test]
fn sets_of_every_protocol_are_read() {
    for bytes in SETS {
        let set = IssameSet::parse(bytes.to_vec(), "x.bin".as_ref()).unwrap();
        let long = b"three".repeat(60);
        let expected: [&[u8]; 4] = [b"one", b"two", &long, b""];
        assert_eq!(set.images().collect::<Vec<_>>(), expected);
        assert_eq!((set.same(), set.pairs()), (&[true, false][..], 2));
    }
}

#[test]
fn every_cut_of_a_set_is_refused() {
    for bytes in SETS {
        for len in 0..bytes.len() {
            assert!(IssameSet::parse(bytes[..len].to_vec(), "x.bin".as_ref()).is_err(), "{len}");
        }
    }
}

#[test]
fn a_pickle_that_would_run_code_is_refused_at_its_place() {
    // What `pickle.dumps` makes of an object whose `__reduce__` names `os.system`.
    assert_eq!(
        refusal(b"\x80\x02cos\nsystem\nq\x00U\x04lsq\x01\x85q\x02Rq\x03."),
        "found pickle code 0x63 at byte 2, expected only lists of byte strings and booleans"
    );
}

#[test]
fn other_forms_are_refused_with_what_was_found() {
    let refusals: Vec<_> = [
        &b"\x80\x02."[..],
        b"\x80\x02]].",
        b"\x80\x02]\x88\x86.",
        b"\x80\x02](\x88\x89e]\x86.",
        b"\x80\x02]](U\x01xe\x86.",
        b"\x80\x02e.",
        b"\x80\x02h\x05.",
        b"\x80\x02]r\xff\xff\xff\xff.",
        b"\x80\x02](K\x02e.",
        b"\x80\x02](U\x01xe](\x88e\x86.",
        b"<html>",
    ]
    .map(refusal)
    .into();
    insta::assert_snapshot!(refusals.join("\n"), @r"
    the pickle is not of the form `(images, issame)`: something else as the whole at byte 3
    the pickle is not of the form `(images, issame)`: something else as the whole at byte 5
    the pickle is not of the form `(images, issame)`: a tuple of something else at byte 5
    the pickle is not of the form `(images, issame)`: an image that is no byte string at byte 10
    the pickle is not of the form `(images, issame)`: a label that is no boolean at byte 11
    the pickle is not of the form `(images, issame)`: no mark at byte 3
    the pickle is not of the form `(images, issame)`: a memo number that was never set at byte 4
    the pickle is not of the form `(images, issame)`: a memo number out of order at byte 8
    the pickle is not of the form `(images, issame)`: a number that is no label at byte 4
    `x.bin` holds 1 images and 1 labels, expected two images for each label
    found pickle code 0x3c at byte 0, expected only lists of byte strings and booleans
    ");
}

#[test]
fn a_length_beyond_the_file_is_cut_off_and_takes_no_memory() {
    assert_eq!(
        refusal(b"\x80\x03](\x8e\xff\xff\xff\xff\xff\xff\xff\xff"),
        "the pickle ends at byte 13, inside of something"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = IssameSet::read("no/lfw.bin".as_ref()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the set `no/lfw.bin`");
}

#[test]
fn folds_are_those_of_scikit_learn() {
    // [len(test) for _, test in KFold(10).split(range(23))] == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]
    let sizes: Vec<_> = k_folds(23, 10).iter().map(ExactSizeIterator::len).collect();
    assert_eq!(sizes, [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(k_folds(23, 10)[3], 9..11);
    assert_eq!(k_folds(2, 10), [0..1, 1..2]);
    assert!(k_folds(0, 10).is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = IssameSet::parse(bytes.clone(), "x.bin".as_ref());
        let codes = b"]](UCTBeaqrhj\x86\x88\x89\x94t.K";
        let likely: Vec<u8> = bytes.iter().map(|b| codes[*b as usize % codes.len()]).collect();
        let _ = IssameSet::parse(likely, "x.bin".as_ref());
    }
}
