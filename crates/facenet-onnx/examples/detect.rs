//! Faces that an imported detector finds in photos, one JSON line a photo:
//!
//! ```text
//! cargo run --release -p facenet-onnx --example detect -- mtcnn.safetensors photo.jpg …
//! ```
//!
//! The last line, on stderr, says how long a photo took.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use facenet::{Limits, read_image};
use facenet_core::{BoxError, Detector};
use facenet_onnx::Imported;

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let model = arguments.next().ok_or("expected a model and photos")?;
    let detector = Imported::load(&model)?.ok_or("the model was not imported")?.detector()?;
    let (mut photos, mut spent) = (0, Duration::ZERO);
    for photo in arguments {
        let image = read_image(&photo, &Limits::default())?;
        let start = Instant::now();
        let faces = detector.detect(&image)?;
        spent += start.elapsed();
        photos += 1;
        println!("{}", serde_json::json!({ "file": photo, "faces": faces }));
    }
    eprintln!(
        "{photos} photos, {:.1} ms each without decoding",
        spent.as_secs_f64() * 1e3 / f64::from(photos.max(1))
    );
    Ok(())
}
