//! Photos of drawn faces, for tests.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

/// Writes `count` photos with one or two faces each into a folder of that name, with their labels beside it; gives the
/// labels' file.
pub(super) fn photos(folder: &Path, name: &str, count: usize) -> PathBuf {
    std::fs::create_dir_all(folder.join(name)).unwrap();
    let mut lines = String::new();
    for number in 0..count {
        let mut photo = RgbImage::from_fn(120, 90, |x, y| {
            let wave = ((x * 7 + y * 3 + number as u32 * 11) % 40) as u8;
            Rgb([60 + wave, 90 + wave / 2, 120 - wave])
        });
        let left = 10.0 + (number % 3) as f32 * 8.0;
        let mut faces = vec![draw(&mut photo, left, 15.0 + (number % 2) as f32 * 10.0, 40.0)];
        if number % 2 == 1 {
            faces.push(draw(&mut photo, 80.0, 50.0, 24.0));
        }
        photo.save(folder.join(name).join(format!("{number}.png"))).unwrap();
        lines += &format!("{{\"file\":\"{number}.png\",\"faces\":[{}]}}\n", faces.join(","));
    }
    let labels = folder.join(format!("{name}.jsonl"));
    std::fs::write(&labels, lines).unwrap();
    labels
}

/// Draws a face into a square, and gives its label: a pale disc with dark eyes, a red nose and a dark mouth.
fn draw(photo: &mut RgbImage, left: f32, top: f32, side: f32) -> String {
    let spots = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.5), (0.35, 0.75), (0.65, 0.75)];
    let radius = [0.1, 0.1, 0.08, 0.07, 0.07];
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let at = ((x as f32 + 0.5 - left) / side, (y as f32 + 0.5 - top) / side);
        let distance = |(cx, cy): (f32, f32)| (at.0 - cx).hypot(at.1 - cy);
        if distance((0.5, 0.5)) < 0.5 {
            *pixel = Rgb([235, 205, 180]);
        }
        for (which, (spot, radius)) in spots.into_iter().zip(radius).enumerate() {
            if distance(spot) < radius {
                *pixel = if which == 2 { Rgb([220, 30, 30]) } else { Rgb([20, 20, 30]) };
            }
        }
    }
    let points: Vec<String> =
        spots.iter().map(|(x, y)| format!("[{},{}]", left + x * side, top + y * side)).collect();
    format!(
        "{{\"box\":[{left},{top},{side},{side}],\"landmarks\":[{}],\"label\":\"drawn\"}}",
        points.join(",")
    )
}
