use super::*;

use crate::dataset::tests::{folder_of, png};
use crate::{Face, HardTriplet, Histogram, ImageId, StepRecord, ValidationRecord};

const HOSTILE: &str = "\"><img src=x onerror='alert(1)'>";

fn config() -> TrainConfig {
    let toml = "data.train = \"faces & <b>more</b>\"\nschedule = { steps = 40 }";
    toml::from_str(toml).unwrap()
}

fn step(step: u64, loss: f32) -> Record {
    Record::Step(StepRecord {
        step,
        loss,
        learning_rate: 0.05,
        triplets: 1234.4,
        active: Some(0.5),
        accuracy: None,
        positive_distance: Some(0.6),
        negative_distance: None,
        faces: 256.0,
        skipped: 0,
        faces_per_second: 120.0,
        waiting: 0.01,
    })
}

fn validation(step: u64) -> Record {
    Record::Validation(ValidationRecord {
        step,
        accuracy: Some(0.8125),
        standard_error: Some(0.01),
        auc: 0.9,
        threshold: Some(1.1),
    })
}

fn snapshot() -> Snapshot {
    let face = |image, identity| Face { image: ImageId(image), identity };
    Snapshot {
        step: 20,
        positives: Histogram::empty(),
        negatives: Histogram::empty(),
        hardest: vec![HardTriplet {
            anchor: face(0, 0),
            positive: face(1, 0),
            negative: face(2, 1),
            positive_distance: 0.75,
            negative_distance: 0.5,
        }],
    }
}

/// A page over two people, one of whom has a hostile name, and the folder that it is in.
fn page(records: Vec<Record>) -> (tempfile::TempDir, LivePage) {
    let (first, hostile) = (png(32, 90), format!("{}/1.png", HOSTILE.replace('/', "")));
    let folder = folder_of(&[("ann/1.png", &first), ("ann/2.png", b"no image"), (&hostile, &first)]);
    let dataset = Arc::new(Dataset::open(folder.path()).unwrap());
    let title = format!("run {HOSTILE}");
    let path = folder.path().join("index.html");
    (folder, LivePage::new(path, title, config(), dataset, records, 0))
}

fn text(page: &LivePage) -> String {
    std::fs::read_to_string(&page.path).unwrap()
}

#[test]
fn a_page_shows_progress_curves_and_the_hardest_triplets() {
    let (_folder, mut page) = page(vec![step(10, 0.2), validation(10)]);
    page.add(step(20, 0.1));
    page.look(snapshot());
    page.set_suspects(3);
    page.refresh(20).unwrap();
    let html = text(&page);
    for expected in [
        "<dd>20 <small>of 40, 50 %</small></dd>",
        "<dt>triplet loss</dt><dd>0.1000</dd>",
        "<dt>pairs still active</dt><dd>50.0 %</dd>",
        "<dt>validation accuracy</dt><dd>81.25 %</dd>",
        "<dt>suspected labels</dt><dd>3</dd>",
        "<b>81.25 %</b> ± 1.00",
        "threshold 1.10</text>",
        "alt=\"Anchor: ",
        "distance <b>0.750</b>",
        "<span class=\"badge hard\">hard</span>",
        "<caption>Step 20</caption>",
        "http-equiv=\"refresh\" content=\"10\"",
    ] {
        assert!(html.contains(expected), "{expected} is missing in {html}");
    }
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 2, "the third picture is unreadable");
    assert_eq!(html.matches("cannot be read any more").count(), 1);
}

#[test]
fn names_titles_and_settings_stay_text() {
    let (_folder, mut page) = page(vec![]);
    page.look(snapshot());
    page.close(3, &End::Stopped(format!("cannot read {HOSTILE}"))).unwrap();
    let html = text(&page);
    assert!(!html.contains("<img src=x") && !html.contains("<b>more"), "{html}");
    assert_eq!(html.matches("<img ").count(), 2);
    for escaped in ["&lt;img src=x onerror=", "faces &amp; &lt;b&gt;more", "Stopped: cannot read &quot;"] {
        assert!(html.contains(escaped), "{escaped}");
    }
}

#[test]
fn a_page_that_is_closed_loads_itself_no_more_and_says_how_the_run_ended() {
    let (_folder, mut page) = page(vec![step(40, 0.1)]);
    page.refresh(39).unwrap();
    assert!(text(&page).contains("http-equiv=\"refresh\""));
    page.close(40, &End::Finished).unwrap();
    let html = text(&page);
    assert!(!html.contains("http-equiv=\"refresh\"") && !html.contains("<dt>left</dt>"));
    assert!(html.contains("Finished</p>") && html.contains(": 100 %</title>"));
}

#[test]
fn a_page_is_not_written_again_within_moments() {
    let (_folder, mut page) = page(vec![]);
    page.refresh(1).unwrap();
    std::fs::remove_file(&page.path).unwrap();
    page.refresh(2).unwrap();
    assert!(!page.path.exists());
    page.close(2, &End::Finished).unwrap();
    assert!(page.path.exists(), "the last writing does not wait");
}

#[test]
fn a_run_without_a_record_has_a_page_that_asks_no_host_for_anything() {
    let (_folder, mut page) = page(vec![]);
    page.refresh(0).unwrap();
    let html = text(&page);
    assert_eq!(html.matches("Nothing was measured yet").count(), 6, "each chart says so");
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    for outside in ["http:", "https:", "//", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn what_is_no_number_is_left_out_of_the_curves() {
    let (_folder, page) = page(vec![step(10, 0.2), step(20, f32::NAN), step(30, 0.1)]);
    page.close(30, &End::Finished).unwrap();
    let html = text(&page);
    assert!(!html.contains("NaN") && !html.contains("inf "), "{html}");
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let (folder, mut page) = page(vec![]);
    page.path = folder.path().join("ann/1.png/index.html");
    assert!(page.refresh(0).is_err());
}
