//! Embeddings in the plane, to look at: who lies near whom.

mod layout;
mod neighbours;
mod principal;

use self::layout::{grown, unit_square};
use self::neighbours::Graph;
use self::principal::plane;

/// How many neighbours of a face its place depends on: UMAP's own default. Fewer tear people apart, more draw strangers
/// together.
const NEIGHBOURS: usize = 15;

/// How embeddings come into the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapMethod {
    /// The two directions in which they vary most: straight and quick, but with 128 coordinates most of what tells people
    /// apart is lost.
    Principal,
    /// So that the nearest stay near, beginning from [`Principal`](Self::Principal): UMAP (McInnes et al. 2018), with exact
    /// neighbours and one thread's order of steps, so that the same faces give the same map. How far groups lie apart means
    /// little.
    Neighbours,
}

/// A place for each of `rows`, `[faces, dimension]`, in their order: both coordinates in `[-1, 1]`. The same rows give the
/// same map. Time grows with the square of the number of faces: for thousands, not for millions.
///
/// # Panics
/// When `rows` is no whole number of rows.
///
/// # Examples
/// ```
/// use facenet_gallery::{MapMethod, map};
///
/// let rows = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0];
/// assert_eq!(map(2, &rows, MapMethod::Principal).len(), 4);
/// ```
pub fn map(dimension: usize, rows: &[f32], method: MapMethod) -> Vec<[f32; 2]> {
    assert_eq!(rows.len() % dimension.max(1), 0, "rows of another length were mapped");
    let flat = unit_square(plane(dimension, rows));
    let faces = flat.len();
    // Three places are as near to each other as can be drawn.
    if method == MapMethod::Principal || faces < 4 {
        return flat;
    }
    let graph = Graph::of(dimension, rows, NEIGHBOURS.min(faces - 1));
    unit_square(grown(flat, &graph))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that a test can look through: numbers in `[-1, 1)`.
    struct Drawn(u64);

    impl Drawn {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
        }
    }

    /// `people` of `faces` faces each, in 32 coordinates; the owner of a row is its index by `faces`.
    fn people(people: usize, faces: usize, noise: f32) -> Vec<f32> {
        let mut drawn = Drawn(7);
        let centres: Vec<Vec<f32>> = (0..people).map(|_| (0..32).map(|_| drawn.next()).collect()).collect();
        let mut rows = Vec::new();
        for centre in &centres {
            for _ in 0..faces {
                let row: Vec<f32> = centre.iter().map(|x| x + noise * drawn.next()).collect();
                let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
                rows.extend(row.iter().map(|x| x / norm));
            }
        }
        rows
    }

    /// The share of places whose nearest other place is the same person's.
    fn beside_their_own(map: &[[f32; 2]], faces: usize) -> f64 {
        let nearest = |i: usize| {
            let away = |j: &usize| (map[i][0] - map[*j][0]).hypot(map[i][1] - map[*j][1]);
            (0..map.len()).filter(|j| *j != i).min_by(|a, b| away(a).total_cmp(&away(b))).unwrap()
        };
        let own = (0..map.len()).filter(|i| nearest(*i) / faces == i / faces).count();
        own as f64 / map.len() as f64
    }

    #[test]
    fn people_stay_together_among_their_neighbours_but_not_on_two_axes() {
        let rows = people(20, 12, 0.5);
        let near = beside_their_own(&map(32, &rows, MapMethod::Neighbours), 12);
        let flat = beside_their_own(&map(32, &rows, MapMethod::Principal), 12);
        assert!(near > 0.98, "{near}");
        assert!(flat < 0.9, "{flat}: the example is too easy to tell the two apart");
    }

    #[test]
    fn the_same_faces_give_the_same_map_within_its_square() {
        let rows = people(3, 9, 0.3);
        for method in [MapMethod::Principal, MapMethod::Neighbours] {
            let first = map(32, &rows, method);
            assert_eq!(first, map(32, &rows, method));
            assert!(first.iter().flatten().all(|x| (-1.0..=1.0).contains(x)));
            let widest = first.iter().flatten().fold(0.0, |most: f32, x| most.max(x.abs()));
            assert!((widest - 1.0).abs() < 1e-6, "{widest}");
        }
    }

    #[test]
    fn none_one_two_and_equal_faces_have_their_places() {
        for method in [MapMethod::Principal, MapMethod::Neighbours] {
            assert!(map(2, &[], method).is_empty());
            assert_eq!(map(2, &[0.6, 0.8], method), [[0.0, 0.0]]);
            let two = map(2, &[1.0, 0.0, 0.0, 1.0], method);
            assert_eq!(two.iter().map(|place| place[0].abs()).collect::<Vec<_>>(), [1.0, 1.0]);
            let equal = map(3, &[0.6, 0.8, 0.0].repeat(40), method);
            assert!(equal.iter().flatten().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn the_longest_direction_is_across() {
        // A cross whose longer beam points to (0.8, 0.6, 0), the shorter to (-0.6, 0.8, 0).
        let rows = [2.4, 1.8, 0.0, -2.4, -1.8, 0.0, -0.6, 0.8, 0.0, 0.6, -0.8, 0.0];
        let places = map(3, &rows, MapMethod::Principal);
        let expected = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0 / 3.0], [0.0, -1.0 / 3.0]];
        for (place, expected) in places.iter().zip(expected) {
            assert!((place[0] - expected[0]).abs() < 1e-5, "{places:?}");
            assert!((place[1] - expected[1]).abs() < 1e-5, "{places:?}");
        }
    }
}
