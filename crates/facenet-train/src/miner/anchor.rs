//! What one anchor gives: its positives, and a negative for each.

use std::ops::Range;

use super::hardness::Hardness;
use super::ranked::{Neighbour, Ranked};
use super::{MinerConfig, NegativeRule, PositiveRule, Triplet};

/// An anchor and its distances to all faces, people one after the other.
#[derive(Clone, Copy)]
pub(super) struct Anchor<'a> {
    /// Where it stands.
    pub(super) position: usize,
    /// Where its person starts and ends.
    pub(super) run: (usize, usize),
    /// `[batch]`, by position.
    pub(super) distances: &'a [f32],
    /// Position to row.
    pub(super) order: &'a [u32],
}

/// How triplets are chosen, for all anchors of a batch.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) config: MinerConfig,
    /// Positives beyond it are passed over.
    pub(super) farthest_positive: f32,
    pub(super) seed: u64,
}

/// Counts and sums over some anchors.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) pairs: usize,
    pub(super) capped: usize,
    pub(super) without_negative: usize,
    pub(super) solved: usize,
    pub(super) positives: Sum,
    pub(super) negatives: Sum,
    pub(super) mined_positives: Sum,
    pub(super) mined_negatives: Sum,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.capped += other.capped;
        self.without_negative += other.without_negative;
        self.solved += other.solved;
        self.positives.add(other.positives);
        self.negatives.add(other.negatives);
        self.mined_positives.add(other.mined_positives);
        self.mined_negatives.add(other.mined_negatives);
    }
}

/// A sum of distances and of how many.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum {
    pub(super) total: f64,
    pub(super) count: usize,
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.total += other.total;
        self.count += other.count;
    }

    fn push(&mut self, distance: f32) {
        self.add(Self { total: f64::from(distance), count: 1 });
    }

    /// None without summands.
    pub(super) fn mean(self) -> Option<f32> {
        (self.count > 0).then(|| (self.total / self.count as f64) as f32)
    }
}

impl<'a> Anchor<'a> {
    fn negatives(&self) -> [(&'a [f32], &'a [u32]); 2] {
        let part = |range: Range<usize>| (&self.distances[range.clone()], &self.order[range]);
        [part(0..self.run.0), part(self.run.1..self.distances.len())]
    }

    /// The positions of the positives.
    fn positives(self) -> impl Iterator<Item = usize> {
        (self.run.0..self.run.1).filter(move |&position| position != self.position)
    }

    /// Adds the anchor's triplets, in the order of positives, and its counts.
    pub(super) fn mine(
        self,
        choice: &Choice,
        ranked: &mut Ranked,
        triplets: &mut Vec<Triplet>,
        tally: &mut Tally,
    ) {
        let mut negatives = Negatives::of(self.negatives(), choice.config, ranked);
        tally.negatives.add(negatives.spread.sum);
        self.positives().for_each(|p| tally.positives.push(self.distances[p]));

        let allowed = |p: &usize| self.distances[*p] <= choice.farthest_positive;
        match choice.config.positives {
            PositiveRule::All => {
                let pairs = self.run.1 - self.run.0 - 1;
                let used = self.positives().filter(allowed);
                let used = used.map(|p| self.pair(p, choice, &mut negatives, triplets, tally)).count();
                tally.pairs += pairs;
                tally.capped += pairs - used;
            }
            PositiveRule::Hardest => {
                let any = self.run.1 - self.run.0 > 1;
                let farther = |a: usize, b: usize| if self.distances[b] > self.distances[a] { b } else { a };
                let hardest = self.positives().filter(allowed).reduce(farther);
                tally.pairs += usize::from(any);
                tally.capped += usize::from(any && hardest.is_none());
                if let Some(p) = hardest {
                    self.pair(p, choice, &mut negatives, triplets, tally);
                }
            }
        }
    }

    fn pair(
        self,
        positive: usize,
        choice: &Choice,
        negatives: &mut Negatives,
        triplets: &mut Vec<Triplet>,
        tally: &mut Tally,
    ) {
        let (anchor, d_ap) = (self.order[self.position], self.distances[positive]);
        let positive = self.order[positive];
        let limit = Hardness::limit(d_ap, choice.config.margin);
        tally.solved += usize::from(negatives.all_beyond(limit));
        let negative = negatives
            .choose(choice.config.rule, d_ap, limit, |count| draw(choice.seed, anchor, positive, count));
        let Some(negative) = negative else {
            tally.without_negative += 1;
            return;
        };
        tally.mined_positives.push(d_ap);
        tally.mined_negatives.push(negative.distance());
        triplets.push(Triplet { anchor, positive, negative: negative.row() });
    }
}

/// The negatives of an anchor, ranked only once a rule has to look between the nearest and the farthest.
struct Negatives<'a, 'r> {
    parts: [(&'a [f32], &'a [u32]); 2],
    spread: Spread,
    /// How many of the nearest are passed over.
    passed_over: usize,
    ranked: &'r mut Ranked,
    filled: bool,
    nearest: Option<Neighbour>,
}

impl<'a, 'r> Negatives<'a, 'r> {
    fn of(parts: [(&'a [f32], &'a [u32]); 2], config: MinerConfig, ranked: &'r mut Ranked) -> Self {
        let spread = Spread::of(parts[0].0).and(Spread::of(parts[1].0));
        let passed_over = (f64::from(config.cap) * spread.sum.count as f64) as usize;
        Self { parts, spread, passed_over, ranked, filled: false, nearest: None }
    }

    fn ranked(&mut self) -> &mut Ranked {
        if !self.filled {
            self.ranked.fill(self.parts, self.spread.low, self.spread.high);
            self.filled = true;
        }
        self.ranked
    }

    /// The nearest that is used; of equals the first row.
    fn nearest(&mut self) -> Option<Neighbour> {
        if self.spread.sum.count == 0 {
            return None;
        }
        if self.passed_over > 0 {
            let rank = self.passed_over;
            return Some(self.ranked().nth(rank));
        }
        let (parts, low) = (self.parts, self.spread.low);
        Some(*self.nearest.get_or_insert_with(|| {
            let rows = parts.iter().flat_map(|(distances, rows)| distances.iter().zip(*rows));
            let row = rows.filter(|(d, _)| **d == low).map(|(_, row)| *row).min();
            Neighbour::new(low, row.expect("one of the distances is the lowest"))
        }))
    }

    /// Whether nothing that is used lies within `limit`.
    fn all_beyond(&mut self, limit: f32) -> bool {
        // The lowest is known without a search.
        self.spread.low > limit
            || self.passed_over > 0 && self.nearest().is_none_or(|nearest| nearest.distance() > limit)
    }

    /// The negative for a positive at `d_ap`; those up to `limit` are not easy. `draw` gives a number below
    /// the one that it is given.
    fn choose(
        &mut self,
        rule: NegativeRule,
        d_ap: f32,
        limit: f32,
        draw: impl FnOnce(usize) -> usize,
    ) -> Option<Neighbour> {
        let beyond = self.all_beyond(limit);
        match rule {
            NegativeRule::Hardest | NegativeRule::SemiHardRandom | NegativeRule::SemiHardNearest
                if beyond =>
            {
                None
            }
            NegativeRule::Hardest => self.nearest(),
            NegativeRule::SemiHardOrFarthest if beyond => self.nearest(),
            NegativeRule::SemiHardOrFarthest => match self.not_hard(d_ap) {
                rank if rank < self.spread.sum.count => Some(self.ranked().nth(rank)),
                _ => {
                    let used = self.passed_over;
                    self.ranked().farthest(used)
                }
            },
            NegativeRule::SemiHardNearest => {
                let rank = self.not_hard(d_ap);
                (rank < self.ranked().up_to(limit)).then(|| self.ranked().nth(rank))
            }
            NegativeRule::SemiHardRandom => {
                let rank = self.not_hard(d_ap);
                let count = self.ranked().up_to(limit).saturating_sub(rank);
                (count > 0).then(|| self.ranked().nth(rank + draw(count)))
            }
        }
    }

    /// The rank of the first that is used and farther than the positive.
    fn not_hard(&mut self, d_ap: f32) -> usize {
        self.ranked().up_to(d_ap).max(self.passed_over)
    }
}

/// The sum and the ends of some distances.
#[derive(Debug, Clone, Copy)]
struct Spread {
    sum: Sum,
    low: f32,
    high: f32,
}

impl Spread {
    /// In one sweep of sixteen lanes. At 1,800 faces a lane adds up 112 numbers, so that 32 bits lose less than
    /// 1e-5 of the sum.
    fn of(distances: &[f32]) -> Self {
        const LANES: usize = 16;
        let (mut sums, mut lows, mut highs) =
            ([0.0f32; LANES], [f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let (chunks, rest) = distances.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                sums[i] += chunk[i];
                lows[i] = if chunk[i] < lows[i] { chunk[i] } else { lows[i] };
                highs[i] = if chunk[i] > highs[i] { chunk[i] } else { highs[i] };
            }
        }
        for (i, &d) in rest.iter().enumerate() {
            sums[i] += d;
            lows[i] = lows[i].min(d);
            highs[i] = highs[i].max(d);
        }
        let total = sums.iter().map(|sum| f64::from(*sum)).sum();
        Self {
            sum: Sum { total, count: distances.len() },
            low: lows.into_iter().fold(f32::INFINITY, f32::min),
            high: highs.into_iter().fold(f32::NEG_INFINITY, f32::max),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.sum.add(other.sum);
        Self { sum: self.sum, low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// A number below `count` that depends on seed, anchor and positive alone, each as likely to within
/// `count / 2^64`: the mixer of SplitMix64 (Steele et al. 2014) twice, which needs
/// no generator to be started for each anchor.
pub(super) fn draw(seed: u64, anchor: u32, positive: u32, count: usize) -> usize {
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let random = mix(mix(seed) ^ (u64::from(anchor) << 32 | u64::from(positive)));
    ((u128::from(random) * count as u128) >> 64) as usize
}
