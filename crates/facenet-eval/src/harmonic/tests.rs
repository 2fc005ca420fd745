use std::path::Path;

use super::*;

/// Five people with two images each in two folds; what differs between images of a person is turned by `noise`.
fn pairs() -> PairsFile {
    let mut text = "2\t4\n".to_owned();
    for fold in 0..2 {
        let person = |i: usize| format!("p{}", fold * 4 + i % 4);
        (0..4).for_each(|i| text += &format!("{}\t1\t2\n", person(i)));
        (0..4).for_each(|i| text += &format!("{}\t1\t{}\t2\n", person(i), person(i + 1)));
    }
    PairsFile::parse(&text, Path::new("pairs.txt")).unwrap()
}

/// Embeddings of all images: a direction of each person, and `noise` of each image.
fn embeddings(noise: f32) -> HashMap<ImageRef, Embedding> {
    let pairs = pairs();
    let images = pairs.folds.iter().flatten().flat_map(|pair| [&pair.left, &pair.right]);
    images
        .map(|image| {
            let person: usize = image.person()[1..].parse().unwrap();
            let mut values = vec![0.0; 8];
            values[person] = 1.0;
            values[(person + 1) % 8] = if image.number() == 1 { noise } else { -0.5 * noise };
            (image.clone(), Embedding::normalize(values).unwrap())
        })
        .collect()
}

const NAMES: HarmonicNames<'static> =
    HarmonicNames { old: "v1", new: "v2", independent: Some("v3"), data: "pairs.txt" };

fn measure(old: f32, new: f32) -> HarmonicReport {
    let embeddings = HarmonicEmbeddings {
        old: embeddings(old),
        stored: embeddings(old),
        new: embeddings(new),
        independent: embeddings(0.0),
    };
    HarmonicReport::measure(NAMES, &pairs(), &embeddings, 50, 1).unwrap().0
}

#[test]
fn a_better_model_in_the_same_space_gains_with_an_old_gallery() {
    let report = measure(3.0, 0.1);
    assert!(report.old.auc < report.mixed.auc && report.mixed.auc <= report.new.auc, "{report}");
    assert_eq!(report.gain.figures[0].difference, {
        let statement = report.statement().unwrap();
        Some(statement.mixed - statement.old)
    });
    assert_eq!(report.cost.unwrap().figures[0].difference, Some(0.0), "both are perfect");
}

#[test]
fn only_pairs_of_which_every_model_has_both_images_count() {
    let mut all = HarmonicEmbeddings {
        old: embeddings(1.0),
        stored: embeddings(1.0),
        new: embeddings(0.1),
        independent: HashMap::new(),
    };
    let lost = pairs().folds[0][0].left.clone();
    let uses = pairs().folds.iter().flatten().filter(|pair| pair.left == lost || pair.right == lost).count();
    all.new.remove(&lost);
    let names = HarmonicNames { independent: None, ..NAMES };
    let (report, curves) = HarmonicReport::measure(names, &pairs(), &all, 10, 1).unwrap();
    assert_eq!(report.old.pairs.skipped, uses as u64);
    assert_eq!(report.old.pairs, report.mixed.pairs);
    assert_eq!(curves.curves.len(), 3);
}

#[test]
fn a_gallery_is_found_in_as_it_is_upgraded() {
    let (old, new) = (embeddings(3.0), embeddings(0.1));
    let images: Vec<ImageRef> = {
        let mut images: Vec<_> = old.keys().cloned().collect();
        images.sort_by_key(|image| (image.person().to_owned(), image.number()));
        images
    };
    let labels: Vec<&str> = images.iter().map(ImageRef::person).collect();
    let list = |of: &HashMap<ImageRef, Embedding>| images.iter().map(|i| of[i].clone()).collect::<Vec<_>>();
    let (old, new) = (list(&old), list(&new));
    let found = upgraded_galleries(&labels, &old, &old, &new, 5, 1).unwrap();
    assert_eq!(
        found.iter().map(|step| step.upgraded).collect::<Vec<_>>(),
        [None, Some(0.0), Some(0.25), Some(0.5), Some(1.0)]
    );
    assert_eq!(found[4].rank_1.mean, 1.0, "the new model alone finds everybody");
    assert!(found[0].rank_1.mean < 1.0, "the old model alone does not");
}
