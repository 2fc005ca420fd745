//! The end of a terminal as a place that is painted over and over, below the lines that stay.
//!
//! Only relative moves are used. So nothing has to be asked of the terminal (the answer would come on stdin, and the
//! question would go into a redirected stdout), no mode is changed, and whenever the program dies the terminal is as it
//! was, with the cursor below the last painting.

use std::fmt::Write as _;
use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;
use ratatui::widgets::Widget;
use terminal_size::{Height, Width, terminal_size_of};

use super::dashboard::{Dashboard, HEIGHT};
use super::figures::Figures;

/// The size that a terminal has which does not tell it.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// The widest painting: on wider screens, curves get no clearer.
const MAX_WIDTH: u16 = 140;

/// The painted end of the terminal that stderr is.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// Rows of the last painting; the cursor is right below them.
    rows: u16,
    /// The size of the terminal at the last painting.
    size: (u16, u16),
    /// The last painting.
    painting: String,
}

impl Screen {
    /// Paints over the last painting.
    pub(super) fn paint(&mut self, figures: &Figures) {
        let size = terminal_size_of(std::io::stderr()).map_or(USUAL_SIZE, |(Width(w), Height(h))| (w, h));
        let up = self.to_last_painting(size);
        // One row stays free for the cursor, and the last column, where some terminals would break the line.
        let area =
            Rect::new(0, 0, size.0.saturating_sub(1).min(MAX_WIDTH), size.1.saturating_sub(1).min(HEIGHT));
        let mut buffer = Buffer::empty(area);
        Dashboard(figures).render(area, &mut buffer);
        let colours = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        self.painting = text(&buffer, colours);
        (self.rows, self.size) = (area.height, size);
        show(&format!("{up}{}", self.painting));
    }

    /// Prints `line` above the painting.
    pub(super) fn print(&mut self, line: &str) {
        let up = self.to_last_painting(self.size);
        let painting = &self.painting;
        show(&format!("{up}\x1b[J{}\n{painting}", harmless(line)));
    }

    /// The way to the first row of the last painting. After a change of size, nobody knows how the terminal broke its
    /// rows: then it stays where it is, as lines do.
    fn to_last_painting(&self, size: (u16, u16)) -> String {
        match self.rows {
            0 => String::new(),
            _ if size != self.size => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

/// In one go, so that no painting is cut in half.
fn show(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell that stderr is closed, and the training need not stop for it.
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

/// Without what would move the cursor or change colours: names of files can hold anything.
fn harmless(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The rows of `buffer`, each ended and cleared behind its end.
fn text(buffer: &Buffer, colours: bool) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let mut text = String::new();
    for row in buffer.content.chunks(width) {
        let end = row.iter().rposition(|cell| cell.symbol() != " ").map_or(0, |last| last + 1);
        let mut style = (Color::Reset, Modifier::empty());
        let mut covered = 0; // by a symbol of two columns
        for cell in &row[..end] {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = Span::raw(cell.symbol()).width().saturating_sub(1);
            if colours && (cell.fg, cell.modifier) != style {
                style = (cell.fg, cell.modifier);
                text.push_str(&code(cell));
            }
            text.push_str(&harmless(cell.symbol()));
        }
        if style != (Color::Reset, Modifier::empty()) {
            text.push_str("\x1b[0m");
        }
        text.push_str("\x1b[K\n");
    }
    text
}

/// The code that sets the colour and weight of a cell: the sixteen colours that a terminal's theme decides.
fn code(cell: &Cell) -> String {
    let mut code = String::from("\x1b[0");
    for (modifier, number) in [(Modifier::BOLD, 1), (Modifier::DIM, 2)] {
        if cell.modifier.contains(modifier) {
            write!(code, ";{number}").expect("memory takes text");
        }
    }
    let colour = match cell.fg {
        Color::Red => ";31",
        Color::Green => ";32",
        Color::Yellow => ";33",
        Color::Blue => ";34",
        Color::Magenta => ";35",
        Color::Cyan => ";36",
        Color::DarkGray => ";90",
        _ => "",
    };
    code + colour + "m"
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn buffer() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "ab", Style::new().fg(Color::Cyan));
        buffer.set_string(2, 0, "c", Style::new().add_modifier(Modifier::BOLD));
        buffer.set_string(0, 1, "顔x", Style::new());
        buffer
    }

    #[test]
    fn rows_are_cleared_behind_their_end_and_colours_are_reset() {
        assert_eq!(text(&buffer(), true), "\x1b[0;36mab\x1b[0;1mc\x1b[0m\x1b[K\n顔x\x1b[K\n");
        assert_eq!(text(&buffer(), false), "abc\x1b[K\n顔x\x1b[K\n");
    }

    #[test]
    fn a_painting_is_painted_over_unless_the_size_changed() {
        let mut screen = Screen::default();
        assert_eq!(screen.to_last_painting((80, 24)), "");
        (screen.rows, screen.size) = (16, (80, 24));
        assert_eq!(screen.to_last_painting((80, 24)), "\r\x1b[16A");
        assert_eq!(screen.to_last_painting((60, 24)), "");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(harmless("a\x1b[2Jb\rc\td\ne"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\ne");
    }
}
