use rten_onnx::onnx::GraphProto;

use super::*;
use crate::fixture::{embedder_graph, file, floats, node, value, with_int};

fn session(graph: GraphProto) -> Result<Session, SessionError> {
    Session::pure(&OnnxFile::check(file(graph), "net.onnx").unwrap())
}

/// One value `x` of four numbers through `node` to `y`.
fn single(nodes: Vec<rten_onnx::onnx::NodeProto>, output: &[i64]) -> GraphProto {
    GraphProto {
        node: nodes,
        initializer: vec![floats("minus", &[1], &[-1.0]), floats("three", &[3], &[1.0, 2.0, 3.0])],
        input: vec![value("x", &[1, 4])],
        output: vec![value("y", output)],
        value_info: Vec::new(),
    }
}

fn row(values: [f32; 4]) -> Tensor {
    Tensor { shape: vec![1, 4], values: values.into() }
}

#[test]
fn a_network_runs_on_one_thread_or_on_all_with_the_same_result() {
    let session = session(embedder_graph(2, 3)).unwrap();
    assert!(session.takes_batches());
    let images = Tensor { shape: vec![2, 3, 2, 2], values: (0..24).map(|i| i as f32).collect() };
    let [one, all] = [Share::OneThread, Share::AllThreads].map(|share| session.run(&images, share).unwrap());
    assert_eq!((one[0].shape.as_slice(), &one[0].values), (&[2, 3][..], &all[0].values));
    let matrix = crate::fixture::wave(12, 3);
    let expected: f32 = (0..12).map(|i| i as f32 * matrix[3 * i + 1]).sum();
    assert!((one[0].values[1] - expected).abs() < 1e-4);
}

#[test]
fn an_input_of_another_shape_is_refused_with_both() {
    let session = session(embedder_graph(2, 3)).unwrap();
    let image = Tensor { shape: vec![1, 3, 4, 4], values: vec![0.0; 48] };
    assert_eq!(
        session.run(&image, Share::OneThread).unwrap_err().to_string(),
        "`net.onnx` reads `image` [any, 3, 2, 2], but it was given [1, 3, 4, 4]"
    );
}

#[test]
fn an_operator_that_the_runtime_does_not_have_is_named() {
    for operator in ["FlyToTheMoon", "LRN"] {
        let error = session(single(vec![node(operator, &["x"], "y")], &[1, 4])).unwrap_err().to_string();
        assert!(error.starts_with("the runtime does not take `net.onnx`: "), "{error}");
        assert!(
            error.contains(operator) && error.contains("y-node") && error.contains("\nhint: "),
            "{error}"
        );
    }
}

#[test]
fn shapes_that_contradict_each_other_are_an_error_of_the_load_or_of_the_run() {
    let found = session(single(vec![node("Add", &["x", "three"], "y")], &[1, 4]));
    let error = match found {
        Ok(session) => session.run(&row([0.0; 4]), Share::OneThread).unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("net.onnx"), "{error}");
}

#[test]
fn an_output_that_is_not_as_stated_is_refused() {
    let session = session(single(vec![node("Neg", &["x"], "y")], &[1, 5])).unwrap();
    assert_eq!(
        session.run(&row([0.0; 4]), Share::OneThread).unwrap_err().to_string(),
        "`net.onnx` states the output `y` [1, 5], but gave [1, 4]"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused_where_they_come_out() {
    let session = session(single(vec![node("Sqrt", &["x"], "y")], &[1, 4])).unwrap();
    let error = session.run(&row([1.0, 4.0, -1.0, 9.0]), Share::OneThread).unwrap_err().to_string();
    let expected = "the output `y` of `net.onnx` holds NaN at position 2, expected finite numbers";
    assert_eq!(error, expected);
    assert_eq!(
        session.run(&row([1.0, 4.0, 0.0, 9.0]), Share::OneThread).unwrap()[0].values,
        [1.0, 2.0, 0.0, 3.0]
    );
}

#[test]
fn a_network_reads_one_tensor() {
    let mut graph = single(vec![node("Neg", &["x"], "y")], &[1, 4]);
    graph.input.push(value("z", &[1]));
    let error = session(graph).unwrap_err().to_string();
    let expected = "`net.onnx` reads 2 and gives 1 tensors, expected one to be read and at least one given";
    assert_eq!(error, expected);
}

#[test]
fn a_graph_that_reads_itself_is_refused() {
    let circle = vec![node("Neg", &["b"], "a"), node("Neg", &["a"], "b"), node("Neg", &["b"], "y")];
    let found = session(single(circle, &[1, 4]));
    let failed = found.and_then(|session| session.run(&row([0.0; 4]), Share::OneThread));
    assert!(failed.is_err());
}

#[test]
fn a_setting_that_cannot_be_is_an_error() {
    let softmax = with_int(node("Softmax", &["x"], "y"), "axis", 7);
    let found = session(single(vec![softmax], &[1, 4]));
    let failed = found.and_then(|session| session.run(&row([0.0; 4]), Share::OneThread));
    assert!(failed.unwrap_err().to_string().contains("net.onnx"));
}
