//! One self-contained page of all faces, by person.

mod text;
mod thumbnail;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use facenet_core::{Distance, RgbImage, Threshold};

use self::text::{counted, escaped, file_name, share};
use self::thumbnail::data_uri;
use super::AlbumError;
use super::staging::Staging;
use crate::{Cluster, Member, Suggestion, Why};

/// What a page shows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The heading: any text.
    pub title: &'a str,
    /// The clusters, in the order of the page.
    pub clusters: &'a [Cluster],
    /// The faces that the clusters name by index.
    pub faces: &'a [PageFace<'a>],
    /// Where the clustering stopped.
    pub cut: Cut<'a>,
    /// Clusters that may be one person, asked about in this order; the first hundred are shown.
    pub suggestions: &'a [Suggestion],
}

/// A face on a page.
#[derive(Debug, Clone, Copy)]
pub struct PageFace<'a> {
    /// The photo that it is from; its file name is shown.
    pub source: &'a Path,
    /// The face, cut out, of any size and shape but with at least one pixel; it is shown as a square.
    pub picture: &'a RgbImage,
}

/// The threshold of a clustering, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub enum Cut<'a> {
    /// Measured on named data.
    Calibrated(&'a Threshold),
    /// Chosen by hand: its false accept rate is unknown, and the page says so.
    Chosen(Distance),
    /// Chosen for the share of joined pairs that are wrong, in `[0, 1]`; see
    /// [`threshold_for_wrong_pairs`](crate::threshold_for_wrong_pairs).
    WrongPairs {
        /// The threshold.
        distance: Distance,
        /// The share.
        share: f64,
    },
}

impl Cut<'_> {
    /// The distance itself.
    pub fn distance(&self) -> Distance {
        match self {
            Self::Calibrated(threshold) => threshold.distance,
            Self::Chosen(distance) | Self::WrongPairs { distance, .. } => *distance,
        }
    }
}

/// Writes `page` to `path` as one HTML file that needs nothing else: style and thumbnails are inside, and it asks no
/// host for anything. A file that is there is replaced, and only by a whole page.
///
/// People come first, most central face first; faces whose mean distance to the others exceeds the threshold are
/// marked as doubtful. Faces that stayed alone come together at the end.
///
/// # Errors
/// When the file cannot be written, or a face's picture has no pixels.
///
/// # Panics
/// When a cluster names a face that is not there.
pub fn write_page(path: &Path, page: &Page<'_>) -> Result<(), AlbumError> {
    let failed = |source| AlbumError::Write { path: path.into(), source };
    let staging = Staging::beside(path).map_err(failed)?;
    let file = fs_err::File::create(staging.path()).map_err(failed)?;
    let mut out = BufWriter::new(file);
    render(&mut out, page).map_err(|error| match error {
        RenderError::Write(source) => failed(source),
        RenderError::Album(error) => error,
    })?;
    out.flush().map_err(failed)?;
    staging.publish().map_err(failed)
}

/// Why rendering stopped.
#[derive(Debug)]
enum RenderError {
    Write(io::Error),
    Album(AlbumError),
}

impl From<io::Error> for RenderError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// No script, no host: even a hole in the escaping of a file name could load and run nothing.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

fn render(out: &mut dyn Write, page: &Page<'_>) -> Result<(), RenderError> {
    let (people, alone): (Vec<&Cluster>, Vec<&Cluster>) = page.clusters.iter().partition(|c| !c.is_alone());
    let title = escaped(page.title);
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">")?;
    writeln!(out, "<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>", include_str!("page.css"))?;
    writeln!(out, "<a class=\"skip\" href=\"#faces\">Skip to the faces</a>")?;
    header(out, page, people.len(), alone.len())?;
    writeln!(out, "<main id=\"faces\">")?;
    questions(out, page, &people)?;
    for (number, person) in (1..).zip(people) {
        let (heading, note) = (format!("Person {number}"), counted(person.members.len(), "face", "faces"));
        section(out, page, &format!("person-{number}"), (&heading, &note), &person.members)?;
    }
    if !alone.is_empty() {
        let members: Vec<Member> = alone.iter().flat_map(|cluster| &cluster.members).copied().collect();
        let note = format!("{} that no other was joined to", counted(members.len(), "face", "faces"));
        section(out, page, "alone", ("Alone", &note), &members)?;
    }
    writeln!(out, "</main>\n<footer>This page is one file: it holds its pictures.</footer>")?;
    writeln!(out, "</body>\n</html>")?;
    Ok(())
}

const GUESSES: &str = "These groups are guesses of a program. It can take two people for one, or one person for \
    two. Look before you rely on any of them.";

const ORDER: &str = "The most typical face of a person comes first. One that is on average farther than this from \
    the person's other faces is marked as doubtful.";

const QUESTIONS: &str = "These groups were not joined, but may be one person. Say which are and which are not, and \
    group again: the answers bind.";

fn header(out: &mut dyn Write, page: &Page<'_>, people: usize, alone: usize) -> io::Result<()> {
    let distance = page.cut.distance();
    let members = page.clusters.iter().flat_map(|cluster| &cluster.members);
    let doubtful = members.clone().filter(|member| member.is_doubtful(distance)).count();
    writeln!(out, "<header>\n<h1>{}</h1>\n<dl>", escaped(page.title))?;
    for (one, many, count) in [
        ("face", "faces", members.count()),
        ("person", "people", people),
        ("face alone", "faces alone", alone),
        ("doubtful face", "doubtful faces", doubtful),
    ] {
        let name = if count == 1 { one } else { many };
        writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", text::grouped(count))?;
    }
    writeln!(out, "</dl>\n<p class=\"guess\">{GUESSES}</p>")?;
    write!(
        out,
        "<p>Faces were joined up to a distance of {distance:.3}, on a scale from 0 (the same) to 4. "
    )?;
    match page.cut {
        Cut::Calibrated(threshold) => writeln!(
            out,
            "On {}, {} of the pairs of two different people lie within it (false accept rate).",
            escaped(&threshold.data),
            share(threshold.false_accept_rate)
        )?,
        Cut::Chosen(_) => writeln!(out, "It was chosen by hand: its false accept rate is not known.")?,
        Cut::WrongPairs { share: wrong, .. } => writeln!(
            out,
            "It was chosen so that about {} of the pairs in a group are wrong, as on the faces that it was measured on.",
            share(wrong)
        )?,
    }
    writeln!(out, "{ORDER}</p>\n</header>")
}

/// More questions than anybody answers at once.
const MOST_QUESTIONS: usize = 100;

/// Clusters that may be one person, each as two faces and a question.
fn questions(out: &mut dyn Write, page: &Page<'_>, people: &[&Cluster]) -> Result<(), RenderError> {
    if page.suggestions.is_empty() {
        return Ok(());
    }
    let numbers: HashMap<usize, usize> = (1..)
        .zip(people)
        .flat_map(|(number, person)| person.faces().map(move |face| (face, number)))
        .collect();
    let name = |face: usize| match numbers.get(&face) {
        Some(number) => format!("Person {number}"),
        None => "a face alone".into(),
    };
    writeln!(out, "<section aria-labelledby=\"questions\">\n<h2 id=\"questions\">The same person?</h2>")?;
    writeln!(out, "<p>{QUESTIONS}</p>")?;
    for suggestion in page.suggestions.iter().take(MOST_QUESTIONS) {
        let (a, b, distance) = (name(suggestion.a), name(suggestion.b), suggestion.distance.value());
        let why = match suggestion.why {
            Why::SomeAlike => "some of their faces are alike",
            Why::JustBeyond => "they are a little too far apart",
            Why::Poor => "a face is too poor to tell",
        };
        writeln!(
            out,
            "<h3>{a} and {b}?</h3>\n<p>Mean distance {distance:.2}: {why}.</p>\n<ul role=\"list\">"
        )?;
        for face_index in [suggestion.a, suggestion.b] {
            let member = Member { face: face_index, mean_distance: None };
            face(out, &page.faces[face_index], &member, page.cut.distance())?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</section>")?;
    Ok(())
}

/// Sections of up to this many faces may stand beside each other.
const FEW_FACES: usize = 3;

fn section(
    out: &mut dyn Write,
    page: &Page<'_>,
    id: &str,
    (heading, note): (&str, &str),
    members: &[Member],
) -> Result<(), RenderError> {
    let class = if members.len() <= FEW_FACES { " class=\"few\"" } else { "" };
    writeln!(out, "<section{class} aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>")?;
    writeln!(out, "<p>{note}</p>\n<ul role=\"list\">")?;
    for member in members {
        face(out, &page.faces[member.face], member, page.cut.distance())?;
    }
    writeln!(out, "</ul>\n</section>")?;
    Ok(())
}

fn face(
    out: &mut dyn Write,
    face: &PageFace<'_>,
    member: &Member,
    threshold: Distance,
) -> Result<(), RenderError> {
    let picture = data_uri(face.picture).map_err(|source| {
        let (width, height) = face.picture.dimensions();
        RenderError::Album(AlbumError::Thumbnail { path: face.source.into(), width, height, source })
    })?;
    let (path, name) = (escaped(&face.source.to_string_lossy()), escaped(&file_name(face.source)));
    let (class, badge) = match member.is_doubtful(threshold) {
        true => (" class=\"doubtful\"", "<strong>doubtful</strong>"),
        false => ("", ""),
    };
    writeln!(out, "<li{class}><figure><div class=\"frame\">")?;
    writeln!(
        out,
        "<img src=\"{picture}\" alt=\"Face in {name}\" width=\"112\" height=\"112\">{badge}</div>"
    )?;
    write!(out, "<figcaption title=\"{path}\"><bdi>{name}</bdi>")?;
    if let Some(mean) = member.mean_distance {
        write!(out, "<span>mean distance {:.2}</span>", mean.value())?;
    }
    writeln!(out, "</figcaption></figure></li>")?;
    Ok(())
}

#[cfg(test)]
mod tests;
