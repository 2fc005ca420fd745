//! The frame of an ONNX file: versions, input, outputs, properties.

use rten_onnx::onnx::{
    DataType, Dimension, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, MessageWriter, ProtobufError, ValueWriter, WriteValue};

use super::nodes::Nodes;
use super::{INPUT, OPSET};

/// The version of the file format that belongs to [`OPSET`].
const IR_VERSION: i64 = 8;

/// The file with `nodes` between the image and `outputs`; their sizes are those after the batch.
pub(super) fn document(
    name: &str,
    input: &[Dimension],
    outputs: &[(&str, Vec<Dimension>)],
    nodes: Nodes,
    properties: &[(&str, String)],
) -> Vec<u8> {
    let (node, initializer) = nodes.into_parts();
    let graph = GraphProto {
        node,
        initializer,
        input: vec![value(INPUT, input)],
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

/// Sizes that are always the same.
pub(super) fn fixed(sizes: &[usize]) -> Vec<Dimension> {
    sizes.iter().map(|&size| Dimension { dim_value: Some(size as i64), dim_param: None }).collect()
}

/// A size that is any, under a name.
pub(super) fn named(name: &str) -> Dimension {
    Dimension { dim_value: None, dim_param: Some(name.into()) }
}

/// A tensor of floats, the batch first and of any size.
fn value(name: &str, sizes: &[Dimension]) -> ValueInfoProto {
    let shape = TensorShapeProto { dim: [&[named("batch")], sizes].concat() };
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
