//! What a gallery says of itself, as one document that changes with every step.

use std::collections::BTreeMap;

use facenet_core::Contract;
use facenet_gallery::{Form, Settings, StoreError};
use serde::{Deserialize, Serialize};

/// The version of tables and documents. It grows with every change to them.
pub(crate) const SCHEMA: i64 = 1;

/// The settings, the models, and the last identifiers that were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Meta {
    facenet_gallery: i64,
    pub(crate) form: Form,
    pub(crate) keeps_paths: bool,
    pub(crate) keeps_crops: bool,
    /// The number of the gallery's model.
    pub(crate) contract: i64,
    /// The number of the model before an upgrade that is not finished.
    pub(crate) before: Option<i64>,
    /// All models that faces are of, by their numbers.
    pub(crate) contracts: BTreeMap<i64, Contract>,
    pub(crate) last: Last,
    /// Whether something was deleted whose traces are not wiped yet.
    pub(crate) unwiped: bool,
}

/// The last identifiers that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Last {
    pub(crate) person: i64,
    pub(crate) photo: i64,
    pub(crate) face: i64,
    pub(crate) correction: i64,
    pub(crate) event: i64,
    pub(crate) contract: i64,
}

#[derive(Deserialize)]
struct Version {
    facenet_gallery: i64,
}

impl Meta {
    /// That of a new gallery.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut meta = Self {
            facenet_gallery: SCHEMA,
            form: settings.form,
            keeps_paths: settings.keeps_paths,
            keeps_crops: settings.keeps_crops,
            contract: 0,
            before: None,
            contracts: BTreeMap::new(),
            last: Last::default(),
            unwiped: false,
        };
        meta.contract = meta.keep_contract(&settings.contract);
        for older in &settings.older {
            meta.keep_contract(older);
        }
        meta
    }

    /// Reads the document of the gallery at `place`.
    pub(crate) fn read(text: &str, place: &str) -> Result<Self, StoreError> {
        let place = || place.to_owned();
        let damaged = |error: serde_json::Error| StoreError::Damaged {
            place: place(),
            what: format!("what it says of itself cannot be read: {error}"),
        };
        let version: Version = serde_json::from_str(text).map_err(damaged)?;
        if version.facenet_gallery > SCHEMA {
            return Err(StoreError::Newer { place: place(), found: version.facenet_gallery, known: SCHEMA });
        }
        let meta: Self = serde_json::from_str(text).map_err(damaged)?;
        let is_known = |number| meta.contracts.contains_key(&number);
        if is_known(meta.contract) && meta.before.is_none_or(is_known) {
            return Ok(meta);
        }
        Err(StoreError::Damaged { place: place(), what: "the contract of its model is missing".into() })
    }

    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).expect("it is plain data")
    }

    /// The gallery's model.
    pub(crate) fn model(&self) -> &Contract {
        &self.contracts[&self.contract]
    }

    /// The number of the model with this identifier.
    pub(crate) fn number_of(&self, id: &str) -> Option<i64> {
        self.contracts.iter().find(|(_, contract)| contract.id() == id).map(|(number, _)| *number)
    }

    /// Keeps a contract, in place of one with the same identifier, and gives its number.
    pub(crate) fn keep_contract(&mut self, contract: &Contract) -> i64 {
        let number = self.number_of(&contract.id()).unwrap_or_else(|| {
            self.last.contract += 1;
            self.last.contract
        });
        self.contracts.insert(number, contract.clone());
        number
    }

    /// The settings that it means. The contract before an upgrade is an older one only while faces are of it.
    pub(crate) fn settings(
        &self,
        has_faces: impl Fn(i64) -> Result<bool, StoreError>,
    ) -> Result<Settings, StoreError> {
        let mut older = Vec::new();
        for (number, contract) in &self.contracts {
            if *number != self.contract && (self.before != Some(*number) || has_faces(*number)?) {
                older.push(contract.clone());
            }
        }
        Ok(Settings {
            contract: self.model().clone(),
            form: self.form,
            keeps_paths: self.keeps_paths,
            keeps_crops: self.keeps_crops,
            older,
            upgrading_from: self.before.map(|before| self.contracts[&before].clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_none_or_newer_is_refused() {
        for text in ["", "{}", r#"{"facenet_gallery":1}"#] {
            assert!(matches!(Meta::read(text, "x"), Err(StoreError::Damaged { .. })), "{text}");
        }
        let newer = Meta::read(r#"{"facenet_gallery":2,"more":1}"#, "x");
        assert!(matches!(newer, Err(StoreError::Newer { found: 2, known: 1, .. })));
    }
}
