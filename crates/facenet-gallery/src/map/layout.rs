//! Places that grow until the near are near: the gradient steps of UMAP (McInnes et al. 2018, algorithm 5).

use super::neighbours::Graph;

/// Rounds over all pairs. UMAP takes 500 for small data; from a start by principal components 200 look the same.
const ROUNDS: usize = 200;
/// Strangers that are pushed away for each pair that is drawn together.
const STRANGERS: usize = 5;
/// `1 / (1 + A d^2B)` is how near two places are, fitted to a least distance of 0.1 in a spread of 1 (UMAP's defaults).
const A: f32 = 1.577;
const B: f32 = 0.895;
/// How far a place may move at a step in one direction.
const STEP: f32 = 4.0;
/// Half the edge of the square that the steps are made for.
const EXTENT: f32 = 10.0;

/// The places after all rounds, from where they are, in `[-1, 1]`.
pub(super) fn grown(places: Vec<[f32; 2]>, graph: &Graph) -> Vec<[f32; 2]> {
    let mut random = SplitMix(0);
    let begin = |[x, y]: [f32; 2], random: &mut SplitMix| {
        // Equal faces would never part.
        [EXTENT * x + 1e-3 * random.next_unit(), EXTENT * y + 1e-3 * random.next_unit()]
    };
    let mut places: Vec<[f32; 2]> = places.into_iter().map(|place| begin(place, &mut random)).collect();
    // A pair of half the weight is drawn together half as often.
    let mut due: Vec<f32> = graph.edges.iter().map(|_| 0.0).collect();
    for round in 0..ROUNDS {
        let rate = 1.0 - round as f32 / ROUNDS as f32;
        for ((a, b, weight), due) in graph.edges.iter().zip(&mut due) {
            *due += weight;
            if *due < 1.0 {
                continue;
            }
            *due -= 1.0;
            attract(&mut places, *a, *b, rate);
            for from in [*a, *b] {
                for _ in 0..STRANGERS {
                    let stranger = random.below(places.len());
                    if stranger != from {
                        repel(&mut places, from, stranger, rate);
                    }
                }
            }
        }
    }
    places
}

fn attract(places: &mut [[f32; 2]], a: usize, b: usize, rate: f32) {
    let squared = squared(places[a], places[b]);
    if squared == 0.0 {
        return;
    }
    let power = squared.powf(B);
    let pull = -2.0 * A * B * (power / squared) / (1.0 + A * power);
    let ([x, y], [other_x, other_y]) = (places[a], places[b]);
    let step = |away: f32| (pull * away).clamp(-STEP, STEP) * rate;
    let (right, up) = (step(x - other_x), step(y - other_y));
    places[a] = [x + right, y + up];
    places[b] = [other_x - right, other_y - up];
}

fn repel(places: &mut [[f32; 2]], from: usize, stranger: usize, rate: f32) {
    let squared = squared(places[from], places[stranger]);
    let push = 2.0 * B / ((0.001 + squared) * (1.0 + A * squared.powf(B)));
    let ([x, y], [other_x, other_y]) = (places[from], places[stranger]);
    let step = |away: f32| (push * away).clamp(-STEP, STEP) * rate;
    places[from] = [x + step(x - other_x), y + step(y - other_y)];
}

fn squared(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// The places moved and scaled, alike in both directions, so that they fill `[-1, 1]` in the wider one.
pub(super) fn unit_square(places: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    let span = |axis: usize| {
        let values = || places.iter().map(|place| place[axis]);
        (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
    };
    let spans = [span(0), span(1)];
    let middle = spans.map(|(low, high)| f32::midpoint(low, high));
    let half = spans.iter().map(|(low, high)| (high - low) / 2.0).fold(0.0, f32::max);
    let scaled = |place: [f32; 2], axis: usize| {
        // All in one place, but for rounding.
        if half < 1e-6 { 0.0 } else { ((place[axis] - middle[axis]) / half).clamp(-1.0, 1.0) }
    };
    places.into_iter().map(|place| [scaled(place, 0), scaled(place, 1)]).collect()
}

/// A generator of a line (Steele et al. 2014): a map is no secret, but has to be the same every time.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `[0, 1)`.
    fn next_unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Less than `bound`; the bias is below one in 2^32.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
