//! Where text goes: data to stdout; notes, failures and progress to stderr.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure;
use crate::outcome::Outcome;

/// Work on fewer images than this is over before a bar would help: half a second on two cores.
const LONG_WORK_IMAGES: usize = 100;

/// The two streams, and what was said on them.
#[derive(Debug)]
pub(crate) struct Console {
    quiet: bool,
    failures: usize,
    hints: HashSet<String>,
    bar: ProgressBar,
}

impl Console {
    /// A console that, if `quiet`, says nothing on stderr but errors.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, failures: 0, hints: HashSet::new(), bar: ProgressBar::hidden() }
    }

    /// Whether nothing but errors is wanted on stderr.
    #[cfg(feature = "train")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line of data.
    pub(crate) fn print(&self, line: impl Display) -> anyhow::Result<()> {
        let print = || writeln!(std::io::stdout(), "{line}");
        self.bar.suspend(print).context("cannot write to stdout")
    }

    /// Prints `value` as one line of JSON.
    pub(crate) fn print_json(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        self.print(serde_json::to_string(value).context("cannot write the result as JSON")?)
    }

    /// Tells something that is neither data nor an error.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("facenet: {text}"));
        }
    }

    /// Reports an image that cannot be used, and remembers that there was one.
    pub(crate) fn failed(&mut self, path: &Path, error: &anyhow::Error) {
        self.failures += 1;
        let (line, hints) = failure::line(error);
        // A thousand images of one fault need its remedy once.
        let hints: Vec<_> = hints.into_iter().filter(|hint| self.hints.insert(hint.clone())).collect();
        self.bar.suspend(|| {
            eprintln!("facenet: {}: {line}", path.display());
            hints.iter().for_each(|hint| eprintln!("hint: {hint}"));
        });
    }

    /// The number of failures so far.
    pub(crate) fn failures(&self) -> usize {
        self.failures
    }

    /// `outcome`, unless something failed.
    pub(crate) fn outcome(&self, outcome: Outcome) -> Outcome {
        if self.failures == 0 { outcome } else { Outcome::Failed }
    }

    /// Begins to show progress over `images`, if that is long work and somebody watches.
    pub(crate) fn begin(&mut self, images: usize) {
        if images >= LONG_WORK_IMAGES {
            self.begin_of(images, "images");
        }
    }

    /// Begins to show progress over so many things, if somebody watches.
    pub(crate) fn begin_of(&mut self, things: usize, name: &str) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let style = format!("{{bar:40}} {{pos}}/{{len}} {name}  {{per_sec:.1}}  {{eta}} left");
        self.bar = ProgressBar::new(things as u64);
        self.bar.set_style(ProgressStyle::with_template(&style).expect("the template is valid"));
    }

    /// Counts so many more as done.
    pub(crate) fn advance(&self, more: usize) {
        self.bar.inc(more as u64);
    }

    /// So many are done in all.
    pub(crate) fn reach(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Takes the progress away.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outweighs_every_answer() {
        let mut console = Console::new(true);
        assert_eq!(console.outcome(Outcome::No), Outcome::No);
        console.failed("a.jpg".as_ref(), &anyhow::anyhow!("drawn for the test"));
        assert_eq!(
            (console.outcome(Outcome::Yes), console.outcome(Outcome::No)),
            (Outcome::Failed, Outcome::Failed)
        );
    }
}
