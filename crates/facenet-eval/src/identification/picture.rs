//! The curves as pictures.

use super::GalleryReport;
use crate::chart::{Axes, Line, decade, percent, svg};
use crate::picture::PictureError;

/// The finest FNIR that is drawn.
const FINEST_FNIR: f64 = 1e-3;

/// Draws the CMC of each of `galleries` as SVG: the share of mated probes at a rank or better, over the rank.
///
/// # Errors
/// When there is no gallery.
pub fn cmc_svg(title: &str, galleries: &[&GalleryReport]) -> Result<String, PictureError> {
    let last = galleries.iter().map(|gallery| gallery.gallery).max().unwrap_or(1).max(2);
    let line = |gallery: &&GalleryReport| Line {
        label: label(gallery),
        points: gallery.cmc.iter().map(|point| (point.rank as f64, point.rate)).collect(),
    };
    let axes = Axes {
        x_title: "rank",
        y_title: "probes found at the rank or better",
        x: (1.0, last as f64),
        y: (0.0, 1.0),
        log_x: true,
        log_y: false,
        x_label: |rank| format!("{rank:.0}"),
        y_label: percent,
    };
    svg(title, &axes, &galleries.iter().map(line).collect::<Vec<_>>())
}

/// Draws FNIR over FPIR of each of `galleries` as SVG, both logarithmic: none where no gallery has non-mated probes.
///
/// # Errors
/// When there is no gallery with non-mated probes.
pub fn fnir_svg(title: &str, galleries: &[&GalleryReport]) -> Result<String, PictureError> {
    let lines: Vec<Line> = galleries
        .iter()
        .filter(|gallery| !gallery.fnir.is_empty())
        .map(|gallery| Line {
            label: label(gallery),
            points: gallery.fnir.iter().map(|point| (point.fpir, point.fnir)).collect(),
        })
        .collect();
    let finest = lines.iter().flat_map(|line| &line.points).map(|&(fpir, _)| fpir).fold(0.1, f64::min);
    let axes = Axes {
        x_title: "FPIR: strangers for whom anybody is returned",
        y_title: "FNIR: probes missed",
        x: (10f64.powf(finest.log10().floor()), 1.0),
        y: (lowest(&lines), 1.0),
        log_x: true,
        log_y: true,
        x_label: decade,
        y_label: decade,
    };
    svg(title, &axes, &lines)
}

/// The decade below every FNIR that is not 0.
fn lowest(lines: &[Line]) -> f64 {
    let fnirs = lines.iter().flat_map(|line| &line.points).map(|&(_, fnir)| fnir);
    let lowest = fnirs.filter(|&fnir| fnir > FINEST_FNIR).fold(0.999, f64::min);
    10f64.powf(lowest.log10().floor())
}

fn label(gallery: &GalleryReport) -> String {
    format!("{}, gallery of {}", gallery.enrolment.name(), gallery.gallery)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CmcPoint, Enrolment, OpenSetPoint};

    fn gallery(fnir: &[(f64, f64)]) -> GalleryReport {
        GalleryReport {
            gallery: 100,
            enrolment: Enrolment::BestOf,
            mated: 10.0,
            non_mated: 10.0,
            ranks: vec![],
            open_set: vec![],
            cmc: vec![CmcPoint { rank: 1, rate: 0.5 }, CmcPoint { rank: 100, rate: 1.0 }],
            fnir: fnir.iter().map(|&(fpir, fnir)| OpenSetPoint { fpir, fnir }).collect(),
        }
    }

    #[test]
    fn pictures_name_the_enrolment_and_the_gallery() {
        let gallery = gallery(&[(0.01, 0.5), (1.0, 0.0)]);
        for svg in [cmc_svg("CMC", &[&gallery]).unwrap(), fnir_svg("open", &[&gallery]).unwrap()] {
            assert!(svg.contains("best of all, gallery of 100"));
        }
    }

    #[test]
    fn the_axis_begins_at_the_decade_below_the_curve() {
        let lines = |fnirs: &[f64]| {
            [Line { label: String::new(), points: fnirs.iter().map(|&y| (1.0, y)).collect() }]
        };
        let near = |fnirs: &[f64], expected: f64| (lowest(&lines(fnirs)) / expected - 1.0).abs() < 1e-9;
        assert!(near(&[1.0, 0.4], 0.1) && near(&[0.05, 0.0], 0.01) && near(&[1.0], 0.1));
        assert!(near(&[1e-9, 2e-3], 1e-3), "finer than a probe of a thousand is not drawn");
    }

    #[test]
    fn without_strangers_there_is_nothing_to_draw() {
        assert!(matches!(fnir_svg("open", &[&gallery(&[])]), Err(PictureError::NoCurve)));
        assert!(matches!(cmc_svg("CMC", &[]), Err(PictureError::NoCurve)));
    }
}
