use facenet_core::{BoundingBox, BoxError, Contract, Detector, Embedder, Preprocessing};
use image::Rgb;

use super::*;

/// As many faces side by side as the image is wide in heights.
struct Squares;

impl Detector for Squares {
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        let edge = image.height() as f32;
        let face = |i: u32| Face {
            bounds: BoundingBox { x: i as f32 * edge, y: 0.0, width: edge, height: edge },
            landmarks: None,
            score: 1.0,
        };
        Ok((0..image.width() / image.height()).map(face).collect())
    }
}

/// Embeds a chip as the direction of its middle pixel, so black has none; at most [`BATCH`] at a time.
struct MiddlePixel(Contract);

impl Embedder for MiddlePixel {
    fn contract(&self) -> &Contract {
        &self.0
    }

    fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError> {
        assert!(chips.len() <= BATCH);
        let middle = |chip: &Chip| chip.image().get_pixel(2, 2).0.map(f32::from).to_vec();
        chips.iter().map(|chip| Ok(Embedding::normalize(middle(chip))?)).collect()
    }
}

fn engine() -> FaceEngine {
    let contract = Contract {
        network: "first".into(),
        dimension: 3,
        weights: String::new(),
        preprocessing: Preprocessing { version: 1, edge_px: 4, field: 1.0 },
        thresholds: Vec::new(),
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    FaceEngine::new(Box::new(Squares), Box::new(MiddlePixel(contract)))
}

/// An image with a square of 8 pixels a colour.
fn write(path: &Path, colours: &[[u8; 3]]) {
    RgbImage::from_fn(8 * colours.len() as u32, 8, |x, _| Rgb(colours[x as usize / 8])).save(path).unwrap();
}

/// The names of the photos in order with the number of their faces, and the number of failures.
fn run(paths: &[PathBuf]) -> (Vec<(String, usize)>, usize) {
    let mut console = Console::new(true);
    let mut seen = Vec::new();
    let each = |photo: Photo, _: &mut Console| {
        let name = photo.path.file_stem().unwrap().to_str().unwrap().to_owned();
        seen.push((name, photo.faces.len()));
        Ok(())
    };
    Pipeline::new(&engine()).run(paths, &mut console, each).unwrap();
    (seen, console.failures())
}

#[test]
fn images_keep_their_order_over_windows_and_batches_and_failures_do_not_shift_them() {
    let dir = tempfile::tempdir().unwrap();
    let count = 2 * WINDOW + 5;
    let paths: Vec<PathBuf> = (0..count).map(|i| dir.path().join(format!("{i}.png"))).collect();
    for (i, path) in paths.iter().enumerate() {
        match i % 10 {
            3 => fs_err::write(path, "no image").unwrap(),
            _ => write(path, &vec![[i as u8 + 1, 1, 0]; 1 + i % 3]),
        }
    }
    let expected: Vec<(String, usize)> =
        (0..count).filter(|i| i % 10 != 3).map(|i| (i.to_string(), 1 + i % 3)).collect();
    assert_eq!(run(&paths), (expected, count - count * 9 / 10 - 1));
}

#[test]
fn every_face_has_its_own_embedding_and_picture() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.png");
    write(&path, &[[200, 0, 0], [0, 0, 100]]);
    let engine = engine();
    let photo = Pipeline::new(&engine).with_pictures().photo(&path).unwrap();
    let faces: Vec<(&[f32], (u32, u32))> = photo
        .faces
        .iter()
        .map(|f| (f.embedding.as_slice(), f.picture.as_ref().unwrap().dimensions()))
        .collect();
    assert_eq!(faces, [(&[1.0, 0.0, 0.0][..], (8, 8)), (&[0.0, 0.0, 1.0][..], (8, 8))]);
    assert!(Pipeline::new(&engine).photo(&path).unwrap().faces.iter().all(|face| face.picture.is_none()));
}

#[test]
fn a_face_without_direction_fails_its_own_image_only() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a.png", "b.png", "c.png"].map(|name| dir.path().join(name));
    write(&paths[0], &[[9, 0, 0]]);
    write(&paths[1], &[[0, 0, 0], [9, 0, 0]]);
    write(&paths[2], &[[0, 9, 0]]);
    assert_eq!(run(&paths), (vec![("a".to_owned(), 1), ("c".to_owned(), 1)], 1));
}

#[test]
fn a_single_image_that_fails_is_named() {
    let engine = engine();
    let error = Pipeline::new(&engine).photo("gone.jpg".as_ref()).unwrap_err();
    assert_eq!(error.to_string(), "cannot use the image `gone.jpg`");
}
