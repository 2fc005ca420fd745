//! Photos with the found faces drawn in.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Result;
use facenet::write_beside;
use facenet_core::{BoundingBox, RgbImage};
use image::Rgb;
use image::codecs::jpeg::JpegEncoder;

use super::Judged;
use crate::output::check_writable;

/// Quality of the JPEG: these are for looking at.
const JPEG_QUALITY: u8 = 90;

/// Where each photo's drawing goes.
pub(super) struct Drawings(HashMap<PathBuf, PathBuf>);

impl Drawings {
    /// A drawing in `folder` for each of `files`, by its name; where several have one name, they are numbered.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub(super) fn into(folder: &Path, files: &[PathBuf]) -> Result<Self> {
        fs_err::create_dir_all(folder)?;
        check_writable(&folder.join("a.jpg"))?;
        let mut taken = HashSet::new();
        let target = |file: &PathBuf| {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let numbered = (2..).map(|number| format!("{stem}-{number}"));
            let mut names = std::iter::once(stem.clone()).chain(numbered);
            let name = names.find(|name| taken.insert(name.to_lowercase())).expect("there is no last number");
            (file.clone(), folder.join(format!("{name}.jpg")))
        };
        Ok(Self(files.iter().map(target).collect()))
    }

    /// Draws the faces into `image` and writes it to the place of `file`.
    pub(super) fn write(&self, file: &Path, mut image: RgbImage, faces: &[Judged]) -> Result<()> {
        let thickness = (image.width().max(image.height()) / 400).max(1) as i64;
        for Judged { face, quality } in faces {
            let colour = match quality.value {
                value if value >= 0.5 => Rgb([40, 220, 60]),
                value if value >= 0.2 => Rgb([250, 210, 40]),
                _ => Rgb([240, 60, 50]),
            };
            frame(&mut image, &face.bounds, thickness, colour);
            for point in face.landmarks.iter().flatten() {
                let (x, y) = (point.x as i64, point.y as i64);
                fill(&mut image, (x - thickness, y - thickness), (x + thickness, y + thickness), colour);
            }
        }
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut Cursor::new(&mut jpeg), JPEG_QUALITY).encode_image(&image)?;
        Ok(write_beside(&self.0[file], &jpeg)?)
    }
}

/// Draws a box, its line outside of it.
fn frame(image: &mut RgbImage, bounds: &BoundingBox, thickness: i64, colour: Rgb<u8>) {
    let (left, top) = (bounds.x as i64, bounds.y as i64);
    let (right, bottom) = ((bounds.x + bounds.width) as i64, (bounds.y + bounds.height) as i64);
    let line = thickness - 1;
    fill(image, (left - line, top - line), (right + line, top), colour);
    fill(image, (left - line, bottom), (right + line, bottom + line), colour);
    fill(image, (left - line, top), (left, bottom), colour);
    fill(image, (right, top), (right + line, bottom), colour);
}

/// Colours the pixels from one corner to the other, both included, as far as they lie in the image.
fn fill(image: &mut RgbImage, from: (i64, i64), to: (i64, i64), colour: Rgb<u8>) {
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    for y in from.1.max(0)..=to.1.min(height - 1) {
        for x in from.0.max(0)..=to.0.min(width - 1) {
            image.put_pixel(x as u32, y as u32, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_of_one_name_get_drawings_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["a/1.jpg", "b/1.png", "c/1-2.jpg", "d/I.jpg", "e/i.jpg"].map(PathBuf::from);
        let drawings = Drawings::into(dir.path(), &files).unwrap();
        let names = files.map(|file| drawings.0[&file].file_name().unwrap().to_str().unwrap().to_owned());
        assert_eq!(names, ["1.jpg", "1-2.jpg", "1-2-2.jpg", "I.jpg", "i-2.jpg"]);
    }

    #[test]
    fn a_frame_beyond_the_border_is_drawn_as_far_as_it_can_be() {
        let red = Rgb([255, 0, 0]);
        let mut image = RgbImage::new(6, 5);
        frame(&mut image, &BoundingBox { x: -3.0, y: 1.0, width: 5.0, height: 2.0 }, 1, red);
        let drawn: Vec<String> = image
            .rows()
            .map(|row| row.map(|pixel| if *pixel == red { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(drawn, ["......", "###...", "..#...", "###...", "......"]);
        frame(&mut image, &BoundingBox { x: 1e9, y: -1e9, width: 5.0, height: 2.0 }, 3, red);
    }
}
