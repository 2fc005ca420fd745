//! Who is nearest?

use facenet_gallery::{Form, PersonId, Store};

use super::Kind;
use crate::drawn::{embedding, face, photo, settings};

pub(super) fn the_nearest_faces_are_those_of_an_exact_search(kind: &mut dyn Kind) {
    for form in [Form::Float, Form::Byte] {
        let mut store = kind.make(&settings(form));
        let person = store.add_people(&[Some("Ada")]).unwrap()[0];
        let photos: Vec<_> = (1..=200)
            .map(|seed| {
                let mut photo = photo(&[seed], None);
                photo.faces = vec![face(seed, form, Some(person))];
                photo
            })
            .collect();
        store.add(&photos).unwrap();
        let faces = store.faces(facenet_gallery::FaceId(0), 999).unwrap();
        for seed in [3, 77, 1000] {
            let probe = embedding(seed);
            // A file has an index beside it instead.
            let Some(found) = store.nearest(&probe, 5).unwrap() else { continue };
            let mut exact: Vec<(f32, u64)> = faces
                .iter()
                .map(|face| (face.embedding.embedding().distance(&probe).value(), face.id.0.unsigned_abs()))
                .collect();
            exact.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let found: Vec<(f32, u64)> = found.iter().map(|hit| (hit.distance.value(), hit.id)).collect();
            assert_eq!(found, exact[..5]);
        }
        assert!(store.nearest(&embedding(1), 0).unwrap().is_none_or(|none| none.is_empty()));
    }
}

pub(super) fn faces_of_nobody_are_not_found(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
    store.add(&[photo(&[1], None)]).unwrap();
    assert!(store.nearest(&embedding(1), 3).unwrap().is_none_or(|none| none.is_empty()));
    let ada: PersonId = store.add_people(&[Some("Ada")]).unwrap()[0];
    store.add(&[photo(&[2], Some(ada))]).unwrap();
    if let Some(found) = store.nearest(&embedding(1), 3).unwrap() {
        assert_eq!(found.iter().map(|hit| hit.id).collect::<Vec<_>>(), [2]);
    }
}
