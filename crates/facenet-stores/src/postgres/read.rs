//! Questions to the tables.

use std::collections::HashMap;

use ::postgres::Row;
use facenet_core::Face;
use facenet_gallery::{
    AssignedBy, Correction, Counts, Event, EventKind, FaceId, FaceRecord, FileRecord, Person, PersonId,
    PhotoDigest, PhotoId, PhotoRecord, StoreError, StoredEmbedding,
};
use serde::de::DeserializeOwned;

use super::Tables;
use super::vector::Vector;
use crate::desk::{FaceRow, Former};
use crate::rows::{Faces, FormerOf, People, Photos};

const FACE_COLUMNS: &str = "id, photo, found, quality, contract, embedding, person, assigned_by";

impl Tables {
    pub(super) fn read_counts(&self, contract: i64) -> Result<Counts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM photos), (SELECT count(*) FROM faces),
            (SELECT count(*) FROM faces WHERE person IS NULL), (SELECT count(*) FROM faces WHERE contract <> $1),
            (SELECT count(*) FROM corrections)";
        let rows = self.query(sql, &[&contract])?;
        let count = |column| rows[0].get::<_, i64>(column).unsigned_abs();
        Ok(Counts {
            people: count(0),
            photos: count(1),
            faces: count(2),
            unassigned: count(3),
            older: count(4),
            corrections: count(5),
        })
    }

    pub(super) fn read_people(&self, which: People<'_>) -> Result<Vec<Person>, StoreError> {
        let select = "SELECT id, name, tags FROM people";
        let rows = match which {
            People::All => self.query(&format!("{select} ORDER BY id"), &[])?,
            People::Ids([]) | People::Named([]) => Vec::new(),
            People::Ids(ids) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
                self.query(&format!("{select} WHERE id = ANY($1) ORDER BY id"), &[&ids])?
            }
            People::Named(names) => {
                self.query(&format!("{select} WHERE name = ANY($1) ORDER BY id"), &[&names])?
            }
        };
        let person = |row: &Row| {
            Ok(Person { id: PersonId(row.get(0)), name: row.get(1), tags: self.json(row.get(2))? })
        };
        rows.iter().map(person).collect()
    }

    pub(super) fn read_photos(&self, which: Photos<'_>) -> Result<Vec<PhotoRecord>, StoreError> {
        let select = "SELECT id, content, added FROM photos";
        let rows = match which {
            Photos::After(after, limit) => {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                self.query(&format!("{select} WHERE id > $1 ORDER BY id LIMIT $2"), &[&after.0, &limit])?
            }
            Photos::Ids([]) => Vec::new(),
            Photos::Ids(ids) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
                self.query(&format!("{select} WHERE id = ANY($1) ORDER BY id"), &[&ids])?
            }
        };
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let mut files: HashMap<i64, Vec<FileRecord>> = HashMap::new();
        let sql = "SELECT photo, path, size, changed_ns FROM files WHERE photo = ANY($1) ORDER BY path COLLATE \"C\"";
        for row in if ids.is_empty() { Vec::new() } else { self.query(sql, &[&ids])? } {
            let file = FileRecord { path: row.get(1), size: row.get(2), changed_ns: row.get(3) };
            files.entry(row.get(0)).or_default().push(file);
        }
        let photo = |row: &Row| {
            let id: i64 = row.get(0);
            let content: [u8; 32] = row.get::<_, &[u8]>(1).try_into().expect("the table checks its length");
            PhotoRecord {
                id: PhotoId(id),
                content: PhotoDigest(content),
                added: row.get(2),
                files: files.remove(&id).unwrap_or_default(),
            }
        };
        Ok(rows.iter().map(photo).collect())
    }

    pub(super) fn read_photos_with(
        &self,
        contents: &[PhotoDigest],
    ) -> Result<Vec<Option<PhotoId>>, StoreError> {
        let bytes: Vec<&[u8]> = contents.iter().map(|content| &content.0[..]).collect();
        let sql = "SELECT wanted.n, photos.id FROM unnest($1::bytea[]) WITH ORDINALITY wanted (content, n)
            LEFT JOIN photos ON photos.content = wanted.content ORDER BY wanted.n";
        let rows = self.query(sql, &[&bytes])?;
        Ok(rows.iter().map(|row| row.get::<_, Option<i64>>(1).map(PhotoId)).collect())
    }

    pub(super) fn read_photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let sizes: Vec<i64> = files.iter().map(|file| file.size).collect();
        let changed: Vec<i64> = files.iter().map(|file| file.changed_ns).collect();
        let sql = "SELECT wanted.n, files.photo
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY wanted (path, size, changed_ns, n)
            LEFT JOIN files USING (path, size, changed_ns) ORDER BY wanted.n";
        let rows = self.query(sql, &[&paths, &sizes, &changed])?;
        Ok(rows.iter().map(|row| row.get::<_, Option<i64>>(1).map(PhotoId)).collect())
    }

    pub(super) fn read_faces(&self, which: Faces<'_>) -> Result<Vec<FaceRow>, StoreError> {
        let select = format!("SELECT {FACE_COLUMNS} FROM faces WHERE");
        let by = |column: &str, ids: Vec<i64>| match ids.is_empty() {
            true => Ok(Vec::new()),
            false => self.query(&format!("{select} {column} = ANY($1) ORDER BY id"), &[&ids]),
        };
        let rows = match which {
            Faces::After(after, limit) => {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                self.query(&format!("{select} id > $1 ORDER BY id LIMIT $2"), &[&after.0, &limit])?
            }
            Faces::Ids(ids) => by("id", ids.iter().map(|id| id.0).collect())?,
            Faces::OfPeople(ids) => by("person", ids.iter().map(|id| id.0).collect())?,
            Faces::OfPhotos(ids) => by("photo", ids.iter().map(|id| id.0).collect())?,
        };
        rows.iter().map(|row| self.face(row)).collect()
    }

    fn face(&self, row: &Row) -> Result<FaceRow, StoreError> {
        let by = match row.get::<_, Option<&str>>(7) {
            Some("user") => AssignedBy::User,
            _ => AssignedBy::Machine,
        };
        let record = FaceRecord {
            id: FaceId(row.get(0)),
            photo: PhotoId(row.get(1)),
            found: self.json::<Face>(row.get(2))?,
            quality: row.get(3),
            embedding: self.embedding(row.get(5))?,
            older_model: None,
            person: row.get::<_, Option<i64>>(6).map(|person| (PersonId(person), by)),
        };
        Ok(FaceRow { record, contract: row.get(4) })
    }

    pub(super) fn embedding(&self, vector: Vector) -> Result<StoredEmbedding, StoreError> {
        let stored = StoredEmbedding::from_bytes(vector.form, vector.bytes);
        stored.map_err(|source| StoreError::NotAnEmbedding { place: self.place.clone(), source })
    }

    fn json<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.damaged(error))
    }

    pub(super) fn read_crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let ids: Vec<i64> = faces.iter().map(|face| face.0).collect();
        let rows = self.query("SELECT face, jpeg FROM crops WHERE face = ANY($1)", &[&ids])?;
        let crops: HashMap<i64, Vec<u8>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(ids.iter().map(|id| crops.get(id).cloned()).collect())
    }

    pub(super) fn read_former(&self, which: FormerOf<'_>) -> Result<Vec<(FaceId, Former)>, StoreError> {
        let select = "SELECT face, contract, embedding FROM former";
        let rows = match which {
            FormerOf::All => self.query(&format!("{select} ORDER BY face"), &[])?,
            FormerOf::Ids(ids) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
                self.query(&format!("{select} WHERE face = ANY($1) ORDER BY face"), &[&ids])?
            }
        };
        let former = |row: &Row| {
            let former = Former { contract: row.get(1), embedding: self.embedding(row.get(2))? };
            Ok((FaceId(row.get(0)), former))
        };
        rows.iter().map(former).collect()
    }

    pub(super) fn read_corrections(&self) -> Result<Vec<Correction>, StoreError> {
        let rows = self.query("SELECT said FROM corrections ORDER BY id", &[])?;
        rows.iter().map(|row| self.json(row.get(0))).collect()
    }

    pub(super) fn read_events(&self) -> Result<Vec<Event>, StoreError> {
        let rows = self.query("SELECT id, at, kind, records FROM events ORDER BY id", &[])?;
        let event = |row: &Row| {
            let name: &str = row.get(2);
            let kind = EventKind::ALL.into_iter().find(|known| known.name() == name);
            let kind = kind.ok_or_else(|| self.damaged(format!("`{name}` is no kind of event")))?;
            Ok(Event { id: row.get(0), at: row.get(1), kind, records: row.get(3) })
        };
        rows.iter().map(event).collect()
    }
}
