//! Clusterings of one set of faces, side by side, with what they cost.

use std::fmt::{Display, Formatter, Result};

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

use super::ClusteringScores;

/// Clusterings of the same faces; its `Display` is a table for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusteringReport {
    /// The model whose embeddings were clustered.
    pub model: String,
    /// The data that the faces are from.
    pub data: String,
    /// Each linkage at each threshold. No run was chosen by its scores.
    pub runs: Vec<ClusteringRun>,
    /// The most memory that the process held at any time, in bytes; none where the system does not say.
    pub peak_bytes: Option<u64>,
}

/// One clustering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusteringRun {
    /// How far two groups are apart: `average`, `complete`, `single`, `ward`.
    pub linkage: String,
    /// Groups up to this far apart were joined (inclusive).
    pub threshold: Distance,
    /// Where the threshold comes from: the data it was calibrated on, or `by hand`.
    pub threshold_from: String,
    /// The false accept rate it was calibrated to there; none when chosen by hand.
    pub false_accept_rate: Option<f64>,
    /// How well the clusters agree with the people.
    pub scores: ClusteringScores,
    /// Seconds that the clustering took, without embedding.
    pub seconds: f64,
    /// Bytes of the distances of all pairs, which the clustering holds.
    pub distances_bytes: u64,
}

impl Display for ClusteringReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "model   {}\ndata    {}", self.model, self.data)?;
        if let Some(ClusteringRun { scores, distances_bytes, .. }) = self.runs.first() {
            writeln!(f, "faces   {} of {} people", scores.faces, scores.people)?;
            let peak = self.peak_bytes.map_or("unknown".into(), mebibytes);
            writeln!(f, "memory  {} of distances, {peak} in all at most", mebibytes(*distances_bytes))?;
        }
        writeln!(
            f,
            "\n{:<9} {:>9}  {:>8} {:>6}  {:^23}  {:^23}  {:>6}  {:>8}  threshold from",
            "linkage",
            "threshold",
            "clusters",
            "alone",
            "pairwise P, R, F %",
            "BCubed P, R, F %",
            "NMI",
            "seconds"
        )?;
        for (index, run) in self.runs.iter().enumerate() {
            let end = if index + 1 < self.runs.len() { "\n" } else { "" };
            let ClusteringScores { clusters, alone, pairwise, bcubed, nmi, .. } = run.scores;
            let rates = |of: super::Agreement| {
                format!("{:>7} {:>7} {:>7}", percent(of.precision), percent(of.recall), percent(of.f))
            };
            write!(
                f,
                "{:<9} {:>9.3}  {clusters:>8} {alone:>6}  {}  {}  {nmi:>6.4}  {:>8.2}  {}{end}",
                run.linkage,
                run.threshold.value(),
                rates(pairwise),
                rates(bcubed),
                run.seconds,
                run.origin()
            )?;
        }
        Ok(())
    }
}

impl ClusteringRun {
    /// Where the threshold comes from, in words: `FAR 1e-3 on pairs.txt`.
    pub fn origin(&self) -> String {
        match self.false_accept_rate {
            Some(far) => format!("FAR {far:.1e} on {}", self.threshold_from),
            None => self.threshold_from.clone(),
        }
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |share| format!("{:.2}", 100.0 * share))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_where_each_threshold_comes_from_and_what_it_cost() {
        let run = |threshold: f32, far| ClusteringRun {
            linkage: "average".into(),
            threshold: Distance::new(threshold).unwrap(),
            threshold_from: if far == 0.0 { "by hand".into() } else { "pairs.txt".into() },
            false_accept_rate: (far > 0.0).then_some(far),
            scores: ClusteringScores::of(&["a", "a", "b"], &[0, 1, 2]).unwrap(),
            seconds: 0.125,
            distances_bytes: 3 << 20,
        };
        let runs = vec![run(0.5, 1e-3), run(1.0, 0.0)];
        let report =
            ClusteringReport { model: "m".into(), data: "faces/".into(), runs, peak_bytes: Some(9 << 20) };
        insta::assert_snapshot!(report, @r"
        model   m
        data    faces/
        faces   3 of 2 people
        memory  3.0 MiB of distances, 9.0 MiB in all at most

        linkage   threshold  clusters  alone    pairwise P, R, F %        BCubed P, R, F %         NMI   seconds  threshold from
        average       0.500         3      3        –    0.00    0.00   100.00   66.67   80.00  0.7337      0.12  FAR 1.0e-3 on pairs.txt
        average       1.000         3      3        –    0.00    0.00   100.00   66.67   80.00  0.7337      0.12  by hand
        ");
    }
}
