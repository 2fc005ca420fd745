//! Measures a store at an address with made-up people, who lie as `base`'s do:
//! `cargo run --release -p facenet-stores --example stores -- ADDRESS FACES`. The gallery is made there and stays;
//! where it is, only searches are measured.

#[expect(dead_code, reason = "only one of the two ways that faces can lie is used here")]
#[path = "../../facenet-gallery/examples/gallery/people.rs"]
mod people;

use std::time::Instant;

use facenet_core::{BoundingBox, Contract, Embedding, Face, Preprocessing};
use facenet_gallery::{
    AssignedBy, FaceId, FaceRecord, Form, Hit, NewFace, NewPhoto, PersonId, PhotoDigest, PhotoId,
    PhotoRecord, Record, Settings, Store, StoreError, StoredEmbedding,
};
use facenet_stores::{Address, create, open};
use people::{DIMENSION, Like, people};

/// As `facenet gallery migrate` puts records.
const BATCH: usize = 1000;
/// Faces that are added when the index is there, and how many in a step.
const ADDED: usize = 2000;
const STEP: usize = 100;
const PROBES: usize = 200;
const K: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(faces)) = (arguments.next(), arguments.next()) else {
        return Err("expected: ADDRESS FACES".into());
    };
    let faces: usize = faces.parse()?;
    let address = Address::parse(&address).ok_or("no address")??;
    let drawn = people(faces, Like::Base, 0);
    let exact: Vec<Embedding> = embeddings(&drawn.rows);
    let started = Instant::now();
    let mut store = match create(&address, &settings()) {
        Err(StoreError::Exists { .. }) => return search(&*open(&address)?, &exact),
        made => made?,
    };
    println!("made in {:.2} s", started.elapsed().as_secs_f64());

    let names: Vec<String> = (0..=drawn.truth[faces - 1]).map(|i| format!("person {i}")).collect();
    let mut ids: Vec<PersonId> = Vec::new();
    for names in names.chunks(BATCH) {
        ids.extend(store.add_people(&names.iter().map(|name| Some(name.as_str())).collect::<Vec<_>>())?);
    }
    let all: Vec<NewPhoto> = (0..faces).map(|i| photo(i, &exact[i], ids[drawn.truth[i] as usize])).collect();
    let (bulk, rest) = all.split_at(faces - ADDED);
    put(&mut *store, bulk)?;
    let started = Instant::now();
    store.prepare_search()?;
    println!("index in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    for photos in rest.chunks(STEP) {
        store.add(photos)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{ADDED} more added {STEP} at a time, {:.0} a second", ADDED as f64 / seconds);
    if let Some(bytes) = store.size()? {
        println!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    }
    search(&*store, &exact)
}

/// Puts photos and faces as a migration does.
fn put(store: &mut dyn Store, photos: &[NewPhoto]) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    for (batch, photos) in photos.chunks(BATCH).enumerate() {
        let mut records = Vec::with_capacity(2 * photos.len());
        let ids = || (1 + (batch * BATCH) as i64..).zip(photos);
        records.extend(ids().map(|(id, photo)| {
            let (content, added, files) = (photo.content, 0, Vec::new());
            Record::Photo(PhotoRecord { id: PhotoId(id), content, added, files })
        }));
        records.extend(ids().map(|(id, photo)| {
            let face = photo.faces[0].clone();
            let record = FaceRecord {
                id: FaceId(id),
                photo: PhotoId(id),
                found: face.found,
                quality: face.quality,
                embedding: face.embedding,
                older_model: None,
                person: face.person,
            };
            Record::Face { record, crop: None }
        }));
        store.put(&records)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{} faces put in {seconds:.1} s, {:.0} a second", photos.len(), photos.len() as f64 / seconds);
    Ok(())
}

fn search(store: &dyn Store, exact: &[Embedding]) -> Result<(), Box<dyn std::error::Error>> {
    let (mut times, mut met) = (Vec::new(), 0);
    let others = people(exact.len(), Like::Base, 1);
    for probe in embeddings(&others.rows).iter().step_by(exact.len() / PROBES).take(PROBES) {
        let started = Instant::now();
        let found = store.nearest(probe, K)?.ok_or("the store has no search")?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        let mut all: Vec<Hit> =
            (1..).zip(exact).map(|(id, face)| Hit { distance: face.distance(probe), id }).collect();
        all.select_nth_unstable(K - 1);
        let nearest: Vec<u64> = all[..K].iter().map(|hit| hit.id).collect();
        met += found.iter().filter(|hit| nearest.contains(&hit.id)).count();
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{PROBES} searches: recall@{K} {:.4}, p50 {:.2} ms, p99 {:.2} ms",
        met as f64 / (PROBES * K) as f64,
        times[PROBES / 2],
        times[PROBES * 99 / 100]
    );
    Ok(())
}

fn embeddings(rows: &[f32]) -> Vec<Embedding> {
    let embedding = |row: &[f32]| Embedding::normalize(row.to_vec()).expect("it is of unit length");
    rows.chunks(DIMENSION).map(embedding).collect()
}

fn settings() -> Settings {
    let contract = Contract {
        network: "drawn".into(),
        dimension: DIMENSION,
        weights: "00112233445566".into(),
        preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
        thresholds: vec![],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    let (older, upgrading_from) = (Vec::new(), None);
    Settings { contract, form: Form::Float, keeps_paths: true, keeps_crops: false, older, upgrading_from }
}

fn photo(i: usize, embedding: &Embedding, person: PersonId) -> NewPhoto {
    let mut content = [7; 32];
    content[..8].copy_from_slice(&(i as u64).to_le_bytes());
    let bounds = BoundingBox { x: 10.0, y: 2.5, width: 30.0, height: 40.0 };
    let face = NewFace {
        found: Face { bounds, landmarks: None, score: 0.75 },
        quality: Some(0.5),
        embedding: StoredEmbedding::of(embedding, Form::Float),
        crop: None,
        person: Some((person, AssignedBy::User)),
    };
    NewPhoto { content: PhotoDigest(content), file: None, faces: vec![face] }
}
