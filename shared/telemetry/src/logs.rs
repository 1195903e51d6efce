//! Structured logs: one JSON object a line.
//!
//! They go to stderr, which Lambda sends to the same log group as stdout, so that a log line can
//! never be written into the middle of a metrics document.

use std::env;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Crates of other people that may not be more talkative than this, whatever `LOG_LEVEL` says: at
/// `debug` and `trace` they write requests and answers, and so payloads, into the log.
const LIBRARIES: [&str; 11] = [
    "aws_config",
    "aws_runtime",
    "aws_sdk",
    "aws_smithy",
    "h2",
    "hyper",
    "jsonschema",
    "lambda_runtime",
    "reqwest",
    "rustls",
    "tower",
];

/// Writes logs from now on, at the level in `LOG_LEVEL` (`error`, `warn`, `info`, `debug` or `trace`;
/// `info` when it is missing or unknown).
pub(crate) fn init() {
    let wanted = env::var("LOG_LEVEL").unwrap_or_default();
    let level = level(&wanted);
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter(level));
    log_panics();
    // A subscriber that is already there is a test's own, and stays.
    if tracing_subscriber::registry().with(layer).try_init().is_ok()
        && !wanted.is_empty()
        && wanted.parse::<LevelFilter>().is_err()
    {
        tracing::warn!(log_level = wanted, "LOG_LEVEL is not a level; info is used");
    }
}

/// The level of this name.
fn level(wanted: &str) -> LevelFilter {
    // Nothing at all would be read as `error`.
    if wanted.is_empty() { LevelFilter::INFO } else { wanted.parse().unwrap_or(LevelFilter::INFO) }
}

/// Logs where a panic was, as one line of JSON like everything else. What it said is logged only when it is fixed
/// text of the program: a message that was put together may quote a payload.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let said = panic.payload().downcast_ref::<&'static str>().copied();
        tracing::error!(location, said, "panicked");
    }));
}

/// Our own crates at `level`, libraries at `warn` or at `level`, whichever says less.
fn filter(level: LevelFilter) -> Targets {
    let quiet = level.min(LevelFilter::WARN);
    Targets::new().with_default(level).with_targets(LIBRARIES.map(|library| (library, quiet)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_never_log_more_than_warnings() {
        let filter = filter(LevelFilter::TRACE);
        assert!(filter.would_enable("store::append", &Level::TRACE));
        assert!(filter.would_enable("aws_smithy_runtime::client", &Level::WARN));
        assert!(!filter.would_enable("aws_smithy_runtime::client", &Level::INFO));
        assert!(!filter.would_enable("lambda_runtime::runtime", &Level::DEBUG));
    }

    #[test]
    fn a_level_that_is_missing_or_none_is_info() {
        for (wanted, expected) in [("", LevelFilter::INFO), ("loud", LevelFilter::INFO), ("warn", LevelFilter::WARN)] {
            assert_eq!(level(wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_quiet_level_quietens_libraries_too() {
        let filter = filter(LevelFilter::ERROR);
        assert!(!filter.would_enable("hyper::proto", &Level::WARN));
        assert!(!filter.would_enable("store::append", &Level::WARN));
    }
}
