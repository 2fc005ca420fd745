//! Between rows of tables and records.

use facenet_core::{BoundingBox, Face, Point};
use rusqlite::Row;
use rusqlite::types::Type;

use super::faults::Fault;
use crate::store::embedding::{Form, StoredEmbedding};
use crate::store::record::{AssignedBy, Correction, FaceRecord, Moved, PhotoDigest, Verdict};
use crate::store::subject::{CorrectionId, FaceId, PersonId, PhotoId};

/// The columns of [`face`], of the table `faces`.
pub(super) const FACE_COLUMNS: &str =
    "id, photo, x, y, width, height, score, landmarks, quality, embedding, person, assigned_by,
    (SELECT name FROM contracts WHERE id = nullif(faces.contract, (SELECT contract FROM settings)))";
/// The columns of [`correction`].
pub(super) const CORRECTION_COLUMNS: &str = "id, a, b, same, moved, moved_person, moved_by";

/// Ten `f32`, little endian: x and y of five points.
pub(super) fn landmark_bytes(landmarks: &[Point; 5]) -> Vec<u8> {
    landmarks.iter().flat_map(|p| [p.x, p.y]).flat_map(f32::to_le_bytes).collect()
}

fn landmarks(bytes: &[u8]) -> [Point; 5] {
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    std::array::from_fn(|i| Point { x: values[2 * i], y: values[2 * i + 1] })
}

pub(super) fn by_name(by: AssignedBy) -> &'static str {
    match by {
        AssignedBy::User => "user",
        AssignedBy::Machine => "machine",
    }
}

fn assigned(row: &Row<'_>, person: usize) -> rusqlite::Result<Option<(PersonId, AssignedBy)>> {
    let (id, by): (Option<i64>, Option<String>) = (row.get(person)?, row.get(person + 1)?);
    let by = if by.as_deref() == Some("user") { AssignedBy::User } else { AssignedBy::Machine };
    Ok(id.map(|id| (PersonId(id), by)))
}

pub(super) fn face(row: &Row<'_>, form: Form) -> Result<FaceRecord, Fault> {
    let bounds = BoundingBox { x: row.get(2)?, y: row.get(3)?, width: row.get(4)?, height: row.get(5)? };
    let points: Option<Vec<u8>> = row.get(7)?;
    let points = points.filter(|bytes| bytes.len() == 40);
    Ok(FaceRecord {
        id: FaceId(row.get(0)?),
        photo: PhotoId(row.get(1)?),
        found: Face { bounds, landmarks: points.as_deref().map(landmarks), score: row.get(6)? },
        quality: row.get(8)?,
        embedding: StoredEmbedding::from_bytes(form, row.get(9)?).map_err(Fault::NotAnEmbedding)?,
        person: assigned(row, 10)?,
        older_model: row.get(12)?,
    })
}

pub(super) fn correction(row: &Row<'_>) -> rusqlite::Result<Correction> {
    let moved: Option<i64> = row.get(4)?;
    let before = assigned(row, 5)?;
    Ok(Correction {
        id: CorrectionId(row.get(0)?),
        faces: (FaceId(row.get(1)?), FaceId(row.get(2)?)),
        verdict: if row.get(3)? { Verdict::Same } else { Verdict::Different },
        moved: moved.map(|face| Moved { face: FaceId(face), before }),
    })
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<PhotoDigest> {
    let bytes: Vec<u8> = row.get(column)?;
    let wrong = |bytes: Vec<u8>| {
        let words = format!("{} bytes are no SHA-256", bytes.len());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, words.into())
    };
    bytes.try_into().map(PhotoDigest).map_err(wrong)
}
