//! The table in the paper's form, for people (Markdown) and for spreadsheets (CSV).

use super::{ExperimentReport, ExperimentRow, FactColumn, FactUnit, PaperVal};
use crate::FoldMean;

/// Where nothing was measured.
const NOTHING: &str = "–";

impl ExperimentReport {
    /// A page in Markdown: what was varied, the table, and the command.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.kind.title());
        text += &format!("Of {}; on {}. Means over splits ± standard error.\n\n", self.of, self.data);
        text += &self.table();
        text += &format!("\nThe paper: {}\n", self.kind.of_paper());
        text += &format!("\n    {}\n", self.command);
        text
    }

    /// The table alone, in Markdown.
    pub fn table(&self) -> String {
        let mut head = vec![self.first_column()];
        head.extend(self.facts.iter().map(|fact| fact.name.clone()));
        head.extend(self.fars.iter().map(|far| format!("VAL @ FAR {far:.0e}")));
        head.extend(["EER", "accuracy", "paper: VAL @ FAR 1e-3"].map(String::from));
        // The last two columns stand only where they say something.
        let last_two = [self.has_accuracy(), self.rows.iter().any(|row| row.paper.is_some())];
        let always = head.len() - last_two.len();
        let shown = |cells: Vec<String>| {
            let keep = |&(i, _): &(usize, String)| i < always || last_two[i - always];
            let cells: Vec<String> =
                cells.into_iter().enumerate().filter(keep).map(|(_, cell)| cell).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let columns = always + last_two.iter().filter(|&&stands| stands).count();
        let mut text = shown(head);
        text += &format!("|---|{}\n", "---:|".repeat(columns - 1));
        for row in &self.rows {
            text += &shown(self.cells(row));
        }
        text
    }

    fn first_column(&self) -> String {
        match self.groups()[..] {
            // Networks are rows by name; their multiply-adds are a column.
            [only] if only.is_a_curve() => only.title().to_owned(),
            _ => self.kind.name().to_owned(),
        }
    }

    fn has_accuracy(&self) -> bool {
        self.rows.iter().any(|row| row.figures.as_ref().is_some_and(|figures| figures.accuracy.is_some()))
    }

    fn cells(&self, row: &ExperimentRow) -> Vec<String> {
        let figures = row.figures.as_ref();
        let mut cells = vec![row.name.clone()];
        cells.extend(self.facts.iter().enumerate().map(|(i, fact)| {
            let value = figures.and_then(|figures| figures.facts.get(i).copied());
            value.map_or(NOTHING.into(), |value| stated(fact, value))
        }));
        cells.extend(self.fars.iter().map(|&far| rate(figures.and_then(|figures| figures.val(far)))));
        cells.push(rate(figures.and_then(|figures| figures.eer)));
        cells.push(rate(figures.and_then(|figures| figures.accuracy)));
        cells.push(row.paper.map_or(NOTHING.into(), of_paper));
        cells
    }

    /// The rows as CSV: each rate in `[0, 1]`, its standard error in the column after it; empty where nothing was
    /// measured.
    pub fn to_csv(&self) -> String {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let memory = "memory takes text";
        let mut head: Vec<String> = ["axis", "name", "at"].map(String::from).into();
        head.extend(self.facts.iter().map(|fact| fact.name.clone()));
        let mut rates: Vec<String> = self.fars.iter().map(|far| format!("val_at_{far:.0e}")).collect();
        rates.extend(["eer", "accuracy", "paper_val_at_1e-3"].map(String::from));
        head.extend(rates.into_iter().flat_map(|rate| [rate.clone(), rate + "_se"]));
        csv.write_record(&head).expect(memory);
        for row in &self.rows {
            let figures = row.figures.as_ref();
            let mut cells = vec![row.group.title().to_owned(), row.name.clone(), row.at.to_string()];
            cells.extend(
                (0..self.facts.len())
                    .map(|i| number(figures.and_then(|figures| figures.facts.get(i).copied()))),
            );
            let vals = self.fars.iter().map(|&far| figures.and_then(|figures| figures.val(far)));
            let others = [figures.and_then(|f| f.eer), figures.and_then(|f| f.accuracy)];
            for rate in vals.chain(others) {
                cells.extend([number(rate.map(|r| r.mean)), number(rate.map(|r| r.standard_error))]);
            }
            cells.push(number(row.paper.map(|paper| paper.val)));
            cells.push(number(row.paper.and_then(|paper| paper.standard_error)));
            csv.write_record(&cells).expect(memory);
        }
        String::from_utf8(csv.into_inner().expect(memory)).expect("it was text")
    }
}

fn number(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

fn rate(rate: Option<FoldMean>) -> String {
    rate.map_or(NOTHING.into(), |rate| {
        format!("{:.1} % ± {:.1}", 100.0 * rate.mean, 100.0 * rate.standard_error)
    })
}

fn of_paper(PaperVal { val, standard_error }: PaperVal) -> String {
    let error = standard_error.map_or(String::new(), |error| format!(" ± {:.1}", 100.0 * error));
    format!("{:.1} %{error}", 100.0 * val)
}

fn stated(fact: &FactColumn, value: f64) -> String {
    match fact.unit {
        FactUnit::Count => grouped(value as u64),
        FactUnit::Distance => format!("{value:.3}"),
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::dimensions;
    use super::*;

    #[test]
    fn the_table_has_the_papers_form_and_its_figures_beside_ours() {
        insta::assert_snapshot!(dimensions().to_markdown());
    }

    #[test]
    fn without_a_pairs_file_there_is_no_column_of_accuracy() {
        let mut report = dimensions();
        assert!(report.table().contains("accuracy"));
        for figures in report.rows.iter_mut().filter_map(|row| row.figures.as_mut()) {
            figures.accuracy = None;
        }
        let table = report.table();
        assert!(!table.contains("accuracy"), "{table}");
        let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [7; 7], "{table}");
    }

    #[test]
    fn what_the_paper_has_no_figures_of_has_no_column_for_them() {
        let mut report = dimensions();
        report.rows.truncate(1);
        let table = report.table();
        assert!(!table.contains("paper") && table.contains("accuracy"), "{table}");
        let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [7; 3], "{table}");
    }

    #[test]
    fn the_csv_has_shares_and_their_errors() {
        insta::assert_snapshot!(dimensions().to_csv());
    }

    #[test]
    fn counts_are_grouped_by_three() {
        let texts = [0, 999, 1000, 1_741_152].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,741,152"]);
    }
}
