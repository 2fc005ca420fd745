//! Pairs by the groups of their images.

use super::Column;
use crate::NamedPair;

/// Pairs by group.
pub(super) struct Split<'a> {
    /// Value and pairs, in the column's order of values; values without a pair are left out.
    pub(super) groups: Vec<(&'a str, Vec<NamedPair<'a>>)>,
    /// Pairs whose images lie in two groups.
    pub(super) between: Vec<NamedPair<'a>>,
    /// The number of pairs with an image that has no value.
    pub(super) without_value: u64,
}

pub(super) fn split<'a>(pairs: &[NamedPair<'a>], column: &'a Column) -> Split<'a> {
    let mut groups: Vec<(&str, Vec<NamedPair<'a>>)> =
        column.groups().iter().map(|group| (group.as_str(), Vec::new())).collect();
    let (mut between, mut without_value) = (Vec::new(), 0);
    for named in pairs {
        match (column.group_of(&named.pair.left), column.group_of(&named.pair.right)) {
            (Some(left), Some(right)) if left == right => groups[left].1.push(*named),
            (Some(_), Some(_)) => between.push(*named),
            _ => without_value += 1,
        }
    }
    groups.retain(|(_, pairs)| !pairs.is_empty());
    Split { groups, between, without_value }
}
