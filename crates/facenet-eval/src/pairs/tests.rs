//! What the parser accepts and how it refuses.

use std::fmt::Write as _;

use super::*;

fn parse(text: &str) -> Result<PairsFile, PairsError> {
    PairsFile::parse(text, "pairs.txt".as_ref())
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn image(person: &str, number: u32) -> ImageRef {
    ImageRef::new(person, number).unwrap()
}

const TWO_FOLDS: &str = "2\t1\nada\t1\t2\nada\t3\tbob\t1\ncyd\t1\t4\ndan\t1\tcyd\t2\n";

#[test]
fn folds_hold_genuine_pairs_first_and_then_impostor_pairs() {
    let genuine =
        |person, left, right| Pair { left: image(person, left), right: image(person, right), same: true };
    let impostor = |left, right| Pair { left, right, same: false };
    let expected = vec![
        vec![genuine("ada", 1, 2), impostor(image("ada", 3), image("bob", 1))],
        vec![genuine("cyd", 1, 4), impostor(image("dan", 1), image("cyd", 2))],
    ];
    assert_eq!(parse(TWO_FOLDS).unwrap().folds, expected);
}

#[test]
fn white_space_line_ends_empty_lines_and_a_byte_order_mark_change_nothing() {
    let expected = parse(TWO_FOLDS).unwrap();
    let spaces = TWO_FOLDS.replace('\t', "  ");
    let windows = format!("\u{feff}{}", TWO_FOLDS.replace('\n', "\r\n"));
    let gaps = format!("\n{}\n\n", TWO_FOLDS.replace('\n', "\n \n"));
    for text in [spaces.as_str(), &windows, &gaps, TWO_FOLDS.trim_end()] {
        assert_eq!(parse(text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn a_header_of_one_number_means_one_fold() {
    let file = parse("2\nada 1 2\nbob 1 2\nada 1 bob 1\nada 2 bob 2\n").unwrap();
    assert_eq!(file.folds.len(), 1);
    assert_eq!(file.folds[0].iter().map(|pair| pair.same).collect::<Vec<_>>(), [true, true, false, false]);
}

#[test]
fn each_image_is_listed_once_in_order() {
    let file = parse("2\nbob 1 2\nbob 2 1\nada 1 bob 1\nada 10 bob 2\n").unwrap();
    let images: Vec<_> = file.images().into_iter().cloned().collect();
    assert_eq!(images, [image("ada", 1), image("ada", 10), image("bob", 1), image("bob", 2)]);
}

#[test]
fn a_refusal_names_file_line_what_was_found_and_what_was_expected() {
    let mut refusals = String::new();
    for text in [
        "",
        " \n\n",
        "ten 300\n",
        "0 300\n",
        "10 300 7\n",
        "-1\n",
        "1\nada 1 2\n",
        "1\nada 1 2\nada 1 bob 1\nada 1 bob 2\n",
        "4294967295 4294967295\nada 1 2\n",
        "1\nada 1 bob 2\nada 1 2\n",
        "1\nada 1 2\nada 1 2\n",
        "1\nada 0 2\nada 1 bob 1\n",
        "1\nada 1 2\n\nada 1 bob -1\n",
        "1\n../ada 1 2\nada 1 bob 1\n",
        "1\nada 1 2\nada 1 /etc/bob 1\n",
        "1\nada 1 1\nada 1 bob 1\n",
        "1\nada 1 2\nada 1 ada 3\n",
    ] {
        writeln!(refusals, "{}", refusal(text)).unwrap();
    }
    insta::assert_snapshot!(refusals, @r"
    `pairs.txt` is empty, but a pairs file begins with a line like `10 300`: folds, pairs of each kind
    `pairs.txt` is empty, but a pairs file begins with a line like `10 300`: folds, pairs of each kind
    `pairs.txt`, line 1: found `ten 300`, expected one or two whole numbers above zero: folds, pairs of each kind
    `pairs.txt`, line 1: found `0 300`, expected one or two whole numbers above zero: folds, pairs of each kind
    `pairs.txt`, line 1: found `10 300 7`, expected one or two whole numbers above zero: folds, pairs of each kind
    `pairs.txt`, line 1: found `-1`, expected one or two whole numbers above zero: folds, pairs of each kind
    `pairs.txt`, line 1: the header promises 2 pairs, but the file holds 1
    `pairs.txt`, line 1: the header promises 2 pairs, but the file holds 3
    `pairs.txt`, line 1: the header promises 36893488130239234050 pairs, but the file holds 1
    `pairs.txt`, line 2: found `ada 1 bob 2`, expected a genuine pair: `NAME NUMBER NUMBER`
    `pairs.txt`, line 3: found `ada 1 2`, expected an impostor pair: `NAME NUMBER NAME NUMBER`
    `pairs.txt`, line 2: found the image number `0` of `ada`, expected a whole number above zero
    `pairs.txt`, line 4: found the image number `-1` of `bob`, expected a whole number above zero
    `pairs.txt`, line 2: found the person `../ada`, expected a name that is a single folder: no separator, no `..`
    `pairs.txt`, line 3: found the person `/etc/bob`, expected a name that is a single folder: no separator, no `..`
    `pairs.txt`, line 2: found `ada/ada_0001` compared with itself, expected two images of one person
    `pairs.txt`, line 3: found two images of `ada`, expected an impostor pair: images of two people
    ");
}

#[test]
fn a_missing_file_is_named_and_the_cause_kept() {
    let error = PairsFile::read("nowhere/pairs.txt".as_ref()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the pairs file `nowhere/pairs.txt`");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_file_is_read_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pairs.txt");
    fs_err::write(&path, TWO_FOLDS).unwrap();
    assert_eq!(PairsFile::read(&path).unwrap(), parse(TWO_FOLDS).unwrap());
}

#[test]
fn a_file_that_is_no_text_is_refused_at_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pairs.txt");
    fs_err::write(&path, b"1\nada 1 2\nada 1 b\xffb 1\n").unwrap();
    assert!(matches!(PairsFile::read(&path), Err(PairsError::NotUtf8 { line: 3, .. })));
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pairs.txt");
    // Sparse: it takes no room on disk.
    fs_err::File::create(&path).unwrap().set_len(LIMIT_BYTES + 1).unwrap();
    assert!(
        matches!(PairsFile::read(&path), Err(PairsError::TooLarge { bytes, .. }) if bytes == LIMIT_BYTES + 1)
    );
}

#[test]
fn pairs_without_a_distance_are_skipped_and_counted() {
    let scored = parse("2\nada 1 2\nbob 1 2\nada 1 bob 1\nada 2 bob 2\n").unwrap().score(|left, right| {
        let known = left.number() == 1 && right.number() == 2 || left.number() == 2;
        known.then(|| Distance::new(1.0).unwrap())
    });
    let scored = scored.unwrap();
    assert_eq!((scored.genuine(), scored.impostors(), scored.skipped()), (2, 1, 1));
}
