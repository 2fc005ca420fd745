//! The paper's hold-out protocol: five splits, all pairs of each, VAL at FAR with its standard error.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{AllPairsFigures, Bounds, DotProducts, FaceMatrix, PairSet};
use crate::{FoldMean, NotMeasurable, OperatingPoint, TARGET_FARS};

/// Which pairs of a split are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pairing {
    /// A random half of the faces with the other half: the paper's 100,000 × 100,000 of 200,000.
    Halves,
    /// Every face with every other one, each pair once: twice as many pairs, for small sets.
    All,
}

/// How faces are split (Schroff et al. 2015, §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOut {
    /// The number of splits, disjoint in people; the paper has five.
    pub splits: usize,
    /// Which pairs of a split are compared.
    pub pairing: Pairing,
    /// The seed of the splits.
    pub seed: u64,
}

/// What the protocol found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldOutReport {
    /// How the faces were split.
    pub protocol: HoldOut,
    /// VAL at each of [`TARGET_FARS`]: its mean over the splits, each at its own threshold. None when a split cannot
    /// measure it, or with a single split.
    pub val_at_far: Vec<Option<FoldMean>>,
    /// Mean equal error rate; none with a single split.
    pub eer: Option<FoldMean>,
    /// Each split's own figures.
    pub splits: Vec<HoldOutSplit>,
}

/// One split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldOutSplit {
    /// Its people.
    pub people: usize,
    /// Its faces.
    pub faces: usize,
    /// Pairs of one person.
    pub genuine: u64,
    /// Pairs of two people.
    pub impostors: u64,
    /// At each of [`TARGET_FARS`]: exact.
    pub val_at_far: Vec<Option<OperatingPoint>>,
    /// Equal error rate: exact.
    pub eer: f64,
    /// The area under the ROC lies between these two.
    pub auc: Bounds,
    /// The curve itself.
    #[serde(skip)]
    pub roc: Option<crate::Roc>,
}

impl Default for HoldOut {
    /// The paper's five splits.
    fn default() -> Self {
        Self { splits: 5, pairing: Pairing::Halves, seed: 0 }
    }
}

impl HoldOut {
    /// Splits `faces` and measures each split.
    ///
    /// # Errors
    /// When there is no split, or one of them lacks pairs of a kind: too few people or faces.
    pub fn measure(
        &self,
        faces: &FaceMatrix,
        products: &dyn DotProducts,
    ) -> Result<HoldOutReport, NotMeasurable> {
        self.measure_beside(faces, None, products)
    }

    /// As [`measure`](Self::measure), each pair with one face as it is in `faces` and the other as it is in `changed`:
    /// the same faces in the same order, embedded anew. Of halves, the second is taken from `changed`.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    ///
    /// # Panics
    /// When `changed` holds other people, or embeddings of another dimension.
    pub fn measure_changed(
        &self,
        faces: &FaceMatrix,
        changed: &FaceMatrix,
        products: &dyn DotProducts,
    ) -> Result<HoldOutReport, NotMeasurable> {
        assert_eq!(faces.people(), changed.people(), "the same faces, changed");
        Self { pairing: Pairing::Halves, ..*self }.measure_beside(faces, Some(changed), products)
    }

    fn measure_beside(
        &self,
        faces: &FaceMatrix,
        changed: Option<&FaceMatrix>,
        products: &dyn DotProducts,
    ) -> Result<HoldOutReport, NotMeasurable> {
        let splits = self.split(faces);
        if splits.is_empty() {
            return Err(NotMeasurable::NoPairs);
        }
        let measure = |split: &Vec<usize>| {
            let changed = changed.map(|changed| changed.select(split));
            self.measure_split(&faces.select(split), changed.as_ref(), products)
        };
        let splits: Vec<HoldOutSplit> = splits.iter().map(measure).collect::<Result<_, _>>()?;
        let val_mean = |i: usize| {
            let vals: Option<Vec<f64>> =
                splits.iter().map(|split| split.val_at_far[i].map(|point| point.val)).collect();
            FoldMean::of(&vals?)
        };
        Ok(HoldOutReport {
            protocol: *self,
            val_at_far: (0..TARGET_FARS.len()).map(val_mean).collect(),
            eer: FoldMean::of(&splits.iter().map(|split| split.eer).collect::<Vec<_>>()),
            splits,
        })
    }

    /// The indices of the faces of each split: people are drawn in random order and join the smallest split. The
    /// order of the faces does not matter, only their people's numbers and the order of each person's own.
    fn split(&self, faces: &FaceMatrix) -> Vec<Vec<usize>> {
        let mut by_person: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (face, &person) in faces.people().iter().enumerate() {
            by_person.entry(person).or_default().push(face);
        }
        let mut people: Vec<Vec<usize>> = by_person.into_values().collect();
        people.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let mut splits = vec![Vec::new(); self.splits];
        for person in people {
            if let Some(smallest) = splits.iter_mut().min_by_key(|split| split.len()) {
                smallest.extend(person);
            }
        }
        splits
    }

    fn measure_split(
        &self,
        faces: &FaceMatrix,
        changed: Option<&FaceMatrix>,
        products: &dyn DotProducts,
    ) -> Result<HoldOutSplit, NotMeasurable> {
        let pairs = match self.pairing {
            Pairing::All => PairSet::within(faces),
            Pairing::Halves => {
                let mut order: Vec<usize> = (0..faces.len()).collect();
                order.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(1)));
                let (left, right) = order.split_at(order.len() / 2);
                PairSet::between(&faces.select(left), &changed.unwrap_or(faces).select(right))
                    .expect("one set has one dimension")
            }
        };
        let figures = AllPairsFigures::measure(&pairs, &TARGET_FARS, products)?;
        let mut people = faces.people().to_vec();
        people.sort_unstable();
        people.dedup();
        Ok(HoldOutSplit {
            people: people.len(),
            faces: faces.len(),
            genuine: figures.genuine,
            impostors: figures.impostors,
            val_at_far: figures.val_at_far,
            eer: figures.eer,
            auc: figures.auc,
            roc: Some(figures.roc),
        })
    }
}

/// A table for people.
impl std::fmt::Display for HoldOutReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let mean =
            |mean: &FoldMean| format!("{:5.2} % ± {:.2}", 100.0 * mean.mean, 100.0 * mean.standard_error);
        writeln!(
            f,
            "{:<16}{} splits of people ({})",
            "protocol",
            self.protocol.splits,
            match self.protocol.pairing {
                Pairing::Halves => "one half of the faces with the other",
                Pairing::All => "every face with every other",
            }
        )?;
        for (i, target) in TARGET_FARS.iter().enumerate() {
            let least = self.splits.iter().map(|split| split.impostors).min().unwrap_or(0);
            let text = match &self.val_at_far[i] {
                Some(val) => mean(val),
                None if (least as f64) * target < 1.0 => {
                    format!("not measurable: needs {:.0} impostor pairs a split, found {least}", 1.0 / target)
                }
                None => "not measurable in every split".into(),
            };
            writeln!(f, "{:<16}{text}", format!("VAL @ FAR {target:.0e}"))?;
        }
        writeln!(f, "{:<16}{}", "EER", self.eer.as_ref().map_or("needs two splits".into(), mean))?;
        for (i, split) in self.splits.iter().enumerate() {
            let val = split.val_at_far[2].map_or("none".into(), |point| percent(point.val));
            let HoldOutSplit { people, faces, genuine, impostors, eer, auc, .. } = split;
            let auc = f64::midpoint(auc.low, auc.high);
            write!(
                f,
                "{:<16}{people} people, {faces} faces, {genuine} genuine, {impostors} impostor pairs: \
                 VAL @ 1e-3 {val}, EER {}, AUC {auc:.4}",
                format!("split {}", i + 1),
                percent(*eer)
            )?;
            if i + 1 < self.splits.len() {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
