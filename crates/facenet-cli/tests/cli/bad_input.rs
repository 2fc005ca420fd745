//! Files that are not what they seem: each is named, the rest goes on.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Frame, ImageBuffer, ImageEncoder, ImageFormat, Rgb, RgbImage};

use crate::drawn::face;
use crate::scene::Scene;

/// The last words about `bad.NAME` after embedding it beside a good image, which must have been embedded.
fn complaint(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let scene = Scene::with_faces(&[("good.png", 1, 0)]);
    scene.file(name, bytes);
    let run = scene.run(&["embed", name, "good.png"]).ended(2);
    let lines = run.json_lines();
    assert_eq!((lines.len(), &lines[0]["path"]), (1, &"good.png".into()));
    let complaint = run.stderr.strip_prefix(&format!("facenet: {name}: ")).expect("the file is named");
    complaint.trim_end().to_owned()
}

/// The embedding of `name`, printed.
fn embedding(scene: &Scene, name: &str) -> serde_json::Value {
    scene.run(&["embed", name]).ended(0).json_lines().remove(0)["embedding"].take()
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(image).unwrap();
    bytes
}

#[test]
fn a_text_file_with_the_name_of_a_photo() {
    assert_eq!(complaint("bad.jpg", "Dear Sir or Madam"), "not an image, but text");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(complaint("bad.jpg", ""), @"not an image, but an empty file");
}

#[test]
fn a_jpeg_without_its_end() {
    let bytes = jpeg(&face(2, 0));
    insta::assert_snapshot!(complaint("bad.jpg", &bytes[..bytes.len() - 20]), @r"
    the JPEG image is cut off
    hint: copy or download it again
    ");
}

#[test]
fn an_image_of_a_single_pixel() {
    let scene = Scene::new();
    scene.image("one.png", &RgbImage::new(1, 1));
    insta::assert_snapshot!(
        complaint("bad.png", fs_err::read(scene.at("one.png")).unwrap()),
        @"cannot look for faces: an image of 1 x 1 pixels is too small: the face in its middle would have an edge of 0.512 pixels, expected at least 8"
    );
}

#[test]
fn a_png_that_claims_nine_hundred_million_pixels() {
    let mut bytes = Vec::new();
    RgbImage::new(1, 1).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes[16..24].copy_from_slice(&[30_000u32.to_be_bytes(), 30_000u32.to_be_bytes()].concat());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    insta::assert_snapshot!(
        complaint("bad.png", bytes),
        @"an image of 30000 x 30000 pixels is too large: at most 128000000 pixels are allowed"
    );
}

/// The checksum of a PNG's chunk (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[test]
fn files_and_folders_that_give_nothing() {
    let scene = Scene::with_faces(&[("good.png", 1, 0)]);
    scene.file("folder/notes.txt", "nothing to see");
    let run = scene.run(&["embed", "folder", "gone.jpg", "*.gif", "good.png"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: folder: the folder holds no image
    facenet: gone.jpg: the file cannot be read: No such file or directory (os error 2)
    facenet: *.gif: no file matches the pattern
    ");
    assert_eq!(run.json_lines().len(), 1);

    let run = scene.run(&["embed", "folder"]).ended(2);
    assert_eq!(run.stderr, "facenet: folder: the folder holds no image\nerror: no image was found\n");
}

#[test]
fn a_remedy_is_told_once() {
    let scene = Scene::new();
    let bytes = jpeg(&face(2, 0));
    for name in ["1.jpg", "2.jpg"] {
        scene.file(name, &bytes[..bytes.len() - 20]);
    }
    let run = scene.run(&["embed", "1.jpg", "2.jpg"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: 1.jpg: the JPEG image is cut off
    hint: copy or download it again
    facenet: 2.jpg: the JPEG image is cut off
    ");
}

#[test]
fn of_an_animation_the_first_frame_counts() {
    let scene = Scene::with_faces(&[("first.png", 1, 0)]);
    let mut bytes = Vec::new();
    let frames = [face(1, 0), face(2, 0)].map(|frame| Frame::new(DynamicImage::from(frame).into_rgba8()));
    GifEncoder::new(&mut bytes).encode_frames(frames).unwrap();
    scene.file("animated.gif", bytes);
    assert_eq!(embedding(&scene, "animated.gif"), embedding(&scene, "first.png"));
}

#[test]
fn sixteen_bits_a_channel_become_eight() {
    let scene = Scene::with_faces(&[("eight.png", 1, 0)]);
    let eight = face(1, 0);
    let sixteen = ImageBuffer::from_fn(128, 128, |x, y| {
        Rgb(eight.get_pixel(x, y).0.map(|value| u16::from(value) * 257))
    });
    DynamicImage::from(sixteen).save(scene.at("sixteen.png")).unwrap();
    assert_eq!(embedding(&scene, "sixteen.png"), embedding(&scene, "eight.png"));
}

#[test]
fn a_cmyk_jpeg_is_a_photo_like_any_other() {
    let scene = Scene::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../facenet/fixtures/images/cmyk.jpg");
    scene.file("print.jpg", fs_err::read(fixture).unwrap());
    scene.run(&["embed", "print.jpg"]).ended(0);
}

#[test]
fn a_photo_that_lies_on_its_side_is_turned_upright() {
    let scene = Scene::new();
    let lying = DynamicImage::from(face(1, 60)).rotate270().into_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.set_exif_metadata(EXIF_ORIENTATION_6.to_vec()).unwrap();
    encoder.encode_image(&lying).unwrap();

    // What a viewer that knows nothing of EXIF shows, turned by hand.
    let stored = image::load_from_memory_with_format(&jpeg(&lying), ImageFormat::Jpeg).unwrap();
    scene.file("lying.jpg", bytes);
    scene.image("upright.png", &stored.rotate90().into_rgb8());
    scene.image("stored.png", &stored.into_rgb8());
    assert_eq!(embedding(&scene, "lying.jpg"), embedding(&scene, "upright.png"));
    assert_ne!(embedding(&scene, "lying.jpg"), embedding(&scene, "stored.png"));
}

/// A little-endian TIFF header and a directory of one entry: orientation (0x0112), a short, 6 (turn right to view).
const EXIF_ORIENTATION_6: [u8; 26] =
    [b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
