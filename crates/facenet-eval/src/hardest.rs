//! The pairs that a model gets most wrong.

use std::cmp::Reverse;

use crate::NamedPair;

/// The genuine pairs farthest apart and the impostor pairs closest together.
///
/// Many a hard genuine pair is a wrong label: look before you blame the model.
#[derive(Debug, Clone, PartialEq)]
pub struct HardestPairs<'a> {
    /// Pairs of one person, farthest first.
    pub genuine: Vec<NamedPair<'a>>,
    /// Pairs of two people, nearest first.
    pub impostors: Vec<NamedPair<'a>>,
}

impl<'a> HardestPairs<'a> {
    /// Up to `most` pairs of each kind; equal ones in the order they came.
    pub fn of(pairs: &[NamedPair<'a>], most: usize) -> Self {
        let (mut genuine, mut impostors): (Vec<NamedPair<'a>>, Vec<NamedPair<'a>>) =
            pairs.iter().partition(|named| named.pair.same);
        genuine.sort_by_key(|named| Reverse(named.distance));
        impostors.sort_by_key(|named| named.distance);
        genuine.truncate(most);
        impostors.truncate(most);
        Self { genuine, impostors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PairsFile;
    use crate::weighted::named;

    #[test]
    fn genuine_pairs_come_farthest_first_and_impostors_nearest_first() {
        let text = "3\na 1 2\nb 1 2\nc 1 2\na 1 b 1\na 1 c 1\nb 1 c 1\n";
        let file = PairsFile::parse(text, "pairs.txt".as_ref()).unwrap();
        let pairs = named(&file, &[0.5, 1.5, 1.0, 2.0, 0.75, 3.0]);
        let distances =
            |pairs: &[NamedPair<'_>]| pairs.iter().map(|p| p.distance.value()).collect::<Vec<_>>();
        let hardest = HardestPairs::of(&pairs, 2);
        assert_eq!(distances(&hardest.genuine), [1.5, 1.0]);
        assert_eq!(distances(&hardest.impostors), [0.75, 2.0]);
        let none = HardestPairs::of(&[], 2);
        assert!(none.genuine.is_empty() && none.impostors.is_empty());
    }
}
