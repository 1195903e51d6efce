//! How it goes: one line that changes on a terminal, a line every few seconds elsewhere.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const ON_A_TERMINAL: Duration = Duration::from_secs(1);
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Shows what `line` says until nobody waits for it any more.
pub(super) async fn forever(show: bool, line: impl Fn() -> String) {
    if !show {
        return std::future::pending().await;
    }
    if !io::stderr().is_terminal() {
        loop {
            tokio::time::sleep(ELSEWHERE).await;
            note(show, line());
        }
    }
    let bar = ProgressBar::new_spinner();
    // The template is fixed; should it ever be wrong, the plain spinner is good enough.
    bar.set_style(
        ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    let _cleared = Cleared(&bar);
    loop {
        tokio::time::sleep(ON_A_TERMINAL).await;
        bar.set_message(line());
    }
}

/// A line beside the result.
pub(super) fn note(show: bool, text: impl Display) {
    if show {
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Takes the spinner away when it is no longer waited for.
struct Cleared<'a>(&'a ProgressBar);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
