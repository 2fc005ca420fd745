//! Shows a run as it goes: a dashboard on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use facenet_train::Event;

use super::figures::Figures;
use super::screen::Screen;
use super::story::{self, Line};

/// The least time between two paintings of the dashboard: what an eye follows, and far less work than a step.
const EVERY: Duration = Duration::from_millis(250);

/// Whoever watches a run.
#[derive(Debug)]
pub(crate) struct View {
    quiet: bool,
    figures: Figures,
    started: Instant,
    screen: Option<Screen>,
    painted: Option<Instant>,
}

impl View {
    /// A view of the run `name`: with a dashboard if stderr is a terminal that can be painted on, unless `quiet` or
    /// `plain`.
    pub(crate) fn new(name: String, quiet: bool, plain: bool) -> Self {
        let paint = !quiet && !plain && std::io::stderr().is_terminal() && can_paint();
        Self {
            quiet,
            figures: Figures { name, ..Figures::default() },
            started: Instant::now(),
            screen: paint.then(Screen::default),
            painted: None,
        }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        if let Event::Starts { .. } = event {
            self.started = Instant::now();
        }
        let gone = self.started.elapsed();
        self.figures.take(event, gone);
        match story::line(event, gone) {
            Some(Line::Problem(text)) => self.line(&text),
            Some(Line::Note(text)) if !self.quiet => self.line(&text),
            _ => {}
        }
        match (event, &mut self.screen) {
            (Event::Logged(record), None) if !self.quiet => self.line(&story::figures(record)),
            (Event::Data { .. }, _) | (_, None) => {}
            (_, Some(screen)) => {
                if self.painted.is_none_or(|painted| painted.elapsed() >= EVERY) {
                    screen.paint(&self.figures);
                    self.painted = Some(Instant::now());
                }
            }
        }
    }

    /// Leaves the last state on the screen.
    pub(crate) fn finish(&mut self) {
        if let (Some(screen), Some(_)) = (&mut self.screen, self.painted) {
            screen.paint(&self.figures);
        }
    }

    fn line(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => screen.print(text),
            None => eprintln!("{text}"),
        }
    }
}

/// Whether the terminal says that it is more than a line printer.
fn can_paint() -> bool {
    std::env::var_os("TERM").map_or(cfg!(windows), |term| term != "dumb" && !term.is_empty())
}
