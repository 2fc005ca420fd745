//! From the searches of all draws to rates and curves.

use serde::{Deserialize, Serialize};

use super::{DrawMean, Enrolment, FnirAtFpir, GalleryReport, RANKS, RankRate, Searches, TARGET_FPIRS};

/// Points of a FNIR curve a decade of FPIR.
const POINTS_A_DECADE: i32 = 10;

/// The finest FPIR that a curve goes to, in decades below 1.
const FINEST_DECADES: i32 = 6;

/// One point of a cumulative match curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CmcPoint {
    /// The rank, from 1.
    pub rank: usize,
    /// The share of mated probes at this rank or better, in `[0, 1]`.
    pub rate: f64,
}

/// One point of a FNIR curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OpenSetPoint {
    /// The FPIR that is kept to, in `(0, 1]`.
    pub fpir: f64,
    /// The share of mated probes that are missed, in `[0, 1]`.
    pub fnir: f64,
}

/// What the draws gave so far.
pub(super) struct Curves {
    gallery: usize,
    /// A draw each: for each rank from 1 the share of mated probes at it or better.
    cmcs: Vec<Vec<f64>>,
    /// A draw each: FNIR and threshold at each of the target FPIRs; none where not measurable.
    targets: Vec<[Option<(f64, f64)>; 3]>,
    /// A draw each: FNIR at each FPIR of the grid.
    fnirs: Vec<Vec<Option<f64>>>,
    mated: Vec<f64>,
    non_mated: Vec<f64>,
}

impl Curves {
    pub(super) fn new(gallery: usize) -> Self {
        let (cmcs, targets, fnirs) = (Vec::new(), Vec::new(), Vec::new());
        Self { gallery, cmcs, targets, fnirs, mated: Vec::new(), non_mated: Vec::new() }
    }

    pub(super) fn add(&mut self, searches: &Searches) {
        let mut non_mated = searches.non_mated.clone();
        non_mated.sort_unstable_by(f32::total_cmp);
        self.cmcs.push(cmc(searches, self.gallery));
        self.targets.push(TARGET_FPIRS.map(|target| fnir_at(searches, &non_mated, target)));
        let fnir = |fpir| fnir_at(searches, &non_mated, fpir).map(|(fnir, _)| fnir);
        self.fnirs.push(fpir_grid().map(fnir).collect());
        self.mated.push(searches.mated.len() as f64);
        self.non_mated.push(searches.non_mated.len() as f64);
    }

    pub(super) fn report(self, enrolment: Enrolment) -> GalleryReport {
        let mean = |figures: &[f64]| figures.iter().sum::<f64>() / figures.len() as f64;
        let at_rank = |rank: usize| self.cmcs.iter().map(|cmc| cmc[rank - 1]).collect::<Vec<f64>>();
        let ranks = RANKS.into_iter().filter(|&rank| rank <= self.gallery);
        let drawn_points = (1..=self.gallery).filter(|&rank| is_drawn(rank, self.gallery));
        GalleryReport {
            gallery: self.gallery,
            enrolment,
            mated: mean(&self.mated),
            non_mated: mean(&self.non_mated),
            ranks: ranks
                .filter_map(|rank| Some(RankRate { rank, rate: DrawMean::of(&at_rank(rank))? }))
                .collect(),
            open_set: (0..TARGET_FPIRS.len()).map(|at| self.at_target(at)).collect(),
            cmc: drawn_points.map(|rank| CmcPoint { rank, rate: mean(&at_rank(rank)) }).collect(),
            fnir: self.curve(),
        }
    }

    fn at_target(&self, at: usize) -> FnirAtFpir {
        let found: Option<Vec<(f64, f64)>> = self.targets.iter().map(|draw| draw[at]).collect();
        let (fnirs, thresholds): (Vec<f64>, Vec<f64>) = found.unwrap_or_default().into_iter().unzip();
        FnirAtFpir {
            target_fpir: TARGET_FPIRS[at],
            fnir: DrawMean::of(&fnirs),
            threshold: DrawMean::of(&thresholds).map(|mean| mean.mean),
        }
    }

    /// Where every draw can be measured.
    fn curve(&self) -> Vec<OpenSetPoint> {
        let point = |(at, fpir): (usize, f64)| {
            let fnirs: Option<Vec<f64>> = self.fnirs.iter().map(|draw| draw[at]).collect();
            Some(OpenSetPoint { fpir, fnir: DrawMean::of(&fnirs?)?.mean })
        };
        fpir_grid().enumerate().filter_map(point).collect()
    }
}

/// 1e-6 … 1, evenly on a logarithmic axis.
fn fpir_grid() -> impl Iterator<Item = f64> {
    (-FINEST_DECADES * POINTS_A_DECADE..=0)
        .map(|step| 10f64.powf(f64::from(step) / f64::from(POINTS_A_DECADE)))
}

/// All of the first 50 ranks, then every one that is about 2 % further, and the last.
fn is_drawn(rank: usize, last: usize) -> bool {
    rank <= 50 || rank == last || rank.is_multiple_of((rank / 50).next_power_of_two())
}

fn cmc(searches: &Searches, gallery: usize) -> Vec<f64> {
    let mut at_rank = vec![0usize; gallery];
    searches.mated.iter().for_each(|&(rank, _)| at_rank[rank - 1] += 1);
    let mut found = 0;
    let share = |count: usize| {
        found += count;
        found as f64 / searches.mated.len() as f64
    };
    at_rank.into_iter().map(share).collect()
}

/// FNIR and threshold at `target`; `non_mated` is sorted. None when it is finer than one probe, or when the nearest
/// non-mated probes are too many at the distance 0, which every threshold accepts.
fn fnir_at(searches: &Searches, non_mated: &[f32], target: f64) -> Option<(f64, f64)> {
    let fpir = |returned: usize| returned as f64 / non_mated.len() as f64;
    if non_mated.is_empty() || fpir(1) > target {
        return None;
    }
    // The first non-mated distance that must be refused, with all that equal it.
    let allowed = (0..=non_mated.len()).rev().find(|&returned| fpir(returned) <= target)?;
    let threshold = match non_mated.get(allowed) {
        None => 4.0,
        Some(&refused) => threshold_below(searches, non_mated, refused)?,
    };
    let missed = searches.mated.iter().filter(|&&(rank, distance)| rank > 1 || distance > threshold).count();
    Some((missed as f64 / searches.mated.len() as f64, f64::from(threshold)))
}

/// The middle between `refused` and the nearest distance below it that occurs, or 0.
fn threshold_below(searches: &Searches, non_mated: &[f32], refused: f32) -> Option<f32> {
    let mated = searches.mated.iter().map(|&(_, distance)| distance);
    let below = non_mated.iter().copied().chain(mated).filter(|&distance| distance < refused);
    let below = below.fold(0.0, f32::max);
    let middle = f32::midpoint(below, refused);
    (refused > 0.0).then_some(if middle < refused { middle } else { below })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn searches(mated: &[(usize, f32)], non_mated: &[f32]) -> Searches {
        Searches { mated: mated.into(), non_mated: non_mated.into() }
    }

    fn fnir(searches: &Searches, target: f64) -> Option<(f64, f64)> {
        let mut sorted = searches.non_mated.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        fnir_at(searches, &sorted, target)
    }

    #[test]
    fn the_curve_counts_each_rank_and_all_before_it() {
        let searches = searches(&[(1, 0.5), (3, 0.5), (1, 1.0), (2, 0.5)], &[]);
        assert_eq!(cmc(&searches, 4), [0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn four_strangers_and_four_probes_by_hand() {
        // Strangers come as near as 1.0, 2.0, 2.0, 3.0.
        let searches = searches(&[(1, 0.5), (1, 1.5), (2, 0.25), (1, 2.5)], &[2.0, 1.0, 3.0, 2.0]);
        // One stranger may pass: up to below 2.0, where the next distances are 1.5 and 2.0.
        assert_eq!(fnir(&searches, 0.25), Some((0.5, 1.75)));
        assert_eq!(fnir(&searches, 0.5), Some((0.5, 1.75)), "both at 2.0 would be three");
        assert_eq!(fnir(&searches, 0.75), Some((0.25, 2.75)));
        assert_eq!(
            fnir(&searches, 1.0),
            Some((0.25, 4.0)),
            "the wrong person at rank 1 is a miss at any threshold"
        );
        assert_eq!(fnir(&searches, 0.24), None, "finer than one stranger of four");
    }

    #[test]
    fn without_strangers_or_with_all_of_them_at_zero_there_is_no_rate() {
        assert_eq!(fnir(&searches(&[(1, 0.5)], &[]), 1.0), None);
        assert_eq!(fnir(&searches(&[(1, 0.0)], &[0.0, 0.0]), 0.5), None);
        assert_eq!(fnir(&searches(&[(1, 0.0)], &[0.0, 0.0]), 1.0), Some((0.0, 4.0)));
    }

    #[test]
    fn a_long_curve_keeps_its_first_ranks_and_its_end() {
        let drawn: Vec<usize> = (1..=30_001).filter(|&rank| is_drawn(rank, 30_001)).collect();
        assert_eq!(drawn[..50], (1..=50).collect::<Vec<_>>());
        assert_eq!(drawn.last(), Some(&30_001));
        assert!(drawn.len() < 700, "{}", drawn.len());
    }

    /// Every threshold on a grid finer than the distances, tried out.
    fn naive(searches: &Searches, target: f64) -> Option<f64> {
        let strangers = searches.non_mated.len() as f64;
        let fpir = |t: f32| searches.non_mated.iter().filter(|&&d| d <= t).count() as f64 / strangers;
        let best = (0..=32).map(|step| step as f32 / 8.0).rfind(|&t| fpir(t) <= target);
        let missed = |t: f32| searches.mated.iter().filter(|&&(rank, d)| rank > 1 || d > t).count() as f64;
        if 1.0 / strangers > target { None } else { Some(missed(best?) / searches.mated.len() as f64) }
    }

    proptest! {
        #[test]
        fn fnir_equals_an_exhaustive_search(
            mated in prop::collection::vec((1usize..3, 0u8..=16), 1..20),
            strangers in prop::collection::vec(0u8..=16, 1..20),
            target in prop::sample::select(vec![1.0, 0.5, 0.25, 0.1, 0.05]),
        ) {
            let grid = |steps: u8| f32::from(steps) / 4.0;
            let mated: Vec<_> = mated.into_iter().map(|(rank, steps)| (rank, grid(steps))).collect();
            let strangers: Vec<_> = strangers.into_iter().map(grid).collect();
            let searches = searches(&mated, &strangers);
            prop_assert_eq!(fnir(&searches, target).map(|(fnir, _)| fnir), naive(&searches, target));
        }
    }
}
