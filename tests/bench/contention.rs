//! Single events of one tenant, from many writers at once: ours and the plain design, over the same delays.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::ids::TenantId;
use store::{
    Clock, Log, StoreError,
    log::{
        Outcome, Submission,
        memory::{MemoryTables, Units},
    },
};
use tokio::time::Instant;

use crate::{
    plain::{Backoff, PlainTable, PlainWriter},
    sample::{Kind, Random},
    time,
};

/// How long every call of the store takes.
const DELAY: Duration = Duration::from_millis(6);
const WRITERS: [usize; 5] = [1, 3, 8, 64, 256];
/// How the plain design waits, unless something else is said: like our store when it is throttled.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(10), limit: Duration::from_millis(500) };
/// The plain design as it is compared with ours: a transaction takes no longer than any other call.
const PLAIN: Plain = Plain { backoff: BACKOFF, transaction: DELAY };

/// A variant of the plain design.
#[derive(Debug, Clone, Copy)]
struct Plain {
    backoff: Backoff,
    transaction: Duration,
}

/// How long is measured, and how long before that nothing is.
#[derive(Debug, Clone, Copy)]
struct Span {
    warm: Duration,
    measured: Duration,
}

const SPAN: Span = Span { warm: Duration::from_secs(2), measured: Duration::from_secs(5) };

/// What was seen.
#[derive(Debug)]
struct Figures {
    /// How long each receipt took, in order of length.
    latencies: Vec<Duration>,
    measured: Duration,
    units: Units,
}

impl Figures {
    fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.measured.as_secs_f64()
    }

    fn milliseconds(&self, quantile: f64) -> f64 {
        let at = ((self.latencies.len().saturating_sub(1)) as f64 * quantile) as usize;
        self.latencies.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
    }

    fn each(&self, units: u64) -> f64 {
        units as f64 / self.latencies.len().max(1) as f64
    }

    fn row(&self, name: &str, writers: usize) -> Vec<String> {
        vec![
            writers.to_string(),
            name.to_owned(),
            format!("{:.0}", self.per_second()),
            format!("{:.0}", self.milliseconds(0.5)),
            format!("{:.0}", self.milliseconds(0.99)),
            format!("{:.2}", self.each(self.units.written)),
            format!("{:.2}", self.each(self.units.read)),
            format!("{:.2}", self.each(self.units.refused)),
        ]
    }
}

/// One that records an event after the other.
#[derive(Debug, Clone)]
enum Writer {
    /// A function's instance: it shares nothing with others but the tables.
    Ours {
        log: Log,
        tenant: TenantId,
    },
    Plain(PlainWriter),
}

impl Writer {
    async fn record(&mut self, submission: Submission) -> Result<()> {
        match self {
            Self::Ours { log, tenant } => {
                let outcome = log.append_checked(tenant, async { Ok::<_, StoreError>(submission) }).await?;
                if !matches!(outcome, Outcome::Recorded(_)) {
                    bail!("a new event came to {outcome:?}");
                }
            }
            Self::Plain(writer) => {
                writer.record(submission.event).await?;
            }
        }
        Ok(())
    }
}

/// Which design, and where its units are counted.
#[derive(Debug, Clone)]
enum Design {
    Ours { tables: MemoryTables, clock: Clock },
    Plain { table: PlainTable, backoff: Backoff },
}

impl Design {
    fn ours(clock: Clock) -> Self {
        Self::Ours { tables: MemoryTables::with_delay(DELAY), clock }
    }

    fn plain(Plain { backoff, transaction }: Plain) -> Self {
        Self::Plain { table: PlainTable::new(DELAY, transaction), backoff }
    }

    fn writer(&self, number: usize) -> Result<Writer> {
        let seed = number as u64 + 1;
        Ok(match self {
            Self::Ours { tables, clock } => Writer::Ours {
                log: Log::over(std::sync::Arc::new(tables.clone()), clock.clone()).seeded(seed << 32),
                tenant: "bench".parse().context("a tenant's name")?,
            },
            Self::Plain { table, backoff } => {
                Writer::Plain(PlainWriter { table: table.clone(), backoff: *backoff, random: Random::new(seed) })
            }
        })
    }

    fn take_units(&self) -> Units {
        match self {
            Self::Ours { tables, .. } => tables.take_units(),
            Self::Plain { table, .. } => table.take_units(),
        }
    }

    /// Lets so many write, each its next event as soon as it has the receipt of the one before.
    async fn measure(&self, writers: usize, span: Span) -> Result<Figures> {
        let started = Instant::now();
        let (from, to) = (started + span.warm, started + span.warm + span.measured);
        let tasks = (0..writers).map(|number| Ok(tokio::spawn(write(self.writer(number)?, number, from, to))));
        let tasks = tasks.collect::<Result<Vec<_>>>()?;
        tokio::time::sleep_until(from).await;
        self.take_units();
        tokio::time::sleep_until(to).await;
        let units = self.take_units();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await??);
        }
        latencies.sort();
        Ok(Figures { latencies, measured: span.measured, units })
    }
}

/// How long the receipts took that came between `from` and `to`.
async fn write(mut writer: Writer, number: usize, from: Instant, to: Instant) -> Result<Vec<Duration>> {
    // They do not begin in the same moment.
    tokio::time::sleep(Duration::from_millis(20).mul_f64(Random::new(number as u64).fraction())).await;
    let mut latencies = Vec::new();
    for n in 0.. {
        let event = Kind::Payment.event(&format!("evt_{number}_{n}"), number * 100_000 + n)?;
        let started = Instant::now();
        writer.record(Submission { event, schema: None }).await?;
        let ended = Instant::now();
        if ended >= to {
            break;
        }
        if ended >= from {
            latencies.push(ended - started);
        }
    }
    Ok(latencies)
}

fn ours_virtually(writers: usize, span: Span) -> Result<Figures> {
    time::virtually(async |clock| Design::ours(clock).measure(writers, span).await)
}

fn plain_virtually(plain: Plain, writers: usize, span: Span) -> Result<Figures> {
    time::virtually(async |_| Design::plain(plain).measure(writers, span).await)
}

/// `writers`: how many at a time; the usual numbers, if none is given.
pub(crate) fn run(writers: &[usize]) -> Result<()> {
    let writers = if writers.is_empty() { &WRITERS } else { writers };
    println!("\nSingle events of one tenant over tables of which every call takes {} ms,", DELAY.as_millis());
    println!("in virtual time (computing takes none; the same in every run):\n");
    compare(writers, ours_virtually, plain_virtually)?;
    println!("\nThe same by the wall clock, all writers on this machine's processors:\n");
    compare(
        writers,
        |writers, span| time::real(async move { Design::ours(Clock::System).measure(writers, span).await }),
        |plain, writers, span| time::real(async move { Design::plain(plain).measure(writers, span).await }),
    )?;
    println!("\nOther plain designs, 64 writers, in virtual time:\n");
    let ours = ours_virtually(64, SPAN)?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "a transaction takes, ms",
        "first pause, up to ms",
        "longest, ms",
        "receipts/s",
        "p99 ms",
        "write units an event",
        "ratio of receipts/s",
    ]);
    for transaction in [DELAY, DELAY * 2] {
        for (base, limit) in [(1, 1), (10, 50), (10, 500), (25, 1_000), (50, 2_000), (100, 20_000)] {
            let backoff = Backoff { base: Duration::from_millis(base), limit: Duration::from_millis(limit) };
            let figures = plain_virtually(Plain { backoff, transaction }, 64, SPAN)?;
            table.add_row([
                transaction.as_millis().to_string(),
                base.to_string(),
                limit.to_string(),
                format!("{:.0}", figures.per_second()),
                format!("{:.0}", figures.milliseconds(0.99)),
                format!("{:.1}", figures.each(figures.units.written)),
                format!("{:.1}", ours.per_second() / figures.per_second()),
            ]);
        }
    }
    println!("{table}");
    Ok(())
}

fn compare(
    writers: &[usize],
    ours: impl Fn(usize, Span) -> Result<Figures>,
    plain: impl Fn(Plain, usize, Span) -> Result<Figures>,
) -> Result<()> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "writers",
        "design",
        "receipts/s",
        "p50 ms",
        "p99 ms",
        "write units an event",
        "read units an event",
        "refused writes an event",
        "ratio of receipts/s",
    ]);
    for &writers in writers {
        let (ours, plain) = (ours(writers, SPAN)?, plain(PLAIN, writers, SPAN)?);
        let mut row = ours.row("ours", writers);
        row.push(format!("{:.1}", ours.per_second() / plain.per_second()));
        table.add_row(row);
        table.add_row(plain.row("plain", writers));
    }
    println!("{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    const SHORT: Span = Span { warm: Duration::from_secs(1), measured: Duration::from_secs(1) };

    /// The budgets of docs/BENCHMARKS.md.
    #[test]
    fn writers_of_one_tenant_do_not_crawl() {
        let alone = ours_virtually(1, SHORT).unwrap();
        assert_eq!(alone.milliseconds(1.0), 24.0, "four round trips");
        let units = alone.each(alone.units.written);
        assert!(units < 4.2, "{units}");

        for (writers, least) in [(64, 1_500.0), (256, 4_000.0)] {
            let many = ours_virtually(writers, SHORT).unwrap();
            assert!(many.per_second() >= least, "{writers}: {}", many.per_second());
            assert!(many.milliseconds(0.99) <= 250.0, "{writers}: {}", many.milliseconds(0.99));
            let more = many.each(many.units.written) - units;
            assert!(more <= 1.0, "{writers}: {more} write units more an event than alone");
            let plain = plain_virtually(PLAIN, writers, SHORT).unwrap();
            let times = many.per_second() / plain.per_second();
            assert!(times >= 20.0, "{writers}: {times} times the plain design");
        }
    }

    #[test]
    fn the_same_seeds_give_the_same_figures() {
        let [one, other] = [(); 2].map(|()| ours_virtually(8, SHORT).unwrap());
        assert_eq!((one.latencies, one.units), (other.latencies, other.units));
        let [one, other] = [(); 2].map(|()| plain_virtually(PLAIN, 8, SHORT).unwrap());
        assert_eq!((one.latencies, one.units), (other.latencies, other.units));
    }

    #[test]
    fn the_plain_design_is_not_made_worse_than_it_is() {
        let alone = plain_virtually(PLAIN, 1, SHORT).unwrap();
        assert_eq!(alone.milliseconds(1.0), 12.0, "two round trips");
        // One may be prepared within what is measured, and committed after it.
        let units = alone.each(alone.units.written);
        assert!((units - 6.0).abs() < 0.1, "three items, each written twice: {units}");
        let many = plain_virtually(PLAIN, 64, SHORT).unwrap();
        assert!(many.per_second() > 50.0, "somebody is always first: {}", many.per_second());
    }
}
