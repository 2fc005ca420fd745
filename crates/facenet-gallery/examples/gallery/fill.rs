//! How fast a gallery file takes faces, and what grouping costs once it has them.

#[path = "../../tests/faults/drawn.rs"]
#[expect(dead_code, reason = "the tests ask for more")]
mod drawn;

use std::error::Error;
use std::time::Instant;

use facenet_core::{BoundingBox, Distance, Embedding, Face};
use facenet_gallery::{
    Form, GroupOptions, NewFace, NewPhoto, Scope, SqliteStore, Store, StoreError, StoredEmbedding, regroup,
};

use crate::people::{DIMENSION, Like, people};

/// Photos that are added at once, in one durable transaction, as `facenet gallery add` does.
const AT_ONCE: usize = 64;
/// Bytes of a face's picture; those of a JPEG of 112 pixels.
const CROP_BYTES: usize = 4096;

pub(crate) fn fill(faces: usize, like: Like, threshold: f32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("made-up.faces");
    let mut store = SqliteStore::create(&path, &drawn::settings())?;
    let (rows, new) = (people(faces, like, 0).rows, people(faces, like, 1).rows);
    let photos: Vec<NewPhoto> = (0u32..).zip(rows.chunks_exact(DIMENSION)).map(photo).collect();
    let began = Instant::now();
    for some in photos.chunks(AT_ONCE) {
        store.add(some)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let mib = fs_err::metadata(&path)?.len() as f64 / f64::from(1 << 20);
    println!(
        "added {faces} faces, each with a picture of {CROP_BYTES} bytes, {AT_ONCE} at once: {seconds:.1} s, {:.0} a second, {mib:.0} MiB",
        faces as f64 / seconds
    );

    let options = GroupOptions::at(Distance::new(threshold)?);
    group(&mut store, Scope::All, options)?;
    let mut first = faces;
    for count in [1, 10, 100] {
        let rows = new.chunks_exact(DIMENSION).skip(first - faces).take(count);
        store.add(&(first as u32..).zip(rows).map(photo).collect::<Vec<_>>())?;
        first += count;
        group(&mut store, Scope::New(options), options)?;
    }
    Ok(())
}

fn group(store: &mut SqliteStore, scope: Scope, options: GroupOptions) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let done = regroup(store, scope, |asked| -> Result<_, StoreError> {
        let clusters = asked.by_average(options).expect("memory suffices").clusters();
        Ok(clusters.iter().map(|cluster| cluster.faces().collect()).collect())
    })?;
    let which = if scope == Scope::All { "all" } else { "new ones only" };
    println!("grouped, {which}: {:.2} s, {done:?}", began.elapsed().as_secs_f64());
    Ok(())
}

fn photo((number, row): (u32, &[f32])) -> NewPhoto {
    let embedding = Embedding::normalize(row.to_vec()).expect("made-up faces have a direction");
    let bounds = BoundingBox { x: 0.0, y: 0.0, width: 112.0, height: 112.0 };
    let face = NewFace {
        found: Face { bounds, landmarks: None, score: 0.9 },
        quality: Some(0.5),
        embedding: StoredEmbedding::of(&embedding, Form::Float),
        crop: Some(row.iter().flat_map(|value| value.to_le_bytes()).cycle().take(CROP_BYTES).collect()),
        person: None,
    };
    NewPhoto { content: drawn::digest(number), file: None, faces: vec![face] }
}
