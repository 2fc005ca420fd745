//! Every triplet of a kind, for comparing with other miners.

use rayon::prelude::*;

use super::{Hardness, MineError, SquaredDistances, Triplet};

/// Which triplets [`all_triplets`] lists, by the gap `d(a,n) − d(a,p)` of squared distances.
///
/// These are the `type_of_triplets` of `TripletMarginMiner` in pytorch-metric-learning with
/// `LpDistance(power=2)` on normalised embeddings, with the same signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TripletKind {
    /// `gap <= margin`: those with a loss, or exactly on the margin; `"all"`.
    All,
    /// `gap <= 0`: the negative is as near as the positive or nearer; `"hard"`.
    Hard,
    /// `0 < gap <= margin`; `"semihard"`.
    SemiHard,
    /// `gap > margin`; `"easy"`.
    Easy,
}

impl TripletKind {
    fn takes(self, hardness: Hardness) -> bool {
        match self {
            Self::All => hardness != Hardness::Easy,
            Self::Hard => hardness == Hardness::Hard,
            Self::SemiHard => hardness == Hardness::SemiHard,
            Self::Easy => hardness == Hardness::Easy,
        }
    }
}

/// Lists all triplets of a kind in a batch, in order of anchor, positive, negative: `embeddings` are unit rows,
/// `[batch, dimension]`, of the people `labels`, `[batch]`.
///
/// There can be nearly `batch³` of them; this is for small batches. To learn from, [`mine`](crate::mine) gives
/// one for each pair.
///
/// # Errors
/// When the margin is not above 0 and up to 4, the embeddings do not match the labels in number, or a row is
/// not a finite unit vector.
pub fn all_triplets(
    embeddings: &[f32],
    labels: &[u32],
    margin: f32,
    kind: TripletKind,
) -> Result<Vec<Triplet>, MineError> {
    if !(margin > 0.0 && margin <= 4.0) {
        return Err(MineError::Margin(margin));
    }
    let distances = SquaredDistances::between(embeddings, labels.len())?;
    let of_anchor = |a: usize| {
        let (d, mut found) = (distances.from(a), Vec::new());
        for p in (0..d.len()).filter(|&p| p != a && labels[p] == labels[a]) {
            let taken = |n: &usize| labels[*n] != labels[a] && kind.takes(Hardness::of(d[p], d[*n], margin));
            let triplet = |n| Triplet { anchor: a as u32, positive: p as u32, negative: n as u32 };
            found.extend((0..d.len()).filter(taken).map(triplet));
        }
        found
    };
    Ok((0..labels.len()).into_par_iter().flat_map_iter(of_anchor).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
        Triplet { anchor, positive, negative }
    }

    #[test]
    fn kinds_at_their_borders() {
        // Right angles are exact. From 0: positive 2, negatives 2 and 4 away; from 1: positive 2, negatives 4, 2.
        let square = [1.0, 0.0, 0.0, 1.0, 0.0, -1.0, -1.0, 0.0];
        let of = |margin, kind| all_triplets(&square, &[0, 0, 1, 2], margin, kind).unwrap();
        assert_eq!(of(2.0, TripletKind::Hard), [triplet(0, 1, 2), triplet(1, 0, 3)]);
        assert_eq!(of(2.0, TripletKind::SemiHard), [triplet(0, 1, 3), triplet(1, 0, 2)]);
        assert_eq!(of(2.0, TripletKind::Easy), []);
        assert_eq!(of(1.9, TripletKind::Easy), of(2.0, TripletKind::SemiHard));
        assert_eq!(of(1.9, TripletKind::All), of(2.0, TripletKind::Hard));
        assert_eq!(of(2.0, TripletKind::All).len(), 4);
    }

    #[test]
    fn nothing_and_one_person_alone_have_no_triplets() {
        assert_eq!(all_triplets(&[], &[], 0.2, TripletKind::Easy).unwrap(), []);
        assert_eq!(all_triplets(&[1.0, 0.0, 0.0, 1.0], &[5, 5], 0.2, TripletKind::All).unwrap(), []);
    }

    #[test]
    fn a_margin_out_of_range_is_refused() {
        assert_eq!(all_triplets(&[], &[], 0.0, TripletKind::All), Err(MineError::Margin(0.0)));
    }
}
