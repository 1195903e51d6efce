//! A ledger, held against everything that anybody was told of it.

use std::{collections::HashMap, fmt::Display};

use domain::{
    event::Event,
    filter::EventFilter,
    ids::{EventId, OrderId, TenantId},
};
use ledger::Chain;
use store::log::{Log, LogPosition, Order, Outcome, Receipt, RecordedEvent};

/// What a producer was told about an event that it sent.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) sent: Event,
    pub(crate) outcome: Outcome,
}

pub(crate) fn receipt(outcome: &Outcome) -> &Receipt {
    match outcome {
        Outcome::Recorded(receipt) | Outcome::Repeated(receipt) | Outcome::Conflict(receipt) => receipt,
    }
}

/// Reads the whole log and computes every link again. `next_to_each`: also what the index says of every event.
pub(crate) async fn read(log: &Log, tenant: &TenantId, next_to_each: bool) -> Result<Vec<RecordedEvent>, String> {
    let mut chain = Chain::new(log.origin(tenant));
    let (mut events, mut position) = (Vec::new(), LogPosition::START);
    loop {
        let page = log.scan(tenant, &EventFilter::default(), position, 100).await.map_err(say("a scan"))?;
        for recorded in page.events {
            let sealed = chain.seal(&recorded.entry.event, recorded.received_at, &recorded.entry.opening);
            let computed = (sealed.sequence, sealed.leaf_hash, sealed.ledger_hash);
            if (recorded.sequence, recorded.sha256, recorded.ledger_hash) != computed {
                return Err(format!("the chain breaks at {}", sealed.sequence));
            }
            if next_to_each {
                let id = &recorded.entry.event.event_id;
                let found = log.event(tenant, id).await.map_err(say("a read of an event"))?;
                if found.as_ref() != Some(&recorded) {
                    return Err(format!("the index says of {id} {found:?}, and the log {recorded:?}"));
                }
            }
            events.push(recorded);
        }
        match page.next {
            Some(next) => position = next,
            None => return Ok(events),
        }
    }
}

/// Nothing lost, doubled, reordered or wrongly acknowledged.
pub(crate) async fn check(log: &Log, tenant: &TenantId, told: &[Told], failed: &[EventId]) -> Result<usize, String> {
    let events = read(log, tenant, true).await?;
    let status = log.status(tenant).await.map_err(say("a read of the log's end"))?;
    if status.sequence != events.len() as u64 {
        return Err(format!("{} events, and a log of {}", events.len(), status.sequence));
    }
    if let Some(backwards) = events.windows(2).find(|pair| pair[0].received_at > pair[1].received_at) {
        return Err(format!("time goes back at {}", backwards[1].sequence));
    }
    let mut by_id = HashMap::new();
    for event in &events {
        if by_id.insert(&event.entry.event.event_id, event).is_some() {
            return Err(format!("{} is in the log twice", event.entry.event.event_id));
        }
    }
    let mut recorded: HashMap<&EventId, u32> = HashMap::new();
    for Told { sent, outcome } in told {
        let id = &sent.event_id;
        let event = by_id.get(id).ok_or_else(|| format!("{id} was acknowledged and is not in the log"))?;
        let receipt = receipt(outcome);
        let same = (event.sequence, event.sha256, event.ledger_hash, event.received_at);
        if (receipt.sequence, receipt.sha256, receipt.ledger_hash, receipt.received_at) != same {
            return Err(format!("the receipt of {id} is {receipt:?}, and the log has {event:?}"));
        }
        let is_same = event.entry.event == *sent;
        match outcome {
            Outcome::Recorded(_) => *recorded.entry(id).or_default() += 1,
            Outcome::Repeated(_) | Outcome::Conflict(_) => {}
        }
        if is_same == matches!(outcome, Outcome::Conflict(_)) {
            return Err(format!("{outcome:?}, and the log has {:?}", event.entry.event));
        }
    }
    for event in &events {
        let id = &event.entry.event.event_id;
        match recorded.get(id) {
            Some(1) => {}
            // Whoever recorded it may not have heard so.
            None if failed.contains(id) => {}
            times => return Err(format!("{id} was recorded for {} submissions", times.unwrap_or(&0))),
        }
    }
    check_timelines(log, tenant, &events).await?;
    Ok(events.len())
}

async fn check_timelines(log: &Log, tenant: &TenantId, events: &[RecordedEvent]) -> Result<(), String> {
    let mut orders: HashMap<&OrderId, Vec<&RecordedEvent>> = HashMap::new();
    for event in events {
        orders.entry(&event.entry.event.order_id).or_default().push(event);
    }
    for (order, events) in orders {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = log
                .timeline(tenant, order, &EventFilter::default(), Order::Sequence, after, 50)
                .await
                .map_err(say("a read of a timeline"))?;
            seen.extend(page.events);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if seen.iter().ne(events.iter().copied()) {
            return Err(format!("the timeline of {order} has {} events, and the log {}", seen.len(), events.len()));
        }
    }
    Ok(())
}

fn say<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what} fails: {error}")
}
