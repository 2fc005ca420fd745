//! The nodes and weights of a file while it is written.

use std::cell::RefCell;

use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

/// Nodes in their order, and the constants that they read.
#[derive(Default)]
pub(super) struct Nodes {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

/// A setting of a node.
pub(super) enum Attribute {
    Int(&'static str, i64),
    Ints(&'static str, Vec<usize>),
}

impl Nodes {
    /// Appends a node that writes the value `output`, and gives that name.
    pub(super) fn push(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[Attribute],
    ) -> String {
        self.nodes.push(NodeProto {
            domain: None,
            name: Some(output.into()),
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            op_type: Some(operator.into()),
            attribute: attributes.iter().map(Attribute::written).collect(),
        });
        output.into()
    }

    /// Stores floats under a name, and gives that name.
    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        assert_eq!(dims.iter().product::<usize>(), values.len(), "values of the constant `{name}`");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, DataType::FLOAT, dims, bytes)
    }

    /// Stores a shape under a name; -1 stands for what is left.
    pub(super) fn shape(&mut self, name: &str, sizes: &[i64]) -> String {
        let bytes = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        self.constant(name, DataType::INT64, &[sizes.len()], bytes)
    }

    /// The value under another name.
    pub(super) fn identity(&mut self, value: &str, output: &str) {
        self.push("Identity", &[value], output, &[]);
    }

    /// Each row of `[batch, n]` divided by its length.
    pub(super) fn unit_length(&mut self, value: &str, output: &str) {
        self.push("LpNormalization", &[value], output, &[Attribute::Int("axis", 1), Attribute::Int("p", 2)]);
    }

    pub(super) fn into_parts(self) -> (Vec<NodeProto>, Vec<TensorProto>) {
        (self.nodes, self.constants)
    }

    fn constant(&mut self, name: &str, kind: DataType, dims: &[usize], bytes: Vec<u8>) -> String {
        self.constants.push(TensorProto {
            dims: dims.iter().map(|&size| size as i64).collect(),
            data_type: Some(kind),
            raw_data: Some(RefCell::new(bytes)),
            name: Some(name.into()),
            ..TensorProto::default()
        });
        name.into()
    }
}

impl Attribute {
    fn written(&self) -> AttributeProto {
        match self {
            Self::Int(name, value) => AttributeProto {
                name: Some((*name).into()),
                i: Some(*value),
                r#type: Some(AttributeType::INT),
                ..AttributeProto::default()
            },
            Self::Ints(name, values) => AttributeProto {
                name: Some((*name).into()),
                ints: values.iter().map(|&value| value as i64).collect(),
                r#type: Some(AttributeType::INTS),
                ..AttributeProto::default()
            },
        }
    }
}
