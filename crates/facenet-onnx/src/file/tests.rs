use std::path::Path;

use rten_onnx::onnx::{AttributeProto, DataLocation, GraphProto, StringStringEntryProto, TensorProto};

use super::*;
use crate::fixture::{embedder_graph, file, floats, node, value, wave};

fn refusal(graph: GraphProto) -> String {
    OnnxFile::check(file(graph), "net.onnx").unwrap_err().to_string()
}

/// The embedder's graph with its matrix in another file.
fn with_external(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut graph = embedder_graph(2, 3);
    let matrix = &mut graph.initializer[0];
    matrix.raw_data = None;
    matrix.data_location = Some(DataLocation::EXTERNAL);
    let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value.into()),
    };
    matrix.external_data = entries.iter().map(entry).collect();
    file(graph)
}

fn read_in(folder: &Path, bytes: &[u8]) -> Result<OnnxFile, FileError> {
    std::fs::write(folder.join("net.onnx"), bytes).unwrap();
    OnnxFile::read(&folder.join("net.onnx"))
}

fn refusal_of(location: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = read_in(folder.path(), &with_external(&[("location", location)])).unwrap_err();
    error.to_string().replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn a_file_tells_its_ends_and_its_digest_is_that_of_its_bytes() {
    let bytes = file(embedder_graph(2, 3));
    let net = OnnxFile::check(bytes.clone(), "net.onnx").unwrap();
    assert_eq!(net.inputs()[0].to_string(), "`image` [any, 3, 2, 2]");
    assert_eq!(net.outputs()[0].to_string(), "`embedding` [any, 3]");
    assert_eq!((net.parameters(), net.bytes()), (36, bytes.as_slice()));
    assert_eq!(net.digest(), hex(&Sha256::digest(&bytes)));
}

#[test]
fn every_cut_of_a_file_is_an_error_or_a_smaller_file_and_never_a_panic() {
    let bytes = file(embedder_graph(2, 3));
    for length in 0..bytes.len() {
        let cut = OnnxFile::check(bytes[..length].to_vec(), "cut");
        if let Ok(cut) = cut {
            assert_eq!((cut.inputs().len(), cut.outputs().len()), (1, 1), "cut at {length}");
        }
    }
    for (bytes, reason) in [
        (Vec::new(), "it names no version"),
        (b"<html>not a network</html>".to_vec(), "wire type"),
        (bytes[..bytes.len() / 2].to_vec(), "bytes, but"),
    ] {
        let error = OnnxFile::check(bytes, "cut").unwrap_err().to_string();
        assert!(
            error.starts_with("`cut` is not an ONNX file, or it is damaged: ") && error.contains(reason),
            "{error}"
        );
    }
}

#[test]
fn a_changed_byte_is_never_a_panic() {
    let bytes = file(embedder_graph(2, 3));
    for position in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[position] ^= bit;
            // Either is fine; what counts is that it ends.
            drop(OnnxFile::check(changed, "changed").map(|file| crate::Session::pure(&file)));
        }
    }
}

#[test]
fn a_weight_is_as_long_as_its_shape_says() {
    let with = |dims: &[i64], values: &[f32]| {
        let mut graph = embedder_graph(2, 3);
        graph.initializer = vec![floats("matrix", dims, values)];
        refusal(graph)
    };
    assert_eq!(
        with(&[12, 3], &wave(12, 2)),
        "weight `matrix` of `net.onnx`: its shape [12, 3] means 144 bytes, but it holds 96"
    );
    assert!(with(&[1 << 20, 512], &[]).contains("means 2147483648 bytes, but it holds 0"));
    for impossible in [[-1, 3], [i64::MAX, i64::MAX]] {
        assert!(with(&impossible, &[]).contains("the impossible shape"));
    }
}

#[test]
fn weights_within_nodes_are_held_to_their_shapes_too() {
    let mut graph = embedder_graph(2, 3);
    let mut constant = node("Constant", &[], "c");
    constant.attribute.push(AttributeProto {
        name: Some("value".into()),
        t: Some(floats("inner", &[4], &[1.0])),
        ..AttributeProto::default()
    });
    graph.node.push(constant);
    assert!(
        refusal(graph).contains("weight `inner` of `net.onnx`: its shape [4] means 16 bytes, but it holds 4")
    );
}

#[test]
fn operators_that_may_never_end_are_refused_also_inside() {
    let mut graph = embedder_graph(2, 3);
    let mut branch = node("If", &["c"], "d");
    branch.attribute.push(AttributeProto {
        name: Some("then_branch".into()),
        g: Some(GraphProto { node: vec![node("Loop", &[], "e")], ..GraphProto::default() }),
        ..AttributeProto::default()
    });
    graph.node.push(branch);
    assert!(refusal(graph).starts_with("`net.onnx` has the operator `Loop`, which may never end"));
}

#[test]
fn an_input_of_whole_numbers_is_refused() {
    let mut graph = embedder_graph(2, 3);
    let kind = graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    kind.elem_type = Some(rten_onnx::onnx::DataType::INT64);
    assert_eq!(
        refusal(graph),
        "the input `image` of `net.onnx` is INT64, expected a tensor of 32-bit floats"
    );
}

#[test]
fn weights_that_are_listed_as_inputs_are_none() {
    let mut graph = embedder_graph(2, 3);
    graph.input.push(value("matrix", &[12, 3]));
    assert_eq!(OnnxFile::check(file(graph), "old").unwrap().inputs().len(), 1);
}

#[test]
fn external_weights_beside_the_file_become_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = vec![9; 8];
    weights.extend(wave(12, 3).iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(folder.path().join("net.data"), &weights).unwrap();
    let entries = [("location", "net.data"), ("offset", "8"), ("length", "144")];
    let net = read_in(folder.path(), &with_external(&entries)).unwrap();

    let parsed = ModelProto::parse_buf(net.bytes()).unwrap();
    let matrix: &TensorProto = &parsed.graph.as_ref().unwrap().initializer[0];
    assert_eq!(*matrix.raw_data.as_ref().unwrap().borrow(), weights[8..]);
    assert!(matrix.external_data.is_empty() && matrix.data_location.is_none());
    assert!(OnnxFile::check(net.bytes().to_vec(), "again").is_ok());
}

#[test]
fn external_weights_elsewhere_are_refused() {
    let plain = "expected the plain name of a file in the same folder";
    for location in ["../net.data", "/etc/passwd", "a/b.data", "..", ".", "", "./x"] {
        let error = refusal_of(location);
        assert_eq!(
            error,
            format!(
                "weight `matrix` of `DIR/net.onnx` lies in another file, `{location}`, which is not read: {plain}"
            )
        );
    }
    assert!(refusal_of("gone.data").contains("No such file"));
    // A file that names itself has no weights where it says: it is shorter, or its bytes are what they are.
    assert!(refusal_of("net.onnx").contains("means 144 bytes, but it holds"));
    let error =
        OnnxFile::check(with_external(&[("location", "net.data")]), "memory").unwrap_err().to_string();
    assert!(error.contains("only weights inside the file are used here"), "{error}");
}

#[test]
fn parts_of_external_files_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.data"), [0; 16]).unwrap();
    let refusal = |offset, length| {
        let entries = [("location", "net.data"), ("offset", offset), ("length", length)];
        read_in(folder.path(), &with_external(&entries)).unwrap_err().to_string()
    };
    assert!(refusal("8", "9").contains("9 bytes from byte 8 were asked for, but it has 16"));
    assert!(refusal("17", "0").contains("but it has 16"));
    assert!(refusal("18446744073709551615", "2").contains("but it has 16"));
    assert!(refusal("-1", "2").contains("its offset `-1` is no number"));
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_or_in_a_circle_are_refused() {
    use std::os::unix::fs::symlink;
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = other.path().join("secret.data");
    std::fs::write(&secret, [0; 144]).unwrap();
    symlink(&secret, folder.path().join("out.data")).unwrap();
    symlink("b.data", folder.path().join("a.data")).unwrap();
    symlink("a.data", folder.path().join("b.data")).unwrap();
    let refusal =
        |location| read_in(folder.path(), &with_external(&[("location", location)])).unwrap_err().to_string();
    assert!(refusal("out.data").contains("it is a link out of the folder"));
    assert!(refusal("a.data").contains("symbolic links"), "{}", refusal("a.data"));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = OnnxFile::read(folder.path()).unwrap_err();
    assert!(matches!(error, FileError::Read { .. }), "{error}");
}
