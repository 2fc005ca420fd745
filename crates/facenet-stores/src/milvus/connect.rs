//! Making and opening the collections.

use std::time::{Duration, Instant};

use facenet_gallery::{Event, EventKind, Form, Settings, StoreError};
use prost::Message;

use super::Collections;
use super::client::Client;
use super::lease::Lease;
use super::proto::{
    BoolResponse, CollectionRequest, CollectionSchema, CreateCollectionRequest, CreateIndexRequest,
    DescribeCollectionResponse, FieldSchema, FlushRequest, FlushResponse, GetCompactionStateRequest,
    GetCompactionStateResponse, GetLoadingProgressRequest, GetLoadingProgressResponse, KeyValuePair,
    ManualCompactionRequest, ManualCompactionResponse, Status, data_type,
};
use super::table::{Kind, LONGEST_TEXT, NO_VECTOR, Row};
use crate::address::Address;
use crate::desk::now;
use crate::meta::Meta;

/// Edges of a face in the graph, and candidates that are looked at to place one: those of the index beside a file.
const HNSW: &str = r#"{"M": 16, "efConstruction": 128}"#;
/// How long collections may take until they can be read, and a compaction until it is done.
const PATIENCE: Duration = Duration::from_secs(300);
const COMPLETED: i32 = 2;

pub(super) fn open(address: &Address) -> Result<Collections, StoreError> {
    let mut collections = unopened(address)?;
    if !collections.has(collections.rows_name())? || !collections.has(collections.faces_name())? {
        return Err(StoreError::Missing { place: collections.client.place });
    }
    collections.load()?;
    let meta = collections.read_meta()?;
    (collections.form, collections.dimension) = (meta.form, meta.model().dimension);
    // What a program left that was interrupted is finished by the next who changes something, and that is us.
    if collections.has_journal()? {
        let meta = crate::rows::Rows::lock(&mut collections)?;
        collections.lower_flag();
        collections.dimension = meta.model().dimension;
    }
    Ok(collections)
}

pub(super) fn create(address: &Address, settings: &Settings) -> Result<Collections, StoreError> {
    let mut collections = unopened(address)?;
    collections.form = settings.form;
    collections.dimension = settings.contract.dimension;
    for name in [collections.rows_name(), collections.faces_name()] {
        if !collections.has(name.clone())? {
            continue;
        }
        if collections.holds_rows(name.clone())? {
            return Err(StoreError::Exists { place: collections.client.place });
        }
        // What a program left that was interrupted while it made a gallery is empty, and nobody's.
        collections.client.call::<_, Status>("DropCollection", collections.request(name))?;
    }
    collections.make()?;
    collections.load()?;
    let mut meta = Meta::new(settings);
    meta.last.event = 1;
    let event = Event { id: 1, at: now(), kind: EventKind::Create, records: 0 };
    let row = |kind, number, text| Row { kind, number, key: String::new(), text };
    let text = serde_json::to_string(&event).expect("records are plain data");
    collections.put_rows(&[row(Kind::Event, 1, text)])?;
    collections.put_rows(&[row(Kind::Meta, 0, meta.written())])?;
    Ok(collections)
}

fn unopened(address: &Address) -> Result<Collections, StoreError> {
    Ok(Collections {
        client: Client::connect(address)?,
        gallery: address.gallery().into(),
        form: Form::Float,
        dimension: 0,
        lease: Lease::new(),
    })
}

impl Collections {
    fn request(&self, collection_name: String) -> CollectionRequest {
        CollectionRequest { db_name: self.client.database.clone(), collection_name }
    }

    fn has(&self, name: String) -> Result<bool, StoreError> {
        Ok(self.client.call::<_, BoolResponse>("HasCollection", self.request(name))?.value)
    }

    /// Whether there is anything in a collection; one without an index cannot be looked into, and nothing is written before.
    fn holds_rows(&self, name: String) -> Result<bool, StoreError> {
        if self.client.call::<_, Status>("LoadCollection", self.request(name.clone())).is_err() {
            return Ok(false);
        }
        self.wait_until_loaded(&name)?;
        Ok(self.count(name, String::new())? > 0)
    }

    fn make(&self) -> Result<(), StoreError> {
        let faces = vec![
            field("id", data_type::INT64, &[], true),
            field("photo", data_type::INT64, &[], false),
            field("person", data_type::INT64, &[], false),
            field("contract", data_type::INT64, &[], false),
            field("text", data_type::VARCHAR, &[("max_length", LONGEST_TEXT)], false),
            field("embedding", data_type::FLOAT_VECTOR, &[("dim", self.dimension)], false),
        ];
        self.make_one(self.faces_name(), faces, "embedding", &[("index_type", "HNSW"), ("params", HNSW)])?;
        let rows = vec![
            field("id", data_type::VARCHAR, &[("max_length", 128)], true),
            field("kind", data_type::INT64, &[], false),
            field("number", data_type::INT64, &[], false),
            field("key", data_type::VARCHAR, &[("max_length", 64)], false),
            field("text", data_type::VARCHAR, &[("max_length", LONGEST_TEXT)], false),
            field(NO_VECTOR.0, data_type::FLOAT_VECTOR, &[("dim", NO_VECTOR.1)], false),
        ];
        self.make_one(self.rows_name(), rows, NO_VECTOR.0, &[("index_type", "FLAT"), ("params", "{}")])
    }

    fn make_one(
        &self,
        name: String,
        fields: Vec<FieldSchema>,
        vector: &str,
        index: &[(&str, &str)],
    ) -> Result<(), StoreError> {
        let description = "a gallery of faces".into();
        let schema = CollectionSchema { name: name.clone(), description, fields }.encode_to_vec();
        let request = CreateCollectionRequest {
            db_name: self.client.database.clone(),
            collection_name: name.clone(),
            schema,
            shards_num: 1,
            consistency_level: 0,
        };
        self.client.call::<_, Status>("CreateCollection", request)?;
        let metric = if vector == NO_VECTOR.0 { "L2" } else { "COSINE" };
        let metric = [("metric_type", metric)];
        let params = index.iter().chain(&metric).map(|(key, value)| pair(key, value));
        let request = CreateIndexRequest {
            db_name: self.client.database.clone(),
            collection_name: name,
            field_name: vector.into(),
            extra_params: params.collect(),
        };
        self.client.call::<_, Status>("CreateIndex", request).map(drop)
    }

    /// Has the server take both collections into memory, which reading needs.
    fn load(&self) -> Result<(), StoreError> {
        let names = [self.rows_name(), self.faces_name()];
        for name in names.clone() {
            self.client.call::<_, Status>("LoadCollection", self.request(name))?;
        }
        names.iter().try_for_each(|name| self.wait_until_loaded(name))
    }

    fn wait_until_loaded(&self, name: &str) -> Result<(), StoreError> {
        self.wait(|| {
            let request = GetLoadingProgressRequest {
                collection_name: name.into(),
                db_name: self.client.database.clone(),
            };
            let answer: GetLoadingProgressResponse = self.client.call("GetLoadingProgress", request)?;
            Ok(answer.progress >= 100)
        })
    }

    fn wait(&self, is_done: impl Fn() -> Result<bool, StoreError>) -> Result<(), StoreError> {
        let started = Instant::now();
        while !is_done()? {
            if started.elapsed() > PATIENCE {
                let waited_s = PATIENCE.as_secs();
                return Err(StoreError::Busy { place: self.client.place.clone(), waited_s });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Has the server write both collections anew, without deleted rows.
    pub(super) fn compact_collections(&self) -> Result<(), StoreError> {
        let collection_names = vec![self.faces_name(), self.rows_name()];
        let request = FlushRequest {
            db_name: self.client.database.clone(),
            collection_names: collection_names.clone(),
        };
        self.client.call::<_, FlushResponse>("Flush", request)?;
        for name in collection_names {
            let described: DescribeCollectionResponse =
                self.client.call("DescribeCollection", self.request(name))?;
            let request = ManualCompactionRequest { collection_id: described.collection_id };
            let begun: ManualCompactionResponse = self.client.call("ManualCompaction", request)?;
            self.wait(|| {
                let request = GetCompactionStateRequest { compaction_id: begun.compaction_id };
                let answer: GetCompactionStateResponse = self.client.call("GetCompactionState", request)?;
                Ok(answer.state == COMPLETED)
            })?;
        }
        Ok(())
    }
}

fn pair(key: &str, value: &str) -> KeyValuePair {
    KeyValuePair { key: key.into(), value: value.into() }
}

fn field(name: &str, data_type: i32, params: &[(&str, usize)], is_primary_key: bool) -> FieldSchema {
    let type_params = params.iter().map(|(key, value)| pair(key, &value.to_string())).collect();
    FieldSchema { name: name.into(), is_primary_key, data_type, type_params }
}
