//! The table of orders over an embedded DynamoDB, from logs in memory.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod faults;
mod listing;
mod projecting;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{
    event::Event,
    ids::{OrderId, TenantId},
    record,
    time::Timestamp,
};
use futures::TryStreamExt;
use serde_json::{Map, json};

use super::{Advanced, CustomerId, Occurred, OrderFilter, OrderIndex, OrderSummary, Orders, table::OrderTable};
use crate::{
    Clock, Log, StoreError,
    log::{Submission, memory::MemoryTables},
    testing::{Faults, LocalDynamo, ORDERS},
};

/// A table, and logs to fill it from.
struct World {
    dynamo: LocalDynamo,
    log: Log,
    appended: AtomicU64,
}

/// An event of a test, as far as the table sees it.
#[derive(Debug, Clone)]
struct Said {
    order: String,
    /// RFC 3339.
    at: String,
    customer: Option<String>,
    /// One of our own.
    record: bool,
}

fn said(order: &str, at: &str) -> Said {
    Said { order: order.to_owned(), at: at.to_owned(), customer: None, record: false }
}

impl Said {
    fn by(self, customer: &str) -> Self {
        Self { customer: Some(customer.to_owned()), ..self }
    }

    fn record(self) -> Self {
        Self { record: true, ..self }
    }

    fn event(&self, number: u64) -> Event {
        let (id, event_type) = if self.record {
            (format!("history:snapshot:{number}"), "history.snapshot.stored".to_owned())
        } else {
            (format!("evt_{number}"), format!("order.step_{}", number % 7))
        };
        let mut payload = Map::from_iter([("n".to_owned(), json!(number))]);
        payload.extend(self.customer.iter().map(|customer| ("customer".to_owned(), json!({"id": customer}))));
        Event {
            event_id: id.parse().unwrap(),
            order_id: self.order.parse().unwrap(),
            occurred_at: self.at.parse().unwrap(),
            source: "shop".parse().unwrap(),
            event_type: event_type.parse().unwrap(),
            schema_version: "v1".parse().unwrap(),
            correction_of: None,
            payload,
            metadata: Map::new(),
        }
    }
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn order(id: &str) -> OrderId {
    id.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

impl World {
    async fn start() -> Self {
        let log = Log::over(Arc::new(MemoryTables::default()), Clock::System);
        Self { dynamo: LocalDynamo::start().await, log, appended: AtomicU64::new(1) }
    }

    fn orders(&self) -> Orders {
        Orders::new(self.dynamo.aws(), ORDERS)
    }

    fn index(&self) -> OrderIndex {
        OrderIndex::new(self.orders(), self.log.clone())
    }

    /// A process whose calls on the table fail by a plan.
    fn faulty(&self, faults: &Faults) -> OrderIndex {
        let config = self.dynamo.aws().dynamo().config().to_builder().interceptor(faults.clone()).build();
        let dynamo = aws_sdk_dynamodb::Client::from_conf(config);
        OrderIndex::new(Orders(OrderTable { dynamo, name: ORDERS.to_owned() }), self.log.clone())
    }

    /// Appends the events in one commit.
    async fn append(&self, tenant: &TenantId, events: &[Said]) {
        let from = self.appended.fetch_add(events.len() as u64, Ordering::Relaxed);
        let submissions = (from..).zip(events).map(|(n, said)| Submission { event: said.event(n), schema: None });
        self.log.append(tenant, submissions.collect()).await.unwrap();
    }

    async fn advance(&self, tenant: &TenantId) -> Result<Advanced, StoreError> {
        self.index().advance(tenant, in_a_minute()).await
    }

    /// What the table says of every order that the log names.
    async fn stored(&self, tenant: &TenantId) -> BTreeMap<OrderId, OrderSummary> {
        let ids = self.naive(tenant).await.into_keys().collect();
        self.orders().0.get_all(tenant, ids, true).await.unwrap()
    }

    /// What it should say, each from all of the order's events at once.
    async fn naive(&self, tenant: &TenantId) -> BTreeMap<OrderId, OrderSummary> {
        let segments: Vec<_> = self.log.segments(tenant, 1, u64::MAX).try_collect().await.unwrap();
        let mut events: BTreeMap<OrderId, Vec<(u64, Timestamp, Event)>> = BTreeMap::new();
        for segment in segments {
            for (sequence, entry) in (segment.first..).zip(&segment.entries) {
                let event = entry.event.clone();
                let of_order = events.entry(event.order_id.clone()).or_default();
                of_order.push((sequence, segment.received_at, event));
            }
        }
        events.into_iter().map(|(order_id, events)| (order_id.clone(), summary_of(order_id, &events))).collect()
    }

    /// Every page of a list.
    async fn list(&self, tenant: &TenantId, filter: &OrderFilter, limit: usize) -> Vec<OrderSummary> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.orders().list(tenant, filter, after, limit).await.unwrap();
            assert!(page.orders.len() <= limit);
            all.extend(page.orders);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

fn summary_of(order_id: OrderId, events: &[(u64, Timestamp, Event)]) -> OrderSummary {
    let last = events.last().unwrap();
    let own: Vec<_> = events.iter().filter(|(.., event)| !record::is_record(&event.event_type)).collect();
    let last_own = own.iter().max_by_key(|(sequence, _, event)| (event.occurred_at, *sequence));
    let occurred = last_own.map(|(.., last)| Occurred {
        first_at: own.iter().map(|(.., event)| event.occurred_at).min().unwrap(),
        last_at: last.occurred_at,
        last_type: last.event_type.clone(),
    });
    let customer_id = own.iter().rev().find_map(|(.., event)| event.payload.get("customer"));
    OrderSummary {
        order_id,
        events: events.len() as u64,
        last_sequence: last.0,
        last_received_at: last.1,
        occurred,
        customer_id: customer_id.map(|customer| customer["id"].as_str().unwrap().parse().unwrap()),
    }
}

/// The ids of a list, in its order.
fn ids(orders: &[OrderSummary]) -> Vec<&str> {
    orders.iter().map(|order| order.order_id.as_str()).collect()
}

fn customer(id: &str) -> CustomerId {
    id.parse().unwrap()
}
