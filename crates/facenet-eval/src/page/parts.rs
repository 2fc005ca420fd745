//! What each part of the page says.

use super::html::{Block, FacePair, Section, Table};
use super::{Faces, Part, ReportPage, thumbnail};
use crate::identification::table::mean;
use crate::picture::PictureError;
use crate::{
    ClusteringReport, ClusteringScores, Comparison, Estimate, GroupFigures, HardestPairs,
    IdentificationReport, Interval, NamedPair, RejectCurve, SHARED_FAR, Slices, Uncertainty,
    VerificationReport,
};

pub(super) fn summary(page: &ReportPage<'_>) -> Vec<(String, String)> {
    let report = page.verification.report;
    let accuracy = report.accuracy.as_ref().map(|accuracy| accuracy.mean);
    let val = report.val_at_far.iter().find(|val| val.target_far == 1e-3).and_then(|val| val.overall);
    [
        ("model", page.model.to_owned()),
        ("accuracy", percent(accuracy)),
        ("VAL at FAR 1e-3", percent(val.map(|point| point.val))),
        ("EER", percent(Some(report.eer))),
        ("pairs", (report.pairs.genuine + report.pairs.impostors).to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

pub(super) fn verification(part: &Part<'_, &VerificationReport>) -> Section {
    let report = part.report;
    let uncertainty = report.uncertainty.as_ref();
    let points = |interval: Option<Interval>| range(interval, |end| format!("{:.2}", 100.0 * end));
    let accuracy = report.accuracy.as_ref().map_or("needs two folds".into(), |accuracy| {
        format!("{} ± {:.2}", percent(Some(accuracy.mean)), 100.0 * accuracy.standard_error)
    });
    let mut rows =
        vec![vec!["accuracy".into(), accuracy, points(uncertainty.and_then(|u| u.accuracy)), String::new()]];
    for (at, val) in report.val_at_far.iter().enumerate() {
        let name = format!("VAL @ FAR {:.0e}", val.target_far);
        let interval = uncertainty.and_then(|u| u.val_at_far.get(at)?.val);
        rows.push(match val.overall {
            Some(point) => {
                vec![
                    name,
                    percent(Some(point.val)),
                    points(interval),
                    format!("{:.3}", point.threshold.value()),
                ]
            }
            None => vec![name, "not measurable".into(), String::new(), String::new()],
        });
    }
    let auc = range(uncertainty.and_then(|u| u.auc), |end| format!("{end:.4}"));
    rows.push(vec!["AUC".into(), format!("{:.4}", report.auc), auc, String::new()]);
    let eer = points(uncertainty.and_then(|u| u.eer));
    rows.push(vec!["EER".into(), percent(Some(report.eer)), eer, String::new()]);
    if let Some(d_prime) = report.d_prime {
        let interval = range(uncertainty.and_then(|u| u.d_prime), |end| format!("{end:.2}"));
        rows.push(vec!["d′".into(), format!("{d_prime:.2}"), interval, String::new()]);
    }
    let pairs = &report.pairs;
    let lead = format!(
        "Are two faces the same person? {} genuine and {} impostor pairs of {} in {} folds{}. A pair is accepted if its \
         squared distance is at most the threshold.{}",
        pairs.genuine,
        pairs.impostors,
        report.data,
        pairs.folds,
        if pairs.skipped > 0 { format!("; {} pairs were skipped", pairs.skipped) } else { String::new() },
        uncertainty.map_or(String::new(), |Uncertainty { draws, subjects, .. }| {
            format!(" Intervals are 95 % of {draws} draws of the {subjects} people with replacement.")
        }),
    );
    let table = table("Verification", &["figure", "value", "95 % interval", "threshold"], rows);
    section("verification", "Verification", lead, part, vec![table])
}

pub(super) fn comparison(part: &Part<'_, &Comparison>) -> Section {
    let Comparison { model, against, pairs, people, draws, figures } = part.report;
    let row = |figure: &crate::Difference| {
        let points =
            |share: Option<f64>| share.map_or("–".into(), |share| format!("{:+.2}", 100.0 * share));
        let range = figure.interval.map_or("–".into(), |Interval { low, high }| {
            format!("{:+.2} … {:+.2}", 100.0 * low, 100.0 * high)
        });
        vec![
            figure.figure.clone(),
            percent(figure.model),
            percent(figure.against),
            points(figure.difference),
            range,
            figure.verdict.words().into(),
        ]
    };
    let lead = format!(
        "{model} against {against} on the same {pairs} pairs. The interval is 95 % of {draws} draws of the {people} \
         people with replacement, the same people for both. Where it holds 0, these pairs show no difference: that is \
         not to say that there is none."
    );
    let head = ["figure", "this model", "the other", "difference, points", "95 % interval", "verdict"];
    let table = table("Difference of the two models", &head, figures.iter().map(row).collect());
    section("comparison", "Beside another model", lead, part, vec![table])
}

pub(super) fn slices(part: &Part<'_, &[Slices]>) -> Section {
    let mut blocks = Vec::new();
    for slices in part.report {
        let groups = slices.groups.iter().chain(&slices.between).chain([&slices.all]);
        let threshold = slices.threshold.map_or("not measurable".into(), |at| format!("{:.3}", at.value()));
        let head = [
            "group",
            "people",
            "genuine",
            "impostor",
            "VAL at shared",
            "FAR at shared",
            "EER",
            "AUC",
            "VAL @ own FAR 1e-2",
        ];
        let caption = format!("By {}; the shared threshold is {threshold}", slices.column);
        blocks.push(table(&caption, &head, groups.clone().map(group_row).collect()));
        let warning = |group: &GroupFigures| Some(format!("{}: {}", group.group, group.warning.as_ref()?));
        let warnings: Vec<String> = slices.groups.iter().chain(&slices.between).filter_map(warning).collect();
        if !warnings.is_empty() {
            blocks.push(Block::Note(format!("{}.", warnings.join(". "))));
        }
        if slices.without_value > 0 {
            blocks
                .push(Block::Note(format!("{} pairs have an image without a value.", slices.without_value)));
        }
    }
    let lead = format!(
        "Does it work equally well for everybody? A pair counts in a group if both images are in it. The shared threshold \
         is that of FAR {SHARED_FAR:.0e} over all pairs: in use there is one for everybody. In brackets: 95 % of \
         draws of the group's people."
    );
    section("groups", "By groups", lead, part, blocks)
}

fn group_row(group: &GroupFigures) -> Vec<String> {
    let mark = if group.warning.is_some() { " (few)" } else { "" };
    vec![
        format!("{}{mark}", group.group),
        group.people.to_string(),
        group.genuine.to_string(),
        group.impostors.to_string(),
        estimate(&group.val_at_threshold),
        estimate(&group.far_at_threshold),
        estimate(&group.eer),
        group.auc.value.map_or("–".into(), |auc| format!("{auc:.4}")),
        estimate(&group.val_at_far),
    ]
}

pub(super) fn identification(part: &Part<'_, &IdentificationReport>) -> Section {
    let report = part.report;
    let mut head: Vec<String> = ["gallery", "enrolment", "rank 1", "rank 5"].map(str::to_owned).into();
    head.extend(crate::TARGET_FPIRS.map(|fpir| format!("FNIR @ FPIR {fpir:.0e}")));
    let row = |gallery: &crate::GalleryReport| {
        let rank = |wanted: usize| {
            let found = gallery.ranks.iter().find(|rank| rank.rank == wanted);
            found.map_or("–".into(), |rank| mean(&rank.rate))
        };
        let mut row = vec![gallery.gallery.to_string(), gallery.enrolment.name().into(), rank(1), rank(5)];
        let fnir = |at: &crate::FnirAtFpir| at.fnir.as_ref().map_or("not measurable".into(), mean);
        row.extend(gallery.open_set.iter().map(fnir));
        row
    };
    let rows = report.galleries.iter().map(row).collect();
    let caption = "Identification by size of the gallery".to_owned();
    let lead = format!(
        "Who of a gallery is this, or nobody? {} faces of {} people. Each of {} draws (seed {}) enrols other people, \
         half of their faces (at most {}), and searches all other faces; who is not enrolled is a stranger. FPIR: the \
         share of strangers for whom anybody is returned. FNIR: the share of enrolled people's probes that do not \
         return their person first and within the threshold. In brackets: 95 % of the draws.",
        report.faces,
        report.people,
        report.draws,
        report.seed,
        crate::MOST_ENROLLED
    );
    section("identification", "Identification", lead, part, vec![Block::Table(Table { caption, head, rows })])
}

pub(super) fn clustering(part: &Part<'_, &ClusteringReport>) -> Section {
    let row = |run: &crate::ClusteringRun| {
        let ClusteringScores { clusters, people, pairwise, bcubed, nmi, .. } = run.scores;
        vec![
            run.linkage.clone(),
            format!("{:.3}", run.threshold.value()),
            run.origin(),
            format!("{clusters} for {people} people"),
            percent(pairwise.precision),
            percent(pairwise.recall),
            percent(pairwise.f),
            percent(bcubed.f),
            format!("{nmi:.4}"),
            format!("{:.2}", run.seconds),
        ]
    };
    let head = [
        "linkage",
        "threshold",
        "from",
        "clusters",
        "pairwise precision",
        "recall",
        "F",
        "BCubed F",
        "NMI",
        "seconds",
    ];
    let rows = part.report.runs.iter().map(row).collect();
    let lead = "Which faces are one person, without knowing anybody? Agglomerative clustering at the thresholds that the \
                model brings along. No threshold and no linkage was chosen by its scores here."
        .to_owned();
    section(
        "clustering",
        "Clustering",
        lead,
        part,
        vec![table("Clustering by linkage and threshold", &head, rows)],
    )
}

pub(super) fn hardest<'f>(
    pairs: &HardestPairs<'_>,
    command: &str,
    faces: impl Fn(&NamedPair<'_>) -> Option<Faces<'f>>,
) -> Result<Section, PictureError> {
    let mut blocks = Vec::new();
    for (title, pairs) in
        [("One person, farthest apart", &pairs.genuine), ("Two people, closest together", &pairs.impostors)]
    {
        let mut shown = Vec::new();
        for named in pairs {
            let Some([left, right]) = faces(named) else { continue };
            let (left, right) = (thumbnail::data_uri(left)?, thumbnail::data_uri(right)?);
            let name = |image: &crate::ImageRef| format!("{}_{:04}", image.person(), image.number());
            let faces = [(name(&named.pair.left), left), (name(&named.pair.right), right)];
            shown.push(FacePair { faces, distance: named.distance.value() });
        }
        blocks.push(Block::Faces { title: title.into(), pairs: shown });
    }
    Ok(Section {
        id: "hardest",
        title: "Hardest pairs",
        lead: "The pairs that the model gets most wrong, with their distance (0 is the same, 4 the opposite). Many a hard \
               pair is a wrong label: look before you blame the model."
            .into(),
        blocks,
        command: command.into(),
    })
}

pub(super) fn reject(part: &Part<'_, &RejectCurve>) -> Section {
    let row = |point: &crate::RejectPoint| {
        vec![
            format!("{:.0} %", 100.0 * point.rejected),
            point.left.to_string(),
            format!("{:.3}", point.least_quality),
            percent(point.eer),
            percent(point.false_non_match),
        ]
    };
    let head = ["rejected", "pairs left", "quality from", "EER", "genuine pairs missed"];
    let rows = part.report.points.iter().map(row).collect();
    let threshold = match part.report.threshold {
        Some(threshold) => format!(
            "Genuine pairs are missed beyond the distance {:.3}, at which 1 % of all impostor pairs pass.",
            threshold.value()
        ),
        None => "There are too few impostor pairs for a threshold at which 1 % of them pass.".to_owned(),
    };
    let lead = format!(
        "What does it help to refuse poor pictures? Pairs are left out by the worse quality of their two pictures, the \
         worst first. {threshold}"
    );
    section("quality", "Quality", lead, part, vec![table("Errors by share of rejected pairs", &head, rows)])
}

fn section<T>(
    id: &'static str,
    title: &'static str,
    lead: String,
    part: &Part<'_, T>,
    mut blocks: Vec<Block>,
) -> Section {
    let figures = part
        .pictures
        .iter()
        .map(|&(svg, caption)| Block::Figure { svg: svg.into(), caption: caption.into() });
    blocks.extend(figures);
    Section { id, title, lead, blocks, command: part.command.into() }
}

fn table(caption: &str, head: &[&str], rows: Vec<Vec<String>>) -> Block {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    Block::Table(Table { caption: caption.into(), head, rows })
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |share| format!("{:.2} %", 100.0 * share))
}

/// `4.10 … 6.30`, or nothing.
fn range(interval: Option<Interval>, end: impl Fn(f64) -> String) -> String {
    interval.map_or(String::new(), |Interval { low, high }| format!("{} … {}", end(low), end(high)))
}

/// `5.20 % (4.10 … 6.30)`.
fn estimate(Estimate { value, interval }: &Estimate) -> String {
    let range = interval.map_or(String::new(), |Interval { low, high }| {
        format!(" ({:.2} … {:.2})", 100.0 * low, 100.0 * high)
    });
    format!("{}{range}", percent(*value))
}
