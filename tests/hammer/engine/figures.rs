//! What happens, in numbers.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

/// The numbers of a run, kept up to date by everybody.
#[derive(Debug)]
pub(crate) struct Figures(Mutex<Numbers>);

#[derive(Debug)]
pub(crate) struct Numbers {
    started: Instant,
    /// What became of requests: a status, or what went wrong.
    pub(crate) answers: BTreeMap<String, u64>,
    /// Events with their first acknowledgement over HTTP.
    pub(crate) acknowledged: u64,
    pub(crate) repeated: u64,
    pub(crate) conflicts: u64,
    /// Requests that were made again.
    pub(crate) retries: u64,
    /// Events of which no answer was had at last.
    pub(crate) given_up: u64,
    /// New events that Kinesis has taken, and how many of those were found by their id.
    pub(crate) on_stream: u64,
    pub(crate) found: u64,
    /// Function processes that were killed, by function.
    pub(crate) kills: BTreeMap<String, u64>,
    /// Microseconds from request to answer.
    answer: Histogram<u64>,
    recent: Histogram<u64>,
    /// Microseconds from the first request for an event to its receipt, all repetitions included.
    receipt: Histogram<u64>,
    /// Microseconds from Kinesis' acknowledgement until the event is found.
    lag: Histogram<u64>,
    shown: (Instant, u64),
}

impl Figures {
    pub(crate) fn new() -> Result<Self> {
        // Up to ten minutes, to two digits.
        let histogram = || Histogram::new_with_bounds(1, 600_000_000, 2);
        let now = Instant::now();
        Ok(Self(Mutex::new(Numbers {
            started: now,
            answers: BTreeMap::new(),
            acknowledged: 0,
            repeated: 0,
            conflicts: 0,
            retries: 0,
            given_up: 0,
            on_stream: 0,
            found: 0,
            kills: BTreeMap::new(),
            answer: histogram()?,
            recent: histogram()?,
            receipt: histogram()?,
            lag: histogram()?,
            shown: (now, 0),
        })))
    }

    pub(crate) fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer, or why there was none.
    pub(crate) fn answer(&self, what: &str, after: Option<Duration>) {
        let mut numbers = self.numbers();
        *numbers.answers.entry(what.to_owned()).or_default() += 1;
        if let Some(after) = after {
            numbers.answer.saturating_record(micros(after));
            numbers.recent.saturating_record(micros(after));
        }
    }

    pub(crate) fn receipt(&self, after: Duration) {
        self.numbers().receipt.saturating_record(micros(after));
    }

    pub(crate) fn found(&self, events: u64, lag: Duration) {
        let mut numbers = self.numbers();
        numbers.found += events;
        numbers.lag.saturating_record(micros(lag));
    }

    /// New events on the stream that were not found yet.
    pub(crate) fn backlog(&self) -> u64 {
        let numbers = self.numbers();
        numbers.on_stream - numbers.found
    }

    /// How things stand, in one line; rate and latencies since the last one.
    pub(crate) fn line(&self) -> String {
        let mut numbers = self.numbers();
        let events = numbers.acknowledged + numbers.found;
        let (since, before) = numbers.shown;
        let rate = (events - before) as f64 / since.elapsed().as_secs_f64().max(0.001);
        numbers.shown = (Instant::now(), events);
        let seconds = numbers.started.elapsed().as_secs();
        let mut line = format!(
            "{:02}:{:02}  {rate:.0} events/s  HTTP {}  |",
            seconds / 60,
            seconds % 60,
            percentiles(&numbers.recent)
        );
        numbers.recent.reset();
        for (what, count) in &numbers.answers {
            let _ = write!(line, " {what}:{count}");
        }
        let _ = write!(line, "  repeated {}, conflicts {}", numbers.repeated, numbers.conflicts);
        if numbers.on_stream > 0 {
            let _ = write!(
                line,
                "  |  Kinesis {} acknowledged, {} found, lag {}",
                numbers.on_stream,
                numbers.found,
                percentiles(&numbers.lag)
            );
        }
        let kills: u64 = numbers.kills.values().sum();
        if kills > 0 {
            let _ = write!(line, "  |  {kills} killed");
        }
        line
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "acknowledged over HTTP   {} new events, {} repeats, {} conflicts",
            self.acknowledged, self.repeated, self.conflicts
        )?;
        writeln!(
            f,
            "on the stream            {} new events, {} of them found by their id",
            self.on_stream, self.found
        )?;
        writeln!(f, "requests                 {}", counts(&self.answers))?;
        writeln!(f, "made again               {}; without an answer at last: {}", self.retries, self.given_up)?;
        writeln!(f, "request to answer        {}", percentiles(&self.answer))?;
        writeln!(f, "first request to receipt {}", percentiles(&self.receipt))?;
        writeln!(f, "Kinesis to ledger        {}", percentiles(&self.lag))?;
        write!(f, "killed                   {}", counts(&self.kills))
    }
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{what}: {count}")).collect();
    counts.join(", ")
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return "-".to_owned();
    }
    let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|quantile| millis(histogram.value_at_quantile(quantile)));
    format!("p50 {p50} p95 {p95} p99 {p99} max {} ms", millis(histogram.max()))
}

fn millis(micros: u64) -> String {
    let millis = micros as f64 / 1000.0;
    if millis < 10.0 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
