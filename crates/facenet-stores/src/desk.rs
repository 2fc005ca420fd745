//! The rows of one step: what was read for it, and what it changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use facenet_gallery::{
    Correction, CorrectionId, Event, EventKind, FaceId, FaceRecord, Person, PersonId, PhotoDigest, PhotoId,
    StoredEmbedding,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::meta::Meta;

/// A face with the number of its model; the record's own name for an older model is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaceRow {
    pub(crate) record: FaceRecord,
    pub(crate) contract: i64,
}

/// A photo without its files, which have rows of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PhotoRow {
    pub(crate) content: PhotoDigest,
    pub(crate) added: i64,
}

/// A file, by its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRow {
    pub(crate) photo: PhotoId,
    pub(crate) size: i64,
    pub(crate) changed_ns: i64,
}

/// An embedding that an upgrade replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Former {
    pub(crate) contract: i64,
    pub(crate) embedding: StoredEmbedding,
}

/// The picture of a face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jpeg(#[serde(with = "base64_text")] pub(crate) Vec<u8>);

/// Rows of one kind. What is not here was not read.
#[derive(Debug)]
pub(crate) struct Sheet<K, T> {
    rows: BTreeMap<K, Option<T>>,
    changed: BTreeSet<K>,
}

impl<K, T> Default for Sheet<K, T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, T> Sheet<K, T> {
    /// Lays down a row that was read, unless it is here in a newer state.
    pub(crate) fn load(&mut self, key: K, row: T) {
        self.rows.entry(key).or_insert(Some(row));
    }

    pub(crate) fn get(&self, key: &K) -> Option<&T> {
        self.rows.get(key)?.as_ref()
    }

    /// The row to change, if it is there.
    pub(crate) fn change(&mut self, key: &K) -> Option<&mut T> {
        let row = self.rows.get_mut(key)?.as_mut()?;
        self.changed.insert(key.clone());
        Some(row)
    }

    pub(crate) fn put(&mut self, key: K, row: T) {
        self.changed.insert(key.clone());
        self.rows.insert(key, Some(row));
    }

    pub(crate) fn delete(&mut self, key: K) {
        self.changed.insert(key.clone());
        self.rows.insert(key, None);
    }

    /// All rows that are here.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        self.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)))
    }

    /// The rows to write.
    pub(crate) fn puts(&self) -> Vec<(&K, &T)> {
        self.iter().filter(|(key, _)| self.changed.contains(key)).collect()
    }

    /// The rows to delete.
    pub(crate) fn deletes(&self) -> Vec<&K> {
        self.changed.iter().filter(|key| self.get(key).is_none()).collect()
    }
}

/// Only what is changed, as pairs.
impl<K: Ord + Clone + Serialize, T: Serialize> Serialize for Sheet<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.changed.iter().map(|key| (key, self.get(key))))
    }
}

impl<'de, K: Ord + Clone + Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for Sheet<K, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<(K, Option<T>)>::deserialize(deserializer)?;
        Ok(Self {
            changed: rows.iter().map(|(key, _)| key.clone()).collect(),
            rows: rows.into_iter().collect(),
        })
    }
}

/// All rows of a step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Desk {
    pub(crate) meta: Meta,
    pub(crate) people: Sheet<PersonId, Person>,
    pub(crate) photos: Sheet<PhotoId, PhotoRow>,
    pub(crate) files: Sheet<String, FileRow>,
    pub(crate) faces: Sheet<FaceId, FaceRow>,
    pub(crate) crops: Sheet<FaceId, Jpeg>,
    pub(crate) former: Sheet<FaceId, Former>,
    pub(crate) corrections: Sheet<CorrectionId, Correction>,
    pub(crate) events: Sheet<i64, Event>,
    /// Who has each name, among those who were asked for.
    #[serde(skip)]
    pub(crate) names: HashMap<String, PersonId>,
    /// By how much an upgrade changes the number of faces of each model.
    #[serde(skip)]
    pub(crate) model_changes: HashMap<i64, i64>,
}

impl Desk {
    pub(crate) fn of(meta: Meta) -> Self {
        Self {
            meta,
            people: Sheet::default(),
            photos: Sheet::default(),
            files: Sheet::default(),
            faces: Sheet::default(),
            crops: Sheet::default(),
            former: Sheet::default(),
            corrections: Sheet::default(),
            events: Sheet::default(),
            names: HashMap::new(),
            model_changes: HashMap::new(),
        }
    }

    /// Remembers that something was done.
    pub(crate) fn note(&mut self, kind: EventKind, records: usize) {
        self.meta.last.event += 1;
        let id = self.meta.last.event;
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        self.events.put(id, Event { id, at: now(), kind, records });
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}

/// Bytes as Base64.
mod base64_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_keeps_its_changes_over_what_is_read_later_and_writes_only_them() {
        let mut sheet = Sheet::default();
        sheet.load(1, "read");
        sheet.load(2, "read");
        sheet.delete(1);
        sheet.load(1, "read again");
        sheet.put(3, "new");
        *sheet.change(&2).unwrap() = "changed";
        sheet.load(4, "read");
        assert_eq!(sheet.get(&1), None);
        assert_eq!((sheet.puts(), sheet.deletes()), (vec![(&2, &"changed"), (&3, &"new")], vec![&1]));
        let json = serde_json::to_string(&sheet).unwrap();
        assert_eq!(json, r#"[[1,null],[2,"changed"],[3,"new"]]"#);
        let again: Sheet<i32, String> = serde_json::from_str(&json).unwrap();
        assert_eq!(again.deletes(), [&1]);
        assert_eq!(again.puts().len(), 2);
    }
}
