//! A turned square, averaged over all pixels that lie in it.

use facenet_core::RgbImage;

use crate::align::TurnedSquare;

/// Fills `chip` with `square` of `image`: one step from the original pixels.
///
/// Each pixel of the chip is an average with a triangle along each of the square's own axes, as wide as the
/// reduction and at least a pixel; where the square is not turned, that is the filter of
/// [`ChipCutter::cut`](super::ChipCutter::cut). Outside the image its border pixels repeat.
pub(super) fn fill(chip: &mut RgbImage, image: &RgbImage, square: &TurnedSquare) {
    let edge_px = chip.width();
    let scale = square.edge / edge_px as f32;
    let (sin, cos) = square.angle.sin_cos();
    let filter = Filter { radius: scale.max(1.0), sin, cos };
    let step = |index: u32| (index as f32 + 0.5) / edge_px as f32 - 0.5;
    for (column, row, pixel) in chip.enumerate_pixels_mut() {
        let centre = square.at(step(column), step(row));
        pixel.0 = filter.average(image, centre.x, centre.y);
    }
}

/// Two triangles, one along each axis of a turned square.
struct Filter {
    radius: f32,
    sin: f32,
    cos: f32,
}

impl Filter {
    /// The average around `(x, y)`.
    fn average(&self, image: &RgbImage, x: f32, y: f32) -> [u8; 3] {
        let reach = self.radius * (self.sin.abs() + self.cos.abs());
        // Pixels are counted from this one, so that large coordinates do not cost digits.
        let (base_x, base_y) = (x.floor(), y.floor());
        let (x, y) = (x - base_x - 0.5, y - base_y - 0.5);
        let (base_x, base_y) = (base_x as i64, base_y as i64);
        let mut sums = Sums::default();
        for row in (y - reach).ceil() as i64..=(y + reach).floor() as i64 {
            let down = row as f32 - y;
            if let Some((from, to)) = self.span(x, down) {
                let start = Start {
                    along: (from as f32 - x) * self.cos + down * self.sin,
                    across: down * self.cos - (from as f32 - x) * self.sin,
                };
                self.add_row(image, (base_x + from, base_x + to), base_y + row, &start, &mut sums);
            }
        }
        sums.average()
    }

    /// The pixels of a row that both triangles reach, ends included, for a row that lies `down` below the centre.
    fn span(&self, x: f32, down: f32) -> Option<(i64, i64)> {
        // |dx cos + down sin| < radius and |down cos - dx sin| < radius
        let (mut from, mut to) = (f32::NEG_INFINITY, f32::INFINITY);
        let mut within = |slope: f32, offset: f32| {
            // Below, the axis is as good as parallel to the row: its triangle weighs the whole row alike.
            if slope.abs() > 1e-6 {
                let (a, b) = ((-self.radius - offset) / slope, (self.radius - offset) / slope);
                (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
            }
        };
        within(self.cos, down * self.sin);
        within(-self.sin, down * self.cos);
        let (from, to) = ((x + from).ceil() as i64, (x + to).floor() as i64);
        (from <= to).then_some((from, to))
    }

    fn add_row(&self, image: &RgbImage, (from, to): (i64, i64), row: i64, start: &Start, sums: &mut Sums) {
        let (width, height) = (i64::from(image.width()), i64::from(image.height()));
        let row = row.clamp(0, height - 1) as usize * width as usize * 3;
        let (pixels, _) = image.as_raw()[row..row + width as usize * 3].as_chunks::<3>();
        let weight = |index: f32| {
            let (along, across) = (start.along + index * self.cos, start.across - index * self.sin);
            (self.radius - along.abs()).max(0.0) * (self.radius - across.abs()).max(0.0)
        };
        if from >= 0 && to < width {
            for (index, pixel) in pixels[from as usize..=to as usize].iter().enumerate() {
                sums.add(weight(index as f32), pixel);
            }
        } else {
            for (index, x) in (from..=to).enumerate() {
                sums.add(weight(index as f32), &pixels[x.clamp(0, width - 1) as usize]);
            }
        }
    }
}

/// The first pixel of a row, seen from the centre along the square's axes.
struct Start {
    along: f32,
    across: f32,
}

#[derive(Default)]
struct Sums {
    weight: f32,
    channels: [f32; 3],
}

impl Sums {
    #[inline]
    fn add(&mut self, weight: f32, pixel: &[u8; 3]) {
        self.weight += weight;
        for (sum, &value) in self.channels.iter_mut().zip(pixel) {
            *sum += weight * f32::from(value);
        }
    }

    fn average(&self) -> [u8; 3] {
        // A turned triangle of a pixel's width always reaches one, so the weight is above zero.
        self.channels.map(|sum| (sum / self.weight).round() as u8)
    }
}

#[cfg(test)]
mod tests;
