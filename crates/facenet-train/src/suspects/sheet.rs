//! The suspects as one page to look through.

use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet_core::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::thumbnail;

use super::{Stranger, Suspects, Twins};
use crate::dataset::{Dataset, ImageId};

/// How much a contact sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetLimits {
    /// The most strangers, the most certain first.
    pub strangers: usize,
    /// The most twins, the nearest first.
    pub twins: usize,
    /// The longer edge of a picture, in pixels, at least 1.
    pub edge_px: u32,
    /// Pictures of each person beside a suspect.
    pub beside: usize,
}

impl Default for SheetLimits {
    /// 200 of each, with three pictures of 112 pixels of each person.
    fn default() -> Self {
        Self { strangers: 200, twins: 200, edge_px: 112, beside: 3 }
    }
}

/// Draws the suspects that every checkpoint called as an HTML page that needs no other file: each stranger
/// beside images of the person whose name it bears and of the person it looks like, each pair of twins with
/// images of both people, with places and distances. Images that cannot be read say so.
///
/// People are those of `dataset`: the labels that were looked at must be the numbers of its identities. To
/// store it, see [`facenet::write_beside`].
///
/// # Panics
/// When a suspect is no image of `dataset`.
pub fn contact_sheet(suspects: &Suspects, dataset: &Dataset, limits: SheetLimits) -> String {
    let (strangers, twins) = (suspects.strangers(), suspects.twins());
    let mut page = String::from(HEAD);
    let _ = writeln!(
        page,
        "<h1>Suspected labels</h1>\n<p>{} images nearer to another person than to their own, {} pairs of \
         nearly the same images under two names. Distances are squared, from 0 (the same) to 4.</p>",
        strangers.len(),
        twins.len()
    );
    let sheet = Sheet { dataset, limits };
    strangers.iter().take(limits.strangers).for_each(|stranger| sheet.stranger(stranger, &mut page));
    twins.iter().take(limits.twins).for_each(|twins| sheet.twins(twins, &mut page));
    let people = suspects.same_people();
    if !people.is_empty() {
        page.push_str("<h2>People who may be one</h2>\n<ul>\n");
        for same in people {
            let [one, other] = same.people.map(|person| sheet.name(person));
            let _ = writeln!(page, "<li>{one} and {other}: means {:.3} apart</li>", same.distance);
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <title>Suspected labels</title>\n<style>\n\
    body { font: 14px/1.4 sans-serif; margin: 2em; color: #222; background: #fff }\n\
    section { border-top: 1px solid #ccc; padding: 1em 0; display: flex; gap: 2em; flex-wrap: wrap }\n\
    figure { margin: 0 } figcaption { max-width: 26em; overflow-wrap: anywhere }\n\
    img { margin-right: 4px; vertical-align: top } .suspect img { outline: 3px solid #c00 }\n\
    </style>\n</head>\n<body>\n";

struct Sheet<'a> {
    dataset: &'a Dataset,
    limits: SheetLimits,
}

impl Sheet<'_> {
    fn stranger(&self, stranger: &Stranger, page: &mut String) {
        let (own, other) = (self.name(stranger.person), self.name(stranger.looks_like));
        page.push_str("<section>\n");
        let id = ImageId(stranger.image);
        let caption = format!(
            "{}<br>called by {} checkpoints, nearer by {:.3}",
            escaped(&self.dataset.place(id)),
            stranger.called,
            stranger.certainty()
        );
        self.figure("suspect", &[id], &caption, page);
        let caption = format!("its name: {own}<br>{:.3} away", stranger.own_distance);
        self.figure("own", &self.beside(stranger.person, stranger.image), &caption, page);
        let caption = format!("looks like: {other}<br>{:.3} away", stranger.other_distance);
        self.figure("other", &self.beside(stranger.looks_like, stranger.image), &caption, page);
        page.push_str("</section>\n");
    }

    fn twins(&self, twins: &Twins, page: &mut String) {
        page.push_str("<section>\n");
        let places = twins.images.map(|image| escaped(&self.dataset.place(ImageId(image))));
        let caption = format!("{}<br>{}<br>{:.3} apart", places[0], places[1], twins.distance);
        self.figure("suspect", &twins.images.map(ImageId), &caption, page);
        for (person, image) in twins.people.into_iter().zip(twins.images) {
            self.figure("own", &self.beside(person, image), &self.name(person), page);
        }
        page.push_str("</section>\n");
    }

    fn figure(&self, class: &str, images: &[ImageId], caption: &str, page: &mut String) {
        let _ = write!(page, "<figure class=\"{class}\">");
        for &id in images {
            match self.dataset.image(id) {
                Ok(image) => {
                    let alt = escaped(&self.dataset.place(id));
                    let _ =
                        write!(page, "<img alt=\"{alt}\" src=\"{}\">", data_uri(&image, self.limits.edge_px));
                }
                Err(error) => {
                    let _ = write!(page, "<em>{}</em> ", escaped(&error.to_string()));
                }
            }
        }
        let _ = writeln!(page, "<figcaption>{caption}</figcaption></figure>");
    }

    /// Images of a person, evenly over all but `without`.
    fn beside(&self, person: u32, without: u32) -> Vec<ImageId> {
        let range = self.dataset.identities().get(person as usize).map_or(0..0, |i| Range::clone(&i.images));
        let others: Vec<u32> = range.filter(|&image| image != without).collect();
        let count = self.limits.beside.min(others.len());
        (0..count).map(|i| ImageId(others[i * others.len() / count])).collect()
    }

    fn name(&self, person: u32) -> String {
        let name = self.dataset.identities().get(person as usize).map(|identity| escaped(&identity.name));
        name.unwrap_or_else(|| format!("person {person}"))
    }
}

/// At most `edge_px` wide and high, as a `data:` address of a JPEG file.
fn data_uri(picture: &RgbImage, edge_px: u32) -> String {
    /// Of 100; more looks the same at this size.
    const QUALITY: u8 = 80;
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    let scaled = |length: u32| (u64::from(length) * u64::from(edge_px) / u64::from(longer)).max(1) as u32;
    let small = (longer > edge_px).then(|| thumbnail(picture, scaled(width), scaled(height)));
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    small
        .as_ref()
        .unwrap_or(picture)
        .write_with_encoder(encoder)
        .expect("a small RGB image fits into a JPEG");
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))
}

/// Safe between tags and in quotes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::{folder_of, png};
    use crate::suspects::SuspectConfig;

    /// Al 0..3 at 0°, of which image 2 is at 90° like Bo 3..5; Bo's image 4 has a broken file.
    fn sheet(limits: SheetLimits) -> String {
        let pictures = [png(16, 10), png(64, 20), png(64, 30), png(64, 40)];
        let folder = folder_of(&[
            ("Al & <b>/1.png", &pictures[0]),
            ("Al & <b>/2.png", &pictures[1]),
            ("Al & <b>/3.png", &pictures[2]),
            ("Bo/1.png", &pictures[3]),
            ("Bo/2.png", b"broken"),
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        let mut suspects = Suspects::new(SuspectConfig::default());
        let rows: Vec<f32> = [0.0f32, 1.0, 90.0, 90.5, 120.0]
            .iter()
            .flat_map(|d| [d.to_radians().cos(), d.to_radians().sin()])
            .collect();
        let ids: Vec<ImageId> = (0..5).map(ImageId).collect();
        suspects.look(&rows, &[0, 0, 0, 1, 1], &ids).unwrap();
        contact_sheet(&suspects, &dataset, limits)
    }

    #[test]
    fn a_stranger_stands_beside_both_people_and_a_broken_image_says_so() {
        let page = sheet(SheetLimits::default());
        assert_eq!(page.matches("<section>").count(), 2, "one stranger, one pair of twins");
        assert!(page.contains("looks like: Bo<br>"), "{page}");
        assert!(page.contains("its name: Al &amp; &lt;b&gt;<br>1.983 away"), "{page}");
        assert!(page.contains("<em>") && !page.contains("<b>"), "{page}");
        // Stranger: itself, 2 of Al, 1 of Bo; twins: both, 2 of Al, none of Bo but the broken one.
        assert_eq!(page.matches("data:image/jpeg;base64,").count(), 8);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    }

    #[test]
    fn limits_hold() {
        let page = sheet(SheetLimits { strangers: 1, twins: 0, edge_px: 8, beside: 1 });
        assert_eq!((page.matches("<section>").count(), page.matches("<img").count()), (1, 3));
        let jpeg = page.split("base64,").nth(1).unwrap().split('"').next().unwrap();
        let picture = facenet::decode(&STANDARD.decode(jpeg).unwrap(), &facenet::Limits::default());
        assert_eq!(picture.unwrap().dimensions(), (8, 8));
    }
}
