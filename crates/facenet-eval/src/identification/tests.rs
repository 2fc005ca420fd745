//! The whole protocol on faces in the plane.

use facenet_core::Embedding;

use super::*;

/// A unit vector at `degrees`.
fn at(degrees: f32) -> Embedding {
    let radians = degrees.to_radians();
    Embedding::normalize(vec![radians.cos(), radians.sin()]).unwrap()
}

/// `people` people around the circle, `faces` faces each within a degree.
fn circle(people: usize, faces: usize) -> LabelledFaces {
    let names: Vec<String> = (0..people).map(|person| format!("p{person:02}")).collect();
    let mut labels = Vec::new();
    let mut embeddings = Vec::new();
    for (person, name) in names.iter().enumerate() {
        for face in 0..faces {
            labels.push(name.as_str());
            embeddings.push(at(person as f32 * 360.0 / people as f32 + face as f32 / faces as f32));
        }
    }
    LabelledFaces::new(embeddings, &labels).unwrap()
}

fn options(galleries: &[usize], draws: u32) -> IdentificationOptions {
    IdentificationOptions { galleries: galleries.into(), draws, seed: 1 }
}

fn measure(faces: &LabelledFaces, galleries: &[usize]) -> IdentificationReport {
    IdentificationReport::measure("m", "d", faces, &options(galleries, 5)).unwrap()
}

#[test]
fn a_draw_enrols_half_of_each_person_and_searches_everything_else() {
    let faces = circle(6, 5);
    let draw = Draw::new(&faces, 4, 1, 0);
    assert!(draw.enrolled.iter().all(|own| own.len() == 2));
    assert_eq!((draw.mated.len(), draw.non_mated.len()), (4 * 3, 2 * 5));
    let mut all: Vec<usize> = draw.enrolled.iter().flatten().copied().collect();
    all.extend(draw.mated.iter().map(|&(probe, _)| probe).chain(draw.non_mated.iter().copied()));
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<_>>(), "every face has one part");
    for &(probe, place) in &draw.mated {
        assert_eq!(probe / 5, draw.enrolled[place][0] / 5, "a mated probe belongs to its person");
    }
    assert_eq!(draw, Draw::new(&faces, 4, 1, 0));
    assert_ne!(draw, Draw::new(&faces, 4, 1, 1));
    assert_ne!(draw, Draw::new(&faces, 4, 2, 0));
}

#[test]
fn at_most_five_faces_are_enrolled_and_a_person_with_one_is_an_impostor() {
    let faces = circle(2, 30);
    assert!(Draw::new(&faces, 2, 1, 0).enrolled.iter().all(|own| own.len() == MOST_ENROLLED));

    let embeddings = vec![at(0.0), at(1.0), at(90.0), at(180.0)];
    let faces = LabelledFaces::new(embeddings, &["ada", "ada", "bob", "cyd"]).unwrap();
    let draw = Draw::new(&faces, 1, 1, 0);
    assert_eq!((draw.enrolled[0].len(), draw.mated.len(), draw.non_mated), (1, 1, vec![2, 3]));
}

#[test]
fn well_apart_people_are_all_found_by_every_enrolment() {
    let report = measure(&circle(20, 4), &[10]);
    assert_eq!(report.galleries.len(), 3);
    for gallery in &report.galleries {
        assert_eq!((gallery.mated, gallery.non_mated), (20.0, 40.0));
        let one = DrawMean { mean: 1.0, range: Some(Interval { low: 1.0, high: 1.0 }) };
        assert_eq!(gallery.ranks[0], RankRate { rank: 1, rate: one });
        assert_eq!(gallery.open_set[0].fnir.map(|fnir| fnir.mean), Some(0.0));
        assert_eq!(gallery.open_set[1].fnir, None, "40 non-mated probes do not measure FPIR 1e-2");
        assert_eq!(gallery.cmc.len(), 10);
        assert!(gallery.fnir.iter().all(|point| point.fpir >= 1.0 / 40.0 && point.fnir <= 1.0));
    }
}

#[test]
fn one_embedding_for_everybody_reaches_only_the_last_rank() {
    let names: Vec<String> = (0..12).map(|face| format!("p{}", face / 2)).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let faces = LabelledFaces::new(vec![at(10.0); 12], &labels).unwrap();
    for gallery in measure(&faces, &[4]).galleries {
        let rates: Vec<f64> = gallery.cmc.iter().map(|point| point.rate).collect();
        assert_eq!(rates, [0.0, 0.0, 0.0, 1.0], "{:?}", gallery.enrolment);
        assert_eq!(gallery.open_set[0].fnir, None, "4 non-mated probes do not measure FPIR 1e-1");
    }
}

#[test]
fn a_gallery_of_everybody_has_no_open_set() {
    for gallery in measure(&circle(3, 2), &[3]).galleries {
        assert_eq!((gallery.non_mated, gallery.fnir.len()), (0.0, 0));
        assert!(gallery.open_set.iter().all(|at| at.fnir.is_none() && at.threshold.is_none()));
        assert_eq!(gallery.ranks[0].rate.mean, 1.0);
    }
}

#[test]
fn the_mean_template_and_the_nearest_face_are_what_they_say() {
    // The probe lies at 0; the person's faces at 20 and -20, whose mean is at 0; another at 10.
    let embeddings = vec![at(20.0), at(-20.0), at(0.0), at(10.0)];
    let faces = LabelledFaces::new(embeddings, &["ada", "ada", "ada", "bob"]).unwrap();
    let draw = Draw { enrolled: vec![vec![0, 1], vec![3]], mated: vec![(2, 0)], non_mated: vec![3] };
    let [one, mean, best] = Searches::of(&faces, &draw);
    let of = |degrees: f32| at(0.0).distance(&at(degrees)).value();
    let near = |found: (usize, f32), rank: usize, distance: f32| {
        assert!(found.0 == rank && (found.1 - distance).abs() < 1e-6, "{found:?}");
    };
    near(one.mated[0], 2, of(20.0));
    near(mean.mated[0], 1, 0.0);
    near(best.mated[0], 2, of(20.0));
    assert!(best.non_mated[0] == 0.0);
}

#[test]
fn faces_that_cancel_out_are_stood_for_by_the_first() {
    let faces = LabelledFaces::new(vec![at(0.0), at(180.0), at(1.0)], &["ada"; 3]).unwrap();
    let opposite = Embedding::normalize(vec![-1.0, 0.0]).unwrap();
    let faces = LabelledFaces { embeddings: vec![faces.embeddings[0].clone(), opposite, at(0.0)], ..faces };
    let draw = Draw { enrolled: vec![vec![0, 1]], mated: vec![(2, 0)], non_mated: vec![] };
    let [one, mean, _] = Searches::of(&faces, &draw);
    assert_eq!(one, mean);
}

#[test]
fn sizes_by_default_leave_half_of_the_people_as_impostors() {
    assert_eq!(circle(250, 2).default_galleries(), [10, 30, 100, 125]);
    assert_eq!(circle(20, 2).default_galleries(), [10]);
    assert_eq!(circle(1, 2).default_galleries(), [1]);
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let refusal = |faces: &LabelledFaces, galleries: &[usize], draws| {
        IdentificationReport::measure("m", "d", faces, &options(galleries, draws)).unwrap_err().to_string()
    };
    let faces = circle(3, 2);
    assert_eq!(refusal(&faces, &[4], 1), "a gallery of 4 cannot be drawn: 3 people have two faces or more");
    assert_eq!(refusal(&faces, &[0], 1), "a gallery of 0 cannot be drawn: 3 people have two faces or more");
    let nothing = "nothing to measure: found 0 people with two faces or more, 1 gallery sizes, 1 draws";
    assert_eq!(refusal(&circle(3, 1), &[1], 1), nothing);
    assert_eq!(refusal(&LabelledFaces::new(vec![], &[]).unwrap(), &[1], 1), nothing);
    assert!(matches!(
        LabelledFaces::new(vec![at(0.0)], &[]),
        Err(IdentificationError::Labels { labels: 0, faces: 1 })
    ));
    let longer = Embedding::normalize(vec![1.0, 0.0, 0.0]).unwrap();
    assert!(matches!(
        LabelledFaces::new(vec![at(0.0), longer], &["a", "b"]),
        Err(IdentificationError::Dimension { face: 1, found: 3, expected: 2 })
    ));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let faces = circle(20, 4);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| measure(&faces, &[5, 10]))
    };
    assert_eq!(on(1), on(3));
}
