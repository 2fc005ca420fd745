//! All figures of a report in one table, a line each, for spreadsheets and scripts.

use crate::{
    Agreement, ClusteringReport, Comparison, Estimate, GroupFigures, IdentificationReport, Interval,
    RejectCurve, RejectPoint, Slices, VerificationReport,
};

/// One figure.
struct Fact {
    part: &'static str,
    /// Of what: a group, a gallery, a linkage at a threshold.
    subject: String,
    figure: String,
    estimate: Estimate,
}

/// The figures as CSV: `part,subject,figure,value,low,high`, shares in `[0, 1]`; a figure that is not measurable has an
/// empty value, one without interval empty ends.
pub fn facts_csv(
    verification: &VerificationReport,
    comparison: Option<&Comparison>,
    slices: &[Slices],
    identification: Option<&IdentificationReport>,
    clustering: Option<&ClusteringReport>,
    reject: Option<&RejectCurve>,
) -> String {
    let mut facts = of_verification(verification);
    facts.extend(comparison.into_iter().flat_map(of_comparison));
    facts.extend(slices.iter().flat_map(of_slices));
    facts.extend(identification.into_iter().flat_map(of_identification));
    facts.extend(clustering.into_iter().flat_map(of_clustering));
    facts.extend(reject.into_iter().flat_map(of_reject));
    let mut csv = csv::Writer::from_writer(Vec::new());
    let number = |number: Option<f64>| number.map_or(String::new(), |number| number.to_string());
    let memory = "memory takes text";
    csv.write_record(["part", "subject", "figure", "value", "low", "high"]).expect(memory);
    for Fact { part, subject, figure, estimate: Estimate { value, interval } } in facts {
        let (low, high) = (interval.map(|interval| interval.low), interval.map(|interval| interval.high));
        let cells = [part.into(), subject, figure, number(value), number(low), number(high)];
        csv.write_record(cells).expect(memory);
    }
    String::from_utf8(csv.into_inner().expect(memory)).expect("it was text")
}

fn fact(
    part: &'static str,
    subject: &str,
    figure: &str,
    value: Option<f64>,
    interval: Option<Interval>,
) -> Fact {
    Fact { part, subject: subject.into(), figure: figure.into(), estimate: Estimate { value, interval } }
}

fn of_verification(report: &VerificationReport) -> Vec<Fact> {
    let fact = |figure: &str, value: Option<f64>, interval: Option<Interval>| {
        fact("verification", &report.model, figure, value, interval)
    };
    let (accuracy, intervals) = (report.accuracy.as_ref(), report.uncertainty.as_ref());
    let mut facts = vec![
        fact("genuine pairs", Some(report.pairs.genuine as f64), None),
        fact("impostor pairs", Some(report.pairs.impostors as f64), None),
        fact("accuracy", accuracy.map(|accuracy| accuracy.mean), intervals.and_then(|i| i.accuracy)),
        fact("accuracy, standard error", accuracy.map(|accuracy| accuracy.standard_error), None),
    ];
    facts.extend(report.val_at_far.iter().enumerate().map(|(at, val)| {
        let interval = intervals.and_then(|intervals| intervals.val_at_far.get(at)?.val);
        fact(&format!("VAL @ FAR {:.0e}", val.target_far), val.overall.map(|point| point.val), interval)
    }));
    facts.extend([
        fact("AUC", Some(report.auc), intervals.and_then(|i| i.auc)),
        fact("EER", Some(report.eer), intervals.and_then(|i| i.eer)),
        fact("d′", report.d_prime, intervals.and_then(|i| i.d_prime)),
    ]);
    facts
}

fn of_reject(curve: &RejectCurve) -> Vec<Fact> {
    let of_point = |point: &RejectPoint| {
        let subject = format!("{:.0} % rejected", 100.0 * point.rejected);
        let fact = |figure: &str, value: Option<f64>| fact("quality", &subject, figure, value, None);
        [fact("EER", point.eer), fact("genuine pairs missed", point.false_non_match)]
    };
    curve.points.iter().flat_map(of_point).collect()
}

fn of_comparison(comparison: &Comparison) -> Vec<Fact> {
    let subject = format!("{} less {}", comparison.model, comparison.against);
    let figures = comparison.figures.iter();
    figures.map(|of| fact("comparison", &subject, &of.figure, of.difference, of.interval)).collect()
}

fn of_slices(slices: &Slices) -> Vec<Fact> {
    let groups = slices.groups.iter().chain(&slices.between).chain([&slices.all]);
    groups.flat_map(|group| of_group(&slices.column, group)).collect()
}

fn of_group(column: &str, group: &GroupFigures) -> Vec<Fact> {
    let subject = format!("{column}: {}", group.group);
    let count = |figure: &str, count: u64| fact("groups", &subject, figure, Some(count as f64), None);
    let rate = |figure: &str, of: Estimate| fact("groups", &subject, figure, of.value, of.interval);
    vec![
        count("people", group.people as u64),
        count("genuine pairs", group.genuine),
        count("impostor pairs", group.impostors),
        rate("VAL at shared threshold", group.val_at_threshold),
        rate("FAR at shared threshold", group.far_at_threshold),
        rate("VAL @ FAR 1e-2", group.val_at_far),
        rate("AUC", group.auc),
        rate("EER", group.eer),
    ]
}

fn of_identification(report: &IdentificationReport) -> Vec<Fact> {
    let mut facts = Vec::new();
    for gallery in &report.galleries {
        let subject = format!("gallery of {}, {}", gallery.gallery, gallery.enrolment.name());
        let rate = |figure: String, rate: Option<crate::DrawMean>| {
            let (mean, range) = (rate.map(|rate| rate.mean), rate.and_then(|rate| rate.range));
            fact("identification", &subject, &figure, mean, range)
        };
        facts.extend(gallery.ranks.iter().map(|rank| rate(format!("rank {}", rank.rank), Some(rank.rate))));
        facts.extend(
            gallery.open_set.iter().map(|at| rate(format!("FNIR @ FPIR {:.0e}", at.target_fpir), at.fnir)),
        );
    }
    facts
}

fn of_clustering(report: &ClusteringReport) -> Vec<Fact> {
    let mut facts = Vec::new();
    for run in &report.runs {
        let subject = format!("{} at {}", run.linkage, run.threshold);
        let fact = |figure: &str, value: Option<f64>| fact("clustering", &subject, figure, value, None);
        let agreement = |name: &str, Agreement { precision, recall, f }: Agreement| {
            [("precision", precision), ("recall", recall), ("F", f)]
                .map(|(figure, value)| fact(&format!("{name} {figure}"), value))
        };
        facts.extend(agreement("pairwise", run.scores.pairwise));
        facts.extend(agreement("BCubed", run.scores.bcubed));
        facts.extend([
            fact("NMI", Some(run.scores.nmi)),
            fact("clusters", Some(run.scores.clusters as f64)),
            fact("people", Some(run.scores.people as f64)),
            fact("seconds", Some(run.seconds)),
        ]);
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};
    use crate::{Band, Uncertainty};

    #[test]
    fn each_figure_has_a_line_and_what_cannot_be_measured_no_value() {
        let report = VerificationReport::measure("m, n", "d", &pairs(&[fold(&[0.5], &[2.0; 10])]));
        let uncertainty = Some(Uncertainty {
            draws: 100,
            seed: 0,
            subjects: 7,
            accuracy: None,
            val_at_far: Vec::new(),
            auc: Some(Interval { low: 0.75, high: 1.0 }),
            eer: None,
            d_prime: None,
            band: Band::default(),
        });
        let report = VerificationReport { uncertainty, ..report };
        insta::assert_snapshot!(facts_csv(&report, None, &[], None, None, None), @r#"
        part,subject,figure,value,low,high
        verification,"m, n",genuine pairs,1,,
        verification,"m, n",impostor pairs,10,,
        verification,"m, n",accuracy,,,
        verification,"m, n","accuracy, standard error",,,
        verification,"m, n",VAL @ FAR 1e-1,1,,
        verification,"m, n",VAL @ FAR 1e-2,,,
        verification,"m, n",VAL @ FAR 1e-3,,,
        verification,"m, n",VAL @ FAR 1e-4,,,
        verification,"m, n",VAL @ FAR 1e-5,,,
        verification,"m, n",VAL @ FAR 1e-6,,,
        verification,"m, n",AUC,1,0.75,1
        verification,"m, n",EER,0,,
        verification,"m, n",d′,,,
        "#);
    }

    #[test]
    fn a_group_has_its_interval_beside_its_value() {
        let estimate = Estimate { value: Some(0.5), interval: Some(Interval { low: 0.25, high: 0.75 }) };
        let group = GroupFigures {
            group: "f".into(),
            people: 3,
            genuine: 4,
            impostors: 5,
            auc: estimate,
            eer: estimate,
            val_at_far: Estimate::default(),
            val_at_threshold: estimate,
            far_at_threshold: estimate,
            warning: None,
        };
        let lines: Vec<String> = of_group("sex", &group)
            .iter()
            .map(|fact| format!("{}, {}: {:?}", fact.subject, fact.figure, fact.estimate.value))
            .collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "sex: f, people: Some(3.0)");
        assert_eq!(lines[5], "sex: f, VAL @ FAR 1e-2: None");
    }
}
