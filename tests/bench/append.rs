//! Write units and round trips of the append path, nobody else writing.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::ids::TenantId;
use store::{
    Clock, Log,
    log::{Submission, memory::MemoryTables},
    testing::LocalDynamo,
};

use crate::{sample::Kind, slow_proxy, time, units};

/// How many events of 1 KB each row records; of those with one event a commit a tenth.
const EVENTS: usize = 2_000;
/// How long an answer takes while round trips are counted.
const DELAY: Duration = Duration::from_millis(100);
/// The same where much is computed meanwhile.
const SLOW: Duration = Duration::from_millis(500);

/// Who counts, and whether a large commit is staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    /// `dynoxide`, over the real SDK, without a bucket.
    Embedded,
    /// Our tables in memory, with a bucket, in virtual time: it counts round trips, too.
    Memory,
}

/// What a row says; all of it an event, but for the round trips.
#[derive(Debug)]
pub(crate) struct Row {
    kind: Kind,
    store: Store,
    pub(crate) batch: usize,
    pub(crate) written: f64,
    pub(crate) read: f64,
    calls: f64,
    /// S3 PUTs.
    pub(crate) staged: f64,
    /// In sequence, a commit of the whole batch.
    pub(crate) round_trips: Option<f64>,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "no",
            Self::Memory => "over 64 KiB",
        })
    }
}

/// Over our tables in memory.
pub(crate) fn staging(kind: Kind, batch: usize, events: usize) -> Result<Row> {
    time::virtually(async |clock| {
        let tables = MemoryTables::with_delay(DELAY);
        let log = Log::over(Arc::new(tables.clone()), clock).seeded(1);
        let started = tokio::time::Instant::now();
        record(&log, &tenant("bench")?, kind, batch, events).await?;
        let trips = started.elapsed().as_secs_f64() / DELAY.as_secs_f64() / (events / batch) as f64;
        let (used, staged) = (tables.take_units(), tables.memory().objects(&tenant("bench")?, 0).count());
        let each = |total: u64| total as f64 / events as f64;
        Ok(Row {
            kind,
            store: Store::Memory,
            batch,
            written: each(used.written),
            read: each(used.read),
            calls: each(used.calls),
            staged: each(staged as u64),
            round_trips: Some(trips + waves(batch)),
        })
    })
}

/// Over the embedded database.
async fn inline(log: &Log, kind: Kind, batch: usize, events: usize) -> Result<Row> {
    let tenant = tenant("bench")?;
    let (recorded, used) = units::of(record(log, &tenant, kind, batch, events)).await;
    recorded?;
    let each = |total: u64| total as f64 / events as f64;
    Ok(Row {
        kind,
        store: Store::Embedded,
        batch,
        written: each(used.written),
        read: each(used.read),
        calls: each(used.calls),
        staged: 0.0,
        round_trips: None,
    })
}

/// The same in a database of its own, with the round trips of one commit as the real SDK makes them.
pub(crate) fn inline_alone(kind: Kind, batch: usize) -> Result<Row> {
    time::real(async move {
        let dynamo = LocalDynamo::start().await;
        let log = Log::for_tests(dynamo.aws(), Clock::System);
        let row = inline(&log, kind, batch, events(batch)).await?;
        let slow = slow_proxy::start(dynamo.address(), SLOW).await?;
        let log = Log::for_tests(&LocalDynamo::client_at(slow), Clock::System);
        let submissions = kind.submissions(EVENTS..EVENTS + batch)?;
        let tenant = tenant("bench")?;
        log.status(&tenant).await?;
        let started = Instant::now();
        log.append(&tenant, submissions).await?;
        Ok(Row { round_trips: Some(started.elapsed().as_secs_f64() / SLOW.as_secs_f64()), ..row })
    })
}

/// How many more round trips the index of a commit takes than one, which is what our tables in memory need: its items
/// go out in batches of 25, eight at a time.
fn waves(batch: usize) -> f64 {
    (batch * 2).div_ceil(25 * 8).saturating_sub(1) as f64
}

async fn record(log: &Log, tenant: &TenantId, kind: Kind, batch: usize, events: usize) -> Result<()> {
    for start in (0..events).step_by(batch) {
        log.append(tenant, kind.submissions(start..start + batch)?).await?;
    }
    Ok(())
}

fn tenant(name: &str) -> Result<TenantId> {
    name.parse().context("a tenant's name")
}

fn events(batch: usize) -> usize {
    if batch == 1 { EVENTS / 10 } else { EVENTS }
}

pub(crate) fn run() -> Result<()> {
    let sizes = [Kind::Payment, Kind::Noise].map(|kind| Ok(serde_json::to_vec(&kind.event("evt_0", 0)?)?.len()));
    let [payment, noise]: [Result<usize>; 2] = sizes;
    println!(
        "\nAppending events of {} bytes with 20 fields, or of {} bytes that hardly compress, nobody else writing:\n",
        payment?, noise?
    );
    let mut rows = Vec::new();
    for kind in [Kind::Payment, Kind::Noise] {
        for batch in [1, 10, 100, 500] {
            rows.push(inline_alone(kind, batch)?);
            rows.push(staging(kind, batch, events(batch))?);
        }
    }
    print(&rows);
    time::real(single_events())
}

fn print(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "events",
        "events a commit",
        "staged in S3",
        "write units an event",
        "budget",
        "read units an event",
        "calls an event",
        "S3 PUTs an event",
        "round trips a commit",
    ]);
    for row in rows {
        let budget = match (row.kind, row.batch, row.store) {
            (Kind::Noise, ..) | (_, 10, _) => "",
            (_, 1, _) => "4.50",
            (_, 500, Store::Memory) => "2.10",
            _ => "2.40",
        };
        table.add_row([
            format!("{:?}", row.kind).to_lowercase(),
            row.batch.to_string(),
            row.store.to_string(),
            format!("{:.3}", row.written),
            budget.to_owned(),
            format!("{:.2}", row.read),
            format!("{:.3}", row.calls),
            format!("{:.3}", row.staged),
            row.round_trips.map(|trips| format!("{trips:.2}")).unwrap_or_default(),
        ]);
    }
    println!("{table}");
}

/// Round trips as the real SDK makes them.
async fn single_events() -> Result<()> {
    let dynamo = LocalDynamo::start().await;
    let slow = slow_proxy::start(dynamo.address(), DELAY).await?;
    let log = Log::for_tests(&LocalDynamo::client_at(slow), Clock::System);
    println!(
        "\nRound trips in sequence before a single event is acknowledged (budget: 4), on a connection on which each"
    );
    println!("answer takes {} ms:\n", DELAY.as_millis());
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["case", "round trips"]);
    let tenant = tenant("bench-trips")?;
    for case in ["the first of a tenant", "the second", "the third", "a repeated one"] {
        let id = if case == "a repeated one" { "the third" } else { case }.replace(' ', "_");
        let submission = Submission { event: Kind::Payment.event(&id, 1)?, schema: None };
        // A connection of each kind is open already in a warm function.
        log.status(&tenant).await?;
        let started = Instant::now();
        log.append(&tenant, vec![submission]).await?;
        let trips = started.elapsed().as_secs_f64() / DELAY.as_secs_f64();
        table.add_row([case.to_owned(), format!("{trips:.1}")]);
    }
    println!("{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    /// The budgets of docs/BENCHMARKS.md.
    #[test]
    fn appending_stays_within_its_budgets() {
        let single = staging(Kind::Payment, 1, 50).unwrap();
        assert!(single.written <= 4.5 && single.round_trips.unwrap() <= 4.0, "{single:?}");
        let hundred = staging(Kind::Payment, 100, 500).unwrap();
        assert!(hundred.written <= 2.4, "{hundred:?}");
        let five_hundred = staging(Kind::Payment, 500, 1_000).unwrap();
        assert!(five_hundred.written <= 2.1, "{five_hundred:?}");
        assert_eq!(five_hundred.staged, 1.0 / 500.0, "{five_hundred:?}");
    }

    /// So that what is counted in memory may be believed.
    #[tokio::test]
    async fn the_tables_in_memory_count_as_a_database_does() {
        for (batch, events) in [(1, 30), (10, 200), (100, 400)] {
            let dynamo = LocalDynamo::start().await;
            let log = Log::for_tests(dynamo.aws(), Clock::System);
            let real = inline(&log, Kind::Payment, batch, events).await.unwrap();
            let ours = spawned(batch, events).await.unwrap();
            // Random secrets do not compress equally well, and may tip an item over a kilobyte.
            assert!((real.written - ours.written).abs() < 0.05, "{real:?}, {ours:?}");
        }
    }

    /// In virtual time, which cannot begin within the machine's.
    async fn spawned(batch: usize, events: usize) -> Result<Row> {
        tokio::task::spawn_blocking(move || staging(Kind::Payment, batch, events)).await?
    }
}
