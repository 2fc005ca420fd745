//! Embeddings as pgvector has them on the wire: two bytes with the number of coordinates, two of zero, and the coordinates,
//! the high byte first.

use std::error::Error;

use ::postgres::types::private::BytesMut;
use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use facenet_gallery::{Form, StoredEmbedding};
use half::f16;

/// The bytes of an embedding: `vector` for four bytes a coordinate; `halfvec`, which holds all whole numbers up to 2048, for
/// one.
#[derive(Debug)]
pub(super) struct Vector {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
}

impl From<&StoredEmbedding> for Vector {
    fn from(stored: &StoredEmbedding) -> Self {
        Self { form: stored.form(), bytes: stored.as_bytes().to_vec() }
    }
}

fn form_of(ty: &Type) -> Option<Form> {
    match ty.name() {
        "vector" => Some(Form::Float),
        "halfvec" => Some(Form::Byte),
        _ => None,
    }
}

impl ToSql for Vector {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if form_of(ty) != Some(self.form) {
            return Err(
                format!("an embedding of the form {:?} cannot be a `{}`", self.form, ty.name()).into()
            );
        }
        let coordinates = u16::try_from(self.bytes.len() / self.form.bytes(1))?;
        out.extend_from_slice(&coordinates.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        match self.form {
            Form::Float => {
                for four in self.bytes.as_chunks::<4>().0 {
                    out.extend_from_slice(&u32::from_le_bytes(*four).to_be_bytes());
                }
            }
            Form::Byte => {
                for byte in &self.bytes {
                    out.extend_from_slice(&f16::from_f32(f32::from(byte.cast_signed())).to_be_bytes());
                }
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        form_of(ty).is_some()
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Vector {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let form = form_of(ty).ok_or("no type of a vector")?;
        let coordinates = raw.get(4..).ok_or("a vector without its head")?;
        let bytes = match form {
            Form::Float => coordinates
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|four| u32::from_be_bytes(*four).to_le_bytes())
                .collect(),
            // A number that is no whole one within a byte was not written by us; its bytes then say so in a check.
            Form::Byte => coordinates
                .as_chunks::<2>()
                .0
                .iter()
                .map(|two| (f16::from_be_bytes(*two).to_f32() as i8).cast_unsigned())
                .collect(),
        };
        Ok(Self { form, bytes })
    }

    fn accepts(ty: &Type) -> bool {
        form_of(ty).is_some()
    }
}
