//! Errors as people read them: what went wrong, why, and what to do next.

use std::fmt::Write;
use std::io;

/// The line of an error's text that says what to do next.
const HINT: &str = "hint: ";

/// An error as blocks of lines: `error:`, then a `cause:` for each source, then the hints after an empty line.
pub(crate) fn text(error: &anyhow::Error) -> String {
    let Told { messages, hints } = Told::of(error);
    let mut text = String::new();
    for (depth, message) in messages.iter().enumerate() {
        let label = if depth == 0 { "error" } else { "  cause" };
        writeln!(text, "{label}: {}", message.replace('\n', "\n    ")).expect("memory takes text");
    }
    for (index, hint) in hints.iter().enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        writeln!(text, "{gap}{HINT}{hint}").expect("memory takes text");
    }
    text
}

/// An error in one line, and its hints.
pub(crate) fn line(error: &anyhow::Error) -> (String, Vec<String>) {
    let Told { messages, hints } = Told::of(error);
    (messages.join(": ").replace('\n', " "), hints)
}

/// Whether the program that read our output stopped reading, as `head` does: no error of ours.
pub(crate) fn reader_is_gone(error: &anyhow::Error) -> bool {
    let io_error =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    error.chain().filter_map(io_error).any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// What an error and its sources say.
#[derive(Debug, Default)]
struct Told {
    /// The error's own message and then those of its sources, without hints.
    messages: Vec<String>,
    hints: Vec<String>,
}

impl Told {
    fn of(error: &anyhow::Error) -> Self {
        let mut told = Self::default();
        for cause in error.chain() {
            let message = cause.to_string();
            let (hints, lines): (Vec<&str>, Vec<&str>) =
                message.lines().partition(|line| line.starts_with(HINT));
            told.hints.extend(hints.iter().map(|hint| hint[HINT.len()..].to_owned()));
            let message = lines.join("\n");
            // Some libraries put their source into their own text too.
            if !told.messages.last().is_some_and(|before| before.ends_with(&message)) {
                told.messages.push(message);
            }
        }
        told.hints.dedup();
        told
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    fn error() -> anyhow::Error {
        let cause: anyhow::Result<()> = Err(anyhow!("the JPEG image is cut off\nhint: copy it again"));
        cause.context("cannot use the image `a.jpg`").unwrap_err()
    }

    #[test]
    fn causes_and_hints_have_lines_of_their_own() {
        insta::assert_snapshot!(text(&error()), @r"
        error: cannot use the image `a.jpg`
          cause: the JPEG image is cut off

        hint: copy it again
        ");
        assert_eq!(text(&anyhow!("no faces")), "error: no faces\n");
    }

    #[test]
    fn a_line_joins_the_causes_and_gives_the_hints_apart() {
        let expected = "cannot use the image `a.jpg`: the JPEG image is cut off".to_owned();
        assert_eq!(line(&error()), (expected, vec!["copy it again".to_owned()]));
    }

    #[test]
    fn a_source_that_is_told_already_is_not_told_again() {
        let cause: anyhow::Result<()> = Err(anyhow!("not enough bytes"));
        let error = cause.context("cannot decode: not enough bytes").unwrap_err();
        assert_eq!(line(&error).0, "cannot decode: not enough bytes");
    }

    #[test]
    fn only_a_broken_pipe_means_that_the_reader_is_gone() {
        let error = |kind| anyhow::Error::from(io::Error::from(kind)).context("cannot print");
        assert!(reader_is_gone(&error(io::ErrorKind::BrokenPipe)));
        assert!(!reader_is_gone(&error(io::ErrorKind::StorageFull)));
    }
}
