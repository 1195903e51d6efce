//! The main job: events in through Kinesis, hash-chained by the ledger, and read back as timelines that verify.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_kinesis::Client;

use crate::api::{Api, LedgerStatus};
use crate::events::{self, Event};
use crate::project::Project;
use crate::stack::Stack;
use crate::stream;
use crate::ui::{self, Bar};

/// The tenant that demonstrations belong to.
pub(crate) const TENANT: &str = "demo";

/// Ingest has this long to bring at least one more event into the ledger.
const STALL: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(500);

/// The events to demonstrate with: real ones where they lie beside the checkout, else the project's own sample.
pub(crate) fn input(project: &Project) -> PathBuf {
    let real = project.root().join("../shared/data/orders.ndjson.gz");
    if real.exists() { real } else { project.own_file("sample/orders.ndjson") }
}

/// Sends the events, waits until the ledger has them all, and shows what has become of them.
pub(crate) async fn run(stack: &Stack, file: &Path) -> Result<()> {
    let events = events::read(file, TENANT)?;
    ensure!(!events.is_empty(), "{} has no events", file.display());
    let api = Api::of(stack, TENANT)?;
    let head = if holds(&api, &stream::last_events(&events)).await? {
        let head = api.ledger_status().await?;
        ui::note(format_args!(
            "✓ Events: the ledger has all {} already; `cargo local ingest` would send them again",
            ui::count(events::distinct(&events))
        ));
        head
    } else {
        ingest(stack, &api, &events).await?
    };
    show(&api, file, &events, &head).await
}

/// Puts the events on the stream and waits until the ledger has the last of each partition, and so all of them.
pub(crate) async fn ingest(stack: &Stack, api: &Api, events: &[Event]) -> Result<LedgerStatus> {
    let client = Client::new(&stack.cloud.sdk_config().await);
    let before = api.ledger_status().await?.length;
    let total = events.len() as u64;

    let mut bar = Bar::start("Events to Kinesis", total, "events");
    stream::put(&client, stack.output("IngestStreamName")?, events, |sent| bar.set(sent)).await?;
    bar.done(format_args!("{} sent", ui::count(total)));

    let distinct = events::distinct(events);
    let mut bar = Bar::start("Events in the ledger", distinct, "events");
    let mut missing = stream::last_events(events);
    let (mut length, mut changed) = (before, Instant::now());
    loop {
        let head = api.ledger_status().await?;
        bar.set(head.length - before);
        if head.length > length {
            (length, changed) = (head.length, Instant::now());
        }
        while let Some(event) = missing.last()
            && api.event(&event.id).await?.is_some()
        {
            missing.pop();
        }
        if missing.is_empty() {
            let head = api.ledger_status().await?;
            let added = head.length - before;
            bar.done(format_args!(
                "{} added, {} were there",
                ui::count(added),
                ui::count(distinct.saturating_sub(added))
            ));
            return Ok(head);
        }
        if changed.elapsed() > STALL {
            bail!(
                "ingest has stopped: the ledger has taken {} of {distinct} events and nothing more for {STALL:?}\n\
                 `cargo local logs kinesis-ingest` says why, and GET /diagnostics lists events that were refused",
                length - before
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn holds(api: &Api, events: &[&Event]) -> Result<bool> {
    for event in events {
        if api.event(&event.id).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Events in, receipts, head of the ledger, and one order from its first event to its last.
async fn show(api: &Api, file: &Path, events: &[Event], head: &LedgerStatus) -> Result<()> {
    let order_id = busiest_order(events).context("there are no events")?;
    let orders = events.iter().map(|event| &event.order_id).collect::<HashSet<_>>().len();
    ui::headline(format_args!("Events in: {}", file.display()));
    ui::line(format_args!(
        "  {} events of {} orders, for tenant {TENANT}",
        ui::count(events.len() as u64),
        ui::count(orders as u64)
    ));

    ui::headline("Receipts (what the ledger vouches for)");
    let mut receipts = ui::table(&["event_id", "sequence", "sha256", "ledger_hash"]);
    for event in [events.first(), events.get(events.len() / 2), events.last()].into_iter().flatten() {
        let stored = api.event(&event.id).await?.with_context(|| format!("the ledger lacks {}", event.id))?;
        receipts.add_row([
            stored.id,
            ui::count(stored.sequence),
            ui::short(&stored.integrity.sha256),
            ui::short(&stored.integrity.ledger_hash),
        ]);
    }
    ui::line(receipts);

    ui::headline("Head of the ledger");
    ui::line(format_args!("  length       {}", ui::count(head.length)));
    ui::line(format_args!("  sequence     {}", ui::count(head.sequence)));
    ui::line(format_args!("  ledger_hash  {}", head.ledger_hash));

    ui::headline(format_args!("Timeline of {order_id}"));
    let mut timeline = ui::table(&["sequence", "occurred_at", "type", "source", "sha256", "verified"]);
    let stored = api.timeline(order_id).await?;
    let sent = events.iter().filter(|event| event.order_id == *order_id);
    ensure!(stored.len() >= sent.count(), "the timeline of {order_id} is not complete");
    let mut verified = 0;
    for event in &stored {
        let good = api.verify(&event.id).await?.verified;
        verified += usize::from(good);
        timeline.add_row([
            ui::count(event.sequence),
            event.occurred_at.clone(),
            event.kind.clone(),
            event.source.clone(),
            ui::short(&event.integrity.sha256),
            if good { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    ui::line(timeline);
    ui::line(format_args!("  {verified} of {} events verify against the ledger", stored.len()));
    ensure!(verified == stored.len(), "the timeline of {order_id} does not verify");
    Ok(())
}

/// The order that is shown.
pub(crate) fn example_order(file: &Path) -> Result<String> {
    let events = events::read(file, TENANT)?;
    busiest_order(&events).cloned().context("there are no events")
}

/// The order with the most events; of several, the one with the smallest id, so that it is always the same one.
fn busiest_order(events: &[Event]) -> Option<&String> {
    let mut orders: HashMap<&String, usize> = HashMap::new();
    for event in events {
        *orders.entry(&event.order_id).or_default() += 1;
    }
    orders.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0))).map(|(order_id, _)| order_id)
}
