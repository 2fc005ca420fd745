//! What an experiment is made of.

use facenet_eval::Group;

/// One thing to measure: a point of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) group: Group,
    pub(super) at: f64,
    /// As in the first column of the table; no two of an experiment are the same.
    pub(super) name: String,
}

impl Cell {
    /// A cell that is named by its place on the axis.
    pub(super) fn at(group: Group, at: f64) -> Self {
        let name = match group {
            Group::JpegQuality => format!("JPEG {at}"),
            Group::Pixels => format!("{} pixels", crate::numbers::grouped(at as usize)),
            Group::TrainingImages => crate::numbers::grouped(at as usize),
            Group::ShiftRight => format!("right {}", signed(at)),
            Group::ShiftDown => format!("down {}", signed(at)),
            Group::Rotation => format!("turned {}°", signed(at)),
            Group::Scale => format!("scale {at}"),
            Group::Dimensions | Group::MultiplyAdds => format!("{at}"),
        };
        Self { group, at, name }
    }
}

/// `+0.1`, `-0.1`, and `0` without a sign.
fn signed(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:+}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_by_what_changes() {
        let name = |group, at| Cell::at(group, at).name;
        assert_eq!(name(Group::JpegQuality, 10.0), "JPEG 10");
        assert_eq!(name(Group::Pixels, 1600.0), "1,600 pixels");
        assert_eq!(name(Group::TrainingImages, 53_698.0), "53,698");
        assert_eq!(name(Group::ShiftRight, -0.05), "right -0.05");
        assert_eq!(name(Group::ShiftDown, 0.0), "down 0");
        assert_eq!(name(Group::Rotation, 10.0), "turned +10°");
        assert_eq!(name(Group::Scale, 1.1), "scale 1.1");
        assert_eq!(name(Group::Dimensions, 64.0), "64");
    }
}
