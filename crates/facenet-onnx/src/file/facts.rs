//! What a graph reads and gives.

use std::fmt;

use rten_onnx::onnx::{DataType, GraphProto, TypeProto, ValueInfoProto};

use super::error::FileError;

/// A tensor of floats that a graph reads or gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorFact {
    /// Its name.
    pub name: String,
    /// Its sizes as far as the file states them, outermost first; none when it states no shape.
    pub sizes: Option<Vec<Size>>,
}

/// A size of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// This many.
    Fixed(usize),
    /// As many as the data has.
    Any,
}

/// What is known of a graph.
pub(super) struct Facts {
    pub(super) inputs: Vec<TensorFact>,
    pub(super) outputs: Vec<TensorFact>,
    pub(super) parameters: usize,
}

impl Size {
    /// The number, if it is fixed.
    pub fn fixed(self) -> Option<usize> {
        match self {
            Self::Fixed(size) => Some(size),
            Self::Any => None,
        }
    }

    /// Whether a tensor may have `size` here.
    pub fn allows(self, size: usize) -> bool {
        self.fixed().is_none_or(|fixed| fixed == size)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Any => write!(f, "any"),
        }
    }
}

impl fmt::Display for TensorFact {
    /// Like `` `data` [any, 3, 112, 112] ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self.sizes.as_ref().map(|sizes| sizes.iter().map(Size::to_string).collect::<Vec<_>>());
        let shape = sizes.map_or("of no stated shape".into(), |sizes| format!("[{}]", sizes.join(", ")));
        write!(f, "`{}` {shape}", self.name)
    }
}

/// Reads the facts of a checked graph. Files of before 2019 list their weights among the inputs.
pub(super) fn of(graph: &GraphProto, origin: &str) -> Result<Facts, FileError> {
    let weights = || graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref());
    let inputs =
        graph.input.iter().filter(|input| !weights().any(|name| Some(name) == input.name.as_deref()));
    let facts = |what: &'static str, value: &ValueInfoProto| fact(what, value, origin);
    let parameters = graph.initializer.iter().filter(|tensor| tensor.data_type == Some(DataType::FLOAT));
    Ok(Facts {
        inputs: inputs.map(|value| facts("the input", value)).collect::<Result<_, _>>()?,
        outputs: graph.output.iter().map(|value| facts("the output", value)).collect::<Result<_, _>>()?,
        parameters: parameters.map(|tensor| tensor.dims.iter().product::<i64>() as usize).sum(),
    })
}

fn fact(what: &str, value: &ValueInfoProto, origin: &str) -> Result<TensorFact, FileError> {
    let name = value.name.clone().unwrap_or_default();
    let tensor = match &value.r#type {
        Some(TypeProto { tensor_type: Some(tensor), .. }) => tensor,
        // A file may leave the type of an output open.
        None => return Ok(TensorFact { name, sizes: None }),
        Some(_) => return Err(not_floats(what, &name, "no tensor", origin)),
    };
    if let Some(kind) = tensor.elem_type.filter(|&kind| kind != DataType::FLOAT && kind != DataType(0)) {
        return Err(not_floats(what, &name, kind.name().unwrap_or("of an unknown type"), origin));
    }
    let sizes = tensor.shape.as_ref().map(|shape| {
        let size =
            |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok()).filter(|&size| size > 0);
        shape.dim.iter().map(|dim| size(dim.dim_value).map_or(Size::Any, Size::Fixed)).collect()
    });
    Ok(TensorFact { name, sizes })
}

fn not_floats(what: &str, name: &str, found: &str, origin: &str) -> FileError {
    FileError::NotFloats { origin: origin.into(), what: format!("{what} `{name}`"), found: found.into() }
}
