//! A tenant of whom one order is read, beside few others or many.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    event::{self, Event, TenantSource},
    ids::TenantId,
    time::Timestamp,
};
use http_api::testing::{Answer, Call, get, post};
use ledger::tile::{Level, Tile};
use ledger_anchor::Task;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{log::Submission, testing::MemoryBucket};

use crate::{sample::Random, service::Service};

/// How many events the order has that is read, without what is said about them.
pub(super) const EVENTS: usize = 10;
/// Two corrections, an attachment and a snapshot.
pub(super) const SAID: usize = 4;
/// At which event the state of the order is stored; after it come two more.
const STORED_AT: usize = EVENTS - 3;
const DOCUMENT: &[u8] = b"%PDF-1.7 an invoice";
const TENANT: &str = "reading";

/// How much there is beside the order that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Other orders, of one event each.
    pub(super) orders: usize,
    /// How many of their events are recorded at once.
    pub(super) at_once: usize,
}

/// A tenant, all functions, and the parameters of their routes.
pub(super) struct Tenant {
    service: Service,
    pub(super) bucket: MemoryBucket,
    token: String,
    /// What stands in paths, by its name in the API's document.
    pub(super) named: BTreeMap<&'static str, String>,
    /// How many events the log has.
    pub(super) events: u64,
}

impl Tenant {
    pub(super) async fn fill(size: Size) -> Result<Self> {
        let bucket = MemoryBucket::default();
        let service = Service::start(&bucket).await?;
        let token = service.gate.token(TENANT, &["producer", "history_reader", "auditor", "admin"]);
        let mut tenant = Self { service, bucket, token, named: BTreeMap::new(), events: 0 };
        tenant.record_others(size).await?;
        tenant.record_order().await?;
        tenant.set_up().await?;
        tenant.follow().await?;
        Ok(tenant)
    }

    /// Calls a function.
    pub(super) async fn call(&self, api: &str, call: Call) -> Result<Answer> {
        let app = self.service.apis.get(api).context("a function of this name")?;
        let answer = call.token(&self.token).send(app).await;
        ensure!(answer.status.is_success(), "{api} answers {}: {}", answer.status, answer.json);
        Ok(answer)
    }

    async fn record_others(&self, Size { orders, at_once }: Size) -> Result<()> {
        for start in (0..orders).step_by(at_once) {
            let others = start..orders.min(start + at_once);
            self.append(others.map(|n| event(&format!("other_{n}"), &format!("ord_{n}"), n))).await?;
        }
        Ok(())
    }

    async fn append(&self, events: impl Iterator<Item = Result<Event>>) -> Result<()> {
        let submissions = events.map(|event| event.map(|event| Submission { event, schema: None }));
        self.service.log.append(&tenant()?, submissions.collect::<Result<_>>()?).await?;
        Ok(())
    }

    /// The order, and what is said about its events.
    async fn record_order(&mut self) -> Result<()> {
        for n in 0..EVENTS {
            self.append(std::iter::once(event(&format!("evt_{n}"), "ord_read", n))).await?;
        }
        for (id, corrected, minute) in [("evt_c1", "evt_4", 5), ("evt_c2", "evt_c1", 6)] {
            let correction = json!({
                "event_id": id, "correction_of": corrected, "order_id": "ord_read", "occurred_at": at(minute),
                "source": "support", "schema_version": "v1", "payload": {"amount": minute},
            });
            self.call("corrections-api", post("/order-history/corrections", &correction)).await?;
        }
        let attachment_id = self.attach("evt_4").await?;

        let then = format!("/order-history/orders/ord_read/snapshot?at={}", at(STORED_AT));
        let state = self.call("orders-api", get(&then)).await?.json["state"].take();
        let snapshot =
            json!({"snapshot_id": "snap_1", "captured_at": at(STORED_AT), "source": "bench", "state": state});
        let stored = self.call("snapshots-api", post("/order-history/orders/ord_read/snapshots", &snapshot)).await?;
        ensure!(stored.json["is_base"] == true, "no state can be read from the snapshot: {}", stored.json);

        let named = [
            ("order_id", "ord_read"),
            ("event_id", "evt_4"),
            ("correction_id", "evt_c1"),
            ("attachment_id", &attachment_id),
            ("snapshot_id", "snap_1"),
            ("type", "order.touched"),
            ("version", "v1"),
        ];
        self.named.extend(named.map(|(name, value)| (name, value.to_owned())));
        Ok(())
    }

    /// Uploads a document for an event and registers it.
    async fn attach(&self, event_id: &str) -> Result<String> {
        let document = json!({
            "event_id": event_id, "filename": "invoice.pdf", "content_type": "application/pdf",
            "size": DOCUMENT.len(), "sha256": hex::encode(Sha256::digest(DOCUMENT)),
        });
        let asked = post("/order-history/attachments/request-upload", &document);
        let upload = self.call("attachments-api", asked).await?.json;
        let headers: BTreeMap<String, String> = serde_json::from_value(upload["headers"].clone())?;
        let url = upload["url"].as_str().context("a link")?;
        ensure!(self.bucket.receive(url, &headers, DOCUMENT) == 200, "the document was not taken");
        let registration = post("/order-history/attachments", &upload["registration"]);
        let registered = self.call("attachments-api", registration).await?.json;
        Ok(registered["attachment_id"].as_str().context("its id")?.to_owned())
    }

    /// What else a tenant has: a schema, and a record that could not become an event.
    async fn set_up(&self) -> Result<()> {
        let schema = json!({"type": "order.touched", "version": "v1", "schema": {"type": "object"}});
        self.call("schemas-api", post("/order-history/schemas", &schema)).await?;
        let refused = json!({"tenant_id": TENANT, "event_id": "evt_refused"}).to_string();
        let batch = json!({"Records": [{
            "eventID": "shardId-000000000000:1",
            "kinesis": {
                "sequenceNumber": "1", "data": BASE64_STANDARD.encode(refused),
                "approximateArrivalTimestamp": 1_756_470_896.25,
            },
        }]});
        Ok(self.service.ingest.handle(serde_json::from_value(batch)?).await?)
    }

    /// What follows from the log: the list of orders, the tree with its checkpoint, and the anchor of that.
    async fn follow(&mut self) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(600);
        let Service { log, index, integrator, anchor, .. } = &self.service;
        ensure!(index.advance(&tenant()?, Instant::now() + LIMIT).await?.complete, "orders are missing in the list");
        ensure!(integrator.integrate(&tenant()?, Instant::now() + LIMIT).await?.complete, "the tree is behind");
        anchor.handle(Task::Anchor, SystemTime::now() + LIMIT).await?;
        self.events = log.status(&tenant()?).await?.sequence;
        let tile = Tile::holding(Level::Hashes(0), 0, self.events).context("a tree")?.path();
        self.named.insert("path", tile.trim_start_matches("tile/").to_owned());
        Ok(())
    }
}

fn tenant() -> Result<TenantId> {
    TENANT.parse().context("a tenant's name")
}

/// When an event happened: in a minute of 2025 in UTC.
pub(super) fn at(minute: usize) -> Timestamp {
    Timestamp::clamped_from_millis(1_735_689_600_000 + minute as i64 * 60_000)
}

/// About 500 bytes, of which ids and references differ from event to event.
fn event(id: &str, order_id: &str, minute: usize) -> Result<Event> {
    let mut random = Random::new(minute as u64);
    let document = json!({
        "tenant_id": TENANT, "event_id": id, "order_id": order_id, "occurred_at": at(minute),
        "source": "order-service", "type": "order.touched", "schema_version": "v1",
        "payload": {
            format!("step_{}", minute % EVENTS): id, "amount": minute * 37 % 100_000, "reference": random.hex(32),
            "customer": {"id": format!("cust_{}", random.hex(16))},
            "note": "Checked by the warehouse, and released for packing when the carrier had said its time.",
        },
        "metadata": {"actor_id": "svc_orders", "correlation_id": format!("corr_{}", random.hex(24))},
    });
    let text = document.to_string();
    ensure!((450..550).contains(&text.len()), "an event of {} bytes", text.len());
    Ok(event::parse(text.as_bytes(), TenantSource::Envelope)?.1)
}
