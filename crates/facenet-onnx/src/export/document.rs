//! The frame of an ONNX file: versions, input, outputs, properties.

use facenet::network::Shape;
use rten_onnx::onnx::{
    DataType, Dimension, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, MessageWriter, ProtobufError, ValueWriter, WriteValue};

use super::nodes::Nodes;
use super::{INPUT, OPSET};

/// The version of the file format that belongs to [`OPSET`].
const IR_VERSION: i64 = 8;

/// The file with `nodes` between the image and `outputs`, which have sizes after the batch.
pub(super) fn document(
    name: &str,
    input: Shape,
    outputs: &[(&str, Vec<usize>)],
    nodes: Nodes,
    properties: &[(&str, String)],
) -> Vec<u8> {
    let (node, initializer) = nodes.into_parts();
    let graph = GraphProto {
        node,
        initializer,
        input: vec![value(INPUT, &[input.channels, input.height, input.width])],
        output: outputs.iter().map(|(name, sizes)| value(name, sizes)).collect(),
        value_info: Vec::new(),
    };
    let frame = ModelProto {
        ir_version: Some(IR_VERSION),
        graph: None,
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: properties.iter().map(|(key, value)| property(key, value)).collect(),
        producer_name: Some("facenet".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
    };
    let file = NamedModel { frame, graph: NamedGraph { name, graph } };
    let mut bytes = Vec::new();
    file.encode(ValueWriter::new(&mut bytes)).expect("memory takes every byte");
    bytes
}

/// A tensor of floats, the batch first and of any size.
fn value(name: &str, sizes: &[usize]) -> ValueInfoProto {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".into()) };
    let fixed = sizes.iter().map(|&size| Dimension { dim_value: Some(size as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(fixed).collect() };
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    let kind = TypeProto { tensor_type: Some(tensor), sequence: None };
    ValueInfoProto { name: Some(name.into()), r#type: Some(kind) }
}

fn property(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: Some(key.into()), value: Some(value.into()) }
}

/// A model whose graph has a name, which the standard demands and `rten-onnx` does not write.
struct NamedModel<'a> {
    frame: ModelProto,
    graph: NamedGraph<'a>,
}

struct NamedGraph<'a> {
    name: &'a str,
    graph: GraphProto,
}

impl EncodeMessage for NamedModel<'_> {
    fn encode_fields<W: WriteValue>(&self, fields: &mut MessageWriter<W>) -> Result<(), ProtobufError> {
        const GRAPH: u64 = 7;
        self.frame.encode_fields(fields)?;
        fields.write_message(GRAPH, &self.graph)
    }
}

impl EncodeMessage for NamedGraph<'_> {
    fn encode_fields<W: WriteValue>(&self, fields: &mut MessageWriter<W>) -> Result<(), ProtobufError> {
        const NAME: u64 = 2;
        self.graph.encode_fields(fields)?;
        fields.write_string(NAME, self.name)
    }
}
