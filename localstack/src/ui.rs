//! What the user sees. Progress goes to standard error, results to standard output.
//!
//! On a terminal, long steps have a spinner or a bar. Elsewhere (CI, a pipe) each step is one plain line at its
//! start and one at its end, and a bar is a line for every tenth of the way.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// Prints one line of result.
pub(crate) fn line(text: impl Display) {
    // A reader that has gone away (`| head`) is no trouble of ours.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints one line beside the result: what is going on.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a headline above a part of the result.
pub(crate) fn headline(text: impl Display) {
    line(format_args!("\n{text}"));
}

/// Prints an error with all that led to it.
pub(crate) fn error(error: &anyhow::Error) {
    note(format_args!("\nerror: {error}"));
    for cause in error.chain().skip(1) {
        note(format_args!("  because: {cause}"));
    }
}

/// An empty table that fits the terminal.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    table
}

/// The first characters of a long hash, enough to compare by eye.
pub(crate) fn short(hash: &str) -> String {
    match hash.char_indices().nth(16) {
        Some((end, _)) => format!("{}…", &hash[..end]),
        None => hash.to_owned(),
    }
}

/// `12189` as `12,189`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A step of which nobody knows how long it takes.
pub(crate) struct Step {
    label: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    /// Says that it has begun.
    pub(crate) fn start(label: impl Into<String>) -> Self {
        let label = label.into();
        let spinner = if io::stderr().is_terminal() {
            let spinner = ProgressBar::new_spinner().with_message(label.clone());
            spinner.enable_steady_tick(Duration::from_millis(120));
            Some(spinner)
        } else {
            note(format_args!("… {label}"));
            None
        };
        Self { label, started: Instant::now(), spinner }
    }

    /// Says what is being done at the moment.
    pub(crate) fn now(&self, text: impl Display) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!("{}: {text}", self.label));
        }
    }

    /// Says that it is done, and what came of it.
    pub(crate) fn done(self, outcome: impl Display) {
        let seconds = self.started.elapsed().as_secs_f32();
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        note(format_args!("✓ {}: {outcome} ({seconds:.1} s)", self.label));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

/// A step that counts things.
pub(crate) struct Bar {
    label: &'static str,
    total: u64,
    at: u64,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Starts to count up to `total` things, named by `unit` in the plural.
    pub(crate) fn start(label: &'static str, total: u64, unit: &str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let template = format!("  {{msg:24}} {{bar:32}} {{human_pos}}/{{human_len}} {unit} {{elapsed}}");
            // The template is fixed; should it ever be wrong, the plain bar is good enough.
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(total).with_style(style).with_message(label);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            note(format_args!("… {label}: {} {unit}", count(total)));
        }
        Self { label, total, at: 0, started: Instant::now(), bar }
    }

    /// Says how many there are now; never fewer than before.
    pub(crate) fn set(&mut self, at: u64) {
        let at = at.clamp(self.at, self.total.max(self.at));
        match &self.bar {
            Some(bar) => bar.set_position(at),
            None if self.tenths(at) > self.tenths(self.at) => {
                note(format_args!("  {}: {} of {}", self.label, count(at), count(self.total)));
            }
            None => {}
        }
        self.at = at;
    }

    /// Says that it is done, and what came of it.
    pub(crate) fn done(self, outcome: impl Display) {
        let seconds = self.started.elapsed().as_secs_f32();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        note(format_args!("✓ {}: {outcome} ({seconds:.1} s)", self.label));
    }

    fn tenths(&self, at: u64) -> u64 {
        (at * 10).checked_div(self.total).unwrap_or(10)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{count, short};

    #[test]
    fn numbers_are_grouped_and_hashes_cut() {
        assert_eq!(
            ["0", "999", "1,000", "12,189", "1,000,000"],
            [0, 999, 1000, 12_189, 1_000_000].map(count).each_ref().map(String::as_str)
        );
        assert_eq!(short("abc"), "abc");
        assert_eq!(short("0123456789abcdef0"), "0123456789abcdef…");
    }
}
