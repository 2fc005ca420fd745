//! The faces of a batch brought together person by person.

use std::collections::HashMap;
use std::ops::Range;

/// The rows of a batch in an order in which the faces of each person follow each other. Then an anchor's
/// positives are one run of its distances and its negatives are all before and all after it, and no loop
/// over distances has to look at a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct People {
    /// Position to row: people by their first face, the faces of each in the order of rows.
    pub(crate) order: Vec<u32>,
    /// The positions of each person, one after the other.
    pub(crate) runs: Vec<Range<usize>>,
    /// Position to the person's number in `runs`.
    numbers: Vec<u32>,
}

impl People {
    pub(crate) fn of(labels: &[u32]) -> Self {
        let mut numbers = HashMap::new();
        let mut faces: Vec<Vec<u32>> = Vec::new();
        for (row, label) in labels.iter().enumerate() {
            let number = *numbers.entry(label).or_insert(faces.len());
            if number == faces.len() {
                faces.push(Vec::new());
            }
            faces[number].push(row as u32);
        }
        let mut end = 0;
        let mut runs = Vec::with_capacity(faces.len());
        let mut of_positions = Vec::with_capacity(labels.len());
        for (number, faces) in faces.iter().enumerate() {
            runs.push(end..end + faces.len());
            end += faces.len();
            of_positions.resize(end, number as u32);
        }
        Self { order: faces.concat(), runs, numbers: of_positions }
    }

    /// Whether the batch already lies in this order, as those of the sampler do.
    pub(crate) fn in_order(&self) -> bool {
        self.order.is_sorted()
    }

    /// The number in `runs` of the person at `position`.
    pub(crate) fn person(&self, position: usize) -> usize {
        self.numbers[position] as usize
    }

    /// The positions of the person at `position`, that one included.
    pub(crate) fn run(&self, position: usize) -> Range<usize> {
        self.runs[self.person(position)].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_come_together_in_the_order_of_first_faces_and_rows() {
        let people = People::of(&[9, 4, 9, 7, 4, 9]);
        assert_eq!(people.order, [0, 2, 5, 1, 4, 3]);
        assert_eq!(people.runs, [0..3, 3..5, 5..6]);
        assert_eq!((people.run(1), people.run(4), people.run(5)), (0..3, 3..5, 5..6));
        assert!(!people.in_order());
        assert!(People::of(&[8, 8, 1, 1, 5]).in_order());
    }

    #[test]
    fn nobody_has_no_faces() {
        let people = People::of(&[]);
        assert_eq!((people.order.len(), people.runs.len()), (0, 0));
    }
}
