//! The report's two faces, and that they tell the truth.

use super::*;
use crate::ScoredPair;
use crate::verification::oracle::{distance, fold, pairs};

/// Two folds of 50 genuine and 50 impostor pairs that overlap a little, and not alike.
fn folds() -> Vec<Vec<ScoredPair>> {
    let spread = |from: f32, step: f32| (0..50u8).map(|i| from + step * f32::from(i)).collect::<Vec<_>>();
    vec![fold(&spread(0.25, 0.02), &spread(1.0, 0.05)), fold(&spread(0.3, 0.025), &spread(1.15, 0.05))]
}

#[test]
fn the_table_says_what_was_measured_and_what_could_not_be() {
    let report = VerificationReport::measure("nn4-128-0f3a9c1d2b4e", "pairs.txt", &pairs(&folds()));
    insta::assert_snapshot!(report, @r"
    model           nn4-128-0f3a9c1d2b4e
    data            pairs.txt
    pairs           100 genuine, 100 impostor (2 folds)
    accuracy        87.50 % ± 1.50  (2 folds, threshold 1.240 … 1.538)
    VAL @ FAR 1e-1  90.00 %  (threshold 1.288); by folds 88.00 % ± 12.00
    VAL @ FAR 1e-2  70.00 %  (threshold 1.040)
    VAL @ FAR 1e-3  not measurable: needs 1000 impostor pairs, found 100
    VAL @ FAR 1e-4  not measurable: needs 10000 impostor pairs, found 100
    VAL @ FAR 1e-5  not measurable: needs 100000 impostor pairs, found 100
    VAL @ FAR 1e-6  not measurable: needs 1000000 impostor pairs, found 100
    AUC             0.9760
    EER              9.67 %
    d′              2.60
    ");
}

#[test]
fn the_table_of_one_fold_with_skipped_pairs_and_useless_distances_says_so() {
    let equal = pairs(&[fold(&[1.0; 2], &[1.0; 200])]).with_skipped(3);
    insta::assert_snapshot!(VerificationReport::measure("a constant", "ties", &equal), @r"
    model           a constant
    data            ties
    pairs           2 genuine, 200 impostor (1 fold; 3 skipped)
    accuracy        needs two folds, found 1
    VAL @ FAR 1e-1  not measurable: too many impostor pairs share the smallest distance
    VAL @ FAR 1e-2  not measurable: too many impostor pairs share the smallest distance
    VAL @ FAR 1e-3  not measurable: needs 1000 impostor pairs, found 200
    VAL @ FAR 1e-4  not measurable: needs 10000 impostor pairs, found 200
    VAL @ FAR 1e-5  not measurable: needs 100000 impostor pairs, found 200
    VAL @ FAR 1e-6  not measurable: needs 1000000 impostor pairs, found 200
    AUC             0.5000
    EER             50.00 %
    d′              not measurable: no distance varies
    ");
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let report = VerificationReport::measure("m", "d", &pairs(&[fold(&[0.5], &[2.0]), fold(&[1.0], &[3.0])]));
    insta::assert_snapshot!(report.to_json(), @r#"
    {
      "model": "m",
      "data": "d",
      "pairs": {
        "genuine": 2,
        "impostors": 2,
        "skipped": 0,
        "folds": 2
      },
      "accuracy": {
        "mean": 0.75,
        "standard_error": 0.25,
        "folds": [
          {
            "threshold": 2.0,
            "accuracy": 0.5,
            "pairs": 2
          },
          {
            "threshold": 1.25,
            "accuracy": 1.0,
            "pairs": 2
          }
        ]
      },
      "val_at_far": [
        {
          "target_far": 0.1,
          "overall": null,
          "by_folds": null
        },
        {
          "target_far": 0.01,
          "overall": null,
          "by_folds": null
        },
        {
          "target_far": 0.001,
          "overall": null,
          "by_folds": null
        },
        {
          "target_far": 0.0001,
          "overall": null,
          "by_folds": null
        },
        {
          "target_far": 0.00001,
          "overall": null,
          "by_folds": null
        },
        {
          "target_far": 1e-6,
          "overall": null,
          "by_folds": null
        }
      ],
      "auc": 1.0,
      "eer": 0.0,
      "d_prime": 4.427188724235731,
      "uncertainty": null
    }
    "#);
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    let report = VerificationReport::measure("m", "d", &pairs(&folds()));
    report.write_json(&path).unwrap();
    let read: VerificationReport = serde_json::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
    // JSON numbers are read to within a unit in the last place unless serde_json's slower reader is asked for.
    assert_eq!(read.to_string(), report.to_string());
    assert_eq!(read.thresholds().len(), report.thresholds().len());
}

#[test]
fn calibrated_thresholds_are_strictest_first_and_each_once() {
    // Ten impostors, none near: FAR 1e-1 is measurable, the finer ones are not.
    let one = VerificationReport::measure("m", "d", &pairs(&[fold(&[0.5], &[2.0; 10])]));
    let expected =
        Threshold { distance: distance(1.25), false_accept_rate: 0.0, data: "d".into(), interval: None };
    assert_eq!(one.thresholds(), std::slice::from_ref(&expected));

    // With a hundred equally far, FAR 1e-1 and 1e-2 give the same threshold.
    let same = VerificationReport::measure("m", "d", &pairs(&[fold(&[0.5], &[2.0; 100])]));
    assert_eq!(same.thresholds(), [expected]);

    let fars: Vec<_> = VerificationReport::measure("m", "d", &pairs(&folds()))
        .thresholds()
        .iter()
        .map(|t| t.false_accept_rate)
        .collect();
    // From the fourth on, the impostor pairs of the two folds are equally far: 9, 11 and no 10 of them.
    assert_eq!(fars, [0.01, 0.09]);
}

#[test]
fn a_table_with_intervals_says_how_they_were_found() {
    let by_person = |fold: usize, pairs: &[ScoredPair]| -> Vec<_> {
        let person = |i: usize| (1000 * fold + i % 50) as u32;
        let subjects = |i, same| if same { [person(i); 2] } else { [person(i), person(i + 1)] };
        pairs.iter().enumerate().map(|(i, pair)| (*pair, subjects(i, pair.same))).collect()
    };
    let folds: Vec<_> = folds().iter().enumerate().map(|(i, fold)| by_person(i, fold)).collect();
    let pairs = ScoredPairs::with_subjects(&folds).unwrap();
    let report = VerificationReport::measure_with_intervals("m", "d", &pairs, 200, 0);
    insta::with_settings!({filters => [(r"\[\d+\.\d+, \d+\.\d+\]", "[low, high]")]}, {
        insta::assert_snapshot!(report, @r"
        model           m
        data            d
        pairs           100 genuine, 100 impostor (2 folds)
        accuracy        87.50 % ± 1.50  (2 folds, threshold 1.240 … 1.538)  [low, high]
        VAL @ FAR 1e-1  90.00 %  (threshold 1.288); by folds 88.00 % ± 12.00  [low, high]
        VAL @ FAR 1e-2  70.00 %  (threshold 1.040)  [low, high]
        VAL @ FAR 1e-3  not measurable: needs 1000 impostor pairs, found 100
        VAL @ FAR 1e-4  not measurable: needs 10000 impostor pairs, found 100
        VAL @ FAR 1e-5  not measurable: needs 100000 impostor pairs, found 100
        VAL @ FAR 1e-6  not measurable: needs 1000000 impostor pairs, found 100
        AUC             0.9760  [low, high]
        EER              9.67 %  [low, high]
        d′              2.60  [low, high]
        intervals       [95 % of 200 draws of 100 people]
        ");
    });
}
