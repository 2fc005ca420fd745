//! From bytes to a network's input.

use facenet_core::RgbImage;

use crate::manifest::{Channels, Input, Layout};

/// The sizes of the tensor that holds `batch` images of `height` x `width` pixels.
pub(crate) fn shape(layout: Layout, batch: usize, height: usize, width: usize) -> Vec<usize> {
    shape_of(layout, batch, 3, height, width).into()
}

/// Four sizes in the order of a layout.
pub(crate) fn shape_of<T>(layout: Layout, batch: T, channels: T, height: T, width: T) -> [T; 4] {
    match layout {
        Layout::Nchw => [batch, channels, height, width],
        Layout::Nhwc => [batch, height, width, channels],
        Layout::Nwhc => [batch, width, height, channels],
    }
}

/// Appends `image` to the values of an input: `(value - mean) / scale`, in the input's layout and order of channels.
///
/// The input may be larger than the image: pixels to the right and below are those of a black image.
///
/// # Panics
/// When `height` or `width` are less than the image's.
pub(crate) fn write(image: &RgbImage, input: &Input, height: usize, width: usize, out: &mut Vec<f32>) {
    let (columns, rows) = (image.width() as usize, image.height() as usize);
    assert!(columns <= width && rows <= height, "an image of {columns} x {rows} in {width} x {height}");
    let byte = |y: usize, x: usize, channel: usize| {
        let colour = match input.channels {
            Channels::Rgb => channel,
            Channels::Bgr => 2 - channel,
        };
        let inside = y < rows && x < columns;
        if inside { image.as_raw()[(y * columns + x) * 3 + colour] } else { 0 }
    };
    let value = |y, x, channel| (f32::from(byte(y, x, channel)) - input.mean[channel]) / input.scale[channel];
    out.reserve(3 * height * width);
    match input.layout {
        Layout::Nchw => {
            for channel in 0..3 {
                (0..height).for_each(|y| out.extend((0..width).map(|x| value(y, x, channel))));
            }
        }
        Layout::Nhwc => {
            (0..height * width)
                .for_each(|i| out.extend((0..3).map(|channel| value(i / width, i % width, channel))));
        }
        Layout::Nwhc => {
            (0..height * width)
                .for_each(|i| out.extend((0..3).map(|channel| value(i % height, i / height, channel))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three pixels; red counts the columns, green the rows, blue is 100.
    fn image() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| [x as u8, y as u8, 100].into())
    }

    fn written(layout: Layout, channels: Channels, height: usize, width: usize) -> Vec<f32> {
        let input = Input { size: None, layout, channels, mean: [0.0, 10.0, 20.0], scale: [1.0, 1.0, 2.0] };
        let mut out = Vec::new();
        write(&image(), &input, height, width, &mut out);
        out
    }

    #[test]
    fn each_layout_has_its_order() {
        assert_eq!(
            written(Layout::Nchw, Channels::Rgb, 2, 3),
            [
                0.0, 1.0, 2.0, 0.0, 1.0, 2.0, // red
                -10.0, -10.0, -10.0, -9.0, -9.0, -9.0, // green
                40.0, 40.0, 40.0, 40.0, 40.0, 40.0, // blue
            ]
        );
        assert_eq!(
            written(Layout::Nhwc, Channels::Rgb, 2, 3)[..9],
            [0.0, -10.0, 40.0, 1.0, -10.0, 40.0, 2.0, -10.0, 40.0]
        );
        assert_eq!(
            written(Layout::Nwhc, Channels::Rgb, 2, 3)[..9],
            [0.0, -10.0, 40.0, 0.0, -9.0, 40.0, 1.0, -10.0, 40.0]
        );
        assert_eq!(shape(Layout::Nwhc, 5, 2, 3), [5, 3, 2, 3]);
    }

    #[test]
    fn blue_comes_first_where_the_manifest_says_so_and_takes_the_first_mean() {
        assert_eq!(written(Layout::Nhwc, Channels::Bgr, 2, 3)[..3], [100.0, -10.0, -10.0]);
    }

    #[test]
    fn what_an_image_does_not_fill_is_black() {
        let values = written(Layout::Nchw, Channels::Rgb, 3, 4);
        assert_eq!(values[..4], [0.0, 1.0, 2.0, 0.0]);
        assert_eq!(values[24 + 8..24 + 12], [-10.0; 4]);
    }
}
