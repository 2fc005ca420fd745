//! Search by Milvus: exact in small segments, by HNSW in large ones.

use facenet_core::Embedding;
use facenet_gallery::{Hit, StoreError};
use prost::Message;

use super::Collections;
use super::fields::{take_longs, take_vectors};
use super::proto::{
    KeyValuePair, PlaceholderGroup, PlaceholderValue, SearchRequest, SearchResults, data_type,
};

/// Candidates that a search looks at, at least.
const EXPANSION_SEARCH: usize = 128;
/// The most answers that Milvus gives.
const MOST: usize = 16_384;

impl Collections {
    pub(super) fn find_nearest(&self, probe: &Embedding, k: usize) -> Result<Vec<Hit>, StoreError> {
        let k = k.min(MOST);
        if k == 0 {
            return Ok(Vec::new());
        }
        let values = vec![probe.as_slice().iter().flat_map(|v| v.to_le_bytes()).collect()];
        let placeholder = PlaceholderValue { tag: "$0".into(), kind: data_type::FLOAT_VECTOR, values };
        let ef = k.max(EXPANSION_SEARCH);
        let params = [
            ("anns_field", "embedding".to_owned()),
            ("topk", k.to_string()),
            ("metric_type", "COSINE".into()),
            ("params", format!(r#"{{"ef": {ef}}}"#)),
            ("round_decimal", "-1".into()),
        ];
        let request = SearchRequest {
            db_name: self.client.database.clone(),
            collection_name: self.faces_name(),
            dsl: "person > 0".into(),
            placeholder_group: PlaceholderGroup { placeholders: vec![placeholder] }.encode_to_vec(),
            dsl_type: 1,
            output_fields: vec!["id".into(), "embedding".into()],
            search_params: params
                .into_iter()
                .map(|(key, value)| KeyValuePair { key: key.into(), value })
                .collect(),
            guarantee_timestamp: 0,
            nq: 1,
            consistency_level: 0,
        };
        let answer: SearchResults = self.client.call("Search", request)?;
        let mut fields = answer.results.unwrap_or_default().fields_data;
        let ids = take_longs(&mut fields, "id");
        let vectors = take_vectors(&mut fields, "embedding");
        let mut hits = Vec::with_capacity(ids.len());
        for (id, vector) in ids.iter().zip(vectors.chunks(self.dimension)) {
            let distance = self.stored(vector)?.embedding().distance(probe);
            hits.push(Hit { distance, id: id.unsigned_abs() });
        }
        hits.sort_unstable();
        Ok(hits)
    }
}
