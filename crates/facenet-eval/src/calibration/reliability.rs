//! Whether stated probabilities come true: a table and a picture.

use facenet_core::Calibration;
use plotters::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ScoredPairs;
use crate::picture::{COLOURS, GRID, INK, PictureError, SIZE_PX, text};

/// Equal parts of the range of probabilities.
const BINS: usize = 10;

/// Pairs whose stated probabilities are about equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The mean of what was stated, in `[0, 1]`.
    pub stated: f64,
    /// The share that are one person, both kinds weighing the same altogether, in `[0, 1]`.
    pub observed: f64,
    /// The number of pairs.
    pub pairs: u64,
}

/// The pairs in ten equal parts of the range of probabilities, lowest first; parts without a pair are left out.
pub fn reliability(pairs: &ScoredPairs, calibration: &Calibration) -> Vec<ReliabilityBin> {
    #[derive(Clone, Copy, Default)]
    struct Sum {
        stated: f64,
        same: f64,
        weight: f64,
        pairs: u64,
    }
    let mut sums = [Sum::default(); BINS];
    for pair in pairs.weighed() {
        let stated = calibration.probability(pair.distance);
        let kind = if pair.same { pairs.genuine() } else { pairs.impostors() };
        let weight = 0.5 / kind as f64;
        let sum = &mut sums[((stated * BINS as f64) as usize).min(BINS - 1)];
        sum.stated += weight * stated;
        sum.same += if pair.same { weight } else { 0.0 };
        sum.weight += weight;
        sum.pairs += 1;
    }
    let filled = sums.into_iter().filter(|sum| sum.pairs > 0);
    filled
        .map(|sum| ReliabilityBin {
            stated: sum.stated / sum.weight,
            observed: sum.same / sum.weight,
            pairs: sum.pairs,
        })
        .collect()
}

/// Draws the table as SVG: what was observed over what was stated; on the diagonal, they are equal.
///
/// # Errors
/// When there is no bin.
pub fn reliability_svg(title: &str, bins: &[ReliabilityBin]) -> Result<String, PictureError> {
    if bins.is_empty() {
        return Err(PictureError::NoCurve);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        area.fill(&WHITE)?;
        let percent = |share: &f64| format!("{:.0} %", 100.0 * share);
        let mut chart = ChartBuilder::on(&area)
            .caption(title, text(40))
            .margin(24)
            .margin_right(60)
            .x_label_area_size(84)
            .y_label_area_size(110)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .x_desc("stated probability of one person, at even odds")
            .y_desc("share that are one person")
            .x_label_formatter(&percent)
            .y_label_formatter(&percent)
            .label_style(text(26))
            .axis_desc_style(text(30))
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(WHITE.mix(0.0))
            .draw()?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], INK.mix(0.4).stroke_width(2)))?;
        let points = || bins.iter().map(|bin| (bin.stated, bin.observed));
        chart.draw_series(LineSeries::new(points(), COLOURS[0].stroke_width(4)))?;
        chart.draw_series(points().map(|point| Circle::new(point, 9, COLOURS[0].filled())))?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    fn curve() -> Calibration {
        Calibration { midpoint: 1.0, slope: 4.0, genuine: 1, impostors: 1, data: "drawn".into() }
    }

    #[test]
    fn pairs_fall_into_the_part_of_their_probability_and_kinds_weigh_the_same() {
        // Stated: 0.5 at 1.0, about 0.98 at 0.0, about 0.0003 at 3.0.
        let bins = reliability(&pairs(&[fold(&[0.0, 1.0], &[1.0, 3.0, 3.0, 3.0])]), &curve());
        assert_eq!(bins.iter().map(|bin| bin.pairs).collect::<Vec<_>>(), [3, 2, 1]);
        // At 1.0: one of two genuine (1/4), one of four impostor pairs (1/8).
        assert!((bins[1].observed - 2.0 / 3.0).abs() < 1e-12 && (bins[1].stated - 0.5).abs() < 1e-12);
        assert_eq!((bins[0].observed, bins[2].observed), (0.0, 1.0));
    }

    #[test]
    fn a_picture_has_a_mark_for_each_part_and_nothing_is_no_picture() {
        let bins = reliability(&pairs(&[fold(&[0.0, 1.0], &[1.0, 3.0])]), &curve());
        let svg = reliability_svg("Reliability", &bins).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("Reliability") && svg.contains("stated probability"));
        assert!(matches!(reliability_svg("", &[]), Err(PictureError::NoCurve)));
    }
}
