use proptest::prelude::*;

use super::*;

/// `points` scaled, turned clockwise by `angle` and shifted.
fn moved(points: [Point; 5], scale: f32, angle: f32, shift: (f32, f32)) -> [Point; 5] {
    let (sin, cos) = angle.sin_cos();
    points.map(|Point { x, y }| Point {
        x: scale * (x * cos - y * sin) + shift.0,
        y: scale * (x * sin + y * cos) + shift.1,
    })
}

fn error(fit: &Similarity, from: &[Point; 5], to: &[Point; 5]) -> f64 {
    let squared = |(p, q): (&Point, &Point)| {
        let p = fit.apply(*p);
        f64::from(p.x - q.x).powi(2) + f64::from(p.y - q.y).powi(2)
    };
    from.iter().zip(to).map(squared).sum()
}

#[test]
fn a_face_that_lies_as_in_the_template_is_the_middle_of_its_crop() {
    let landmarks = TEMPLATE.map(|Point { x, y }| Point { x: x + 8.0, y: y + 8.0 });
    for (field, edge) in [(0.875, 112.0), (1.0, 128.0)] {
        let square = TurnedSquare::of_landmarks(&landmarks, field).unwrap();
        let near = |a: f32, b: f32| (a - b).abs() < 1e-4;
        assert!(near(square.centre.x, 64.0) && near(square.centre.y, 64.0), "{square:?}");
        assert!(near(square.edge, edge) && near(square.angle, 0.0), "{square:?}");
    }
}

#[test]
fn a_face_turned_by_a_quarter_has_a_square_turned_by_a_quarter() {
    let quarter = std::f32::consts::FRAC_PI_2;
    let landmarks = moved(TEMPLATE, 2.0, quarter, (300.0, 40.0));
    let square = TurnedSquare::of_landmarks(&landmarks, 0.875).unwrap();
    // (56, 56) twice as large and turned clockwise is (-112, 112).
    assert!((square.centre.x - 188.0).abs() < 1e-3 && (square.centre.y - 152.0).abs() < 1e-3, "{square:?}");
    assert!((square.edge - 224.0).abs() < 1e-3 && (square.angle - quarter).abs() < 1e-5, "{square:?}");
    // Its upper left corner is now at the upper right.
    let corner = square.at(-0.5, -0.5);
    assert!((corner.x - 300.0).abs() < 1e-3 && (corner.y - 40.0).abs() < 1e-3, "{corner:?}");
}

#[test]
fn landmarks_that_fit_no_face_give_what_the_singular_value_decomposition_gives() {
    // By NumPy 2.4: Umeyama's method with `numpy.linalg.svd`, these points to the template.
    let from = [(100.0, 120.0), (180.0, 131.0), (150.0, 170.0), (98.0, 200.0), (160.0, 222.0)];
    let fit = Similarity::fit(&from.map(|(x, y)| Point { x, y }), &TEMPLATE).unwrap();
    let expected = [0.4434419848965244, -0.07639889754224784, -17.872311579416, 7.648950898259287];
    for (found, expected) in [fit.a, fit.b, fit.shift[0], fit.shift[1]].into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{fit:?}"); // the points are 32-bit floats
    }
}

#[test]
fn points_without_extent_or_value_have_no_transform() {
    let same = [Point { x: 3.0, y: 4.0 }; 5];
    assert_eq!(Similarity::fit(&same, &TEMPLATE), None);
    assert_eq!(Similarity::fit(&TEMPLATE, &same).unwrap().inverse(), None);
    for wrong in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut landmarks = TEMPLATE;
        landmarks[2].x = wrong;
        let square = TurnedSquare::of_landmarks(&landmarks, 0.875);
        assert!(square.is_none_or(|square| square.is_finite()), "{wrong}: {square:?}");
    }
    let bounds = BoundingBox { x: f32::NAN, y: 0.0, width: 1.0, height: 1.0 };
    assert_eq!(TurnedSquare::of_box(&bounds), None);
}

#[test]
fn without_landmarks_or_by_request_the_box_frames_a_face() {
    let bounds = BoundingBox { x: 10.0, y: 20.0, width: 30.0, height: 50.0 };
    let boxed = TurnedSquare { centre: Point { x: 25.0, y: 45.0 }, edge: 50.0, angle: 0.0 };
    let with = Face { bounds, landmarks: Some(TEMPLATE), score: 1.0 };
    let without = Face { landmarks: None, ..with.clone() };
    assert_eq!(Framing::Box.square(&with, 0.875), Some(boxed));
    assert_eq!(Framing::Landmarks.square(&without, 0.875), Some(boxed));
    assert_eq!(Framing::Landmarks.square(&with, 0.875), TurnedSquare::of_landmarks(&TEMPLATE, 0.875));
}

#[test]
fn the_part_inside_is_told_at_every_border() {
    let square = |x, y, angle| TurnedSquare { centre: Point { x, y }, edge: 20.0, angle };
    for (square, expected) in [
        (square(50.0, 50.0, 0.0), 1.0),
        (square(50.0, 50.0, 0.7), 1.0),
        (square(0.0, 50.0, 0.0), 0.5),
        (square(100.0, 100.0, 0.0), 0.25),
        (square(0.0, 50.0, std::f32::consts::FRAC_PI_4), 0.5),
        (square(-11.0, 50.0, 0.0), 0.0),
    ] {
        let found = square.part_inside(100, 100);
        assert!((found - expected).abs() <= 1.0 / 32.0, "{square:?}: {found}");
    }
}

proptest! {
    #[test]
    fn a_moved_template_is_found_where_it_was_moved(
        scale in 0.05f32..30.0,
        angle in -3.1f32..3.1,
        shift in (-500.0f32..4000.0, -500.0f32..4000.0),
    ) {
        let landmarks = moved(TEMPLATE, scale, angle, shift);
        let fit = Similarity::fit(&TEMPLATE, &landmarks).unwrap();
        prop_assert!((fit.scale() / f64::from(scale) - 1.0).abs() < 1e-3);
        // A small face far from the origin: its points are rounded to 1/4000 pixel.
        prop_assert!((fit.angle() - f64::from(angle)).abs() < 1e-3);
        for (point, landmark) in TEMPLATE.iter().zip(&landmarks) {
            let found = fit.apply(*point);
            prop_assert!((found.x - landmark.x).abs() < 2e-3 && (found.y - landmark.y).abs() < 2e-3);
            let back = fit.inverse().unwrap().apply(*landmark);
            prop_assert!((back.x - point.x).abs() < 0.05 && (back.y - point.y).abs() < 0.05);
        }
    }

    #[test]
    fn no_other_turn_scale_or_shift_brings_the_points_nearer(
        noise in prop::array::uniform10(-20.0f32..20.0),
        step in prop::array::uniform4(-0.01f64..0.01),
    ) {
        let mut landmarks = moved(TEMPLATE, 1.5, 0.4, (30.0, 20.0));
        for (point, noise) in landmarks.iter_mut().zip(noise.as_chunks::<2>().0) {
            (point.x, point.y) = (point.x + noise[0], point.y + noise[1]);
        }
        let best = Similarity::fit(&landmarks, &TEMPLATE).unwrap();
        let shift = [best.shift[0] + 100.0 * step[2], best.shift[1] + 100.0 * step[3]];
        let other = Similarity { a: best.a + step[0], b: best.b + step[1], shift };
        // 1e-3: the points are rounded to 32-bit floats.
        prop_assert!(error(&best, &landmarks, &TEMPLATE) <= error(&other, &landmarks, &TEMPLATE) + 1e-3);
    }
}
