//! The step that is being done, so that it can be finished by others.

use facenet_gallery::StoreError;

use super::Collections;
use super::table::{Kind, LONGEST_TEXT, Row};
use crate::desk::Desk;

/// The largest step: what others must take into memory to finish it.
const LARGEST: usize = 1 << 30;

impl Collections {
    /// Writes what is changed into the journal, and gives the keys of its pieces. Each says how many there are.
    pub(super) fn write_journal(&mut self, desk: &Desk) -> Result<Vec<String>, StoreError> {
        let text = serde_json::to_string(desk).expect("records are plain data");
        if text.len() > LARGEST {
            let what = format!(
                "one step of {} MiB is more than the {} that its journal takes\nhint: do it in smaller steps",
                text.len() >> 20,
                LARGEST >> 20
            );
            return Err(StoreError::Unsupported { place: self.client.place.clone(), what });
        }
        let pieces = pieces(&text, LONGEST_TEXT);
        let key = pieces.len().to_string();
        let row = |(number, text): (i64, &str)| Row {
            kind: Kind::Journal,
            number,
            key: key.clone(),
            text: text.into(),
        };
        let rows: Vec<Row> = (1..).zip(pieces).map(row).collect();
        for rows in rows.chunks(64) {
            self.keep_flag()?;
            self.put_rows(rows)?;
        }
        Ok(rows.iter().map(Row::primary).collect())
    }

    pub(super) fn delete_journal(&self, pieces: &[String]) -> Result<(), StoreError> {
        self.delete_rows(pieces)
    }

    pub(super) fn has_journal(&self) -> Result<bool, StoreError> {
        Ok(self.count(self.rows_name(), format!("kind == {}", Kind::Journal as i64))? > 0)
    }

    /// Does what an interrupted program has left, if its journal is whole; otherwise nothing of it was done.
    pub(super) fn finish_journal(&mut self) -> Result<(), StoreError> {
        let rows = self.rows(Kind::Journal, "number > 0")?;
        let Some(first) = rows.first() else { return Ok(()) };
        let is_whole = first.key.parse() == Ok(rows.len());
        if is_whole {
            let text: String = rows.iter().map(|row| row.text.as_str()).collect();
            let desk: Desk = serde_json::from_str(&text).map_err(|error| self.damaged(error))?;
            self.apply(&desk)?;
        }
        self.delete_journal(&rows.iter().map(Row::primary).collect::<Vec<_>>())
    }
}

/// A text in pieces of at most so many bytes.
fn pieces(text: &str, longest: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(longest));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text_and_end_between_characters() {
        assert_eq!(pieces("aäbc", 2), ["a", "ä", "bc"]);
        assert_eq!(pieces("", 2), Vec::<&str>::new());
        assert_eq!(pieces("ab", 2), ["ab"]);
    }
}
