//! Kinesis batches through the handler of kinesis-ingest, from the bytes that Lambda hands over.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use anyhow::Result;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use kinesis_ingest::Ingest;
use store::{
    Clock, Failures, Log, SchemaCache, Schemas,
    log::memory::{MemoryTables, Units},
    testing::{FAILURES, LocalDynamo, SCHEMAS},
};
use tokio::{runtime::Builder, time::Instant};

use crate::{cpu, sample::kinesis_batch, time};

/// Records a batch, each with an event of 1 KB.
const RECORDS: usize = 500;
const DELAY: Duration = Duration::from_millis(6);
/// In nanoseconds.
const MILLISECOND: u32 = 1_000_000;

/// What batches took, one after the other.
#[derive(Debug)]
pub(crate) struct Figures {
    events: usize,
    elapsed: Duration,
    cpu: Duration,
    units: Units,
}

impl Figures {
    fn per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64()
    }

    fn batch(&self) -> Duration {
        self.elapsed / (self.events / RECORDS) as u32
    }

    pub(crate) fn cpu_an_event(&self) -> Duration {
        self.cpu / self.events as u32
    }
}

struct Function {
    ingest: Ingest,
    tables: MemoryTables,
    /// Where schemas would be; that there are none is known before anything is measured, and stays so.
    _dynamo: LocalDynamo,
}

impl Function {
    async fn warm(delay: Duration, clock: Clock, tenants: usize) -> Result<Self> {
        let dynamo = LocalDynamo::start().await;
        let tables = MemoryTables::with_delay(delay);
        let stopped = Clock::Manual(Arc::new(AtomicI64::new(0)));
        let schemas = SchemaCache::new(Schemas::new(dynamo.aws(), SCHEMAS), stopped);
        let log = Log::over(Arc::new(tables.clone()), clock).seeded(1);
        let ingest = Ingest::new(log, schemas, Failures::new(dynamo.aws(), FAILURES, 30));
        let function = Self { ingest, tables, _dynamo: dynamo };
        function.take_in(&kinesis_batch(0..RECORDS, tenants)).await?;
        Ok(function)
    }

    async fn take_in(&self, batch: &str) -> Result<()> {
        Ok(self.ingest.handle(serde_json::from_str(batch)?).await?)
    }

    async fn measure(&self, batches: usize, tenants: usize) -> Result<Figures> {
        let made: Vec<_> = (1..=batches).map(|n| kinesis_batch(n * RECORDS..(n + 1) * RECORDS, tenants)).collect();
        let _ = self.tables.take_units();
        let (started, cpu) = (Instant::now(), cpu::used()?);
        for batch in &made {
            self.take_in(batch).await?;
        }
        let (elapsed, cpu) = (started.elapsed(), cpu::used()?.saturating_sub(cpu));
        Ok(Figures { events: batches * RECORDS, elapsed, cpu, units: self.tables.take_units() })
    }
}

pub(crate) fn by_the_wall_clock(delay: Duration, batches: usize, tenants: usize) -> Result<Figures> {
    time::real(async move { Function::warm(delay, Clock::System, tenants).await?.measure(batches, tenants).await })
}

fn virtually(batches: usize, tenants: usize) -> Result<Figures> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        tokio::time::resume();
        time::with_wall_clock(async |clock| {
            let function = Function::warm(DELAY, clock, tenants).await?;
            tokio::time::pause();
            // The timer goes by whole milliseconds since the runtime began; from here on so does everything.
            let part = begun.elapsed().subsec_nanos() % MILLISECOND;
            tokio::time::advance(Duration::from_nanos(u64::from(MILLISECOND - part))).await;
            function.measure(batches, tenants).await
        })
        .await
    })
}

pub(crate) fn run() -> Result<()> {
    println!("\nKinesis batches of {RECORDS} records of 1 KB through the handler, one after the other:\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "tenants",
        "a call takes",
        "clock",
        "events/s",
        "ms a batch",
        "CPU µs an event",
        "write units an event",
    ]);
    for tenants in [1, 20] {
        let rows = [
            ("nothing", "wall", by_the_wall_clock(Duration::ZERO, 20, tenants)?),
            ("6 ms", "wall", by_the_wall_clock(DELAY, 20, tenants)?),
            ("6 ms", "virtual", virtually(10, tenants)?),
        ];
        for (call, clock, figures) in rows {
            table.add_row([
                tenants.to_string(),
                call.to_owned(),
                clock.to_owned(),
                format!("{:.0}", figures.per_second()),
                format!("{:.1}", figures.batch().as_secs_f64() * 1e3),
                format!("{:.0}", figures.cpu_an_event().as_secs_f64() * 1e6),
                format!("{:.2}", figures.units.written as f64 / figures.events as f64),
            ]);
        }
    }
    println!("{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_batch_takes_as_many_round_trips_as_one_commit() {
        let one = virtually(2, 1).unwrap();
        // Head, look-up, object, commit, index, watermark.
        assert_eq!(one.batch(), DELAY * 6, "{one:?}");
        assert!(one.units.written as f64 / one.events as f64 <= 2.1, "{one:?}");
        // Eight tenants at a time.
        let twenty = virtually(2, 20).unwrap();
        assert!(twenty.batch() <= DELAY * 5 * 3, "{twenty:?}");
    }
}
