//! The report as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::{DrawMean, FnirAtFpir, GalleryReport, IdentificationReport};

impl Display for IdentificationReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { model, data, faces, people, enrollable, draws, seed, galleries } = self;
        writeln!(f, "model    {model}\ndata     {data}")?;
        writeln!(f, "faces    {faces} of {people} people, {enrollable} with two or more")?;
        write!(f, "draws    {draws} a gallery size, seed {seed}; in brackets what 95 % of them gave")?;
        for gallery in galleries {
            let GalleryReport { mated, non_mated, enrolment, .. } = gallery;
            write!(f, "\n\ngallery of {}, {}  ", gallery.gallery, enrolment.name())?;
            write!(f, "({mated:.0} mated and {non_mated:.0} non-mated probes a draw)")?;
            for rank in &gallery.ranks {
                write!(f, "\n  {:<18}{}", format!("rank {}", rank.rank), mean(&rank.rate))?;
            }
            for at in &gallery.open_set {
                write!(
                    f,
                    "\n  {:<18}{}",
                    format!("FNIR @ FPIR {:.0e}", at.target_fpir),
                    fnir(at, *non_mated)
                )?;
            }
        }
        Ok(())
    }
}

/// `93.10 % (92.00 … 94.20)`.
pub(crate) fn mean(DrawMean { mean, range }: &DrawMean) -> String {
    let range = range
        .map_or(String::new(), |range| format!(" ({:.2} … {:.2})", 100.0 * range.low, 100.0 * range.high));
    format!("{:.2} %{range}", 100.0 * mean)
}

/// The mean, or why there is none.
fn fnir(at: &FnirAtFpir, non_mated: f64) -> String {
    let needed = (1.0 / at.target_fpir).round();
    match (&at.fnir, at.threshold) {
        (Some(fnir), Some(threshold)) => format!("{}, threshold {threshold:.3}", mean(fnir)),
        _ if non_mated < needed => {
            format!("not measurable: needs {needed} non-mated probes in every draw, found {non_mated:.0}")
        }
        _ => format!("not measurable: needs {needed} non-mated probes in every draw, not all at distance 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Enrolment, Interval, RankRate};

    #[test]
    fn the_table_says_what_was_measured_and_what_could_not_be() {
        let figure = DrawMean { mean: 0.931, range: Some(Interval { low: 0.92, high: 0.942 }) };
        let at = |target_fpir, fnir: Option<DrawMean>| FnirAtFpir {
            target_fpir,
            fnir,
            threshold: fnir.map(|_| 0.75),
        };
        let gallery = GalleryReport {
            gallery: 30,
            enrolment: Enrolment::MeanTemplate,
            mated: 200.0,
            non_mated: 400.0,
            ranks: vec![RankRate { rank: 1, rate: figure }],
            open_set: vec![at(1e-2, Some(DrawMean { range: None, ..figure })), at(1e-3, None)],
            cmc: vec![],
            fnir: vec![],
        };
        let report = IdentificationReport {
            model: "m".into(),
            data: "faces/".into(),
            faces: 700,
            people: 80,
            enrollable: 60,
            draws: 20,
            seed: 1,
            galleries: vec![gallery],
        };
        insta::assert_snapshot!(report, @r"
        model    m
        data     faces/
        faces    700 of 80 people, 60 with two or more
        draws    20 a gallery size, seed 1; in brackets what 95 % of them gave

        gallery of 30, mean template  (200 mated and 400 non-mated probes a draw)
          rank 1            93.10 % (92.00 … 94.20)
          FNIR @ FPIR 1e-2  93.10 %, threshold 0.750
          FNIR @ FPIR 1e-3  not measurable: needs 1000 non-mated probes in every draw, found 400
        ");
    }
}
