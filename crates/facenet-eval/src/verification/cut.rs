//! Every threshold that decides differently from the others, in one pass over sorted pairs.

use facenet_core::Distance;

use super::scored::Tally;

/// A pair that counts `weight` times; the weight is above zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighed {
    pub(crate) distance: Distance,
    pub(crate) same: bool,
    pub(crate) weight: u64,
}

/// A threshold and what it accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) threshold: Distance,
    pub(crate) accepted: Tally,
}

/// All cuts of `sorted` (nearest first), strictest first; none when there is no pair.
///
/// The first accepts nothing; it is left out when the nearest distance is 0, which every threshold accepts. The
/// last accepts everything.
pub(crate) fn cuts(sorted: impl Iterator<Item = Weighed>) -> impl Iterator<Item = Cut> {
    let mut rest = sorted.peekable();
    let mut accepted = Tally::default();
    let nothing = rest.peek().map(|nearest| nearest.distance.value()).filter(|&nearest| nearest > 0.0);
    let nothing = nothing.map(|nearest| Cut { threshold: middle(0.0, nearest), accepted });
    let groups = std::iter::from_fn(move || {
        let distance = rest.peek()?.distance;
        while let Some(pair) = rest.next_if(|pair| pair.distance == distance) {
            accepted.add(pair.same, pair.weight);
        }
        let next = rest.peek().map_or(Distance::MAX, |pair| pair.distance);
        Some(Cut { threshold: middle(distance.value(), next.value()), accepted })
    });
    nothing.into_iter().chain(groups)
}

/// The middle of the interval from `near` (inclusive) to `far`: never `far` itself, unless both are one number.
fn middle(near: f32, far: f32) -> Distance {
    let middle = f32::midpoint(near, far);
    // Between neighbouring floats the middle is rounded to one of them, and `far` would be accepted.
    Distance::new(if middle < far { middle } else { near }).expect("both ends lie in [0, 4]")
}
