//! Producers on the stream. Each has a partition key of its own and one record under way, so that its events keep their
//! order, and follows its records into the ledger.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::Run;
use super::dice::Dice;
use super::journal::{LOST, ON_STREAM, RECEIPT};

/// Kinesis takes records of 1 MiB.
const RECORD_BYTES: usize = 900_000;

const POLL: Duration = Duration::from_millis(150);

/// A record that Kinesis has and the ledger perhaps not.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    tenant: usize,
    /// Its last event: when that is there, all are.
    last: u64,
    /// How many new events it holds.
    new: u64,
    taken: Instant,
}

/// A record before it is sent.
#[derive(Debug, Default)]
struct Record {
    lines: Vec<String>,
    bytes: usize,
    /// New events: tenant and number.
    new: Vec<(usize, u64)>,
    /// Those that somebody else has sent and of which nobody has a receipt yet: this record may be what records them.
    again: Vec<(usize, u64)>,
}

impl Record {
    /// Every event that this record may bring into the log.
    fn promised(&self) -> impl Iterator<Item = (usize, u64)> {
        self.new.iter().chain(&self.again).copied()
    }
}

impl Run<'_> {
    /// Sends records until the load is over, and waits until they are in the ledger.
    pub(super) async fn lane(&self, lane: u8, client: &Client, stream: &str, mut dice: Dice) -> Result<()> {
        let under_way = RefCell::new(VecDeque::new());
        let over = Cell::new(false);
        let produce = async {
            while !self.is_stopped() {
                if self.figures.backlog() > self.plan.backlog {
                    tokio::time::sleep(POLL).await;
                    continue;
                }
                let record = self.record(lane, &mut dice)?;
                self.put(client, stream, lane, &record, &mut dice).await?;
                if let Some(&(tenant, last)) = record.new.last() {
                    let new = record.new.len() as u64;
                    under_way.borrow_mut().push_back(UnderWay { tenant, last, new, taken: Instant::now() });
                }
            }
            over.set(true);
            Ok(())
        };
        tokio::try_join!(produce, self.follow(&under_way, &over))?;
        Ok(())
    }

    /// New events among some that were sent before; the last one is new.
    fn record(&self, lane: u8, dice: &mut Dice) -> Result<Record> {
        let mut record = Record::default();
        let wanted = 1 + dice.below(self.plan.batch);
        let plan = self.plan;
        for place in 1..=wanted {
            let index = self.zipf.pick(dice);
            let tenant = &self.tenants[index];
            let kind = dice.below(100);
            let full = record.bytes > RECORD_BYTES - 300_000;
            let again = if place == wanted || full {
                None
            } else if kind < plan.conflicts {
                self.contradiction(tenant, dice)?
            } else if kind < plan.conflicts + plan.repeats {
                self.repeat(tenant, dice)?
            } else {
                None
            };
            let (number, variant) = match again {
                Some((number, variant)) => {
                    if !tenant.journal.slot(number)?.has(RECEIPT) {
                        record.again.push((index, number));
                    }
                    (number, variant)
                }
                None => {
                    let number = tenant.journal.add(0, lane)?;
                    record.new.push((index, number));
                    (number, 0)
                }
            };
            let mut event = self.maker.event(number, variant);
            event.tenant_id = Some(tenant.name.clone());
            let line = serde_json::to_string(&event).context("an event cannot be written")?;
            record.bytes += line.len() + 1;
            record.lines.push(line);
            if full {
                break;
            }
        }
        Ok(record)
    }

    /// Puts a record until Kinesis has it.
    async fn put(&self, client: &Client, stream: &str, lane: u8, record: &Record, dice: &mut Dice) -> Result<()> {
        let data = match dice.below(4) {
            0 => format!("[{}]", record.lines.join(",")).into_bytes(),
            1 => record.lines.join("\n").into_bytes(),
            2 => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(record.lines.join("\n").as_bytes()).context("cannot compress a record")?;
                gzip.finish().context("cannot compress a record")?
            }
            _ => zstd::encode_all(record.lines.join("\n").as_bytes(), 1).context("cannot compress a record")?,
        };
        let key = format!("{}-{lane}", self.plan.run);
        for (tenant, number) in &record.again {
            // From now on it may be recorded without anybody being told.
            self.tenants[*tenant].journal.mark(*number, LOST)?;
        }
        let started = Instant::now();
        for attempt in 0_u64.. {
            let put = client.put_record().stream_name(stream).partition_key(&key).data(Blob::new(data.as_slice()));
            match put.send().await {
                Ok(_) => break,
                Err(error) if started.elapsed() > self.plan.give_up => {
                    return Err(error).context("Kinesis does not take a record");
                }
                Err(_) => {
                    self.figures.answer("Kinesis error", None);
                    // It may have taken the record all the same.
                    for (tenant, number) in record.promised() {
                        self.tenants[tenant].journal.mark(number, LOST)?;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20 + dice.below(100 << attempt.min(5)))).await;
        }
        for (tenant, number) in record.promised() {
            self.tenants[tenant].journal.mark(number, ON_STREAM)?;
        }
        self.figures.numbers().on_stream += record.new.len() as u64;
        Ok(())
    }

    /// Waits for one record after the other, until there are no more, or no more come.
    async fn follow(&self, under_way: &RefCell<VecDeque<UnderWay>>, over: &Cell<bool>) -> Result<()> {
        let mut progress = Instant::now();
        loop {
            let next = under_way.borrow().front().copied();
            let Some(UnderWay { tenant, last, new, taken }) = next else {
                if over.get() {
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
                progress = Instant::now();
                continue;
            };
            let path = format!("/events/{}", self.maker.id(last));
            if self.api.get::<Value>(&self.tenants[tenant].name, &path).await?.is_some() {
                under_way.borrow_mut().pop_front();
                self.figures.found(new, taken.elapsed());
                progress = Instant::now();
            } else if over.get() && progress.elapsed() > self.plan.settle {
                // The check names what is missing.
                return Ok(());
            } else {
                tokio::time::sleep(POLL).await;
            }
        }
    }
}
