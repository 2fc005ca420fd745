//! Models of the networks that are named, as ONNX files, with inputs and the embeddings that they must give:
//!
//! ```text
//! cargo run --release -p facenet-onnx --example reference -- FOLDER lite-neck nn4 …
//! ```
//!
//! `lite-neck` is the model `small` that ships with the program, the others have weights that are drawn. `benches/peers/onnx_export.py`
//! runs the files in ONNX Runtime. Numbers are 32-bit floats, little-endian: `NAME.input` holds four images, `NAME.output`
//! their embeddings; `NAME.safetensors` is the model itself.

#[path = "../src/export/drawn.rs"]
mod drawn;

use std::path::{Path, PathBuf};

use facenet::network::{self, Graph};
use facenet::{FrozenNetwork, Model, Shipped};
use facenet_core::{BoxError, Embedding};

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("expected a folder and names of networks")?);
    arguments.try_for_each(|name| write(&folder, &name))
}

fn write(folder: &Path, name: &str) -> Result<(), BoxError> {
    let model = if name == "lite-neck" { Model::shipped(Shipped::Small)? } else { drawn::drawn(name) };
    let graph = Graph::of(&network::table(name)?, model.contract().dimension);
    let images: Vec<f32> = (0..4 * graph.input().len()).map(|i| ((i * 31) as f32 * 0.013).sin()).collect();
    let mut embeddings = Vec::new();
    for row in FrozenNetwork::new(&model).forward(&images).chunks_exact(graph.dimension()) {
        embeddings.extend_from_slice(Embedding::normalize(row.to_vec())?.as_slice());
    }
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let file = |ending| folder.join(format!("{name}.{ending}"));
    model.save(&file("safetensors"))?;
    fs_err::write(file("onnx"), facenet_onnx::export(&model))?;
    fs_err::write(file("input"), bytes(&images))?;
    fs_err::write(file("output"), bytes(&embeddings))?;
    Ok(())
}
