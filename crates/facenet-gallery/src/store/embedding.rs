//! An embedding as a gallery keeps it: bytes that no round trip changes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use facenet_core::{Embedding, QuantisedEmbedding};
use serde::{Deserialize, Serialize};

/// How a gallery keeps embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Four bytes a coordinate: `f32`, little endian.
    Float,
    /// One byte a coordinate, as [`QuantisedEmbedding`] has it.
    Byte,
}

/// The bytes of an embedding, in one of the two forms.
///
/// They are kept as they are: scaling a vector to unit length again would change its last bits with every copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct StoredEmbedding {
    form: Form,
    bytes: Box<[u8]>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    form: Form,
    base64: String,
}

/// Bytes that are no embedding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes of the form {form:?} are no embedding: {why}")]
pub struct NotStored {
    /// The form that they should have.
    pub form: Form,
    /// How many there are.
    pub bytes: usize,
    /// What is wrong with them.
    pub why: &'static str,
}

impl Form {
    /// The name in files and on the command line: `float` or `byte`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Byte => "byte",
        }
    }

    /// The bytes of an embedding of `dimension` coordinates.
    pub fn bytes(self, dimension: usize) -> usize {
        match self {
            Self::Float => 4 * dimension,
            Self::Byte => dimension,
        }
    }
}

impl StoredEmbedding {
    /// An embedding in this form; `Byte` rounds it.
    pub fn of(embedding: &Embedding, form: Form) -> Self {
        let bytes = match form {
            Form::Float => embedding.as_slice().iter().flat_map(|v| v.to_le_bytes()).collect(),
            Form::Byte => {
                QuantisedEmbedding::from(embedding).as_slice().iter().map(|q| q.cast_unsigned()).collect()
            }
        };
        Self { form, bytes }
    }

    /// Takes bytes that were written before.
    ///
    /// # Errors
    /// When they have no direction: none, zero, not finite, or of an odd number.
    pub fn from_bytes(form: Form, bytes: Vec<u8>) -> Result<Self, NotStored> {
        let refuse = |why| Err(NotStored { form, bytes: bytes.len(), why });
        match form {
            Form::Float if !bytes.len().is_multiple_of(4) => {
                refuse("they are no whole number of coordinates")
            }
            Form::Float if Embedding::normalize(floats(&bytes)).is_err() => refuse("they have no direction"),
            Form::Byte if bytes.iter().all(|byte| *byte == 0) => refuse("they have no direction"),
            Form::Float | Form::Byte => Ok(Self { form, bytes: bytes.into() }),
        }
    }

    /// What is wrong with bytes that should be an embedding of this form and dimension; none when they are.
    pub fn fault(form: Form, bytes: Vec<u8>, dimension: usize) -> Option<String> {
        let found = bytes.len();
        if found != form.bytes(dimension) {
            return Some(format!("its embedding has {found} bytes, expected {}", form.bytes(dimension)));
        }
        let stored = match Self::from_bytes(form, bytes) {
            Ok(stored) => stored,
            Err(error) => return Some(error.to_string()),
        };
        if form == Form::Float {
            // What was written is of unit length to the rounding of its coordinates.
            let coordinates = floats(stored.as_bytes()).into_iter();
            let norm = coordinates.map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
            if (norm - 1.0).abs() > 1e-3 {
                return Some(format!("its embedding has the length {norm:.4}, expected 1"));
            }
        }
        None
    }

    /// The form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.bytes.len() / self.form.bytes(1)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The unit vector that they mean.
    pub fn embedding(&self) -> Embedding {
        let values = match self.form {
            Form::Float => floats(&self.bytes),
            Form::Byte => self.bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
        };
        Embedding::normalize(values).expect("checked when it was made")
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

impl TryFrom<Written> for StoredEmbedding {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let bytes = STANDARD.decode(written.base64).map_err(|error| error.to_string())?;
        Self::from_bytes(written.form, bytes).map_err(|error| error.to_string())
    }
}

impl From<StoredEmbedding> for Written {
    fn from(stored: StoredEmbedding) -> Self {
        Self { form: stored.form, base64: STANDARD.encode(&stored.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding() -> Embedding {
        Embedding::normalize((0..128).map(|i| (i as f32 * 0.7).sin()).collect()).unwrap()
    }

    #[test]
    fn bytes_survive_every_round_trip_and_mean_the_embedding() {
        for (form, bytes, off) in [(Form::Float, 512, 1e-12), (Form::Byte, 128, 1e-3)] {
            let stored = StoredEmbedding::of(&embedding(), form);
            assert_eq!((stored.as_bytes().len(), stored.dimension()), (bytes, 128));
            assert!(stored.embedding().distance(&embedding()).value() < off);
            let again = StoredEmbedding::from_bytes(form, stored.as_bytes().to_vec()).unwrap();
            let json = serde_json::to_string(&again).unwrap();
            assert_eq!(serde_json::from_str::<StoredEmbedding>(&json).unwrap(), stored);
        }
    }

    #[test]
    fn bytes_without_a_direction_are_refused() {
        let nan = f32::NAN.to_le_bytes().to_vec();
        for (form, bytes) in [
            (Form::Float, vec![]),
            (Form::Float, vec![0; 16]),
            (Form::Float, vec![1; 7]),
            (Form::Float, nan),
            (Form::Byte, vec![]),
            (Form::Byte, vec![0; 128]),
        ] {
            assert!(StoredEmbedding::from_bytes(form, bytes.clone()).is_err(), "{form:?} {bytes:?}");
        }
        assert!(serde_json::from_str::<StoredEmbedding>(r#"{"form":"byte","base64":"AAAA"}"#).is_err());
    }
}
