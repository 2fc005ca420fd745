use super::*;
use crate::manifest::Manifest;

fn tensor(shape: &[usize]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
}

fn preset(name: &str) -> DetectorOutput {
    Manifest::preset(name).unwrap().detector.unwrap()
}

fn decoded(outputs: &[Tensor], height: usize, width: usize, output: &DetectorOutput) -> Vec<Face> {
    decode(&Maps { outputs: outputs.iter().collect(), height, width }, output).unwrap()
}

fn assert_box(face: &Face, [x, y, width, height]: [f32; 4]) {
    let found = face.bounds;
    let found = [found.x, found.y, found.width, found.height];
    for (a, b) in found.iter().zip([x, y, width, height]) {
        assert!((a - b).abs() < 1e-3, "{found:?}");
    }
}

/// The outputs of YuNet for 32 x 64 pixels: 32, 8 and 2 positions.
fn yunet_outputs() -> Vec<Tensor> {
    let kinds = [1, 1, 4, 10];
    kinds.iter().flat_map(|&size| [32, 8, 2].map(|count| tensor(&[1, count, size]))).collect()
}

#[test]
fn a_position_of_yunet_is_its_corner_and_its_score_the_root_of_both() {
    let mut outputs = yunet_outputs();
    // The second row, third column at stride 16.
    let i = 4 + 2;
    outputs[1].values[i] = 0.9;
    outputs[4].values[i] = 0.4;
    outputs[7].values[4 * i..][..4].copy_from_slice(&[0.5, 0.25, 2_f32.ln(), 3_f32.ln()]);
    outputs[10].values[10 * i..][..4].copy_from_slice(&[0.0, 1.0, -1.0, 0.5]);
    let faces = decoded(&outputs, 32, 64, &DetectorOutput { score: 0.59, ..preset("yunet") });
    assert_eq!(faces.len(), 1);
    assert!((faces[0].score - 0.6).abs() < 1e-6);
    // Centre (2.5, 1.25) x 16, size (2, 3) x 16.
    assert_box(&faces[0], [24.0, -4.0, 32.0, 48.0]);
    let points = faces[0].landmarks.unwrap();
    assert_eq!((points[0], points[1]), (Point { x: 32.0, y: 32.0 }, Point { x: 16.0, y: 24.0 }));
    assert_eq!(points[4], Point { x: 32.0, y: 16.0 });
}

#[test]
fn scores_of_yunet_beyond_one_count_as_one() {
    let mut outputs = yunet_outputs();
    outputs[2].values[0] = 1.5;
    outputs[5].values[0] = 7.0;
    assert_eq!(decoded(&outputs, 32, 64, &preset("yunet"))[0].score, 1.0);
}

#[test]
fn a_place_of_our_own_detector_is_its_middle_and_its_values_are_planes() {
    let mut outputs = [[4, 8], [2, 4], [1, 2]].map(|[rows, columns]| tensor(&[1, 15, rows, columns]));
    outputs.iter_mut().for_each(|output| {
        let area = output.shape[2] * output.shape[3];
        output.values[..area].fill(-9.0);
    });
    // The second row, third column at stride 16.
    let at = 4 + 2;
    let mut set = |kind: usize, value: f32| outputs[1].values[8 * kind + at] = value;
    let values = [
        (0, 0.25_f32.ln() - 0.75_f32.ln()),
        (1, 0.5),
        (3, 2_f32.ln()),
        (4, 0.5_f32.ln()),
        (13, -1.0),
        (14, 2.0),
    ];
    values.into_iter().for_each(|(kind, value)| set(kind, value));
    let ours =
        Manifest::of_our_detector(facenet::DetectorModel::shipped().unwrap().facts()).detector.unwrap();
    assert!(decoded(&outputs, 32, 64, &ours).is_empty(), "a quarter is not enough");
    let faces = decoded(&outputs, 32, 64, &DetectorOutput { score: 0.2, ..ours });
    assert_eq!(faces.len(), 1);
    assert!((faces[0].score - 0.25).abs() < 1e-6);
    // Place (40, 24), moved by 8; 96 wide and 24 high.
    assert_box(&faces[0], [0.0, 12.0, 96.0, 24.0]);
    let points = faces[0].landmarks.unwrap();
    assert_eq!((points[0], points[4]), (Point { x: 40.0, y: 24.0 }, Point { x: 24.0, y: 56.0 }));
}

#[test]
fn scrfd_has_two_anchors_a_position_and_distances_to_the_edges() {
    let mut outputs: Vec<Tensor> =
        [1, 4, 10].iter().flat_map(|&size| [64, 16, 4].map(|count| tensor(&[count, size]))).collect();
    // The second anchor of the second row, third column at stride 16.
    let i = 2 * (4 + 2) + 1;
    outputs[1].values[i] = 0.7;
    outputs[4].values[4 * i..][..4].copy_from_slice(&[1.0, 0.5, 2.0, 1.5]);
    outputs[7].values[10 * i..][..2].copy_from_slice(&[0.25, -0.5]);
    let faces = decoded(&outputs, 32, 64, &preset("scrfd"));
    assert_eq!((faces.len(), faces[0].score), (1, 0.7));
    assert_box(&faces[0], [16.0, 8.0, 48.0, 32.0]);
    assert_eq!(faces[0].landmarks.unwrap()[0], Point { x: 36.0, y: 8.0 });
}

#[test]
fn anchors_of_retinaface_are_centred_and_shifted_by_a_tenth_of_their_edge() {
    // 32 x 64 pixels have 4 x 8, 2 x 4 and 1 x 2 positions of two anchors.
    let count = 2 * (32 + 8 + 2);
    let mut outputs = [4, 2, 10].map(|size| tensor(&[1, count, size]));
    // The larger anchor (128) of the second row, third column at stride 16.
    let i = 2 * (32 + 4 + 2) + 1;
    outputs[0].values[4 * i..][..4].copy_from_slice(&[1.0, -1.0, 0.0, 5.0 * 2_f32.ln()]);
    outputs[1].values[2 * i..][..2].copy_from_slice(&[0.1, 0.9]);
    outputs[2].values[10 * i..][..2].copy_from_slice(&[-2.0, 1.0]);
    let faces = decoded(&outputs, 32, 64, &preset("retinaface"));
    assert_eq!((faces.len(), faces[0].score), (1, 0.9));
    // Centre (40 + 12.8, 24 - 12.8), size (128, 256).
    assert_box(&faces[0], [52.8 - 64.0, 11.2 - 128.0, 128.0, 256.0]);
    let point = faces[0].landmarks.unwrap()[0];
    assert!((point.x - 14.4).abs() < 1e-3 && (point.y - 36.8).abs() < 1e-3);
}

#[test]
fn finished_boxes_are_shares_of_the_image_and_exactly_the_least_score_is_enough() {
    let mut outputs = [tensor(&[1, 3, 2]), tensor(&[1, 3, 4])];
    outputs[0].values = vec![0.5, 0.5, 0.35, 0.65, 0.36, 0.64];
    outputs[1].values[4..8].copy_from_slice(&[0.25, 0.5, 0.75, 1.0]);
    let faces = decoded(&outputs, 100, 200, &preset("ultraface"));
    assert_eq!((faces.len(), faces[0].landmarks), (1, None));
    assert_box(&faces[0], [50.0, 50.0, 100.0, 50.0]);
}

#[test]
fn an_output_of_another_length_is_refused_with_both() {
    let mut outputs = yunet_outputs();
    outputs[6] = tensor(&[1, 31, 4]);
    let maps = Maps { outputs: outputs.iter().collect(), height: 32, width: 64 };
    assert_eq!(
        decode(&maps, &preset("yunet")).unwrap_err().to_string(),
        "the output for boxes has the shape [1, 31, 4], expected 32 rows of 4 for an input of 32 x 64 pixels"
    );
}
