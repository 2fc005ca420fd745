//! The whole page.

use image::Rgb;

use super::*;
use crate::verification::oracle::{fold, pairs};
use crate::weighted::named;
use crate::{Band, Curve, ImageRef, Interval, PairsFile, Roc, Uncertainty, roc_svg};

/// A page of two pairs, with pictures for `pictured` of them.
fn html(title: &str, pictured: usize) -> String {
    let scored = pairs(&[fold(&[0.5], &[2.0; 10])]);
    let uncertainty = Some(Uncertainty {
        draws: 100,
        seed: 0,
        subjects: 7,
        accuracy: None,
        val_at_far: Vec::new(),
        auc: Some(Interval { low: 0.91234, high: 1.0 }),
        eer: Some(Interval { low: 0.0, high: 0.025 }),
        d_prime: None,
        band: Band::default(),
    });
    let report = VerificationReport { uncertainty, ..VerificationReport::measure("m", "pairs.txt", &scored) };
    let svg = roc_svg("Verification", &[Curve { label: "m", roc: &Roc::of(&scored) }]).unwrap();
    let file = PairsFile::parse("1\nada 1 2\nada 1 b<b 1\n", "pairs.txt".as_ref()).unwrap();
    let named = named(&file, &[0.5, 2.0]);
    let hardest = HardestPairs::of(&named, 5);
    let page = ReportPage {
        title,
        model: "m",
        command: "facenet eval report --out 'a & b'",
        verification: Part {
            report: &report,
            command: "facenet eval pairs",
            pictures: vec![(&svg, "the ROC")],
        },
        slices: None,
        comparison: None,
        identification: None,
        clustering: None,
        reject: None,
        hardest: &hardest,
    };
    let face = RgbImage::from_pixel(8, 8, Rgb([200, 120, 40]));
    let limit = ImageRef::new("ada", 2).unwrap();
    page.html(|named| (pictured == 2 || named.pair.right == limit).then_some([&face, &face])).unwrap()
}

#[test]
fn the_page_holds_everything_and_asks_no_host() {
    let html = html("A < B", 2);
    for found in [
        "<title>A &lt; B</title>",
        "default-src 'none'",
        "<svg",
        "VAL @ FAR 1e-3",
        "not measurable",
        "0.9123 … 1.0000",
        "0.00 … 2.50",
        "95 % of 100 draws of the 7 people",
        "facenet eval pairs",
        "facenet eval report --out &#39;a &amp; b&#39;",
        "data:image/jpeg;base64,",
        "b&lt;b_0001",
        "aria-label=\"the ROC\"",
        "prefers-color-scheme: dark",
    ] {
        assert!(html.contains(found), "{found}");
    }
    assert!(!html.contains("<script") && !html.contains("src=\"http") && !html.contains("url("));
}

#[test]
fn every_anchor_leads_somewhere_and_headings_go_in_order() {
    let html = html("t", 2);
    for anchor in html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(html.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
    }
    assert_eq!(html.matches("<h1>").count(), 1);
    assert!(html.find("<h2").unwrap() < html.find("<h3").unwrap());
}

#[test]
fn every_picture_has_words() {
    let html = html("t", 2);
    assert_eq!(html.matches("<img ").count(), 4);
    assert_eq!(html.matches("alt=\"Face in ").count(), 4);
}

#[test]
fn a_pair_without_pictures_is_not_shown() {
    assert_eq!(html("t", 1).matches("<img ").count(), 2);
}

#[test]
fn the_colours_that_the_page_replaces_are_those_of_the_pictures() {
    let html = html("t", 2);
    let svg = &html[html.find("<svg").unwrap()..html.find("</svg>").unwrap()];
    for colour in ["fill=\"#FFFFFF\"", "stroke=\"#1F2937\"", "stroke=\"#DFE3E8\"", "stroke=\"#0072B2\""] {
        assert!(svg.contains(colour), "{colour}");
    }
}
