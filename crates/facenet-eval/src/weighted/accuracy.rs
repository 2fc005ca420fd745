//! Cross-validated accuracy of weighed pairs.

use facenet_core::Distance;

use super::figures::{Weighed, cumulated};

/// The mean over folds of the share decided rightly, each at the threshold that is best on the others, of equally
/// good ones the strictest; none with fewer than two folds or with an empty one.
pub(super) fn accuracy(pairs: &[Weighed], folds: u32) -> Option<f64> {
    if folds < 2 {
        return None;
    }
    let accuracies: Option<Vec<f64>> = (0..folds).map(|held_out| hold_out(pairs, held_out)).collect();
    let accuracies = accuracies?;
    Some(accuracies.iter().sum::<f64>() / f64::from(folds))
}

fn hold_out(pairs: &[Weighed], held_out: u32) -> Option<f64> {
    let (fold, others): (Vec<Weighed>, Vec<Weighed>) = pairs.iter().partition(|pair| pair.fold == held_out);
    let threshold = best_threshold(&others)?;
    let all: u64 = fold.iter().map(|pair| pair.weight).sum();
    let right = fold.iter().filter(|pair| pair.genuine == (pair.distance <= threshold));
    super::figures::share(right.map(|pair| pair.weight).sum(), all)
}

/// Of the middles between neighbouring distances, the first with the most right decisions; none without a pair.
fn best_threshold(pairs: &[Weighed]) -> Option<Distance> {
    let steps = cumulated(pairs);
    let nearest = steps.first()?.0;
    let gain = |step: usize| steps[step].1.genuine.cast_signed() - steps[step].1.impostors.cast_signed();
    // Nothing accepted gains nothing; it is no choice when the nearest distance is 0.
    let nothing = (nearest.value() > 0.0).then(|| (0, middle(0.0, nearest.value())));
    let middles = (0..steps.len()).map(|step| {
        let next = steps.get(step + 1).map_or(Distance::MAX, |&(next, _)| next);
        (gain(step), middle(steps[step].0.value(), next.value()))
    });
    let best =
        nothing.into_iter().chain(middles).reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, threshold)| threshold)
}

/// The middle of an interval without its far end, as in the unweighed measurement.
fn middle(near: f32, far: f32) -> Distance {
    let middle = f32::midpoint(near, far);
    Distance::new(if middle < far { middle } else { near }).expect("both ends lie in [0, 4]")
}
