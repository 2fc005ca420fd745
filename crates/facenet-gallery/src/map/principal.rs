//! The plane in which vectors vary most.

/// How often the plane is turned towards the largest variance: each time what is left of a direction beside it shrinks by
/// the ratio of their variances.
const TURNS: usize = 200;

/// Each row's place in the plane of the largest variance, the longer direction first. A direction's largest component is
/// positive, so that the picture is never mirrored by chance.
pub(super) fn plane(dimension: usize, rows: &[f32]) -> Vec<[f32; 2]> {
    let count = rows.len().checked_div(dimension).unwrap_or(0);
    if count == 0 {
        return Vec::new();
    }
    let mut mean = vec![0.0; dimension];
    for row in rows.chunks_exact(dimension) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    mean.iter_mut().for_each(|sum| *sum /= count as f64);
    let centred = |row: &[f32]| -> Vec<f64> {
        row.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean).collect()
    };

    let variance = variance(dimension, rows.chunks_exact(dimension).map(centred)); // [dimension, dimension]
    let [first, second] = largest(dimension, &variance);
    let place = |row: &[f32]| {
        let row = centred(row);
        [dot(&row, &first) as f32, dot(&row, &second) as f32]
    };
    rows.chunks_exact(dimension).map(place).collect()
}

/// The sums of products of centred coordinates: a symmetric matrix, row by row.
fn variance(dimension: usize, rows: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
    let mut sums = vec![0.0; dimension * dimension];
    for row in rows {
        for (sums, value) in sums.chunks_exact_mut(dimension).zip(&row) {
            sums.iter_mut().zip(&row).for_each(|(sum, other)| *sum += value * other);
        }
    }
    sums
}

/// The two directions of the largest variance, by orthogonal iteration.
fn largest(dimension: usize, variance: &[f64]) -> [Vec<f64>; 2] {
    let turned = |direction: &[f64]| -> Vec<f64> {
        variance.chunks_exact(dimension).map(|row| dot(row, direction)).collect()
    };
    // Unlike in all coordinates, so that neither is at right angles to what is looked for.
    let begin = |shift: f64| (0..dimension).map(|i| (i as f64 + shift).cos()).collect::<Vec<f64>>();
    let (mut first, mut second) = (unit(begin(0.3)), unit(begin(1.7)));
    for _ in 0..TURNS {
        first = unit(turned(&first));
        second = turned(&second);
        let along = dot(&first, &second);
        second.iter_mut().zip(&first).for_each(|(value, other)| *value -= along * other);
        second = unit(second);
    }
    [upright(first), upright(second)]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The direction; nothing where there is none, as when all rows are equal.
fn unit(mut direction: Vec<f64>) -> Vec<f64> {
    let norm = dot(&direction, &direction).sqrt();
    let scale = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
    direction.iter_mut().for_each(|value| *value *= scale);
    direction
}

fn upright(mut direction: Vec<f64>) -> Vec<f64> {
    let largest = direction.iter().copied().reduce(|most, x| if x.abs() > most.abs() { x } else { most });
    if largest.is_some_and(|largest| largest < 0.0) {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
    direction
}
