//! The collection of rows: what they are called, and reading and writing them.

use std::collections::HashMap;

use facenet_gallery::StoreError;

use super::Collections;
use super::fields::{longs, strings, take_longs, take_strings, vectors};
use super::proto::{DeleteRequest, FieldData, MutationResult, QueryRequest, QueryResults, WriteRequest};

/// The most bytes that Milvus takes as a text.
pub(super) const LONGEST_TEXT: usize = 65_535;
/// Rows or identifiers of one call.
pub(super) const AT_ONCE: usize = 1000;
/// Every collection must have a vector; this one means nothing.
pub(super) const NO_VECTOR: (&str, usize) = ("nothing", 2);

/// What a row of the collection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Meta = 0,
    Flag = 1,
    Journal = 2,
    Person = 3,
    Photo = 4,
    File = 5,
    Crop = 6,
    Former = 7,
    Correction = 8,
    Event = 9,
}

/// A row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) kind: Kind,
    /// The identifier; of a file that of its photo.
    pub(super) number: i64,
    /// What it can be looked for by beside its number: a digest in hexadecimal, or nothing.
    pub(super) key: String,
    /// All of it, as JSON.
    pub(super) text: String,
}

impl Row {
    /// The primary key.
    pub(super) fn primary(&self) -> String {
        primary(self.kind, self.number, &self.key)
    }
}

/// Files go by their paths, flags by their owners; all others by their numbers.
pub(super) fn primary(kind: Kind, number: i64, key: &str) -> String {
    match kind {
        Kind::File | Kind::Flag => format!("{}:{key}", kind as i64),
        _ => format!("{}:{number}", kind as i64),
    }
}

impl Collections {
    pub(super) fn rows_name(&self) -> String {
        format!("{}_rows", self.gallery)
    }

    pub(super) fn faces_name(&self) -> String {
        format!("{}_faces", self.gallery)
    }

    pub(super) fn query(
        &self,
        collection: String,
        expr: String,
        fields: &[&str],
    ) -> Result<Vec<FieldData>, StoreError> {
        let question = QueryRequest {
            db_name: self.client.database.clone(),
            collection_name: collection,
            expr,
            output_fields: fields.iter().map(|name| (*name).into()).collect(),
            guarantee_timestamp: 0,
            consistency_level: 0,
        };
        Ok(self.client.call::<_, QueryResults>("Query", question)?.fields_data)
    }

    pub(super) fn count(&self, collection: String, expr: String) -> Result<u64, StoreError> {
        let mut fields = self.query(collection, expr, &["count(*)"])?;
        let counts = take_longs(&mut fields, "count(*)");
        Ok(counts.first().copied().unwrap_or(0).unsigned_abs())
    }

    /// The rows of a kind for which the expression holds, by number.
    pub(super) fn rows(&self, kind: Kind, expr: &str) -> Result<Vec<Row>, StoreError> {
        let expr = format!("kind == {} && {expr}", kind as i64);
        let mut fields = self.query(self.rows_name(), expr, &["number", "key", "text"])?;
        let numbers = take_longs(&mut fields, "number").into_iter();
        let keys = take_strings(&mut fields, "key");
        let texts = take_strings(&mut fields, "text");
        let mut rows: Vec<Row> = numbers
            .zip(keys)
            .zip(texts)
            .map(|((number, key), text)| Row { kind, number, key, text })
            .collect();
        rows.sort_by_key(|row| row.number);
        Ok(rows)
    }

    /// The rows of a kind with these numbers.
    pub(super) fn rows_numbered(&self, kind: Kind, numbers: &[i64]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for numbers in numbers.chunks(AT_ONCE) {
            rows.extend(self.rows(kind, &format!("number in {numbers:?}"))?);
        }
        rows.sort_by_key(|row| row.number);
        Ok(rows)
    }

    /// The rows of a kind with these keys, which are hexadecimal.
    pub(super) fn rows_keyed(&self, kind: Kind, keys: &[String]) -> Result<HashMap<String, Row>, StoreError> {
        let mut rows = HashMap::new();
        for keys in keys.chunks(AT_ONCE) {
            let found = self.rows(kind, &format!("key in {keys:?}"))?;
            rows.extend(found.into_iter().map(|row| (row.key.clone(), row)));
        }
        Ok(rows)
    }

    /// At most `limit` rows of a kind with numbers above `after`, of which `last` is the highest.
    pub(super) fn rows_after(
        &self,
        kind: Kind,
        after: i64,
        limit: usize,
        last: i64,
    ) -> Result<Vec<Row>, StoreError> {
        windows(after, limit, last, |low, high| {
            self.rows(kind, &format!("number > {low} && number <= {high}"))
        })
    }

    /// Writes rows, in place of those with the same primary keys.
    pub(super) fn put_rows(&self, rows: &[Row]) -> Result<(), StoreError> {
        if let Some(long) = rows.iter().find(|row| row.text.len() > LONGEST_TEXT) {
            let what = format!(
                "Milvus takes records of up to {LONGEST_TEXT} bytes, and one of kind {:?} has {}",
                long.kind,
                long.text.len()
            );
            return Err(StoreError::Unsupported { place: self.client.place.clone(), what });
        }
        for rows in rows.chunks(AT_ONCE) {
            let fields = vec![
                strings("id", rows.iter().map(Row::primary).collect()),
                longs("kind", rows.iter().map(|row| row.kind as i64).collect()),
                longs("number", rows.iter().map(|row| row.number).collect()),
                strings("key", rows.iter().map(|row| row.key.clone()).collect()),
                strings("text", rows.iter().map(|row| row.text.clone()).collect()),
                vectors(NO_VECTOR.0, NO_VECTOR.1, vec![0.0; NO_VECTOR.1 * rows.len()]),
            ];
            self.upsert(self.rows_name(), fields, rows.len())?;
        }
        Ok(())
    }

    pub(super) fn upsert(
        &self,
        collection: String,
        fields_data: Vec<FieldData>,
        rows: usize,
    ) -> Result<(), StoreError> {
        let request = WriteRequest {
            db_name: self.client.database.clone(),
            collection_name: collection,
            fields_data,
            num_rows: u32::try_from(rows).unwrap_or(u32::MAX),
        };
        self.client.call::<_, MutationResult>("Upsert", request).map(drop)
    }

    /// Deletes rows by their primary keys, which have no quotes in them.
    pub(super) fn delete_rows(&self, keys: &[String]) -> Result<(), StoreError> {
        keys.chunks(AT_ONCE).try_for_each(|keys| self.delete(self.rows_name(), format!("id in {keys:?}")))
    }

    pub(super) fn delete(&self, collection: String, expr: String) -> Result<(), StoreError> {
        let request =
            DeleteRequest { db_name: self.client.database.clone(), collection_name: collection, expr };
        self.client.call::<_, MutationResult>("Delete", request).map(drop)
    }
}

/// Reads by stretches of identifiers, since Milvus does not promise an order: until there are `limit`, or the last one is
/// reached.
pub(super) fn windows<T>(
    after: i64,
    limit: usize,
    last: i64,
    read: impl Fn(i64, i64) -> Result<Vec<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (mut found, mut low) = (Vec::new(), after.max(0));
    let mut width = limit.clamp(1, AT_ONCE) as i64;
    while low < last && found.len() < limit {
        let high = last.min(low.saturating_add(width));
        let some = read(low, high)?;
        // Where much was deleted, identifiers are sparse.
        width = if some.is_empty() { width.saturating_mul(4) } else { width };
        found.extend(some);
        low = high;
    }
    found.truncate(limit);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_give_the_next_however_sparse_they_are() {
        let there: Vec<i64> = [1, 2, 3, 5000, 900_000].into();
        let read = |low, high| Ok(there.iter().copied().filter(|id| *id > low && *id <= high).collect());
        let after = |after, limit| windows(after, limit, 900_000, read).unwrap();
        assert_eq!(after(0, 2), [1, 2]);
        assert_eq!(after(2, 2), [3, 5000]);
        assert_eq!(after(i64::MIN, usize::MAX), there);
        assert_eq!(after(900_000, 5), Vec::<i64>::new());
        assert_eq!(after(i64::MAX, 5), Vec::<i64>::new());
        assert_eq!(after(0, 0), Vec::<i64>::new());
    }
}
