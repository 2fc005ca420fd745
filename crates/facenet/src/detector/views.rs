//! At which scales, and in which tiles, a photo is looked at.

use facenet_core::Point;

use super::Search;
use crate::network::Pyramid;

/// The longest side of a view that is looked at in one piece, in pixels.
const WHOLE_PX: u32 = 960;
/// The side of the tiles of larger views, in pixels.
const TILE_PX: u32 = 640;
/// Pixels of the finest view of a small photo for one of the photo.
const ENLARGED: f64 = 2.0;
/// The side of the tiles of views in double size, of which only those are looked at where small faces are suspected, and
/// how far they overlap, in pixels.
const ENLARGED_TILE_PX: u32 = 320;
const ENLARGED_OVERLAP_PX: u32 = 64;
/// How far neighbouring tiles overlap, in pixels; a face up to this size lies whole in one of them.
const OVERLAP_PX: u32 = 128;
/// Views get coarser until their longer side is at most this, in pixels: then a face that fills the photo is one that
/// training has shown.
const COARSEST_PX: f64 = 320.0;

/// The size from which faces are found nearly as well as larger ones, in pixels (`models/detector.md`).
const PLAIN_PX: f64 = 24.0;

/// A part of a photo at a scale: what goes through the network at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Left and top edge in the photo, in its pixels.
    pub(super) origin: (f64, f64),
    /// Pixels of the view for one pixel of the photo, along each side.
    pub(super) scale: (f64, f64),
    /// Width and height in pixels of the view, before it is filled up to whole strides.
    pub(super) size: (u32, u32),
    /// Whether the photo goes on beyond the left, top, right and bottom edge.
    pub(super) cut: [bool; 4],
    /// Whether no view is coarser, so that faces of any size count.
    pub(super) coarsest: bool,
    /// Whether the photo is in double size, and a coarser view shows it as it is.
    pub(super) enlarged: bool,
}

impl View {
    /// Height and width of the network's input.
    pub(super) fn input(&self) -> (usize, usize) {
        let whole = |side: u32| (side as usize).next_multiple_of(Pyramid::MULTIPLE);
        (whole(self.size.1), whole(self.size.0))
    }

    /// Whether a point of the photo lies in it.
    pub(super) fn shows(&self, point: Point) -> bool {
        let along = |at: f32, start: f64, len: u32, scale: f64| {
            (start..=start + f64::from(len) / scale).contains(&f64::from(at))
        };
        along(point.x, self.origin.0, self.size.0, self.scale.0)
            && along(point.y, self.origin.1, self.size.1, self.scale.1)
    }
}

/// The views of a photo of `width` × `height` pixels, finest first; none of a photo without pixels.
pub(super) fn views(width: u32, height: u32, search: &Search) -> Vec<View> {
    let mut views = Vec::new();
    let longer = f64::from(width.max(height));
    if width == 0 || height == 0 {
        return views;
    }
    let mut scale = if longer <= f64::from(search.enlarge_up_to_px) { ENLARGED } else { 1.0 };
    scale = f64::min(scale, f64::from(search.finest_px) / longer);
    if search.smallest_px > 0 {
        let needed = PLAIN_PX / f64::from(search.smallest_px);
        // Between the two, double size takes less time: it is looked at only where something is suspected.
        scale = if needed > 1.0 { scale } else { scale.min(needed) };
    }
    loop {
        let coarsest = longer * scale <= COARSEST_PX;
        tiles(width, height, scale, coarsest, &mut views);
        if coarsest {
            return views;
        }
        scale /= 2.0;
    }
}

/// Appends the tiles of a photo at a scale.
fn tiles(width: u32, height: u32, scale: f64, coarsest: bool, views: &mut Vec<View>) {
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let (scaled_width, scaled_height) = (scaled(width), scaled(height));
    // A strip may lose its thin side to rounding, so each side has its own scale.
    let enlarged = scale >= ENLARGED && !coarsest;
    let scale = (f64::from(scaled_width) / f64::from(width), f64::from(scaled_height) / f64::from(height));
    for (top, tile_height) in spans(scaled_height, enlarged) {
        for (left, tile_width) in spans(scaled_width, enlarged) {
            let (right, bottom) = (left + tile_width, top + tile_height);
            views.push(View {
                origin: (f64::from(left) / scale.0, f64::from(top) / scale.1),
                scale,
                size: (tile_width, tile_height),
                cut: [left > 0, top > 0, right < scaled_width, bottom < scaled_height],
                coarsest,
                enlarged,
            });
        }
    }
}

/// Start and length of the tiles along a side.
fn spans(side: u32, enlarged: bool) -> Vec<(u32, u32)> {
    let (whole, tile, overlap) = if enlarged {
        (ENLARGED_TILE_PX, ENLARGED_TILE_PX, ENLARGED_OVERLAP_PX)
    } else {
        (WHOLE_PX, TILE_PX, OVERLAP_PX)
    };
    if side <= whole {
        return vec![(0, side)];
    }
    let count = (side - overlap).div_ceil(tile - overlap);
    let last = side - tile;
    (0..count).map(|i| ((u64::from(last) * u64::from(i) / u64::from(count - 1)) as u32, tile)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(u32, u32)> {
        views(width, height, &Search::default()).iter().map(|view| view.size).collect()
    }

    #[test]
    fn a_photo_is_halved_until_a_face_that_fills_it_is_of_ordinary_size() {
        let search = Search { enlarge_up_to_px: 0, ..Search::default() };
        let found: Vec<_> = views(800, 600, &search).iter().map(|v| (v.size, v.coarsest)).collect();
        assert_eq!(found, [((800, 600), false), ((400, 300), false), ((200, 150), true)]);
    }

    #[test]
    fn a_photo_is_looked_at_as_finely_as_the_smallest_face_needs() {
        let sizes = |smallest_px| -> Vec<(u32, u32)> {
            let search = Search { smallest_px, ..Search::default() };
            views(640, 480, &search).iter().map(|view| view.size).collect()
        };
        assert_eq!(sizes(0).len(), 5 * 4 + 2, "in double size it has five tiles times four");
        assert_eq!((sizes(12), sizes(20)), (sizes(0), sizes(0)));
        assert_eq!(sizes(24), [(640, 480), (320, 240)]);
        assert_eq!(sizes(40), [(384, 288), (192, 144)]);
        assert_eq!(sizes(10_000).len(), 1, "one view there always is");
    }

    #[test]
    fn strips_and_single_pixels_have_views_and_nothing_has_none() {
        assert_eq!(views(0, 5, &Search::default()), []);
        assert_eq!(sizes(1, 1), [(2, 2)]);
        assert!(sizes(20, 6000).iter().all(|(width, height)| *width >= 1 && *height <= WHOLE_PX));
    }

    #[test]
    fn tiles_overlap_and_cover_a_side_whatever_its_length() {
        for (side, enlarged) in
            [961, 1152, 1153, 2048, 30_000].map(|side| [(side, false), (side, true)]).concat()
        {
            let spans = spans(side, enlarged);
            assert_eq!((spans[0].0, spans.last().map(|(start, len)| start + len)), (0, Some(side)));
            let overlap = if enlarged { ENLARGED_OVERLAP_PX } else { OVERLAP_PX };
            for pair in spans.windows(2) {
                assert!(pair[1].0 + overlap <= pair[0].0 + pair[0].1, "{side}: {pair:?}");
            }
        }
    }

    #[test]
    fn no_view_of_a_huge_panorama_is_larger_than_a_piece() {
        let search = Search { finest_px: u32::MAX, ..Search::default() };
        let views = views(40_000, 2_500, &search);
        assert!(views.iter().all(|view| view.size.0 <= WHOLE_PX && view.size.1 <= WHOLE_PX));
        assert!(views.last().unwrap().coarsest);
    }
}
