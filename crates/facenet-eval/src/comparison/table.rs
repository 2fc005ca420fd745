//! The comparison as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::{Comparison, Difference};

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { model, against, pairs, people, draws, figures } = self;
        writeln!(f, "model            {model}\nagainst          {against}")?;
        writeln!(f, "pairs            {pairs} of both; intervals from {draws} draws of {people} people")?;
        write!(f, "{:<16} {:>8} {:>8}  difference (95 %)", "", "model", "against")?;
        for Difference { figure, model, against, difference, interval, verdict } in figures {
            write!(f, "\n{figure:<16} {:>8} {:>8}  ", percent(*model), percent(*against))?;
            if let (Some(difference), Some(interval)) = (difference, interval) {
                let points = [*difference, interval.low, interval.high].map(|share| 100.0 * share);
                write!(f, "{:+.2} ({:+.2} … {:+.2})  ", points[0], points[1], points[2])?;
            }
            write!(f, "{}", verdict.words())?;
        }
        Ok(())
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |share| format!("{:.2} %", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interval, Verdict};

    #[test]
    fn the_table_says_what_follows_from_each_figure() {
        let figure = |name: &str, interval: Option<Interval>, verdict| Difference {
            figure: name.into(),
            model: Some(0.95),
            against: interval.map(|_| 0.94),
            difference: interval.map(|_| 0.01),
            interval,
            verdict,
        };
        let interval = |low| Some(Interval { low, high: 0.02 });
        let comparison = Comparison {
            model: "a".into(),
            against: "b".into(),
            pairs: 6000,
            people: 300,
            draws: 1000,
            figures: vec![
                figure("accuracy", interval(0.001), Verdict::Better),
                figure("VAL @ FAR 1e-2", interval(-0.001), Verdict::NoDifferenceShown),
                figure("VAL @ FAR 1e-3", None, Verdict::NotMeasurable),
            ],
        };
        insta::assert_snapshot!(comparison, @r"
        model            a
        against          b
        pairs            6000 of both; intervals from 1000 draws of 300 people
                            model  against  difference (95 %)
        accuracy          95.00 %  94.00 %  +1.00 (+0.10 … +2.00)  better
        VAL @ FAR 1e-2    95.00 %  94.00 %  +1.00 (-0.10 … +2.00)  no difference shown
        VAL @ FAR 1e-3    95.00 %        –  not measurable
        ");
    }
}
