//! Mining against the published libraries whose conventions it names: values that they gave, made by
//! `fixtures/mining/make.py`.

use std::collections::{BTreeMap, BTreeSet};

use facenet_train::{
    MinerConfig, NegativeRule, PositiveRule, SquaredDistances, Triplet, TripletKind, all_triplets, mine,
    triplet_loss,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Batches {
    batches: BTreeMap<String, Batch>,
}

#[derive(Deserialize)]
struct Batch {
    dimension: usize,
    labels: Vec<u32>,
    embeddings: Vec<f32>,
}

#[derive(Deserialize)]
struct Reference<Case> {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct TensorflowAddons {
    batch: String,
    margin: f32,
    triplet_semihard_loss: f32,
    triplet_hard_loss: f32,
}

#[derive(Deserialize)]
struct PytorchMetricLearning {
    batch: String,
    margin: f32,
    triplet_margin_miner: BTreeMap<String, BTreeSet<(u32, u32, u32)>>,
    batch_hard_miner: BTreeSet<(u32, u32, u32)>,
    mean_loss: BTreeMap<String, f32>,
}

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/mining/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn batches() -> BTreeMap<String, Batch> {
    fixture::<Batches>("batch").batches
}

fn cases<Case: DeserializeOwned>(name: &str) -> Vec<Case> {
    let cases = fixture::<Reference<Case>>(name).cases;
    assert_eq!(cases.len(), 4);
    cases
}

impl Batch {
    fn mine(&self, config: MinerConfig) -> Vec<Triplet> {
        mine(&self.embeddings, &self.labels, config, 0).unwrap().triplets
    }

    fn loss_of_lonely_anchors(&self, margin: f32) -> f32 {
        let distances = SquaredDistances::between(&self.embeddings, self.labels.len()).unwrap();
        let others = |a: usize| (0..self.labels.len()).filter(move |&other| other != a);
        let lonely = |a: &usize| others(*a).all(|other| self.labels[other] != self.labels[*a]);
        let nearest = |a: usize| others(a).map(|n| distances.from(a)[n]).fold(4.0, f32::min);
        (0..self.labels.len()).filter(lonely).map(|a| (margin - nearest(a)).max(0.0)).sum()
    }

    fn mean_loss(&self, triplets: &[Triplet], margin: f32) -> f32 {
        triplet_loss(&self.embeddings, self.dimension, triplets, margin).value
    }
}

fn config(margin: f32, rule: NegativeRule, positives: PositiveRule) -> MinerConfig {
    MinerConfig { margin, rule, positives, cap: 0.0 }
}

fn set(triplets: &[Triplet]) -> BTreeSet<(u32, u32, u32)> {
    triplets.iter().map(|t| (t.anchor, t.positive, t.negative)).collect()
}

/// 32-bit sums of some hundred terms of about 1.
fn assert_close(found: f32, expected: f32, what: &str) {
    assert!((found - expected).abs() < 1e-5, "{what}: found {found}, expected {expected}");
}

#[test]
fn semi_hard_or_farthest_has_the_semihard_loss_of_tensorflow_addons() {
    for case in cases::<TensorflowAddons>("tensorflow_addons") {
        let batch = &batches()[&case.batch];
        let triplets = batch.mine(config(case.margin, NegativeRule::SemiHardOrFarthest, PositiveRule::All));
        assert_close(batch.mean_loss(&triplets, case.margin), case.triplet_semihard_loss, &case.batch);
    }
}

#[test]
fn batch_hard_has_the_hard_loss_of_tensorflow_addons() {
    for case in cases::<TensorflowAddons>("tensorflow_addons") {
        let batch = &batches()[&case.batch];
        let triplets = batch.mine(config(case.margin, NegativeRule::Hardest, PositiveRule::Hardest));
        // Theirs is the mean over all anchors; ours leaves out those whose loss is zero, and those without a
        // positive, for which theirs takes a positive at distance zero.
        let sum = batch.mean_loss(&triplets, case.margin) * triplets.len() as f32;
        let found = (sum + batch.loss_of_lonely_anchors(case.margin)) / batch.labels.len() as f32;
        assert_close(found, case.triplet_hard_loss, &case.batch);
    }
}

#[test]
fn all_triplets_of_a_kind_are_those_of_the_margin_miner_of_pytorch_metric_learning() {
    for case in cases::<PytorchMetricLearning>("pytorch_metric_learning") {
        let batch = &batches()[&case.batch];
        for (name, kind) in [
            ("all", TripletKind::All),
            ("hard", TripletKind::Hard),
            ("semihard", TripletKind::SemiHard),
            ("easy", TripletKind::Easy),
        ] {
            let found = all_triplets(&batch.embeddings, &batch.labels, case.margin, kind).unwrap();
            assert!(!found.is_empty());
            assert_eq!(set(&found), case.triplet_margin_miner[name], "{name} of {}", case.batch);
            assert_close(batch.mean_loss(&found, case.margin), case.mean_loss[name], name);
        }
    }
}

#[test]
fn batch_hard_is_the_batch_hard_miner_of_pytorch_metric_learning() {
    for case in cases::<PytorchMetricLearning>("pytorch_metric_learning") {
        let batch = &batches()[&case.batch];
        // Theirs takes easy negatives too; no gap is above a margin of 4.
        let found = batch.mine(config(4.0, NegativeRule::Hardest, PositiveRule::Hardest));
        assert_eq!(set(&found), case.batch_hard_miner, "{}", case.batch);
        assert_close(batch.mean_loss(&found, case.margin), case.mean_loss["batch_hard"], &case.batch);
    }
}

#[test]
fn every_semi_hard_choice_is_a_semihard_triplet_of_pytorch_metric_learning_one_for_each_pair() {
    for case in cases::<PytorchMetricLearning>("pytorch_metric_learning") {
        let batch = &batches()[&case.batch];
        let theirs = &case.triplet_margin_miner["semihard"];
        let pairs = |triplets: &BTreeSet<(u32, u32, u32)>| -> BTreeSet<(u32, u32)> {
            triplets.iter().map(|&(a, p, _)| (a, p)).collect()
        };
        for rule in [NegativeRule::SemiHardRandom, NegativeRule::SemiHardNearest] {
            let found = set(&batch.mine(config(case.margin, rule, PositiveRule::All)));
            assert!(found.is_subset(theirs));
            assert_eq!(pairs(&found), pairs(theirs), "{rule:?} of {}", case.batch);
        }
    }
}
