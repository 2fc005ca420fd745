//! Search by pgvector: exact while there are few faces, by its HNSW index beyond.

use facenet_core::Embedding;
use facenet_gallery::{EXACT_UP_TO, FaceId, Form, Hit, StoreError, StoredEmbedding};

use super::Tables;
use super::vector::Vector;
use crate::desk::Desk;
use crate::rows::Rows;

/// Edges of a face in the graph, and candidates that are looked at to place one: those of the index beside a file.
const CONNECTIVITY: usize = 16;
const EXPANSION_ADD: usize = 128;
/// Candidates that a search looks at, at least.
const EXPANSION_SEARCH: usize = 128;
/// The most candidates that pgvector takes; more faces than that are found by a scan.
const MOST_CANDIDATES: usize = 1000;
/// The memory that building an index may take on the server, in MiB: enough for a million faces of 128 coordinates.
const MOST_MEMORY_MIB: u64 = 1024;

impl Tables {
    pub(super) fn vector_type(&self) -> &'static str {
        match self.form {
            Form::Float => "vector",
            Form::Byte => "halfvec",
        }
    }

    /// What faces are ordered and indexed by. Cosine, since what is kept is of unit length only to its rounding.
    fn indexed(&self, dimension: usize) -> String {
        format!("(embedding::{}({dimension}))", self.vector_type())
    }

    pub(super) fn find_nearest(&self, probe: &Embedding, k: usize) -> Result<Vec<Hit>, StoreError> {
        if k == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT id, embedding FROM faces WHERE person IS NOT NULL ORDER BY {} <=> $1 LIMIT $2",
            self.indexed(probe.dimension())
        );
        let vector = Vector::from(&StoredEmbedding::of(probe, self.form));
        let limit = i64::try_from(k).unwrap_or(i64::MAX);
        let rows = if k <= MOST_CANDIDATES {
            self.widen(k.max(EXPANSION_SEARCH))?;
            self.query(&sql, &[&vector, &limit])?
        } else {
            self.run("BEGIN READ ONLY; SET LOCAL enable_indexscan = off")?;
            let rows = self.query(&sql, &[&vector, &limit]);
            self.run("ROLLBACK")?;
            rows?
        };
        let mut hits = Vec::with_capacity(rows.len());
        for row in rows {
            let id = FaceId(row.get(0)).0.unsigned_abs();
            hits.push(Hit { distance: self.embedding(row.get(1))?.embedding().distance(probe), id });
        }
        hits.sort_unstable();
        Ok(hits)
    }

    fn widen(&self, candidates: usize) -> Result<(), StoreError> {
        if self.expansion.get() != candidates {
            self.run(&format!("SET hnsw.ef_search = {candidates}"))?;
            self.expansion.set(candidates);
        }
        Ok(())
    }

    /// Makes the index, once there are more faces than are scanned one by one and all are of one model. From then on the
    /// server keeps it.
    pub(super) fn build_index(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'faces_nearest'";
        if self.count(sql, &[])? > 0 {
            return Ok(());
        }
        let most = EXACT_UP_TO as i64 + 1;
        let sql = "SELECT count(*) FROM (SELECT 1 FROM faces WHERE person IS NOT NULL LIMIT $1) AS few";
        if self.count(sql, &[&most])? <= EXACT_UP_TO as u64 {
            return Ok(());
        }
        let meta = self.meta()?;
        let others = "SELECT count(*) FROM (SELECT 1 FROM faces WHERE contract <> $1 LIMIT 1) AS few";
        if self.count(others, &[&meta.contract])? > 0 {
            return Ok(());
        }
        let faces = self.count("SELECT count(*) FROM faces WHERE person IS NOT NULL", &[])?;
        let dimension = meta.model().dimension;
        let bytes_a_face = (self.form.bytes(dimension) * 2 + 32 * CONNECTIVITY) as u64;
        let mib = ((faces * bytes_a_face) >> 20).clamp(64, MOST_MEMORY_MIB);
        self.run(&format!(
            "BEGIN; SET LOCAL maintenance_work_mem = '{mib}MB';
             CREATE INDEX IF NOT EXISTS faces_nearest ON faces USING hnsw ({} {}_cosine_ops)
                WITH (m = {CONNECTIVITY}, ef_construction = {EXPANSION_ADD}) WHERE person IS NOT NULL;
             COMMIT",
            self.indexed(dimension),
            self.vector_type()
        ))
        .inspect_err(|_| self.give_up_quietly())
    }

    /// An index holds vectors of one dimension: it goes when the gallery comes to another model.
    pub(super) fn drop_index_of_another_model(&self, desk: &Desk) -> Result<(), StoreError> {
        if self.meta()?.contract == desk.meta.contract {
            return Ok(());
        }
        self.run("DROP INDEX IF EXISTS faces_nearest")
    }
}
