//! Drawn pairs, and the same pairs written out as often as they count.

use facenet_core::Distance;
use proptest::prelude::*;

use super::PersonPair;
use crate::{Multiplicities, ScoredPair, ScoredPairs};

pub(crate) fn pair(distance: f32, left: u32, right: u32) -> PersonPair {
    PersonPair { distance: Distance::new(distance).unwrap(), people: [left, right], fold: 0 }
}

/// Pairs of up to six people in up to three folds; distances lie on a grid, so that many are equal.
pub(crate) fn any_pairs() -> impl Strategy<Value = (Vec<PersonPair>, usize)> {
    (1usize..=6).prop_flat_map(|people| {
        let person = 0..people as u32;
        let pair = (0u8..=16, person.clone(), person, 0u32..3).prop_map(|(steps, left, right, fold)| {
            let distance = Distance::new(f32::from(steps) / 4.0).unwrap();
            PersonPair { distance, people: [left, right], fold }
        });
        (prop::collection::vec(pair, 1..40), Just(people))
    })
}

/// Each pair as often as its people were drawn; none if that cannot be measured.
pub(crate) fn written_out(pairs: &[PersonPair], drawn: &Multiplicities) -> Option<ScoredPairs> {
    let folds = pairs.iter().map(|pair| pair.fold + 1).max().unwrap_or(0);
    let mut written = vec![Vec::new(); folds as usize];
    for pair in pairs {
        let times = drawn.of_pair(pair.people[0] as usize, pair.people[1] as usize);
        let scored = ScoredPair { distance: pair.distance, same: pair.is_genuine() };
        (0..times).for_each(|_| written[pair.fold as usize].push(scored));
    }
    ScoredPairs::new(&written).ok()
}
