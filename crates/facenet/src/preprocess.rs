//! The one function between a chip and a network.

use facenet_core::Chip;

/// The version of [`preprocess`] together with [`cut_chip`](crate::cut_chip), as the contract of a model names it
/// ([`Preprocessing::version`](facenet_core::Preprocessing::version)). It grows whenever one of the two gives other
/// numbers for the same face, since embeddings on both sides of such a change are not comparable.
pub const PREPROCESSING_VERSION: u32 = 1;

/// Writes the pixels of `chip` as a network's input: `(value - 127.5) / 128`, so in `[-0.997, 0.997]`.
///
/// # Shapes
/// `chip` is `[edge, edge, 3]`, `out` becomes `[3, edge, edge]`: planes red, green, blue, rows from the top.
///
/// # Panics
/// When `out` does not have `3 * edge * edge` elements: the caller laid out the batch wrongly.
pub fn preprocess(chip: &Chip, out: &mut [f32]) {
    let edge = chip.edge() as usize;
    let plane = edge * edge;
    assert_eq!(
        out.len(),
        3 * plane,
        "a chip with an edge of {edge} pixels fills 3 x {edge} x {edge} numbers"
    );

    let (red, rest) = out.split_at_mut(plane);
    let (green, blue) = rest.split_at_mut(plane);
    let (pixels, _) = chip.image().as_raw().as_chunks::<3>();
    for (((&[r, g, b], red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
        *red = normalized(r);
        *green = normalized(g);
        *blue = normalized(b);
    }
}

/// 127.5 is the middle of the byte's range; 128, a power of two, keeps every result exact.
fn normalized(value: u8) -> f32 {
    (f32::from(value) - 127.5) / 128.0
}

#[cfg(test)]
mod tests {
    use facenet_core::RgbImage;

    use super::*;

    fn chip(edge: u32, bytes: Vec<u8>) -> Chip {
        Chip::new(RgbImage::from_raw(edge, edge, bytes).unwrap()).unwrap()
    }

    #[test]
    fn planes_are_red_green_blue_and_rows_go_from_the_top() {
        let chip = chip(2, vec![0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
        let mut out = [0.0; 12];
        preprocess(&chip, &mut out);
        let expected =
            [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32].map(|v: u8| (f32::from(v) - 127.5) * 0.007_812_5);
        assert_eq!(out, expected);
    }

    #[test]
    fn black_and_white_lie_as_far_from_zero() {
        let mut out = [0.0; 3];
        preprocess(&chip(1, vec![0, 255, 128]), &mut out);
        assert_eq!(out, [-0.996_093_75, 0.996_093_75, 0.003_906_25]);
    }

    #[test]
    #[should_panic(expected = "fills 3 x 2 x 2 numbers")]
    fn an_output_of_the_wrong_length_is_a_mistake_of_the_caller() {
        preprocess(&chip(2, vec![0; 12]), &mut [0.0; 13]);
    }
}
