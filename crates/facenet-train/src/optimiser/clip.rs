//! Gradients of a bounded norm.

use std::collections::BTreeMap;

/// Scales all gradients of a step by one factor, so that their norm together is `max_norm` at most, and gives the norm
/// that they had. Gradients that are not finite are left as they are: their norm says so.
pub fn clip(gradients: &mut BTreeMap<String, Vec<f32>>, max_norm: f32) -> f32 {
    // In f64, over tensors in the order of their names: a hundred million squares stay exact enough, and the same.
    let squares = gradients.values().flatten().map(|g| f64::from(*g) * f64::from(*g));
    let norm = squares.sum::<f64>().sqrt();
    if norm.is_finite() && norm > f64::from(max_norm) {
        let factor = (f64::from(max_norm) / norm) as f32;
        gradients.values_mut().flatten().for_each(|g| *g *= factor);
    }
    norm as f32
}
