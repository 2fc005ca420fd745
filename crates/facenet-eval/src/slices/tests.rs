//! Groups by hand.

use super::*;
use crate::PairsFile;
use crate::weighted::named;

const PAIRS: &str = "4
ada 1 2
bea 1 2
cal 1 2
dan 1 2
ada 1 bea 1
cal 1 dan 1
ada 1 cal 1
ada 1 eve 1
";

fn slices(table: &str, distances: &[f32]) -> Slices {
    let file = PairsFile::parse(PAIRS, "pairs.txt".as_ref()).unwrap();
    let table = Metadata::parse(table.as_bytes(), "people.csv".as_ref()).unwrap();
    Slices::of(&named(&file, distances), &table.columns()[0], 50, 1)
}

const SEX: &str = "person,sex\nada,f\nbea,f\ncal,m\ndan,m\n";
const DISTANCES: [f32; 8] = [0.5, 1.0, 0.5, 0.75, 0.75, 2.0, 2.5, 3.0];

#[test]
fn a_pair_counts_in_a_group_only_if_both_images_are_in_it() {
    let slices = slices(SEX, &DISTANCES);
    let counts: Vec<_> =
        slices.groups.iter().map(|g| (g.group.as_str(), g.people, g.genuine, g.impostors)).collect();
    assert_eq!(counts, [("f", 2, 2, 1), ("m", 2, 2, 1)]);
    let between = slices.between.unwrap();
    assert_eq!((between.people, between.genuine, between.impostors), (2, 0, 1));
    assert_eq!(slices.without_value, 1);
    assert_eq!((slices.all.genuine, slices.all.impostors), (4, 4));
}

#[test]
fn each_group_has_its_own_figures() {
    let slices = slices(SEX, &DISTANCES);
    // Of the two women's pairs the impostor lies between the genuine ones; the men's lies beyond both.
    let auc: Vec<_> = slices.groups.iter().map(|group| group.auc.value).collect();
    assert_eq!(auc, [Some(0.5), Some(1.0)]);
    assert_eq!(slices.between.unwrap().auc, Estimate::default());
}

#[test]
fn without_a_hundred_impostors_there_is_no_shared_threshold_and_few_pairs_are_warned_of() {
    let slices = slices(SEX, &DISTANCES);
    assert_eq!(slices.threshold, None);
    assert_eq!(slices.groups[0].far_at_threshold, Estimate::default());
    let warning = slices.groups[0].warning.as_deref();
    assert_eq!(warning, Some("too few to rely on: 2 people, 2 genuine pairs, 1 impostor pairs"));
}

/// 40 people a group, the second of which lies nearer together.
fn crowd() -> (String, Vec<f32>, String) {
    let (mut text, mut distances, mut table) =
        (String::from("80\n"), Vec::new(), String::from("person,group\n"));
    for person in 0..80 {
        text += &format!("p{person:02} 1 2\n");
        distances.push(0.25);
        table += &format!("p{person:02},{}\n", if person < 40 { "far" } else { "near" });
    }
    for person in 0..80u8 {
        let half = person / 40 * 40;
        text += &format!("p{person:02} 1 p{:02} 2\n", half + (person + 1) % 40);
        distances.push(if person == 79 { 0.5 } else { 2.0 });
    }
    (text, distances, table)
}

#[test]
fn at_one_threshold_the_groups_pay_differently() {
    let (text, distances, table) = crowd();
    // Impostors beyond a hundred make FAR 1e-2 measurable.
    let more: String = (0..80).map(|p| format!("p{p:02} 2 p{:02} 1\n", (p + 2) % 40 + p / 40 * 40)).collect();
    let genuine: String = (0..80).map(|p| format!("p{p:02} 1 3\n")).collect();
    let (own, impostors) = text.split_once('\n').unwrap().1.split_at(80 * "p00 1 2\n".len());
    let text = format!("160\n{own}{genuine}{impostors}{more}");
    let distances: Vec<f32> = [&distances[..80], &[0.25; 80], &distances[80..], &[2.0; 80]].concat();
    let file = PairsFile::parse(&text, "pairs.txt".as_ref()).unwrap();
    let table = Metadata::parse(table.as_bytes(), "people.csv".as_ref()).unwrap();
    let slices = Slices::of(&named(&file, &distances), &table.columns()[0], 200, 1);

    assert!(slices.threshold.is_some_and(|threshold| threshold > Distance::new(0.5).unwrap()));
    let [far, near] = &slices.groups[..] else { panic!("{slices:?}") };
    assert_eq!((far.far_at_threshold.value, near.far_at_threshold.value), (Some(0.0), Some(1.0 / 80.0)));
    let bound = far.far_at_threshold.interval.unwrap();
    assert!(bound.low == 0.0 && (bound.high - 0.0722).abs() < 1e-4, "no error of 40 people: {bound:?}");
    assert!(near.far_at_threshold.interval.is_some_and(|interval| interval.high > 1.0 / 80.0));
    assert_eq!((&far.warning, &near.warning), (&None, &None));
}

#[test]
fn a_table_of_strangers_leaves_no_group() {
    let slices = slices("person,sex\nzoe,f\n", &DISTANCES);
    assert_eq!((slices.groups.len(), slices.between, slices.without_value), (0, None, 8));
}
