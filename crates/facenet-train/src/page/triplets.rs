//! The hardest triplets of the moment as rows of three pictures.

use std::fmt::Write;

use super::chart::MEMORY;
use super::text::{escaped, grouped};
use super::thumbnail::data_uri;
use crate::{Dataset, Face, HardTriplet, Snapshot};

const EXPLANATION: &str = "Of the triplets that were mined in the latest batch, those whose negative lies nearest in \
    comparison with the positive. Faces that a person too would take for one another teach the most; wrong labels \
    show up here first.";

/// The section of the hardest triplets; nothing while no batch was looked at.
pub(super) fn section(snapshot: Option<&Snapshot>, dataset: &Dataset) -> String {
    let Some(snapshot) = snapshot else { return String::new() };
    let mut out = String::from("<section class=\"card\" aria-labelledby=\"hardest\">\n");
    out.push_str("<h2 id=\"hardest\">Hardest triplets of the moment</h2>\n");
    if snapshot.hardest.is_empty() {
        out.push_str("<p>No triplet was mined in the latest batch.</p>\n</section>\n");
        return out;
    }
    writeln!(out, "<p>{EXPLANATION}</p>\n<table>\n<caption>Step {}</caption>", grouped(snapshot.step))
        .expect(MEMORY);
    out.push_str("<thead><tr><th scope=\"col\">Anchor</th><th scope=\"col\">Positive: same person</th>");
    out.push_str("<th scope=\"col\">Negative: another person</th></tr></thead>\n<tbody>\n");
    for triplet in &snapshot.hardest {
        row(&mut out, triplet, dataset);
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
    out
}

fn row(out: &mut String, triplet: &HardTriplet, dataset: &Dataset) {
    out.push_str("<tr>");
    let nearer = if triplet.violation() > 0.0 { "hard" } else { "semi-hard" };
    for (role, face, distance, badge) in [
        ("Anchor", &triplet.anchor, None, None),
        ("Positive", &triplet.positive, Some(triplet.positive_distance), None),
        ("Negative", &triplet.negative, Some(triplet.negative_distance), Some(nearer)),
    ] {
        out.push_str("<td><figure>");
        picture(out, role, face, dataset);
        write!(out, "<figcaption><bdi>{}</bdi>", person(face, dataset)).expect(MEMORY);
        if let Some(distance) = distance {
            write!(out, "<span class=\"distance\">distance <b>{distance:.3}</b></span>").expect(MEMORY);
        }
        if let Some(badge) = badge {
            write!(out, "<span class=\"badge {badge}\">{badge}</span>").expect(MEMORY);
        }
        out.push_str("</figcaption></figure></td>");
    }
    out.push_str("</tr>\n");
}

fn picture(out: &mut String, role: &str, face: &Face, dataset: &Dataset) {
    let (person, place) = (person(face, dataset), escaped(&dataset.place(face.image)));
    let uri = dataset.image(face.image).ok().and_then(|image| data_uri(&image));
    match uri {
        Some(uri) => write!(
            out,
            "<img src=\"{uri}\" alt=\"{role}: {person}\" title=\"{place}\" width=\"128\" height=\"128\">"
        ),
        None => write!(out, "<div class=\"missing\" title=\"{place}\">cannot be read any more</div>"),
    }
    .expect(MEMORY);
}

fn person(face: &Face, dataset: &Dataset) -> String {
    dataset.identities().get(face.identity as usize).map_or_else(String::new, |i| escaped(&i.name))
}
