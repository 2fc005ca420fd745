//! Models of the networks that are named, as ONNX files, with inputs and the embeddings that they must give:
//!
//! ```text
//! cargo run --release -p facenet-onnx --example reference -- FOLDER lite-neck lite-pyramid lite-refiner nn4 …
//! ```
//!
//! `lite-neck` is the model `small` that ships with the program, the others have weights that are drawn. `benches/peers/onnx_export.py`
//! runs the files in ONNX Runtime. Numbers are 32-bit floats, little-endian: `NAME.input` holds four images, `NAME.output`
//! their embeddings; `NAME.safetensors` is the model itself. `lite-pyramid` and `lite-refiner` are both looks of the detector that
//! ships; the first one's images are 96 pixels high and 64 wide, and `NAME.output` holds the outputs one after the other, from the
//! runtime in Rust: tests hold that against the program's own.

#[path = "../src/export/drawn.rs"]
mod drawn;

use std::path::{Path, PathBuf};

use facenet::network::{self, Graph};
use facenet::{DetectorModel, FrozenNetwork, Model, Shipped, Tensor};
use facenet_core::{BoxError, Embedding};
use facenet_onnx::{OnnxFile, Session, Share};

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("expected a folder and names of networks")?);
    arguments.try_for_each(|name| match name.as_str() {
        "lite-pyramid" => write_look(&folder, &name, facenet_onnx::export_detector(&shipped()?), [96, 64]),
        "lite-refiner" => {
            let exported =
                facenet_onnx::export_refiner(&shipped()?).ok_or("the shipped detector looks twice")?;
            write_look(&folder, &name, exported, [64, 64])
        }
        _ => write(&folder, &name),
    })
}

fn images(values: usize) -> Vec<f32> {
    (0..4 * values).map(|i| ((i * 31) as f32 * 0.013).sin()).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn shipped() -> Result<DetectorModel, BoxError> {
    Ok(DetectorModel::shipped()?)
}

fn write_look(
    folder: &Path,
    name: &str,
    exported: Vec<u8>,
    [height, width]: [usize; 2],
) -> Result<(), BoxError> {
    let shape = vec![4, 3, height, width];
    let images = Tensor { values: images(shape[1..].iter().product()), shape };
    let session = Session::pure(&OnnxFile::check(exported.clone(), name)?)?;
    let maps = session.run(&images, Share::AllThreads)?;
    let file = |ending| folder.join(format!("{name}.{ending}"));
    fs_err::write(file("onnx"), exported)?;
    fs_err::write(file("input"), bytes(&images.values))?;
    fs_err::write(file("output"), maps.iter().flat_map(|map| bytes(&map.values)).collect::<Vec<u8>>())?;
    Ok(())
}

fn write(folder: &Path, name: &str) -> Result<(), BoxError> {
    let model = if name == "lite-neck" { Model::shipped(Shipped::Small)? } else { drawn::drawn(name) };
    let graph = Graph::of(&network::table(name)?, model.contract().dimension);
    let images = images(graph.input().len());
    let mut embeddings = Vec::new();
    for row in FrozenNetwork::new(&model).forward(&images).chunks_exact(graph.dimension()) {
        embeddings.extend_from_slice(Embedding::normalize(row.to_vec())?.as_slice());
    }
    let file = |ending| folder.join(format!("{name}.{ending}"));
    model.save(&file("safetensors"))?;
    fs_err::write(file("onnx"), facenet_onnx::export(&model))?;
    fs_err::write(file("input"), bytes(&images))?;
    fs_err::write(file("output"), bytes(&embeddings))?;
    Ok(())
}
