//! Questions to the tables.

use facenet_core::Contract;
use rusqlite::{Connection, OptionalExtension};

use super::faults::Fault;
use super::rows;
use crate::store::embedding::{Form, StoredEmbedding};
use crate::store::record::{
    Correction, Counts, Event, EventKind, FaceRecord, FileRecord, Person, PhotoDigest, PhotoRecord,
};
use crate::store::subject::{FaceId, PersonId, PhotoId};

type Found<T> = Result<T, Fault>;

pub(super) fn counts(connection: &Connection) -> Found<Counts> {
    let count = |sql: &str| -> rusqlite::Result<u64> {
        let count: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {sql}"), [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    };
    Ok(Counts {
        people: count("people")?,
        photos: count("photos")?,
        faces: count("faces")?,
        unassigned: count("faces WHERE person IS NULL")?,
        older: count("faces WHERE contract <> (SELECT contract FROM settings)")?,
        corrections: count("corrections")?,
    })
}

/// Checks that the gallery is of this model still: another program may have brought it to another since it was opened.
pub(super) fn check_model(connection: &Connection, known: &Contract) -> Found<()> {
    let sql = "SELECT name FROM contracts WHERE id = (SELECT contract FROM settings)";
    let found: String = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    if found == known.id() { Ok(()) } else { Err(Fault::ModelChanged(found)) }
}

pub(super) fn people(connection: &Connection) -> Found<Vec<Person>> {
    let mut select = connection.prepare_cached("SELECT id, name FROM people ORDER BY id")?;
    let people = select
        .query_map([], |row| Ok(Person { id: PersonId(row.get(0)?), name: row.get(1)?, tags: Vec::new() }))?;
    let mut people: Vec<Person> = people.collect::<rusqlite::Result<_>>()?;
    let mut select = connection.prepare_cached("SELECT person, tag FROM tags ORDER BY person, tag")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id = PersonId(row.get(0)?);
        if let Ok(place) = people.binary_search_by_key(&id, |person| person.id) {
            people[place].tags.push(row.get(1)?);
        }
    }
    Ok(people)
}

pub(super) fn photos_with(connection: &Connection, contents: &[PhotoDigest]) -> Found<Vec<Option<PhotoId>>> {
    contents.iter().map(|content| Ok(photo_with(connection, content)?)).collect()
}

pub(super) fn photo_with(
    connection: &Connection,
    content: &PhotoDigest,
) -> rusqlite::Result<Option<PhotoId>> {
    let mut select = connection.prepare_cached("SELECT id FROM photos WHERE content = ?1")?;
    select.query_row([&content.0[..]], |row| row.get(0)).optional().map(|id| id.map(PhotoId))
}

pub(super) fn photos_at(connection: &Connection, files: &[FileRecord]) -> Found<Vec<Option<PhotoId>>> {
    let sql = "SELECT photo FROM files WHERE path = ?1 AND size = ?2 AND changed_ns = ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut photo = |file: &FileRecord| -> Found<Option<PhotoId>> {
        let found = select.query_row((&file.path, file.size, file.changed_ns), |row| row.get(0));
        Ok(found.optional()?.map(PhotoId))
    };
    files.iter().map(&mut photo).collect()
}

pub(super) fn photos(connection: &Connection, after: PhotoId, limit: usize) -> Found<Vec<PhotoRecord>> {
    let sql = "SELECT id, content, added FROM photos WHERE id > ?1 ORDER BY id LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let photos = select.query_map((after.0, limit as i64), |row| {
        let content = rows::digest(row, 1)?;
        Ok(PhotoRecord { id: PhotoId(row.get(0)?), content, added: row.get(2)?, files: Vec::new() })
    })?;
    let mut photos: Vec<PhotoRecord> = photos.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT path, size, changed_ns FROM files WHERE photo = ?1 ORDER BY path";
    let mut select = connection.prepare_cached(sql)?;
    for photo in &mut photos {
        let files = select.query_map([photo.id.0], |row| {
            Ok(FileRecord { path: row.get(0)?, size: row.get(1)?, changed_ns: row.get(2)? })
        })?;
        photo.files = files.collect::<rusqlite::Result<_>>()?;
    }
    Ok(photos)
}

pub(super) fn faces(
    connection: &Connection,
    after: FaceId,
    limit: usize,
    form: Form,
) -> Found<Vec<FaceRecord>> {
    let sql = format!("SELECT {} FROM faces WHERE id > ?1 ORDER BY id LIMIT ?2", rows::FACE_COLUMNS);
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query((after.0, limit as i64))?;
    let mut faces = Vec::new();
    while let Some(row) = found.next()? {
        faces.push(rows::face(row, form)?);
    }
    Ok(faces)
}

pub(super) fn crops(connection: &Connection, faces: &[FaceId]) -> Found<Vec<Option<Vec<u8>>>> {
    let mut select = connection.prepare_cached("SELECT jpeg FROM crops WHERE face = ?1")?;
    let mut crop = |face: &FaceId| Ok(select.query_row([face.0], |row| row.get(0)).optional()?);
    faces.iter().map(&mut crop).collect()
}

pub(super) fn corrections(connection: &Connection) -> Found<Vec<Correction>> {
    let sql = format!("SELECT {} FROM corrections ORDER BY id", rows::CORRECTION_COLUMNS);
    let mut select = connection.prepare_cached(&sql)?;
    let corrections = select.query_map([], rows::correction)?;
    Ok(corrections.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn events(connection: &Connection) -> Found<Vec<Event>> {
    let mut select = connection.prepare_cached("SELECT id, at, kind, records FROM events ORDER BY id")?;
    let events = select.query_map([], |row| {
        let kind = row.get_ref(2)?.as_str()?.to_owned();
        let kind = EventKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(|| {
            let words = format!("`{kind}` is no kind of event");
            rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, words.into())
        })?;
        Ok(Event { id: row.get(0)?, at: row.get(1)?, kind, records: row.get(3)? })
    })?;
    Ok(events.collect::<rusqlite::Result<_>>()?)
}

/// The faults of the file, of the references between tables, and of embeddings.
pub(super) fn check(connection: &Connection, form: Form, dimension: usize) -> Found<Vec<String>> {
    let mut select = connection.prepare("PRAGMA integrity_check")?;
    let lines = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut faults: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();

    let mut select = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        faults.push(format!("row {} of `{table}` refers to nothing in `{parent}`", id.unwrap_or_default()));
    }

    let mut select = connection.prepare("SELECT id, embedding FROM faces ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (id, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        faults.extend(
            StoredEmbedding::fault(form, bytes, dimension).map(|why| format!("{}: {why}", FaceId(id))),
        );
    }
    Ok(faults)
}
