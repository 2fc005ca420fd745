//! Columns of rows, as Milvus takes and gives them.

use super::proto::{
    Field, FieldData, FloatArray, LongArray, ScalarData, ScalarField, StringArray, VectorField, data_type,
};

pub(super) fn longs(name: &str, data: Vec<i64>) -> FieldData {
    let data = Some(ScalarData::Long(LongArray { data }));
    column(name, data_type::INT64, Field::Scalars(ScalarField { data }))
}

pub(super) fn strings(name: &str, data: Vec<String>) -> FieldData {
    let data = Some(ScalarData::String(StringArray { data }));
    column(name, data_type::VARCHAR, Field::Scalars(ScalarField { data }))
}

pub(super) fn vectors(name: &str, dim: usize, data: Vec<f32>) -> FieldData {
    let (dim, float_vector) = (dim as i64, Some(FloatArray { data }));
    column(name, data_type::FLOAT_VECTOR, Field::Vectors(VectorField { dim, float_vector }))
}

fn column(name: &str, kind: i32, field: Field) -> FieldData {
    FieldData { kind, field_name: name.into(), field: Some(field) }
}

/// Takes the whole numbers of a column out of an answer; none when it is not there.
pub(super) fn take_longs(fields: &mut [FieldData], name: &str) -> Vec<i64> {
    match take(fields, name) {
        Some(Field::Scalars(ScalarField { data: Some(ScalarData::Long(LongArray { data })) })) => data,
        _ => Vec::new(),
    }
}

pub(super) fn take_strings(fields: &mut [FieldData], name: &str) -> Vec<String> {
    match take(fields, name) {
        Some(Field::Scalars(ScalarField { data: Some(ScalarData::String(StringArray { data })) })) => data,
        _ => Vec::new(),
    }
}

/// All coordinates, vector after vector.
pub(super) fn take_vectors(fields: &mut [FieldData], name: &str) -> Vec<f32> {
    match take(fields, name) {
        Some(Field::Vectors(VectorField { float_vector: Some(FloatArray { data }), .. })) => data,
        _ => Vec::new(),
    }
}

fn take(fields: &mut [FieldData], name: &str) -> Option<Field> {
    fields.iter_mut().find(|field| field.field_name == name)?.field.take()
}
