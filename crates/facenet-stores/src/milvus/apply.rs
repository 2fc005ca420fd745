//! Doing what is changed on a desk. Each piece may be done twice.

use facenet_gallery::{AssignedBy, FaceId, FileRecord, StoreError, StoredEmbedding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Collections;
use super::fields::{longs, strings, vectors};
use super::table::{AT_ONCE, Kind, Row, primary};
use crate::desk::{Desk, FaceRow};

/// What has no column of its own in the collection of faces.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FaceText {
    pub(super) found: facenet_core::Face,
    pub(super) quality: Option<f32>,
    pub(super) by: Option<AssignedBy>,
}

impl Collections {
    pub(super) fn apply(&mut self, desk: &Desk) -> Result<(), StoreError> {
        for faces in desk.faces.puts().chunks(AT_ONCE) {
            self.keep_flag()?;
            self.put_faces(faces)?;
        }
        for rows in rows_of(desk).chunks(AT_ONCE) {
            self.keep_flag()?;
            self.put_rows(rows)?;
        }
        for keys in deleted_keys(desk).chunks(AT_ONCE) {
            self.keep_flag()?;
            self.delete_rows(keys)?;
        }
        let faces: Vec<i64> = desk.faces.deletes().into_iter().map(|face| face.0).collect();
        for faces in faces.chunks(AT_ONCE) {
            self.keep_flag()?;
            self.delete(self.faces_name(), format!("id in {faces:?}"))?;
        }
        self.put_rows(&[row(Kind::Meta, 0, String::new(), desk.meta.written())])
    }

    fn put_faces(&self, faces: &[(&FaceId, &FaceRow)]) -> Result<(), StoreError> {
        let records = || faces.iter().map(|(_, face)| &face.record);
        let text = |face: &facenet_gallery::FaceRecord| {
            let by = face.person.map(|(_, by)| by);
            json(&FaceText { found: face.found.clone(), quality: face.quality, by })
        };
        let embeddings = records().flat_map(|face| coordinates(&face.embedding)).collect();
        let fields = vec![
            longs("id", records().map(|face| face.id.0).collect()),
            longs("photo", records().map(|face| face.photo.0).collect()),
            longs("person", records().map(|face| face.person.map_or(0, |(person, _)| person.0)).collect()),
            longs("contract", faces.iter().map(|(_, face)| face.contract).collect()),
            strings("text", records().map(text).collect()),
            vectors("embedding", self.dimension, embeddings),
        ];
        self.upsert(self.faces_name(), fields, faces.len())
    }
}

/// The coordinates as they are kept: those of one byte are whole numbers.
pub(super) fn coordinates(stored: &StoredEmbedding) -> Vec<f32> {
    match stored.form() {
        facenet_gallery::Form::Float => {
            stored.as_bytes().as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
        }
        facenet_gallery::Form::Byte => {
            stored.as_bytes().iter().map(|byte| f32::from(byte.cast_signed())).collect()
        }
    }
}

/// What names and paths are looked for by: no text needs quoting in a question to Milvus then.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rows_of(desk: &Desk) -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, person) in desk.people.puts() {
        let key = person.name.as_deref().map(digest).unwrap_or_default();
        rows.push(row(Kind::Person, id.0, key, json(person)));
    }
    for (id, photo) in desk.photos.puts() {
        rows.push(row(Kind::Photo, id.0, photo.content.to_string(), json(photo)));
    }
    for (path, file) in desk.files.puts() {
        let (size, changed_ns) = (file.size, file.changed_ns);
        let text = json(&FileRecord { path: path.clone(), size, changed_ns });
        rows.push(row(Kind::File, file.photo.0, digest(path), text));
    }
    for (face, crop) in desk.crops.puts() {
        rows.push(row(Kind::Crop, face.0, String::new(), json(crop)));
    }
    for (face, former) in desk.former.puts() {
        rows.push(row(Kind::Former, face.0, String::new(), json(former)));
    }
    for (id, said) in desk.corrections.puts() {
        rows.push(row(Kind::Correction, id.0, String::new(), json(said)));
    }
    for (id, event) in desk.events.puts() {
        rows.push(row(Kind::Event, *id, String::new(), json(event)));
    }
    rows
}

fn deleted_keys(desk: &Desk) -> Vec<String> {
    let numbered = |kind, numbers: Vec<i64>| numbers.into_iter().map(move |n| primary(kind, n, ""));
    let mut keys: Vec<String> = Vec::new();
    keys.extend(numbered(Kind::Person, desk.people.deletes().into_iter().map(|id| id.0).collect()));
    keys.extend(numbered(Kind::Photo, desk.photos.deletes().into_iter().map(|id| id.0).collect()));
    keys.extend(desk.files.deletes().into_iter().map(|path| primary(Kind::File, 0, &digest(path))));
    keys.extend(numbered(Kind::Crop, desk.crops.deletes().into_iter().map(|id| id.0).collect()));
    keys.extend(numbered(Kind::Former, desk.former.deletes().into_iter().map(|id| id.0).collect()));
    keys.extend(numbered(Kind::Correction, desk.corrections.deletes().into_iter().map(|id| id.0).collect()));
    keys
}

fn row(kind: Kind, number: i64, key: String, text: String) -> Row {
    Row { kind, number, key, text }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records are plain data")
}
