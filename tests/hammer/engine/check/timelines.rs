//! Orders' timelines against the log.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use ledger::Hash;
use serde::Deserialize;

use super::super::event::Maker;
use super::super::{Run, Tenant};
use super::{Event, Page};

/// The timelines that are compared: sequence and chain hash of each event, by order.
#[derive(Debug, Default)]
pub(super) struct Timelines {
    pub(super) orders: HashMap<String, Vec<(u64, Hash)>>,
    /// One block of orders out of so many is taken.
    every: u64,
}

#[derive(Debug, Deserialize)]
struct Verification {
    verified: bool,
}

impl Run<'_> {
    /// An order's timeline against the log; and what the service itself says of its first event.
    pub(super) async fn timeline(&self, tenant: &Tenant, order: &str, expected: &[(u64, Hash)]) -> Result<()> {
        let (mut found, mut cursor, mut first) = (Vec::with_capacity(expected.len()), String::new(), None);
        loop {
            let path = format!("/orders/{order}/timeline?limit=1000{cursor}");
            let page: Page = self.api.get(&tenant.name, &path).await?.context("the API has no timelines")?;
            for event in page.items {
                first.get_or_insert(event.id);
                found.push((event.sequence, event.integrity.ledger_hash));
            }
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if found != expected {
            let (there, wanted): (HashSet<_>, HashSet<_>) = (found.iter().collect(), expected.iter().collect());
            let list = |events: Vec<&&(u64, Hash)>| events.iter().take(20).map(|event| event.0).collect::<Vec<_>>();
            let lacks = list(wanted.difference(&there).collect());
            let more = list(there.difference(&wanted).collect());
            let what = format!("lacks sequences {lacks:?}, has {more:?} which the log has not, or is in another order");
            self.differs(
                tenant,
                format!("the timeline of {order} ({} of {} events) {what}", found.len(), expected.len()),
            );
        }
        self.read[1].fetch_add(1, Ordering::Relaxed);
        if let Some(id) = first {
            let path = format!("/events/{id}/verify");
            let said: Option<Verification> = self.api.get(&tenant.name, &path).await?;
            if !said.is_some_and(|said| said.verified) {
                self.differs(tenant, format!("event {id} does not verify"));
            }
        }
        Ok(())
    }

    /// Which timelines of a tenant are compared: the endless one, and of the others as many as the plan allows, evenly.
    pub(super) fn chosen(&self, tenant: &Tenant) -> Timelines {
        let all = (Maker::block_of(tenant.journal.len()) + 1) * Maker::ORDERS_A_BLOCK;
        let wanted = (self.plan.orders / self.tenants.len().max(1) as u64).max(1);
        let endless = (self.maker.endless_order(), Vec::new());
        Timelines { orders: HashMap::from([endless]), every: all.div_ceil(wanted) }
    }
}

impl Timelines {
    pub(super) fn take(&mut self, event: Event) {
        let at = (event.sequence, event.integrity.ledger_hash);
        if let Some(timeline) = self.orders.get_mut(&event.order_id) {
            timeline.push(at);
        } else if event.payload["number"]
            .as_u64()
            .is_some_and(|number| Maker::block_of(number).is_multiple_of(self.every))
        {
            self.orders.insert(event.order_id, vec![at]);
        }
    }
}
