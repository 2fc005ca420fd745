use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The bytes of a small PNG, different for each `shade`.
pub(crate) fn png(edge: u32, shade: u8) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("drawn.png");
    let mut image = RgbImage::new(edge, edge);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        pixel.0 = [shade, (x * 7) as u8, (y * 5) as u8];
    }
    image.save(&path).unwrap();
    fs::read(path).unwrap()
}

/// Writes `PERSON/IMAGE` files into a new folder.
pub(crate) fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn tar_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn shards_of(shards: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in shards {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn listing(dataset: &Dataset) -> Vec<(&str, Vec<&str>)> {
    let names =
        |i: &Identity| i.images.clone().map(|id| dataset.entries[id as usize].name.as_str()).collect();
    dataset.identities().iter().map(|i| (i.name.as_str(), names(i))).collect()
}

fn error_of(path: &Path) -> String {
    with_causes(&Dataset::open(path).unwrap_err()).replace(&path.display().to_string(), "DATA")
}

#[test]
fn people_and_images_are_in_order_of_name_and_all_else_is_passed_over() {
    let files = [
        "bo/2.PNG",
        "bo/1.jpeg",
        "al/x.webp",
        "al/notes.txt",
        "list.csv",
        ".trash/1.png",
        "bo/.2.png",
        "bo/deep/3.png",
    ];
    let folder = folder_of(&files.map(|name| (name, b"?".as_slice())));
    let dataset = Dataset::open(folder.path()).unwrap();
    assert_eq!(listing(&dataset), [("al", vec!["x.webp"]), ("bo", vec!["1.jpeg", "2.PNG"])]);
    assert_eq!(dataset.image_counts(), [1, 2]);
    assert_eq!((dataset.image_count(), dataset.ignored()), (3, 3)); // the text, the list, the deeper folder
}

#[test]
fn a_person_may_be_spread_over_shards_and_the_same_images_in_folders_have_the_same_digest() {
    let [one, two, three] = [png(16, 1), png(16, 2), png(20, 3)];
    let shards = shards_of(&[
        ("b.tar", tar_of(&[("bo/2.png", &two), ("./al/1.png", &three)])),
        ("a.tar", tar_of(&[("bo/1.png", &one), ("people.csv", b"bo")])),
        ("README.md", b"not a shard".to_vec()),
    ]);
    let folder = folder_of(&[("al/1.png", &three), ("bo/1.png", &one), ("bo/2.png", &two)]);
    let (sharded, foldered) = (Dataset::open(shards.path()).unwrap(), Dataset::open(folder.path()).unwrap());

    assert_eq!(listing(&sharded), [("al", vec!["1.png"]), ("bo", vec!["1.png", "2.png"])]);
    assert_eq!((sharded.ignored(), sharded.digest()), (1, foldered.digest()));
    for id in (0..3).map(ImageId) {
        assert_eq!(sharded.image(id).unwrap(), foldered.image(id).unwrap());
    }
    assert_eq!(sharded.image(ImageId(2)).unwrap().get_pixel(0, 0).0[0], 2);
    assert!(sharded.place(ImageId(2)).ends_with("b.tar:bo/2.png"));
}

#[test]
fn one_tar_file_is_a_dataset_too() {
    let folder = shards_of(&[("only.tar", tar_of(&[("a/1.png", b""), ("b/1.png", b"")]))]);
    assert_eq!(Dataset::open(&folder.path().join("only.tar")).unwrap().image_count(), 2);
}

#[test]
fn the_digest_knows_people_names_and_sizes() {
    let digest = |files: &[(&str, &[u8])]| Dataset::open(folder_of(files).path()).unwrap().digest();
    let base = digest(&[("ab/c.png", b"1"), ("z/1.png", b"1")]);
    assert_eq!(base.len(), 64);
    assert_eq!(base, digest(&[("z/1.png", b"2"), ("ab/c.png", b"3")]));
    assert_ne!(base, digest(&[("a/bc.png", b"1"), ("z/1.png", b"1")]));
    assert_ne!(base, digest(&[("ab/c.png", b"12"), ("z/1.png", b"1")]));
    assert_ne!(base, digest(&[("ab/c.png", b"1"), ("ab/d.png", b"1"), ("z/1.png", b"1")]));
}

#[test]
fn unreadable_images_are_named_once_and_do_not_harm_the_others() {
    let cut = &png(16, 2)[..40];
    let folder = folder_of(&[
        ("al/1.png", &png(16, 1)),
        ("al/2.png", cut),
        ("bo/1.png", b""),
        ("bo/2.png", &png(15, 1)),
    ]);
    let dataset = Dataset::open(folder.path()).unwrap();
    assert!(dataset.image(ImageId(0)).is_ok());
    for id in [3, 1, 2, 1] {
        assert!(dataset.image(ImageId(id)).is_err(), "{id}");
    }
    let places: Vec<String> = dataset.take_unreadable().into_iter().map(|u| u.place).collect();
    assert_eq!(places, [1, 2, 3].map(|id| dataset.place(ImageId(id))));
    assert_eq!((dataset.take_unreadable(), dataset.unreadable_count()), (vec![], 3));
    let too_small = dataset.image(ImageId(3)).unwrap_err();
    assert_eq!(too_small.reason, "it is 15 x 15 pixels, but expected at least 16 x 16");
}

#[test]
fn an_image_whose_file_has_gone_is_unreadable() {
    let folder = folder_of(&[("al/1.png", &png(16, 1)), ("bo/1.png", &png(16, 1))]);
    let dataset = Dataset::open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("bo/1.png")).unwrap();
    assert!(dataset.image(ImageId(1)).is_err());
}

#[test]
fn what_is_no_dataset_is_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("gone");
    assert_eq!(
        error_of(&missing),
        "no dataset at `DATA`: expected a folder with a folder for each person, or tar shards"
    );
    assert!(
        error_of(folder.path()).starts_with("`DATA` holds no image of a person, but 0 other files\nhint: ")
    );
    let loose = folder_of(&[("1.png", b""), ("2.png", b"")]);
    assert!(error_of(loose.path()).starts_with("`DATA` holds no image of a person, but 2 other files\n"));
    let one = folder_of(&[("al/1.png", b""), ("al/2.png", b"")]);
    assert_eq!(
        error_of(one.path()),
        "`DATA` holds the images of one person only, `al`, but learning needs at least two people"
    );
}

#[test]
fn an_image_that_is_in_two_shards_is_refused() {
    let shards = shards_of(&[
        ("a.tar", tar_of(&[("al/1.png", b"x"), ("bo/1.png", b"x")])),
        ("b.tar", tar_of(&[("bo/1.png", b"y")])),
    ]);
    assert_eq!(
        error_of(shards.path()),
        "the image `bo/1.png` is there twice: `DATA/a.tar:bo/1.png` and `DATA/b.tar:bo/1.png`"
    );
}

#[test]
fn a_damaged_shard_is_named_with_what_is_wrong() {
    let whole = tar_of(&[("al/1.png", &[1; 700]), ("bo/1.png", &[2; 700])]);
    let damaged = |bytes: Vec<u8>| error_of(shards_of(&[("a.tar", bytes)]).path());
    let prefix = "the shard `DATA/a.tar` is damaged: ";

    assert_eq!(
        damaged(whole[..2500].to_vec()),
        format!("{prefix}the entry `bo/1.png` reaches to byte 2748, but the file has 2500")
    );
    let marker =
        format!("{prefix}at byte 3072 the file ends without the end marker of a tar file: it was cut off");
    assert_eq!(damaged(whole[..3072].to_vec()), marker);
    assert!(damaged(whole[..3100].to_vec()).starts_with(prefix));
    assert!(damaged(vec![]).starts_with(prefix));
    assert!(damaged(b"no tar file".repeat(100)).starts_with(prefix));
    let mut wrong_checksum = whole;
    wrong_checksum[1536] ^= 1; // the name in the second header
    assert!(damaged(wrong_checksum).starts_with(prefix));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a shard's bytes are: an error or a dataset, whose images are readable or not.
    #[test]
    fn hostile_shards_fail_and_do_not_panic(at in 0usize..3584, value: u8, cut in 0usize..4096) {
        let mut bytes = tar_of(&[("al/1.png", &[1; 700]), ("bo/1.png", &[2; 700])]);
        bytes[at] = value;
        bytes.truncate(cut.max(1));
        let shards = shards_of(&[("a.tar", bytes)]);
        if let Ok(dataset) = Dataset::open(shards.path()) {
            for id in 0..dataset.image_count() {
                prop_assert!(dataset.image(ImageId(id as u32)).is_err());
            }
        }
    }
}
