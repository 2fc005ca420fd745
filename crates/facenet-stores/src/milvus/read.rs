//! Questions to the collections.

use std::collections::HashMap;

use facenet_gallery::{
    AssignedBy, Correction, Counts, Event, FaceId, FaceRecord, FileRecord, Form, Person, PersonId,
    PhotoDigest, PhotoId, PhotoRecord, StoreError, StoredEmbedding,
};
use serde::de::DeserializeOwned;

use super::Collections;
use super::apply::{FaceText, digest};
use super::fields::{take_longs, take_strings, take_vectors};
use super::table::{AT_ONCE, Kind, Row, windows};
use crate::desk::{FaceRow, Former, Jpeg, PhotoRow};
use crate::meta::Meta;
use crate::rows::{Faces, FormerOf, People, Photos};

const FACE_FIELDS: [&str; 6] = ["id", "photo", "person", "contract", "text", "embedding"];

impl Collections {
    pub(super) fn read_meta(&self) -> Result<Meta, StoreError> {
        let rows = self.rows(Kind::Meta, "number == 0")?;
        let row = rows.first().ok_or_else(|| self.damaged("it says nothing of itself"))?;
        Meta::read(&row.text, &self.client.place)
    }

    fn count_rows(&self, kind: Kind) -> Result<u64, StoreError> {
        self.count(self.rows_name(), format!("kind == {}", kind as i64))
    }

    pub(super) fn count_faces(&self, expr: &str) -> Result<u64, StoreError> {
        self.count(self.faces_name(), expr.into())
    }

    pub(super) fn read_counts(&self, contract: i64) -> Result<Counts, StoreError> {
        Ok(Counts {
            people: self.count_rows(Kind::Person)?,
            photos: self.count_rows(Kind::Photo)?,
            faces: self.count_faces("")?,
            unassigned: self.count_faces("person == 0")?,
            older: self.count_faces(&format!("contract != {contract}"))?,
            corrections: self.count_rows(Kind::Correction)?,
        })
    }

    fn json<T: DeserializeOwned>(&self, row: &Row) -> Result<T, StoreError> {
        serde_json::from_str(&row.text).map_err(|error| self.damaged(error))
    }

    pub(super) fn read_people(&self, which: People<'_>) -> Result<Vec<Person>, StoreError> {
        let rows = match which {
            People::All => self.rows_after(Kind::Person, 0, usize::MAX, self.read_meta()?.last.person)?,
            People::Ids(ids) => {
                self.rows_numbered(Kind::Person, &ids.iter().map(|id| id.0).collect::<Vec<_>>())?
            }
            People::Named(names) => {
                let keys: Vec<String> = names.iter().map(|name| digest(name)).collect();
                let mut rows: Vec<Row> = self.rows_keyed(Kind::Person, &keys)?.into_values().collect();
                rows.sort_by_key(|row| row.number);
                rows
            }
        };
        rows.iter().map(|row| self.json(row)).collect()
    }

    pub(super) fn read_photos(&self, which: Photos<'_>) -> Result<Vec<PhotoRecord>, StoreError> {
        let rows = match which {
            Photos::After(after, limit) => {
                self.rows_after(Kind::Photo, after.0, limit, self.read_meta()?.last.photo)?
            }
            Photos::Ids(ids) => {
                self.rows_numbered(Kind::Photo, &ids.iter().map(|id| id.0).collect::<Vec<_>>())?
            }
        };
        let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
        let mut files: HashMap<i64, Vec<FileRecord>> = HashMap::new();
        for row in self.rows_numbered(Kind::File, &numbers)? {
            files.entry(row.number).or_default().push(self.json(&row)?);
        }
        let photo = |row: &Row| {
            let PhotoRow { content, added } = self.json(row)?;
            let mut files = files.remove(&row.number).unwrap_or_default();
            files.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(PhotoRecord { id: PhotoId(row.number), content, added, files })
        };
        rows.iter().map(photo).collect()
    }

    pub(super) fn read_photos_with(
        &self,
        contents: &[PhotoDigest],
    ) -> Result<Vec<Option<PhotoId>>, StoreError> {
        let keys: Vec<String> = contents.iter().map(ToString::to_string).collect();
        let rows = self.rows_keyed(Kind::Photo, &keys)?;
        Ok(keys.iter().map(|key| rows.get(key).map(|row| PhotoId(row.number))).collect())
    }

    pub(super) fn read_photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        let keys: Vec<String> = files.iter().map(|file| digest(&file.path)).collect();
        let rows = self.rows_keyed(Kind::File, &keys)?;
        let photo = |(key, file): (&String, &FileRecord)| {
            let Some(row) = rows.get(key) else { return Ok(None) };
            let found: FileRecord = self.json(row)?;
            Ok((found == *file).then_some(PhotoId(row.number)))
        };
        keys.iter().zip(files).map(photo).collect()
    }

    pub(super) fn read_faces(&self, which: Faces<'_>) -> Result<Vec<FaceRow>, StoreError> {
        let by = |column: &str, ids: Vec<i64>| -> Result<Vec<FaceRow>, StoreError> {
            let mut faces = Vec::new();
            for ids in ids.chunks(AT_ONCE) {
                faces.extend(self.faces_where(format!("{column} in {ids:?}"))?);
            }
            faces.sort_by_key(|row| row.record.id);
            Ok(faces)
        };
        match which {
            Faces::After(after, limit) => {
                windows(after.0, limit, self.read_meta()?.last.face, |low, high| {
                    self.faces_where(format!("id > {low} && id <= {high}"))
                })
            }
            Faces::Ids(ids) => by("id", ids.iter().map(|id| id.0).collect()),
            Faces::OfPeople(ids) => by("person", ids.iter().map(|id| id.0).collect()),
            Faces::OfPhotos(ids) => by("photo", ids.iter().map(|id| id.0).collect()),
        }
    }

    fn faces_where(&self, expr: String) -> Result<Vec<FaceRow>, StoreError> {
        let mut fields = self.query(self.faces_name(), expr, &FACE_FIELDS)?;
        let ids = take_longs(&mut fields, "id");
        let (photos, people) = (take_longs(&mut fields, "photo"), take_longs(&mut fields, "person"));
        let (contracts, texts) = (take_longs(&mut fields, "contract"), take_strings(&mut fields, "text"));
        let vectors = take_vectors(&mut fields, "embedding");
        let mut faces = Vec::with_capacity(ids.len());
        for (i, vector) in vectors.chunks(self.dimension).enumerate() {
            let text: FaceText = serde_json::from_str(&texts[i]).map_err(|error| self.damaged(error))?;
            let by = text.by.unwrap_or(AssignedBy::Machine);
            let record = FaceRecord {
                id: FaceId(ids[i]),
                photo: PhotoId(photos[i]),
                found: text.found,
                quality: text.quality,
                embedding: self.stored(vector)?,
                older_model: None,
                person: (people[i] != 0).then_some((PersonId(people[i]), by)),
            };
            faces.push(FaceRow { record, contract: contracts[i] });
        }
        faces.sort_by_key(|row| row.record.id);
        Ok(faces)
    }

    /// The embedding whose coordinates these are.
    pub(super) fn stored(&self, vector: &[f32]) -> Result<StoredEmbedding, StoreError> {
        let bytes = match self.form {
            Form::Float => vector.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Form::Byte => vector.iter().map(|v| (*v as i8).cast_unsigned()).collect(),
        };
        let stored = StoredEmbedding::from_bytes(self.form, bytes);
        stored.map_err(|source| StoreError::NotAnEmbedding { place: self.client.place.clone(), source })
    }

    pub(super) fn read_crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let numbers: Vec<i64> = faces.iter().map(|face| face.0).collect();
        let mut crops: HashMap<i64, Vec<u8>> = HashMap::new();
        for row in self.rows_numbered(Kind::Crop, &numbers)? {
            crops.insert(row.number, self.json::<Jpeg>(&row)?.0);
        }
        Ok(numbers.iter().map(|number| crops.get(number).cloned()).collect())
    }

    pub(super) fn read_former(&self, which: FormerOf<'_>) -> Result<Vec<(FaceId, Former)>, StoreError> {
        let rows = match which {
            FormerOf::All => self.rows_after(Kind::Former, 0, usize::MAX, self.read_meta()?.last.face)?,
            FormerOf::Ids(ids) => {
                self.rows_numbered(Kind::Former, &ids.iter().map(|id| id.0).collect::<Vec<_>>())?
            }
        };
        rows.iter().map(|row| Ok((FaceId(row.number), self.json(row)?))).collect()
    }

    pub(super) fn read_corrections(&self) -> Result<Vec<Correction>, StoreError> {
        let last = self.read_meta()?.last.correction;
        let rows = self.rows_after(Kind::Correction, 0, usize::MAX, last)?;
        rows.iter().map(|row| self.json(row)).collect()
    }

    pub(super) fn read_events(&self) -> Result<Vec<Event>, StoreError> {
        let rows = self.rows_after(Kind::Event, 0, usize::MAX, self.read_meta()?.last.event)?;
        rows.iter().map(|row| self.json(row)).collect()
    }
}
