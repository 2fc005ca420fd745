//! The one function between a chip and a network.

use facenet_core::Chip;

use crate::network::Shape;

/// The version of [`preprocess`] together with [`cut_chip`](crate::cut_chip), as the contract of a model names it
/// ([`Preprocessing::version`](facenet_core::Preprocessing::version)). It grows whenever one of the two gives other
/// numbers for the same face, since embeddings on both sides of such a change are not comparable.
pub const PREPROCESSING_VERSION: u32 = 1;

/// Writes the pixels of `chip` as a network's input: `(value - 127.5) / 128`, so in `[-0.997, 0.997]`.
///
/// A chip is square, and its edge the larger side of `input`; of the other side the network sees the middle.
///
/// # Shapes
/// `chip` is `[edge, edge, 3]`, `input` `[3, height, width]` with `edge = max(height, width)`, and so becomes `out`:
/// planes red, green, blue, rows from the top.
///
/// # Panics
/// When the chip is of another size or `out` does not have `3 * height * width` elements: the caller laid out the
/// batch wrongly.
pub fn preprocess(chip: &Chip, input: Shape, out: &mut [f32]) {
    let (edge, Shape { height, width, .. }) = (chip.edge() as usize, input);
    assert_eq!(edge, height.max(width), "a chip's edge and the larger side of a {height} x {width} input");
    let plane = input.area();
    assert_eq!(out.len(), 3 * plane, "a chip fills 3 x {height} x {width} numbers");

    let (top, left) = ((edge - height) / 2, (edge - width) / 2);
    let (red, rest) = out.split_at_mut(plane);
    let (green, blue) = rest.split_at_mut(plane);
    let planes =
        red.chunks_exact_mut(width).zip(green.chunks_exact_mut(width)).zip(blue.chunks_exact_mut(width));
    let (pixels, _) = chip.image().as_raw().as_chunks::<3>();
    for (row, ((red, green), blue)) in pixels.chunks_exact(edge).skip(top).zip(planes) {
        let pixels = &row[left..][..width];
        for (((&[r, g, b], red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
            *red = normalized(r);
            *green = normalized(g);
            *blue = normalized(b);
        }
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

    fn input(height: usize, width: usize) -> Shape {
        Shape { channels: 3, height, width }
    }

    fn chip(edge: u32, bytes: Vec<u8>) -> Chip {
        Chip::new(RgbImage::from_raw(edge, edge, bytes).unwrap()).unwrap()
    }

    #[test]
    fn planes_are_red_green_blue_and_rows_go_from_the_top() {
        let chip = chip(2, vec![0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
        let mut out = [0.0; 12];
        preprocess(&chip, input(2, 2), &mut out);
        let expected =
            [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32].map(|v: u8| (f32::from(v) - 127.5) * 0.007_812_5);
        assert_eq!(out, expected);
    }

    #[test]
    fn black_and_white_lie_as_far_from_zero() {
        let mut out = [0.0; 3];
        preprocess(&chip(1, vec![0, 255, 128]), input(1, 1), &mut out);
        assert_eq!(out, [-0.996_093_75, 0.996_093_75, 0.003_906_25]);
    }

    #[test]
    fn of_a_rectangle_the_middle_is_seen() {
        let bytes: Vec<u8> = (0..4 * 4).flat_map(|pixel| [pixel, 0, 0]).collect();
        let chip = chip(4, bytes);
        let red = |height, width| {
            let mut out = vec![0.0; 3 * height * width];
            preprocess(&chip, input(height, width), &mut out);
            out[..height * width].iter().map(|v| v * 128.0 + 127.5).collect::<Vec<f32>>()
        };
        assert_eq!(red(4, 2), [1.0, 2.0, 5.0, 6.0, 9.0, 10.0, 13.0, 14.0]);
        // Of an odd rest the larger half is cut off behind.
        assert_eq!(red(1, 4), [4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    #[should_panic(expected = "larger side of a 3 x 2 input")]
    fn a_chip_of_another_size_is_a_mistake_of_the_caller() {
        preprocess(&chip(2, vec![0; 12]), input(3, 2), &mut [0.0; 18]);
    }

    #[test]
    #[should_panic(expected = "fills 3 x 2 x 2 numbers")]
    fn an_output_of_the_wrong_length_is_a_mistake_of_the_caller() {
        preprocess(&chip(2, vec![0; 12]), input(2, 2), &mut [0.0; 13]);
    }
}
