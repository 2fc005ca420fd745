//! The weights of a file against the shapes that they claim, and operators that are not run.

use std::path::Path;

use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, NodeProto, TensorProto};

use super::error::FileError;
use super::external::{self, External};

/// Checks all weights of a graph and of the graphs inside it, and fetches those that lie in other files; gives
/// whether there were any.
///
/// # Errors
/// On the first weight that is not as its shape says, or that is not read; on the first operator that may never end.
pub(super) fn check(graph: &mut GraphProto, origin: &str, folder: Option<&Path>) -> Result<bool, FileError> {
    let mut external = External::new(origin, folder);
    let mut open = vec![graph];
    while let Some(GraphProto { node, initializer, .. }) = open.pop() {
        initializer.iter_mut().try_for_each(|tensor| check_tensor(tensor, origin, &mut external))?;
        for NodeProto { op_type, attribute, .. } in node {
            if let Some(operator) = op_type.as_deref().filter(|name| matches!(*name, "Loop" | "Scan")) {
                return Err(FileError::Unbounded { origin: origin.into(), operator: operator.into() });
            }
            for AttributeProto { t, g, .. } in attribute {
                t.iter_mut().try_for_each(|tensor| check_tensor(tensor, origin, &mut external))?;
                open.extend(g);
            }
        }
    }
    Ok(external.fetched())
}

fn check_tensor(
    tensor: &mut TensorProto,
    origin: &str,
    external: &mut External<'_>,
) -> Result<(), FileError> {
    let name = tensor.name.clone().unwrap_or_default();
    let wrong = |reason: String| FileError::Tensor { origin: origin.into(), name: name.clone(), reason };
    let dims = tensor.dims.clone();
    let values = dims.iter().try_fold(1_u64, |product, &size| product.checked_mul(u64::try_from(size).ok()?));
    let values = values.ok_or_else(|| wrong(format!("it has the impossible shape {dims:?}")))?;

    if external::is_external(tensor) {
        external.fetch(tensor, &name)?;
    }
    let kind = tensor.data_type.unwrap_or(DataType(0));
    // Types that are seldom met have their sizes checked by the runtime.
    let size = match kind {
        DataType::UINT8 | DataType::INT8 | DataType::BOOL => 1,
        DataType::UINT16 | DataType::INT16 | DataType::FLOAT16 | DataType::BFLOAT16 => 2,
        DataType::FLOAT | DataType::INT32 | DataType::UINT32 => 4,
        DataType::INT64 | DataType::UINT64 | DataType::DOUBLE => 8,
        _ => return Ok(()),
    };
    let expected = values.saturating_mul(size);
    let found = match &tensor.raw_data {
        Some(bytes) => bytes.borrow().len() as u64,
        // Smaller types are stored in a field of larger ones, one by one.
        None => {
            let listed = [
                tensor.float_data.len(),
                tensor.int32_data.len(),
                tensor.int64_data.len(),
                tensor.double_data.len(),
            ];
            listed.iter().sum::<usize>() as u64 * size
        }
    };
    if found != expected {
        return Err(wrong(format!("its shape {dims:?} means {expected} bytes, but it holds {found}")));
    }
    Ok(())
}
