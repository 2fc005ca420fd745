//! Writing what is changed on a desk, some thousand rows a statement.

use facenet_gallery::{AssignedBy, FaceId, StoreError};

use super::Tables;
use super::vector::Vector;
use crate::desk::{Desk, FaceRow, Former};

/// Rows of one statement: some megabytes of embeddings.
const AT_ONCE: usize = 5000;

impl Tables {
    /// Writes all, within the transaction that is under way. What is referred to comes before what refers to it.
    pub(super) fn write(&self, desk: &Desk) -> Result<(), StoreError> {
        self.drop_index_of_another_model(desk)?;
        let ids = |faces: Vec<&FaceId>| faces.into_iter().map(|face| face.0).collect::<Vec<i64>>();
        let corrections: Vec<i64> = desk.corrections.deletes().into_iter().map(|id| id.0).collect();
        self.delete("corrections WHERE id", &corrections)?;
        self.delete("former WHERE face", &ids(desk.former.deletes()))?;
        self.delete("crops WHERE face", &ids(desk.crops.deletes()))?;
        self.delete("faces WHERE id", &ids(desk.faces.deletes()))?;
        let paths = desk.files.deletes();
        if !paths.is_empty() {
            self.execute("DELETE FROM files WHERE path = ANY($1)", &[&paths])?;
        }
        let photos: Vec<i64> = desk.photos.deletes().into_iter().map(|id| id.0).collect();
        self.delete("photos WHERE id", &photos)?;
        self.put_people(desk)?;
        self.put_photos(desk)?;
        self.put_files(desk)?;
        desk.faces.puts().chunks(AT_ONCE).try_for_each(|faces| self.put_faces(faces))?;
        self.put_crops(desk)?;
        desk.former.puts().chunks(AT_ONCE).try_for_each(|former| self.put_former(former))?;
        self.put_corrections(desk)?;
        self.put_events(desk)?;
        // People at last: faces were theirs until now.
        let people: Vec<i64> = desk.people.deletes().into_iter().map(|id| id.0).collect();
        self.delete("people WHERE id", &people)?;
        self.execute("UPDATE gallery SET meta = $1", &[&desk.meta.written()]).map(drop)
    }

    fn delete(&self, rows: &str, ids: &[i64]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.execute(&format!("DELETE FROM {rows} = ANY($1)"), &[&ids]).map(drop)
    }

    fn put_people(&self, desk: &Desk) -> Result<(), StoreError> {
        for people in desk.people.puts().chunks(AT_ONCE) {
            let ids: Vec<i64> = people.iter().map(|(id, _)| id.0).collect();
            let names: Vec<Option<&str>> = people.iter().map(|(_, person)| person.name.as_deref()).collect();
            let tags: Vec<String> = people.iter().map(|(_, person)| json(&person.tags)).collect();
            let sql = "INSERT INTO people (id, name, tags) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, tags = excluded.tags";
            self.execute(sql, &[&ids, &names, &tags])?;
        }
        Ok(())
    }

    fn put_photos(&self, desk: &Desk) -> Result<(), StoreError> {
        for photos in desk.photos.puts().chunks(AT_ONCE) {
            let ids: Vec<i64> = photos.iter().map(|(id, _)| id.0).collect();
            let contents: Vec<&[u8]> = photos.iter().map(|(_, photo)| &photo.content.0[..]).collect();
            let added: Vec<i64> = photos.iter().map(|(_, photo)| photo.added).collect();
            let sql = "INSERT INTO photos (id, content, added)
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[])
                ON CONFLICT (id) DO UPDATE SET content = excluded.content, added = excluded.added";
            self.execute(sql, &[&ids, &contents, &added])?;
        }
        Ok(())
    }

    fn put_files(&self, desk: &Desk) -> Result<(), StoreError> {
        for files in desk.files.puts().chunks(AT_ONCE) {
            let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
            let photos: Vec<i64> = files.iter().map(|(_, file)| file.photo.0).collect();
            let sizes: Vec<i64> = files.iter().map(|(_, file)| file.size).collect();
            let changed: Vec<i64> = files.iter().map(|(_, file)| file.changed_ns).collect();
            let sql = "INSERT INTO files (path, photo, size, changed_ns)
                SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
                ON CONFLICT (path) DO UPDATE
                    SET photo = excluded.photo, size = excluded.size, changed_ns = excluded.changed_ns";
            self.execute(sql, &[&paths, &photos, &sizes, &changed])?;
        }
        Ok(())
    }

    fn put_faces(&self, faces: &[(&FaceId, &FaceRow)]) -> Result<(), StoreError> {
        let records = || faces.iter().map(|(_, face)| &face.record);
        let ids: Vec<i64> = records().map(|face| face.id.0).collect();
        let photos: Vec<i64> = records().map(|face| face.photo.0).collect();
        let found: Vec<String> = records().map(|face| json(&face.found)).collect();
        let quality: Vec<Option<f32>> = records().map(|face| face.quality).collect();
        let contracts: Vec<i64> = faces.iter().map(|(_, face)| face.contract).collect();
        let embeddings: Vec<Vector> = records().map(|face| Vector::from(&face.embedding)).collect();
        let people: Vec<Option<i64>> = records().map(|face| Some(face.person?.0.0)).collect();
        let by: Vec<Option<&str>> = records().map(|face| Some(by_name(face.person?.1))).collect();
        let sql = format!(
            "INSERT INTO faces (id, photo, found, quality, contract, embedding, person, assigned_by)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::real[], $5::bigint[], $6::{}[],
                $7::bigint[], $8::text[])
            ON CONFLICT (id) DO UPDATE SET photo = excluded.photo, found = excluded.found,
                quality = excluded.quality, contract = excluded.contract, embedding = excluded.embedding,
                person = excluded.person, assigned_by = excluded.assigned_by",
            self.vector_type()
        );
        self.execute(&sql, &[&ids, &photos, &found, &quality, &contracts, &embeddings, &people, &by])
            .map(drop)
    }

    fn put_crops(&self, desk: &Desk) -> Result<(), StoreError> {
        for crops in desk.crops.puts().chunks(AT_ONCE) {
            let ids: Vec<i64> = crops.iter().map(|(face, _)| face.0).collect();
            let bytes: Vec<&[u8]> = crops.iter().map(|(_, crop)| &crop.0[..]).collect();
            let sql = "INSERT INTO crops (face, jpeg) SELECT * FROM unnest($1::bigint[], $2::bytea[])
                ON CONFLICT (face) DO UPDATE SET jpeg = excluded.jpeg";
            self.execute(sql, &[&ids, &bytes])?;
        }
        Ok(())
    }

    fn put_former(&self, former: &[(&FaceId, &Former)]) -> Result<(), StoreError> {
        let ids: Vec<i64> = former.iter().map(|(face, _)| face.0).collect();
        let contracts: Vec<i64> = former.iter().map(|(_, former)| former.contract).collect();
        let embeddings: Vec<Vector> =
            former.iter().map(|(_, former)| Vector::from(&former.embedding)).collect();
        let sql = format!(
            "INSERT INTO former (face, contract, embedding)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::{}[])
            ON CONFLICT (face) DO UPDATE SET contract = excluded.contract, embedding = excluded.embedding",
            self.vector_type()
        );
        self.execute(&sql, &[&ids, &contracts, &embeddings]).map(drop)
    }

    fn put_corrections(&self, desk: &Desk) -> Result<(), StoreError> {
        for said in desk.corrections.puts().chunks(AT_ONCE) {
            let ids: Vec<i64> = said.iter().map(|(id, _)| id.0).collect();
            let a: Vec<i64> = said.iter().map(|(_, said)| said.faces.0.0).collect();
            let b: Vec<i64> = said.iter().map(|(_, said)| said.faces.1.0).collect();
            let texts: Vec<String> = said.iter().map(|(_, said)| json(said)).collect();
            let sql = "INSERT INTO corrections (id, a, b, said)
                SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
                ON CONFLICT (id) DO UPDATE SET a = excluded.a, b = excluded.b, said = excluded.said";
            self.execute(sql, &[&ids, &a, &b, &texts])?;
        }
        Ok(())
    }

    fn put_events(&self, desk: &Desk) -> Result<(), StoreError> {
        for events in desk.events.puts().chunks(AT_ONCE) {
            let ids: Vec<i64> = events.iter().map(|(id, _)| **id).collect();
            let at: Vec<i64> = events.iter().map(|(_, event)| event.at).collect();
            let kinds: Vec<&str> = events.iter().map(|(_, event)| event.kind.name()).collect();
            let records: Vec<i64> = events.iter().map(|(_, event)| event.records).collect();
            let sql = "INSERT INTO events (id, at, kind, records)
                SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                ON CONFLICT (id) DO UPDATE SET at = excluded.at, kind = excluded.kind, records = excluded.records";
            self.execute(sql, &[&ids, &at, &kinds, &records])?;
        }
        Ok(())
    }
}

fn by_name(by: AssignedBy) -> &'static str {
    match by {
        AssignedBy::User => "user",
        AssignedBy::Machine => "machine",
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("records are plain data")
}
