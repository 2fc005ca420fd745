//! Who is enrolled, and who is searched for.

use rand::seq::SliceRandom as _;
use rand::{SeedableRng as _, seq::index};
use rand_chacha::ChaCha8Rng;

use super::LabelledFaces;

/// The most faces of a person that are enrolled: more are rarely at hand, and would leave few probes.
pub const MOST_ENROLLED: usize = 5;

/// One gallery and its probes; faces are named by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The enrolled faces of each enrolled person, at least one each.
    pub enrolled: Vec<Vec<usize>>,
    /// Probes with the place in `enrolled` of their person.
    pub mated: Vec<(usize, usize)>,
    /// Probes of people who are not enrolled.
    pub non_mated: Vec<usize>,
}

impl Draw {
    /// The draw with this number: a function of faces, size of the gallery, seed and number alone.
    ///
    /// # Panics
    /// When fewer than `gallery` people have two faces.
    pub fn new(faces: &LabelledFaces, gallery: usize, seed: u64, number: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(number));
        let enrollable: Vec<usize> =
            (0..faces.people.len()).filter(|&person| faces.people[person].len() > 1).collect();
        let mut place = vec![None; faces.people.len()];
        for (at, drawn) in index::sample(&mut rng, enrollable.len(), gallery).into_iter().enumerate() {
            place[enrollable[drawn]] = Some(at);
        }

        let mut draw = Self { enrolled: vec![Vec::new(); gallery], mated: Vec::new(), non_mated: Vec::new() };
        for (own, place) in faces.people.iter().zip(place) {
            let Some(place) = place else {
                draw.non_mated.extend(own);
                continue;
            };
            let mut own = own.clone();
            own.shuffle(&mut rng);
            let probes = own.split_off((own.len() / 2).min(MOST_ENROLLED));
            draw.enrolled[place] = own;
            draw.mated.extend(probes.into_iter().map(|probe| (probe, place)));
        }
        draw
    }
}
