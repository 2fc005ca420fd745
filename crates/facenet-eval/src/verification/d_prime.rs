//! How far the two kinds of distances lie apart, in standard deviations.

use super::cut::Weighed;

/// The sensitivity index d′ of weighed pairs: `(μ_impostor − μ_genuine) / √((σ²_genuine + σ²_impostor) / 2)`, with
/// the variances of the whole (divided by n). Negative when genuine pairs lie farther apart.
///
/// None when no distance varies, which has no standard deviation to measure in, or one kind is missing.
pub(super) fn d_prime(pairs: impl Iterator<Item = Weighed>) -> Option<f64> {
    let (mut genuine, mut impostor) = (Moments::default(), Moments::default());
    for Weighed { distance, same, weight } in pairs {
        let moments = if same { &mut genuine } else { &mut impostor };
        moments.add(f64::from(distance.value()), weight as f64);
    }
    let pooled = ((genuine.variance()? + impostor.variance()?) / 2.0).sqrt();
    (pooled > 0.0).then(|| (impostor.mean - genuine.mean) / pooled)
}

/// Mean and variance of weighed numbers in one pass (West 1979), which loses no digits to a large mean.
#[derive(Debug, Default)]
struct Moments {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        let from_old = value - self.mean;
        self.mean += from_old * weight / self.weight;
        self.squares += weight * from_old * (value - self.mean);
    }

    fn variance(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.squares / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    fn of(genuine: &[f32], impostors: &[f32]) -> Option<f64> {
        d_prime(pairs(&[fold(genuine, impostors)]).weighed())
    }

    #[test]
    fn it_is_the_difference_of_the_means_in_pooled_deviations() {
        // Means 1 and 3, variances 0.25 and 0.25: two apart, at a deviation of one half.
        let found = of(&[0.5, 1.5], &[2.5, 3.5]).unwrap();
        assert!((found - 4.0).abs() < 1e-12, "{found}");
        // Variances 0.25 and 0.
        let found = of(&[0.5, 1.5], &[3.0]).unwrap();
        assert!((found - 2.0 / 0.125f64.sqrt()).abs() < 1e-12, "{found}");
        assert!(of(&[2.5, 3.5], &[0.5, 1.5]).unwrap() < 0.0);
    }

    #[test]
    fn distances_that_do_not_vary_have_none() {
        assert_eq!(of(&[1.0; 3], &[1.0; 5]), None);
        assert_eq!(of(&[1.0], &[2.0]), None);
    }

    #[test]
    fn a_pair_of_weight_three_counts_as_three_pairs() {
        let weighed = |pair: Weighed, weight| Weighed { weight, ..pair };
        let few = pairs(&[fold(&[0.5, 1.0], &[2.0, 3.0])]);
        let heavy = few.weighed().map(|pair| weighed(pair, if pair.same { 1 } else { 3 }));
        let many = of(&[0.5, 1.0], &[2.0, 2.0, 2.0, 3.0, 3.0, 3.0]).unwrap();
        assert!((d_prime(heavy).unwrap() - many).abs() < 1e-12);
    }
}
