//! Read units of what is read of one order, beside few orders and beside many.

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::{
    event::{self, Event, TenantSource},
    filter::EventFilter,
    ids::{OrderId, SnapshotId, TenantId},
    json,
    order::View,
    record::{Record, SnapshotStored},
    time::Timestamp,
};
use store::{
    Clock, History, Log,
    history::{Linked, Question, sha256},
    log::{Order, Submission},
    testing::{LocalDynamo, MemoryBucket},
};

use crate::units::{self, Units};

/// How many events the order has that is read.
const EVENTS: usize = 10;

/// What one read has used: of the database, and how many objects.
type Row = (&'static str, Units, usize);

pub(crate) async fn run() -> Result<()> {
    let dynamo = LocalDynamo::start().await;
    println!("\nReading an order with {EVENTS} events of about 500 bytes, the tenant's fold rules known:\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["orders of the tenant", "what is read", "read units", "queries and reads", "objects"]);
    for orders in [1_000, 100_000] {
        for (name, used, objects) in reading(&dynamo, orders).await? {
            let numbers = [used.read, used.calls, objects as u64].map(|number| number.to_string());
            table.add_row([orders.to_string(), name.to_owned()].into_iter().chain(numbers));
        }
    }
    println!("{table}");
    Ok(())
}

async fn reading(dynamo: &LocalDynamo, orders: usize) -> Result<Vec<Row>> {
    let tenant: TenantId = format!("reading-{orders}").parse().context("a tenant's name")?;
    let order_id: OrderId = "ord_read".parse()?;
    let (log, bucket) = (Log::for_tests(dynamo.aws(), Clock::System), MemoryBucket::default());
    let history = History::for_tests(dynamo.aws(), &log, &bucket);
    let submission = |event| Submission { event, schema: None };
    for start in (0..orders).step_by(500) {
        let others = (start..orders.min(start + 500)).map(|n| event(&format!("other_{n}"), &format!("ord_{n}"), 0));
        log.append(&tenant, others.map(|event| event.map(submission)).collect::<Result<_>>()?).await?;
    }
    for n in 0..EVENTS {
        log.append(&tenant, vec![submission(event(&format!("evt_{n}"), "ord_read", n)?)]).await?;
    }
    let filter = EventFilter::default();
    let by_type = EventFilter { event_type: Some("order.touched.*".parse()?), ..filter.clone() };
    let state = Question::default();
    let mut rows = Vec::new();
    // Before anything is counted: the rules are read once in five seconds.
    history.as_of(&tenant, &order_id, state).await?;

    let _ = bucket.take_reads();
    let (page, used) = units::of(log.timeline(&tenant, &order_id, &filter, Order::Sequence, None, 100)).await;
    anyhow::ensure!(page?.events.len() == EVENTS, "the timeline is not whole");
    rows.push(("its timeline", used, bucket.take_reads()));
    let both = async {
        let page = log.timeline(&tenant, &order_id, &filter, Order::Sequence, None, 100);
        tokio::try_join!(page, Linked::read(&log, &tenant, &order_id))
    };
    let (expanded, used) = units::of(both).await;
    expanded?;
    rows.push(("its timeline with corrections and attachments", used, bucket.take_reads()));
    let (page, used) = units::of(log.timeline(&tenant, &order_id, &by_type, Order::Sequence, None, 100)).await;
    page?;
    rows.push(("its events of a type", used, bucket.take_reads()));
    let (numbers, used) = units::of(history.aggregate(&tenant, &order_id, &[])).await;
    numbers?;
    rows.push(("its timeline in numbers", used, bucket.take_reads()));
    let (told, used) = units::of(history.as_of(&tenant, &order_id, state)).await;
    anyhow::ensure!(told?.is_some_and(|told| told.base.is_none()), "there is no snapshot yet");
    rows.push(("its state", used, bucket.take_reads()));

    store(&log, &history, &tenant, &order_id, at(EVENTS - 3)).await?;
    history.as_of(&tenant, &order_id, state).await?;
    let _ = bucket.take_reads();
    let (told, used) = units::of(history.as_of(&tenant, &order_id, state)).await;
    let told = told?.context("the order has events")?;
    anyhow::ensure!(told.base.is_some() && told.folded.events == 2, "it did not start from the snapshot");
    rows.push(("its state, from a snapshot two events before its end", used, bucket.take_reads()));
    let explained = Question { explain: true, ..state };
    let (told, used) = units::of(history.as_of(&tenant, &order_id, explained)).await;
    told?;
    rows.push(("its state, with who set each field", used, bucket.take_reads()));
    let (linked, used) = units::of(Linked::read(&log, &tenant, &order_id)).await;
    anyhow::ensure!(linked?.snapshots.len() == 1, "the snapshot is not listed");
    rows.push(("its snapshots", used, bucket.take_reads()));
    Ok(rows)
}

/// Stores the state at an instant as its producer would.
async fn store(log: &Log, history: &History, tenant: &TenantId, order_id: &OrderId, at: Timestamp) -> Result<()> {
    let question = Question { at: Some(at), ..Question::default() };
    let state = history.as_of(tenant, order_id, question).await?.context("the order has events")?.folded.state;
    let snapshot_id: SnapshotId = "snap_1".parse()?;
    let captured = history.capture(tenant, order_id, &snapshot_id, at, View::Corrected, &state).await?;
    let canonical = json::canonical(&state);
    let record = SnapshotStored {
        snapshot_id: snapshot_id.clone(),
        captured_at: at,
        source: "bench".to_owned(),
        sha256: sha256(&canonical),
        size_bytes: canonical.len() as u64,
        metadata: serde_json::Map::new(),
        matches_history: captured.matches,
        base: captured.base,
    };
    history.states().put(tenant, &snapshot_id, canonical.into()).await?;
    let event = record.into_event(order_id.clone(), at, "bench")?;
    log.append(tenant, vec![Submission { event, schema: None }]).await?;
    Ok(())
}

fn at(minute: usize) -> Timestamp {
    Timestamp::clamped_from_millis(1_735_689_600_000 + minute as i64 * 60_000)
}

fn event(id: &str, order: &str, minute: usize) -> Result<Event> {
    let document = serde_json::json!({
        "tenant_id": "bench", "event_id": id, "order_id": order, "occurred_at": at(minute), "source": "order-service",
        "type": "order.touched", "schema_version": "v1",
        "payload": {format!("field_{minute}"): id, "note": "n".repeat(250)}, "metadata": {"actor_id": "svc_bench"},
    });
    Ok(event::parse(document.to_string().as_bytes(), TenantSource::Envelope)?.1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[tokio::test]
    async fn reading_an_order_costs_the_same_beside_others() {
        let dynamo = LocalDynamo::start().await;
        let few = reading(&dynamo, 10).await.unwrap();
        let many = reading(&dynamo, 1_000).await.unwrap();
        assert_eq!(few, many);
        let calls = |name: &str| few.iter().find(|row| row.0 == name).map(|(_, used, objects)| (used.calls, *objects));
        assert_eq!(calls("its timeline"), Some((1, 0)));
        // What is said about its events and the state, and the events after it.
        assert_eq!(calls("its state, from a snapshot two events before its end"), Some((2, 1)));
    }
}
