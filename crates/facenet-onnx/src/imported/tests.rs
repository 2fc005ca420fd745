use std::path::PathBuf;

use facenet_core::{Chip, Embedder, RgbImage};

use super::*;
use crate::fixture::{embedder_graph, file, node};
use crate::manifest::Channels;

const SMALL: &str = "extends = \"arcface\"\nname = \"small\"\n[input]\nsize = [8, 8]\n";

fn manifest(change: &str) -> Manifest {
    Manifest::parse(&format!("{SMALL}{change}"), "small").unwrap()
}

fn net(edge: usize, dimension: usize) -> OnnxFile {
    OnnxFile::check(file(embedder_graph(edge, dimension)), "net.onnx").unwrap()
}

fn small() -> Imported {
    Imported::new(manifest(""), vec![net(8, 5)]).unwrap()
}

fn chips(count: u8) -> Vec<Chip> {
    let image = |shade: u8| RgbImage::from_fn(8, 8, |x, y| [x as u8 * 20, y as u8 * 30, shade * 40].into());
    (0..count).map(|shade| Chip::new(image(shade)).unwrap()).collect()
}

fn refusal(manifest: Manifest, file: OnnxFile) -> String {
    Imported::new(manifest, vec![file]).unwrap_err().to_string()
}

/// What is said of a file with these bytes changed.
fn refusal_of_changed(change: impl Fn(&mut Vec<u8>)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("m.safetensors");
    small().save(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    Imported::load(&path).unwrap_err().to_string()
}

#[test]
fn a_saved_model_is_loaded_as_it_was_and_embeds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let model = small();
    model.save(&path).unwrap();
    let loaded = Imported::load(&path).unwrap().unwrap();
    assert_eq!((loaded.manifest(), loaded.contract()), (model.manifest(), model.contract()));
    assert_eq!(loaded.files()[0].bytes(), model.files()[0].bytes());
    let embed = |model: &Imported| model.embedder().unwrap().embed(&chips(3)).unwrap();
    assert_eq!(embed(&loaded), embed(&model));
}

#[test]
fn an_embedding_is_what_the_network_gives_for_the_preprocessed_pixels() {
    let found = small().embedder().unwrap().embed(&chips(1)).unwrap();
    let image = chips(1)[0].image().clone();
    let matrix = crate::fixture::wave(192, 5);
    let mut expected = [0.0; 5];
    for (i, weights) in matrix.chunks_exact(5).enumerate() {
        let (channel, y, x) = (i / 64, i % 64 / 8, i % 8);
        let value = (f32::from(image.get_pixel(x as u32, y as u32)[channel]) - 127.5) / 128.0;
        expected.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }
    let expected = facenet_core::Embedding::normalize(expected.to_vec()).unwrap();
    assert!(found[0].distance(&expected).value() < 1e-8);
}

#[test]
fn a_chip_s_embedding_does_not_depend_on_its_neighbours_nor_on_batches() {
    let mut fixed = embedder_graph(8, 5);
    let sizes = fixed.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap();
    sizes.dim[0] = rten_onnx::onnx::Dimension { dim_value: Some(1), dim_param: None };
    let fixed = OnnxFile::check(file(fixed), "fixed.onnx").unwrap();
    let fixed = Imported::new(manifest(""), vec![fixed]).unwrap().embedder().unwrap();
    let any = small().embedder().unwrap();
    let (together, alone) = (any.embed(&chips(6)).unwrap(), fixed.embed(&chips(6)).unwrap());
    for (i, chip) in chips(6).into_iter().enumerate() {
        let single = any.embed(std::slice::from_ref(&chip)).unwrap();
        assert!(single[0].distance(&together[i]).value() < 1e-8);
        assert!(single[0].distance(&alone[i]).value() < 1e-8);
    }
    assert_eq!(any.embed(&[]).unwrap(), []);
}

#[test]
fn embeddings_of_other_weights_or_other_preprocessing_are_not_comparable() {
    let contract = |manifest: Manifest, net: OnnxFile| {
        Imported::new(manifest, vec![net]).unwrap().contract().unwrap().clone()
    };
    let first = contract(manifest(""), net(8, 5));
    assert_eq!((first.dimension, first.weights.as_str()), (5, net(8, 5).digest().as_str()));
    let mut bgr = manifest("");
    bgr.input.channels = Channels::Bgr;
    let mut field = manifest("");
    field.embedder.as_mut().unwrap().field = 1.0;
    let other = contract(manifest(""), net(8, 6));
    for other in [contract(bgr, net(8, 5)), contract(field, net(8, 5)), other] {
        assert!(first.check_comparable(&other).is_err());
    }
    let licensed = Manifest { licence: "MIT".into(), ..manifest("") };
    assert!(first.check_comparable(&contract(licensed, net(8, 5))).is_ok());
}

#[test]
fn a_manifest_that_does_not_match_the_graph_is_refused_with_both() {
    assert_eq!(
        refusal(manifest(""), net(9, 5)),
        "the network reads `image` [any, 3, 9, 9], but the manifest gives it [any, 3, 8, 8]"
    );
    let embedder = |text: &str| {
        let mut manifest = manifest("");
        let over: toml::Table = format!("field = 0.875\n{text}").parse().unwrap();
        manifest.embedder = Some(over.try_into().unwrap());
        manifest
    };
    assert_eq!(
        refusal(embedder("dimension = 512"), net(8, 5)),
        "the network gives 5 numbers for a face, but the manifest says 512"
    );
    assert_eq!(
        refusal(embedder("output = \"feature\""), net(8, 5)),
        "the network has no output `feature`; it has `embedding`"
    );
    let nhwc = manifest("layout = \"nhwc\"\n");
    assert!(refusal(nhwc, net(8, 5)).ends_with("but the manifest gives it [any, 8, 8, 3]"));
    let two = Imported::new(manifest(""), vec![net(8, 5), net(8, 5)]).unwrap_err().to_string();
    assert_eq!(two, "2 ONNX files were given, but the manifest describes 1");
}

#[test]
fn of_several_outputs_one_must_be_named() {
    let mut graph = embedder_graph(8, 5);
    graph.node.push(node("Neg", &["embedding"], "negative"));
    graph.output.push(crate::fixture::value("negative", &[-1, 5]));
    let two = OnnxFile::check(file(graph), "two.onnx").unwrap();
    let expected = "the network has the outputs `embedding`, `negative`; say which is the embedding by `output` in the manifest";
    assert_eq!(refusal(manifest(""), two.clone()), expected);
    let mut named = manifest("");
    named.embedder.as_mut().unwrap().output = Some("negative".into());
    let negative = Imported::new(named, vec![two]).unwrap().embedder().unwrap();
    let plain = small().embedder().unwrap();
    let [negative, plain] = [negative, plain].map(|embedder| embedder.embed(&chips(1)).unwrap().remove(0));
    assert!((negative.distance(&plain).value() - 4.0).abs() < 1e-5);
}

#[test]
fn a_network_that_gives_no_numbers_or_no_direction_is_refused_at_import() {
    let mut graph = embedder_graph(8, 5);
    graph.node.push(node("Sqrt", &["embedding"], "root"));
    graph.output = vec![crate::fixture::value("root", &[-1, 5])];
    let roots = OnnxFile::check(file(graph), "roots.onnx").unwrap();
    let error = Imported::new(manifest(""), vec![roots]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("the output `root` of `roots.onnx` holds NaN"), "{cause}");
}

#[test]
fn a_chip_of_another_size_is_an_error() {
    let wrong = Chip::new(RgbImage::new(9, 9)).unwrap();
    let error = small().embedder().unwrap().embed(&[wrong]).unwrap_err();
    assert_eq!(error.to_string(), "a chip has an edge of 9 pixels, but the network takes 8");
}

#[test]
fn an_embedder_is_no_detector() {
    let error = small().detector().unwrap_err().to_string();
    assert_eq!(error, "the model is of the kind `embedder`, expected `detector`");
}

#[test]
fn altered_files_are_refused() {
    // The last byte is one of a matrix of the network.
    let network = |bytes: &mut Vec<u8>| {
        let at = bytes.windows(6).rposition(|window| window == b"matrix").unwrap() - 40;
        bytes[at] ^= 1;
    };
    assert!(refusal_of_changed(network).contains("is a damaged model: network 1 has the digest"));
    let exchange = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    };
    assert!(
        refusal_of_changed(exchange("channels = \\\\\\\"rgb", "channels = \\\\\\\"bgr"))
            .contains("its contract is not that")
    );
    assert!(refusal_of_changed(exchange("digests", "digestz")).contains("unknown field `digestz`"));
}

/// What is no longer in the format says nothing of itself; the reader of our own models tells what is wrong.
#[test]
fn a_file_that_is_cut_off_is_not_taken_for_an_imported_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    small().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(Imported::load(&path).unwrap().is_none());
        assert!(facenet::Model::load(&path).is_err());
    }
}

#[test]
fn a_file_that_is_no_imported_model_is_none_and_one_that_is_not_there_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    std::fs::write(&path, "a letter").unwrap();
    assert!(Imported::load(&path).unwrap().is_none());
    facenet::Model::shipped(facenet::Shipped::Small).unwrap().save(&path).unwrap();
    assert!(Imported::load(&path).unwrap().is_none());
    let error = Imported::load(&folder.path().join("gone")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the model `"), "{error}");
}

#[test]
fn a_calibrated_model_keeps_its_thresholds() {
    let threshold = Threshold {
        distance: facenet_core::Distance::new(1.0).unwrap(),
        false_accept_rate: 0.01,
        data: "drawn".into(),
        interval: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    small().with_thresholds(vec![threshold.clone()]).save(&path).unwrap();
    let loaded = Imported::load(&path).unwrap().unwrap();
    assert_eq!(loaded.contract().unwrap().thresholds, [threshold]);
    assert!(loaded.contract().unwrap().check_comparable(small().contract().unwrap()).is_ok());
}
