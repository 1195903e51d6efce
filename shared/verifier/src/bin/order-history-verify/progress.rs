//! Progress on standard error: a bar on a terminal, elsewhere a line now and then.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use verifier::progress::Progress;

/// What is done sooner needs no progress.
const QUIET: Duration = Duration::from_secs(2);
/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows progress to whoever started the program.
pub(crate) enum Shown {
    Bar(Option<ProgressBar>),
    Lines { total: u64, unit: &'static str, next: Instant },
    Nothing,
}

impl Shown {
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Nothing
        } else if io::stderr().is_terminal() {
            Self::Bar(None)
        } else {
            Self::Lines { total: 0, unit: "", next: Instant::now() }
        }
    }
}

impl Progress for Shown {
    fn start(&mut self, all: u64, of: &'static str) {
        match self {
            Self::Bar(bar) => {
                let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {of}, {{eta}} left");
                // The template is fixed; should it ever be wrong, the plain bar is good enough.
                let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
                *bar = Some(ProgressBar::new(all).with_style(style));
            }
            Self::Lines { total, unit, next } => {
                *total = all;
                *unit = of;
                *next = Instant::now() + QUIET;
            }
            Self::Nothing => {}
        }
    }

    fn at(&mut self, done: u64) {
        match self {
            Self::Bar(Some(bar)) => bar.set_position(done),
            Self::Lines { total, unit, next } if Instant::now() >= *next => {
                *next = Instant::now() + PAUSE;
                // Whoever reads our errors may have gone away; the result still counts.
                let _ = writeln!(io::stderr(), "  {done} of {total} {unit}");
            }
            Self::Bar(None) | Self::Lines { .. } | Self::Nothing => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Self::Bar(Some(bar)) = self {
            bar.finish_and_clear();
        }
    }
}
