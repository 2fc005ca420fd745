//! How much a figure would vary with other people: the bootstrap over identities.
//!
//! Pairs that share a person are not independent, so pairs must not be drawn one by one: the intervals would come
//! out far too narrow. People are drawn instead, with replacement, and every pair counts as often as its people were
//! drawn: a genuine pair of person i with weight mᵢ, an impostor pair of i and j with mᵢ·mⱼ (the pigeonhole bootstrap,
//! Owen 2007; for verification Bolle, Ratha and Pankanti 2004). No new distance is computed.

mod interval;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

pub use self::interval::{Estimate, Interval};

/// Draws of people with replacement, each a function of seed and number alone: the bootstrap over identities.
///
/// Pairs that share a person are not independent, so people are drawn, not pairs, and every pair counts as often as its
/// people were drawn: see [`Multiplicities::of_pair`] (Owen 2007, the pigeonhole bootstrap).
///
/// ```
/// use facenet_eval::Bootstrap;
///
/// let heights_cm = [160.0, 170.0, 180.0, 190.0];
/// let mean = |weight: &dyn Fn(usize) -> f64| {
///     let sum: f64 = heights_cm.iter().enumerate().map(|(person, height)| weight(person) * height).sum();
///     Some(sum / 4.0)
/// };
/// let bootstrap = Bootstrap::new(4, 1000, 7);
/// let estimate = bootstrap.estimate(mean(&|_| 1.0), |drawn| mean(&|person| drawn.of(person).into()));
/// let interval = estimate.interval.unwrap();
/// assert!(interval.low < 175.0 && 175.0 < interval.high);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    identities: usize,
    draws: u32,
    seed: u64,
}

/// How often each person was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiplicities(Vec<u32>);

impl Bootstrap {
    /// Draws by default: the ends of a 95 % interval then rest on 25 draws each.
    pub const DRAWS: u32 = 1000;

    /// `draws` draws from `identities` people.
    ///
    /// With fewer than two people nothing varies, and no interval is given.
    pub fn new(identities: usize, draws: u32, seed: u64) -> Self {
        Self { identities, draws, seed }
    }

    /// The number of people that are drawn from.
    pub fn identities(&self) -> usize {
        self.identities
    }

    /// The number of draws.
    pub fn draws(&self) -> u32 {
        self.draws
    }

    /// The draw with this number: as many people as there are, with replacement.
    ///
    /// The same seed, number of people and number of the draw give the same multiplicities, whatever else was drawn.
    pub fn draw(&self, number: u32) -> Multiplicities {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(number));
        let mut times = vec![0; self.identities];
        (0..self.identities).for_each(|_| times[rng.random_range(0..self.identities)] += 1);
        Multiplicities(times)
    }

    /// `figure` of every draw, in the order of their numbers, computed on all cores.
    pub fn figures<T: Send>(&self, figure: impl Fn(&Multiplicities) -> T + Sync) -> Vec<T> {
        (0..self.draws).into_par_iter().map(|number| figure(&self.draw(number))).collect()
    }

    /// A figure of all people with its 95 % interval: `figure` gives it for a draw, none where it is undefined.
    pub fn estimate(
        &self,
        value: Option<f64>,
        figure: impl Fn(&Multiplicities) -> Option<f64> + Sync,
    ) -> Estimate {
        let figures = if value.is_some() && self.identities > 1 { self.figures(figure) } else { Vec::new() };
        Estimate { value, interval: Interval::of(&figures) }
    }
}

impl Multiplicities {
    /// Everybody once: the people as they are.
    pub fn once(identities: usize) -> Self {
        Self(vec![1; identities])
    }

    /// How often `person` was drawn.
    ///
    /// # Panics
    /// When there is no such person.
    pub fn of(&self, person: usize) -> u32 {
        self.0[person]
    }

    /// How often a pair of one image of `left` and one of `right` counts: mᵢ for a genuine pair (`left == right`),
    /// mᵢ·mⱼ for an impostor pair.
    ///
    /// # Panics
    /// When there is no such person.
    pub fn of_pair(&self, left: usize, right: usize) -> u64 {
        let (left_times, right_times) = (u64::from(self.0[left]), u64::from(self.0[right]));
        if left == right { left_times } else { left_times * right_times }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_has_as_many_people_as_there_are() {
        let bootstrap = Bootstrap::new(50, 20, 1);
        for drawn in bootstrap.figures(Clone::clone) {
            assert_eq!(drawn.0.iter().sum::<u32>(), 50);
        }
    }

    #[test]
    fn a_draw_depends_on_seed_and_number_alone() {
        let (few, many) = (Bootstrap::new(50, 3, 1), Bootstrap::new(50, 100, 1));
        assert_eq!(few.figures(Clone::clone)[..], many.figures(Clone::clone)[..3]);
        assert_eq!(few.draw(2), many.draw(2));
        assert_ne!(few.draw(2), few.draw(1));
        assert_ne!(few.draw(2), Bootstrap::new(50, 3, 2).draw(2));
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let bootstrap = Bootstrap::new(30, 64, 5);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap.estimate(Some(1.0), |drawn| Some(f64::from(drawn.of(7)))))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_genuine_pair_counts_once_a_draw_of_its_person_and_an_impostor_pair_by_both() {
        let drawn = Multiplicities(vec![3, 2, 0]);
        assert_eq!(
            [(0, 0), (0, 1), (1, 0), (0, 2), (2, 2)].map(|(i, j)| drawn.of_pair(i, j)),
            [3, 6, 6, 0, 0]
        );
        assert_eq!(Multiplicities::once(3).of_pair(0, 2), 1);
    }

    #[test]
    fn the_interval_of_a_mean_is_as_wide_as_statistics_says() {
        // 400 people, half of them 0 and half 1: the mean has a standard error of 0.5 / 20.
        let value = |person: usize| f64::from(u8::from(person < 200));
        let mean = |drawn: &Multiplicities| {
            Some((0..400).map(|person| f64::from(drawn.of(person)) * value(person)).sum::<f64>() / 400.0)
        };
        let estimate = Bootstrap::new(400, 2000, 3).estimate(Some(0.5), mean);
        let interval = estimate.interval.unwrap();
        let half_width = (interval.high - interval.low) / 2.0;
        assert!((half_width - 1.96 * 0.025).abs() < 0.004, "{interval:?}");
        assert!(interval.contains(0.5));
    }

    #[test]
    fn without_a_second_person_or_a_value_there_is_no_interval() {
        for people in [0, 1] {
            let estimate = Bootstrap::new(people, 100, 1).estimate(Some(0.5), |_| Some(0.5));
            assert_eq!(estimate, Estimate { value: Some(0.5), interval: None });
        }
        assert_eq!(Bootstrap::new(9, 100, 1).estimate(None, |_| Some(0.5)), Estimate::default());
        assert_eq!(Bootstrap::new(9, 0, 1).estimate(Some(0.5), |_| Some(0.5)).interval, None);
    }
}
