//! The distances within and between people as two overlaid histograms.

use std::fmt::Write;

use super::axis::{ABOVE, Axis};
use super::chart::{MEMORY, below, grid, open};
use super::text::grouped;
use crate::{BINS, Histogram, Snapshot};

/// The distances of a snapshot as a `<figure>`, with the `threshold` of the last validation.
///
/// Each histogram shows shares of its own pairs: there are many more pairs of different people.
pub(super) fn figure(snapshot: Option<&Snapshot>, threshold: Option<f32>) -> String {
    let mut out =
        String::from("<figure class=\"card\"><figcaption><h2>Distances of pairs in the latest batch</h2>");
    let Some(snapshot) = snapshot else {
        out.push_str("</figcaption>\n<p class=\"nothing\">Nothing was measured yet.</p></figure>\n");
        return out;
    };
    let (same, different) = (&snapshot.positives, &snapshot.negatives);
    out.push_str("<p class=\"legend\">");
    for (class, name, histogram) in
        [("same", "same person", same), ("different", "different people", different)]
    {
        let pairs = grouped(histogram.total());
        write!(out, "<span class=\"key {class}\">{name} <b>{pairs}</b></span> ").expect(MEMORY);
    }
    out.push_str("</p></figcaption>\n");
    picture(&mut out, same, different, threshold);
    out.push_str("</figure>\n");
    out
}

fn picture(out: &mut String, same: &Histogram, different: &Histogram, threshold: Option<f32>) {
    let (same, different) = (shares(same), shares(different));
    let highest = same.iter().chain(&different).copied().fold(0.0, f64::max);
    let (x, y) =
        (Axis::horizontal(0.0, 4.0), Axis::vertical(0.0, if highest > 0.0 { highest * 1.06 } else { 1.0 }));
    let marked = threshold.map_or(String::new(), |d| format!(" The threshold is {d:.2}."));
    open(
        out,
        &format!(
            "Squared distances from 0 to 4, in percent of pairs. Median of the same person: {}; of different \
             people: {}.{marked}",
            median(&same),
            median(&different)
        ),
    );
    grid(out, &x, &y);
    for distance in 0..=4u8 {
        below(out, x.at(f64::from(distance)), &distance.to_string());
    }
    for (class, shares) in [("different", &different), ("same", &same)] {
        let mut d = format!("M{:.1} {:.1}", x.at(0.0), y.at(0.0));
        for (bin, share) in shares.iter().enumerate() {
            let edge = |bin: usize| x.at(4.0 * bin as f64 / BINS as f64);
            write!(d, "L{:.1} {:.1}H{:.1}", edge(bin), y.at(*share), edge(bin + 1)).expect(MEMORY);
        }
        writeln!(out, "<path class=\"bars {class}\" d=\"{d}V{:.1}Z\"/>", y.at(0.0)).expect(MEMORY);
    }
    if let Some(threshold) = threshold {
        let at = x.at(f64::from(threshold));
        writeln!(out, "<path class=\"threshold\" d=\"M{at:.1} {ABOVE}V{:.1}\"/>", y.start).expect(MEMORY);
        let (place, side) = if threshold < 2.5 { (at + 5.0, "start") } else { (at - 5.0, "end") };
        let top = ABOVE + 10.0;
        writeln!(
            out,
            "<text class=\"{side} strong\" x=\"{place:.1}\" y=\"{top:.1}\">threshold {threshold:.2}</text>"
        )
        .expect(MEMORY);
    }
    out.push_str("</svg>\n");
}

/// Percent of the pairs in each bin; all 0 without pairs.
fn shares(histogram: &Histogram) -> Vec<f64> {
    let total = histogram.total().max(1) as f64;
    histogram.counts().iter().map(|count| 100.0 * *count as f64 / total).collect()
}

/// The middle of the bin that the median lies in, in words.
fn median(shares: &[f64]) -> String {
    let mut sum = 0.0;
    let bin = shares.iter().position(|share| {
        sum += share;
        sum >= 50.0
    });
    bin.map_or("none".into(), |bin| format!("{:.2}", 4.0 * (bin as f64 + 0.5) / BINS as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(same: &[usize], different: &[usize]) -> Snapshot {
        let histogram = |bins: &[usize]| {
            let counts: Vec<u64> =
                (0..BINS).map(|bin| bins.iter().filter(|b| **b == bin).count() as u64).collect();
            serde_json::from_value(serde_json::json!(counts)).unwrap()
        };
        Snapshot { step: 1, positives: histogram(same), negatives: histogram(different), hardest: vec![] }
    }

    #[test]
    fn each_histogram_is_told_with_its_pairs_its_median_and_the_threshold() {
        let html = figure(Some(&snapshot(&[2, 3, 4], &[20])), Some(1.25));
        assert!(html.contains("same person <b>3</b></span>"), "{html}");
        assert!(
            html.contains(
                "Median of the same person: 0.35; of different people: 2.05. The threshold is 1.25."
            )
        );
        assert_eq!(html.matches("class=\"bars").count(), 2);
        assert!(html.contains("threshold 1.25</text>"));
    }

    #[test]
    fn no_pairs_of_one_kind_and_no_threshold_are_no_trouble() {
        let html = figure(Some(&snapshot(&[], &[0])), None);
        assert!(html.contains("Median of the same person: none"), "{html}");
        assert!(!html.contains("NaN") && !html.contains("class=\"threshold\""), "{html}");
        let html = figure(Some(&snapshot(&[], &[])), None);
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        assert!(figure(None, Some(1.0)).contains("Nothing was measured yet"));
    }
}
