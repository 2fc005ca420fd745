//! What a change costs in a gallery of 100,000 faces: `cargo bench -p facenet-server --bench large`.

#[path = "../tests/service/client.rs"]
#[expect(dead_code, reason = "the tests ask for more")]
mod client;
#[path = "../tests/service/fake.rs"]
#[expect(dead_code, reason = "the tests ask for more")]
mod fake;

use std::time::Instant;

use facenet_core::{BoundingBox, Embedding, Face};
use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, Form, NewFace, NewPhoto, PersonId, PhotoDigest, SqliteStore,
    Store, StoredEmbedding,
};
use facenet_server::Limits;
use serde_json::json;

use client::making;
use fake::contract;

const PEOPLE: u32 = 5_000;
const FACES_EACH: u32 = 20;
const DIMENSION: usize = 128;

/// Faces of made-up people: a direction for each, and a little of another for each face.
fn photo(number: u32, people: &[PersonId]) -> NewPhoto {
    let person = number % PEOPLE;
    let value = |i: usize| {
        let (own, face) = (f64::from(person) * 1.7 + i as f64, f64::from(number) * 0.3 + 2.3 * i as f64);
        (own.sin() + 0.3 * face.cos()) as f32
    };
    let embedding = Embedding::normalize((0..DIMENSION).map(value).collect()).unwrap();
    let mut content = [0; 32];
    content[..4].copy_from_slice(&number.to_le_bytes());
    let face = NewFace {
        found: Face {
            bounds: BoundingBox { x: 0.0, y: 0.0, width: 8.0, height: 8.0 },
            landmarks: None,
            score: 0.9,
        },
        quality: Some(0.5),
        embedding: StoredEmbedding::of(&embedding, Form::Float),
        crop: None,
        person: Some((people[person as usize], AssignedBy::User)),
    };
    NewPhoto { content: PhotoDigest(content), file: None, faces: vec![face] }
}

fn main() {
    let mut contract = contract();
    contract.dimension = DIMENSION;
    let limits = Limits { requests_per_second: 1e6, ..Limits::default() };
    let service = making().with_engine(contract).with_gallery().with_limits(limits).start();
    let mut other = SqliteStore::open(&service.dir.path().join("g")).unwrap();
    let people = other.add_people(&vec![None; PEOPLE as usize]).unwrap();
    for step in (0..PEOPLE * FACES_EACH).collect::<Vec<_>>().chunks(5_000) {
        other.add(&step.iter().map(|number| photo(*number, &people)).collect::<Vec<_>>()).unwrap();
    }

    let mut face = 0;
    let mut change = |by_us: bool| {
        face += 1;
        let to = PersonId(face + 10);
        if by_us {
            service.json("PATCH", &format!("/v1/faces/{face}"), &json!({"person": to.0})).expect(200);
        } else {
            let assign = Change::Assign(FaceId(face), Some((to, AssignedBy::User)));
            other.apply(EventKind::Assign, &[assign]).unwrap();
        }
    };
    let list = || drop(service.get("/v1/people?limit=1").expect(200));
    list();
    for (who, by_us) in [("this service", true), ("another program", false)] {
        for _ in 0..5 {
            let began = Instant::now();
            change(by_us);
            let changed = began.elapsed();
            list();
            let listed = began.elapsed() - changed;
            println!("by {who}: change {:.0} ms, first list {:.0} ms", ms(changed), ms(listed));
        }
    }
}

fn ms(time: std::time::Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}
