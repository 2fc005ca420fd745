//! Who is this, in a store of any size?

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use facenet_core::{Contract, Distance, Embedding};

use crate::search::{Gallery, Identification, PersonMatch};
use crate::store::{
    FaceId, FaceRecord, GalleryFilter, PersonId, Store, StoreError, check_probes, filtered_people, to_gallery,
};
use crate::templates::Template;

/// Faces that are asked for first, for each person that is wanted: a person has several near ones.
const FACES_A_PERSON: usize = 4;

/// When so many faces are of too few people, as with a rare tag, the people's faces are compared one by one.
const MOST_FACES: usize = 4096;

/// The people of a gallery, for probes under a contract.
///
/// In a store that has a vector search of its own (an index, a vector database) it asks that for near faces, and reads
/// those alone; it may miss some. In any other, and where distances of several models or another template than the nearest
/// face rank people, it reads all faces once and compares with every one.
pub struct Finder<'a> {
    contract: Contract,
    way: Way<'a>,
}

enum Way<'a> {
    Exact(Gallery),
    Asking {
        store: &'a dyn Store,
        filter: GalleryFilter,
        /// The labels of those whom the filter lets through.
        people: HashMap<PersonId, String>,
        /// Read when asking does not find enough.
        all: OnceCell<Gallery>,
    },
}

impl<'a> Finder<'a> {
    /// The people in `store` whom `filter` lets through.
    ///
    /// # Errors
    /// [`StoreError::OtherContract`] when `contract` is not comparable; when the store cannot be read.
    pub fn of(
        store: &'a dyn Store,
        contract: &Contract,
        filter: GalleryFilter,
        template: Template,
    ) -> Result<Self, StoreError> {
        check_probes(store, contract)?;
        let is_own = contract.check_comparable(&store.settings().contract).is_ok();
        if !is_own || template != Template::Best || !has_search(store, contract)? {
            return Ok(Self::exact(to_gallery(store, contract, &filter, template)?));
        }
        let people = filtered_people(store, &filter)?;
        let way = Way::Asking { store, filter, people, all: OnceCell::new() };
        Ok(Self { contract: contract.clone(), way })
    }

    /// The people of a gallery in memory.
    pub fn exact(gallery: Gallery) -> Self {
        Self { contract: gallery.contract().clone(), way: Way::Exact(gallery) }
    }

    /// What probes are embedded under.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Whether every face is compared.
    pub fn is_exact(&self) -> bool {
        matches!(self.way, Way::Exact(_))
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        match &self.way {
            Way::Exact(gallery) => gallery.is_empty(),
            Way::Asking { people, .. } => people.is_empty(),
        }
    }

    /// The `k` people nearest to `probe`, as [`Gallery::nearest_people`] gives them.
    ///
    /// # Errors
    /// When the store cannot be read.
    ///
    /// # Panics
    /// When the probe's dimension is not the contract's.
    pub fn nearest_people(&self, probe: &Embedding, k: usize) -> Result<Vec<PersonMatch>, StoreError> {
        let (store, filter, people, all) = match &self.way {
            Way::Exact(gallery) => return Ok(gallery.nearest_people(probe, k)),
            Way::Asking { store, filter, people, all } => (*store, filter, people, all),
        };
        let mut faces = FACES_A_PERSON * k.max(1);
        while faces <= MOST_FACES && all.get().is_none() {
            let Some(hits) = store.nearest(probe, faces)? else { break };
            let (mut seen, mut found) = (HashSet::new(), Vec::new());
            for hit in &hits {
                let face = match store.face(FaceId(hit.id as i64)) {
                    // Removed meanwhile.
                    Err(StoreError::NoSuch { .. }) => continue,
                    face => face?,
                };
                let person = face.person.and_then(|(person, _)| Some((person, people.get(&person)?)));
                if let Some((person, label)) = person
                    && seen.insert(person)
                {
                    found.push((hit.distance, label, face));
                }
            }
            if found.len() >= k || hits.len() < faces {
                found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
                found.truncate(k);
                let matched = |(distance, person, face): (Distance, &String, FaceRecord)| {
                    let photo = store.photo(face.photo)?.files.into_iter().next();
                    let source = photo.map_or_else(|| face.id.to_string(), |file| file.path);
                    Ok(PersonMatch {
                        person: person.clone(),
                        distance,
                        source: source.into(),
                        older_model: None,
                    })
                };
                return found.into_iter().map(matched).collect();
            }
            faces *= 4;
        }
        if all.get().is_none() {
            let gallery = to_gallery(store, &self.contract, filter, Template::Best)?;
            // Set once: nobody else can between.
            let _ = all.set(gallery);
        }
        Ok(all.get().map_or_else(Vec::new, |gallery| gallery.nearest_people(probe, k)))
    }

    /// Who `probe` is, as [`Gallery::identify`] says it.
    ///
    /// # Errors
    /// When the store cannot be read.
    ///
    /// # Panics
    /// When the probe's dimension is not the contract's.
    pub fn identify(
        &self,
        probe: &Embedding,
        threshold: Distance,
        k: usize,
    ) -> Result<Identification, StoreError> {
        Ok(Identification::of(self.nearest_people(probe, k.max(1))?, threshold, k))
    }
}

/// Whether the store can rank its faces by a search of its own now.
fn has_search(store: &dyn Store, contract: &Contract) -> Result<bool, StoreError> {
    let mut axis = vec![0.0; contract.dimension];
    axis[0] = 1.0;
    let probe = Embedding::normalize(axis).expect("an axis has a direction");
    Ok(store.nearest(&probe, 1)?.is_some())
}
