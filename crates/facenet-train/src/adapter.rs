//! Learns an adapter: the affine map that takes one model's embeddings nearest to another's.
//!
//! Least squares with a penalty on the matrix (ridge regression), in closed form. How much of a penalty is found on faces
//! that are held out; the map is then learnt from all.

use facenet_core::{Adapter, AdapterFacts, Contract, Embedding, NotADirection};
use sha2::{Digest, Sha256};

/// The penalties that are tried, as shares of the mean square of what is mapped, by face.
const PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
/// Faces that are needed for each coordinate of the old embedding. With fewer than one the map is not even determined;
/// with four it is not yet ruled by noise.
const FACES_A_COORDINATE: usize = 4;
/// Every so many faces one is held out.
const HELD_OUT: usize = 5;

/// Why an adapter cannot be learnt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdapterLearnError {
    /// Too few faces.
    #[error(
        "an adapter from {dimension} coordinates needs {needed} faces or more (four for each coordinate), found {found}"
    )]
    TooFew {
        /// Coordinates of the old embeddings.
        dimension: usize,
        /// The least number of faces.
        needed: usize,
        /// The number found.
        found: usize,
    },
    /// The lists do not belong together.
    #[error("found {old} old and {new} new embeddings, expected one of each for a face")]
    Counts {
        /// Old embeddings.
        old: usize,
        /// New embeddings.
        new: usize,
    },
    /// An embedding is of another size than its model's.
    #[error("an embedding has {found} coordinates, but `{model}` makes {expected}")]
    Dimension {
        /// [`Contract::id`] of the model.
        model: String,
        /// Coordinates found.
        found: usize,
        /// Coordinates of the model.
        expected: usize,
    },
    /// The map has no direction for a face.
    #[error("the adapter that was learnt gives no direction for a face")]
    NoDirection(#[from] NotADirection),
}

/// Learns the adapter from `from` to `to` on embeddings of the same faces, in the same order, by both.
///
/// # Errors
/// When there are too few faces, or the lists do not fit each other or their models.
pub fn learn_adapter(
    from: &Contract,
    to: &Contract,
    old: &[Embedding],
    new: &[Embedding],
) -> Result<Adapter, AdapterLearnError> {
    if old.len() != new.len() {
        return Err(AdapterLearnError::Counts { old: old.len(), new: new.len() });
    }
    for (model, embeddings) in [(from, old), (to, new)] {
        let other = embeddings.iter().find(|embedding| embedding.dimension() != model.dimension);
        if let Some(other) = other {
            let (model, expected) = (model.id(), model.dimension);
            return Err(AdapterLearnError::Dimension { model, found: other.dimension(), expected });
        }
    }
    let (dimension, found) = (from.dimension, old.len());
    let needed = FACES_A_COORDINATE * dimension;
    if found < needed {
        return Err(AdapterLearnError::TooFew { dimension, needed, found });
    }

    let is_held_out = |face: &usize| face.is_multiple_of(HELD_OUT);
    let (held_out, kept): (Vec<usize>, Vec<usize>) = (0..found).partition(is_held_out);
    let partly = Normal::of(old, new, &kept);
    let mut best: Option<(f64, f64)> = None;
    for penalty in PENALTIES {
        let distance = mean_distance(&partly.solve(penalty, from, to, 0.0), old, new, &held_out)?;
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, penalty));
        }
    }
    let (held_out_distance, penalty) = best.expect("penalties are tried");
    let all: Vec<usize> = (0..found).collect();
    Ok(Normal::of(old, new, &all).solve(penalty, from, to, held_out_distance))
}

fn mean_distance(
    adapter: &Adapter,
    old: &[Embedding],
    new: &[Embedding],
    faces: &[usize],
) -> Result<f64, NotADirection> {
    let mut sum = 0.0;
    for face in faces {
        sum += f64::from(adapter.apply(&old[*face])?.distance(&new[*face]).value());
    }
    Ok(sum / faces.len() as f64)
}

/// The normal equations: with a 1 behind each old embedding for the bias.
struct Normal {
    /// Coordinates of an old embedding, and of a new one.
    sizes: (usize, usize),
    faces: usize,
    /// `[from + 1, from + 1]`.
    products: Vec<f64>,
    /// `[from + 1, to]`.
    targets: Vec<f64>,
}

impl Normal {
    fn of(old: &[Embedding], new: &[Embedding], faces: &[usize]) -> Self {
        let (from, to) = (old[0].dimension(), new[0].dimension());
        let rows = from + 1;
        let (mut products, mut targets) = (vec![0.0; rows * rows], vec![0.0; rows * to]);
        for face in faces {
            let mut input: Vec<f64> = old[*face].as_slice().iter().map(|v| f64::from(*v)).collect();
            input.push(1.0);
            for (row, value) in input.iter().enumerate() {
                let products = &mut products[row * rows..][..rows];
                products.iter_mut().zip(&input).for_each(|(sum, other)| *sum += value * other);
                let targets = &mut targets[row * to..][..to];
                let target = new[*face].as_slice();
                targets.iter_mut().zip(target).for_each(|(sum, other)| *sum += value * f64::from(*other));
            }
        }
        Self { sizes: (from, to), faces: faces.len(), products, targets }
    }

    /// The map of the least squares, with a penalty on all but the bias.
    fn solve(&self, penalty: f64, old: &Contract, new: &Contract, held_out_distance: f64) -> Adapter {
        let (from, to) = self.sizes;
        let rows = from + 1;
        let mut products = self.products.clone();
        // Unit rows: the mean square of a coordinate is 1 / from.
        let added = penalty * self.faces as f64 / from as f64;
        (0..from).for_each(|at| products[at * rows + at] += added);
        // Keeps the last pivot above 0 where all embeddings lie in a plane.
        products[from * rows + from] += 1e-9 * self.faces as f64;
        let factor = cholesky(products, rows);
        let solution = substitute(&factor, rows, self.targets.clone(), to);
        let matrix = (0..to).flat_map(|out| (0..from).map(move |at| (at, out)));
        let matrix: Vec<f32> = matrix.map(|(at, out)| solution[at * to + out] as f32).collect();
        let bias: Vec<f32> = solution[from * to..].iter().map(|v| *v as f32).collect();
        let mut digest = Sha256::new();
        matrix.iter().chain(&bias).for_each(|value| digest.update(value.to_le_bytes()));
        let facts = AdapterFacts {
            from: old.clone(),
            to: new.clone(),
            faces: self.faces as u64,
            held_out_distance,
            digest: digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            harmonic: None,
        };
        Adapter::new(facts, matrix, bias).expect("the equations have a finite solution")
    }
}

/// The lower factor `L` of a symmetric positive definite matrix `L Lᵀ`, `[n, n]`.
fn cholesky(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    for i in 0..n {
        for j in 0..=i {
            let (above, below) = matrix.split_at(i * n);
            let row_j = if i == j { &below[..j] } else { &above[j * n..][..j] };
            let sum: f64 = below[..j].iter().zip(row_j).map(|(a, b)| a * b).sum();
            let value = matrix[i * n + j] - sum;
            matrix[i * n + j] =
                if i == j { value.max(f64::MIN_POSITIVE).sqrt() } else { value / matrix[j * n + j] };
        }
    }
    matrix
}

/// Solves `L Lᵀ X = B` for `B` `[n, columns]`.
fn substitute(factor: &[f64], n: usize, mut values: Vec<f64>, columns: usize) -> Vec<f64> {
    let subtract = |values: &mut [f64], from: usize, to: usize, by: f64| {
        for column in 0..columns {
            values[to * columns + column] -= by * values[from * columns + column];
        }
    };
    let divide = |values: &mut [f64], row: usize| {
        values[row * columns..][..columns].iter_mut().for_each(|v| *v /= factor[row * n + row]);
    };
    for row in 0..n {
        (0..row).for_each(|before| subtract(&mut values, before, row, factor[row * n + before]));
        divide(&mut values, row);
    }
    for row in (0..n).rev() {
        (row + 1..n).for_each(|after| subtract(&mut values, after, row, factor[after * n + row]));
        divide(&mut values, row);
    }
    values
}

#[cfg(test)]
mod tests {
    use facenet_core::Preprocessing;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn contract(network: &str, dimension: usize) -> Contract {
        Contract {
            network: network.into(),
            dimension,
            weights: network.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
            mirrored: false,
            thresholds: Vec::new(),
            calibration: None,
            harmonic: Vec::new(),
        }
    }

    fn drawn(count: usize, dimension: usize, seed: u64) -> Vec<Embedding> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let row =
            |_| Embedding::normalize((0..dimension).map(|_| rng.random_range(-1.0..1.0)).collect()).unwrap();
        (0..count).map(row).collect()
    }

    /// Each embedding turned by a quarter in the planes of neighbouring coordinates.
    fn turned(faces: &[Embedding]) -> Vec<Embedding> {
        let turn = |face: &Embedding| {
            let pairs = face.as_slice().chunks_exact(2);
            Embedding::normalize(pairs.flat_map(|pair| [-pair[1], pair[0]]).collect()).unwrap()
        };
        faces.iter().map(turn).collect()
    }

    #[test]
    fn a_turn_of_the_space_is_learnt() {
        let old = drawn(400, 8, 1);
        let new = turned(&old);
        let adapter = learn_adapter(&contract("a", 8), &contract("b", 8), &old, &new).unwrap();
        let strangers = drawn(20, 8, 2);
        for (face, expected) in strangers.iter().zip(turned(&strangers)) {
            assert!(adapter.apply(face).unwrap().distance(&expected).value() < 1e-5);
        }
        assert!(adapter.facts().held_out_distance < 1e-5);
        assert_eq!(adapter.facts().faces, 400);
    }

    #[test]
    fn sizes_may_differ_and_what_is_not_related_stays_far() {
        let (old, new) = (drawn(400, 8, 1), drawn(400, 6, 2));
        let adapter = learn_adapter(&contract("a", 8), &contract("b", 6), &old, &new).unwrap();
        assert!(
            (adapter.facts().held_out_distance - 2.0).abs() < 0.4,
            "{}",
            adapter.facts().held_out_distance
        );
    }

    #[test]
    fn too_few_faces_are_refused_with_the_number_that_is_needed() {
        let (old, new) = (drawn(31, 8, 1), drawn(31, 8, 2));
        let error = learn_adapter(&contract("a", 8), &contract("b", 8), &old, &new).unwrap_err();
        assert_eq!(error, AdapterLearnError::TooFew { dimension: 8, needed: 32, found: 31 });
        let error = learn_adapter(&contract("a", 8), &contract("b", 8), &old, &new[1..]).unwrap_err();
        assert_eq!(error, AdapterLearnError::Counts { old: 31, new: 30 });
        assert!(learn_adapter(&contract("a", 9), &contract("b", 8), &old, &new).is_err());
    }

    #[test]
    fn the_equations_are_solved() {
        let factor = cholesky(vec![4.0, 2.0, 2.0, 5.0], 2);
        assert_eq!((factor[0], factor[2], factor[3]), (2.0, 1.0, 2.0));
        // 4x + 2y = 8, 2x + 5y = 8.
        assert_eq!(substitute(&factor, 2, vec![8.0, 8.0], 1), [1.5, 1.0]);
    }
}
