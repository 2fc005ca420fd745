//! Small ONNX files, for tests.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

/// A file with this graph.
pub(crate) fn file(graph: GraphProto) -> Vec<u8> {
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.write_buf().unwrap()
}

/// A tensor of floats that a graph reads or gives; -1 stands for any size.
pub(crate) fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| match size {
        -1 => Dimension { dim_value: None, dim_param: Some("n".into()) },
        size => Dimension { dim_value: Some(size), dim_param: None },
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape });
    ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type, sequence: None }) }
}

/// A node that gives one value.
pub(crate) fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: Some(format!("{output}-node")),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        op_type: Some(operator.into()),
        ..NodeProto::default()
    }
}

/// The node with a setting.
pub(crate) fn with_int(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.into()),
        i: Some(value),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    node
}

/// A constant.
pub(crate) fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(values.iter().flat_map(|value| value.to_le_bytes()).collect())),
        name: Some(name.into()),
        ..TensorProto::default()
    }
}

/// The values of a constant, row by row, for `rows` x `columns`.
pub(crate) fn wave(rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| ((i * 7919) as f32 * 0.618_034).sin()).collect()
}

/// The graph of an embedder: an image of `edge` pixels as one row, times a matrix to `dimension` numbers.
pub(crate) fn embedder_graph(edge: usize, dimension: usize) -> GraphProto {
    let inputs = 3 * edge * edge;
    let (edge, size) = (edge as i64, dimension as i64);
    GraphProto {
        node: vec![node("Flatten", &["image"], "row"), node("MatMul", &["row", "matrix"], "embedding")],
        initializer: vec![floats("matrix", &[inputs as i64, size], &wave(inputs, dimension))],
        input: vec![value("image", &[-1, 3, edge, edge])],
        output: vec![value("embedding", &[-1, size])],
        value_info: Vec::new(),
    }
}
