//! The ledger against the journal, to the event: read back through the API, page by page, and never held as a whole.

#[cfg(test)]
mod tests;
mod timelines;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use domain::time::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ledger::{Hash, Origin, chain};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::timelines::Timelines;
use super::api::Api;
use super::audit;
use super::event::Maker;
use super::journal::{AGAIN, CONTESTED, CREATED, LOST, ON_STREAM, POSTED, RECEIPT, Receipt};
use super::{Run, Tenant, show};

/// Tenants, and orders of each, that are read at the same time.
const TENANTS_AT_ONCE: usize = 3;
const ORDERS_AT_ONCE: usize = 4;

/// The end of a log, `GET /ledger/status`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Head {
    origin: Origin,
    pub(crate) sequence: u64,
    ledger_hash: Hash,
}

/// What was looked at.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) tenants: u64,
    /// Events of this run that the log has.
    pub(crate) events: u64,
    /// Events that were in the logs before.
    before: u64,
    /// Timelines that were compared with the log.
    pub(crate) timelines: u64,
    /// Tenants whose log was recomputed from the table.
    pub(crate) audited: u64,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Event>,
    next_cursor: Option<String>,
}

/// An event as the API shows it.
#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    sequence: u64,
    order_id: String,
    occurred_at: String,
    received_at: Timestamp,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    schema_version: String,
    correction_of: Option<String>,
    payload: Value,
    metadata: Map<String, Value>,
    integrity: Integrity,
}

#[derive(Debug, Deserialize)]
struct Integrity {
    sha256: Hash,
    ledger_hash: Hash,
}

/// Where a scan of a log is.
#[derive(Debug)]
struct Scan {
    sequence: u64,
    ledger_hash: Hash,
    received_at: Option<Timestamp>,
    /// The last number of each lane.
    lanes: HashMap<u8, u64>,
    events: u64,
}

impl Head {
    pub(super) async fn of(api: &Api<'_>, tenant: &str) -> Result<Self> {
        api.get(tenant, "/ledger/status").await?.context("the API has no /ledger/status")
    }
}

impl Run<'_> {
    /// Looks at every tenant.
    pub(crate) async fn check(&self) -> Result<Checked> {
        for read in &self.read {
            read.store(0, Ordering::Relaxed);
        }
        let tenants = stream::iter(&self.tenants)
            .map(|tenant| self.check_tenant(tenant))
            .buffer_unordered(TENANTS_AT_ONCE)
            .try_collect::<Vec<Checked>>();
        let line = || {
            let [events, timelines] = self.read.each_ref().map(|read| read.load(Ordering::Relaxed));
            format!("checking: {events} events of {} sent and {timelines} timelines read", self.sent())
        };
        let tenants = tokio::select! {
            tenants = tenants => tenants?,
            () = show::forever(self.plan.show, line) => Vec::new(),
        };
        let mut all = Checked::default();
        for Checked { tenants, events, before, timelines, audited } in tenants {
            all.tenants += tenants;
            all.events += events;
            all.before += before;
            all.timelines += timelines;
            all.audited += audited;
        }
        Ok(all)
    }

    async fn check_tenant(&self, tenant: &Tenant) -> Result<Checked> {
        let head = Head::of(&self.api, &tenant.name).await?;
        let mut timelines = self.chosen(tenant);
        let scan = self.scan(tenant, &head, &mut timelines).await?;
        self.missing(tenant)?;
        let compared: Vec<()> = stream::iter(timelines.orders.iter().collect::<Vec<_>>())
            .map(|(order, expected)| self.timeline(tenant, order, expected))
            .buffer_unordered(ORDERS_AT_ONCE)
            .try_collect()
            .await?;
        let audited = audit::run(self.target, &tenant.name, self.folder).await?;
        if let Some(said) = &audited {
            let expected = audit::Said::Good { events: head.sequence, ledger_hash: head.ledger_hash.to_string() };
            if *said != expected {
                self.differs(tenant, format!("the independent checker of the table says {said}, the API {expected}"));
            }
        }
        Ok(Checked {
            tenants: 1,
            events: scan.events,
            before: tenant.before.sequence,
            timelines: compared.len() as u64,
            audited: audited.is_some().into(),
        })
    }

    /// The whole log, from its first event to its last.
    async fn scan(&self, tenant: &Tenant, head: &Head, timelines: &mut Timelines) -> Result<Scan> {
        tenant.journal.forget_found()?;
        let mut scan = Scan::new(&head.origin);
        let mut cursor = String::new();
        loop {
            let path = format!("/events?limit=1000{cursor}");
            let page: Page = self.api.get(&tenant.name, &path).await?.context("the API has no /events")?;
            for event in page.items {
                self.next(tenant, &mut scan, timelines, event)?;
                self.read[0].fetch_add(1, Ordering::Relaxed);
            }
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if (scan.sequence, scan.ledger_hash) != (head.sequence, head.ledger_hash) {
            let Scan { sequence, ledger_hash, .. } = scan;
            let said = format!("{} with hash {}", head.sequence, head.ledger_hash);
            self.differs(tenant, format!("the log ends at {sequence} with hash {ledger_hash}, its status says {said}"));
        }
        Ok(scan)
    }

    /// One event after the other.
    fn next(&self, tenant: &Tenant, scan: &mut Scan, timelines: &mut Timelines, event: Event) -> Result<()> {
        let Event { sequence, received_at, integrity: Integrity { sha256, ledger_hash }, .. } = event;
        let told = format!("sequence {sequence}, event {}", event.id);
        if sequence != scan.sequence + 1 {
            self.differs(tenant, format!("{told}: comes after sequence {}", scan.sequence));
        }
        if chain::link(sequence, scan.ledger_hash, sha256) != ledger_hash {
            self.differs(
                tenant,
                format!("{told}: its ledger_hash {ledger_hash} does not follow from what comes before"),
            );
        }
        if scan.received_at.is_some_and(|before| received_at < before) {
            self.differs(tenant, format!("{told}: was received before the event before it"));
        }
        (scan.sequence, scan.ledger_hash, scan.received_at) = (sequence, ledger_hash, Some(received_at));
        let before = &tenant.before;
        if sequence <= before.sequence {
            if sequence == before.sequence && ledger_hash != before.ledger_hash {
                self.differs(tenant, format!("{told}: had ledger_hash {} before this run", before.ledger_hash));
            }
            return Ok(());
        }
        scan.events += 1;
        match self.maker.number(&event.id).filter(|number| *number < tenant.journal.len()) {
            Some(number) => self.held(tenant, scan, number, &event)?,
            None => self.differs(tenant, format!("{told}: nobody has sent it")),
        }
        timelines.take(event);
        Ok(())
    }

    /// An event of this run against its slot.
    fn held(&self, tenant: &Tenant, scan: &mut Scan, number: u64, event: &Event) -> Result<()> {
        let Event { sequence, integrity: Integrity { sha256, ledger_hash }, .. } = *event;
        let told = format!("sequence {sequence}, event {}", event.id);
        let slot = tenant.journal.slot(number)?;
        if tenant.journal.find(number)? {
            self.differs(tenant, format!("{told}: stands in the log twice"));
        }
        let variant = event.payload["variant"].as_u64().and_then(|variant| variant.try_into().ok());
        let expected = match variant {
            // Which one wins is open as long as none is acknowledged.
            Some(variant) if slot.has(CONTESTED) && !slot.has(RECEIPT) => variant,
            Some(0) if !slot.has(RECEIPT) => 0,
            _ => slot.variant,
        };
        if !same(&self.maker, number, expected, event) {
            self.differs(tenant, format!("{told}: is not what was sent and acknowledged (variant {expected})"));
        }
        let found = Receipt { sequence, sha256, ledger_hash };
        if slot.has(RECEIPT) && slot.receipt != found {
            self.differs(
                tenant,
                format!("{told}: was acknowledged with {:?} and is there with {found:?}", slot.receipt),
            );
        }
        if sequence <= slot.floor {
            let floor = slot.floor;
            self.differs(tenant, format!("{told}: was first sent after sequence {floor} was acknowledged"));
        }
        if !slot.has(RECEIPT) && !slot.has(ON_STREAM) && !slot.has(LOST) {
            self.differs(tenant, format!("{told}: is recorded although no request was answered so"));
        }
        if slot.has(RECEIPT) && !slot.has(CREATED) && !slot.has(ON_STREAM) && !slot.has(LOST) {
            self.differs(tenant, format!("{told}: no request was told that it recorded the event"));
        }
        if slot.has(ON_STREAM) && !slot.has(AGAIN) && slot.lane > 0 {
            let last = scan.lanes.insert(slot.lane, number);
            if let Some(last) = last.filter(|last| *last > number) {
                let before = self.maker.id(last);
                self.differs(tenant, format!("{told}: was put on the stream before {before}, under the same key"));
            }
        }
        Ok(())
    }

    /// What must be in the log and is not, after a scan.
    fn missing(&self, tenant: &Tenant) -> Result<()> {
        tenant.journal.unfound(|number, slot| {
            let id = self.maker.id(number);
            if slot.has(RECEIPT) {
                let Receipt { sequence, .. } = slot.receipt;
                self.differs(
                    tenant,
                    format!("event {id} was acknowledged at sequence {sequence} and is not in the log"),
                );
            } else if slot.has(ON_STREAM) {
                self.differs(
                    tenant,
                    format!("event {id} was taken by Kinesis (lane {}) and is not in the log", slot.lane),
                );
            } else if slot.has(POSTED) && !slot.has(LOST) {
                self.differs(tenant, format!("event {id} was answered without a receipt and is not in the log"));
            }
        })
    }
}

impl Scan {
    fn new(origin: &Origin) -> Self {
        let ledger_hash = chain::genesis(origin);
        Self { sequence: 0, ledger_hash, received_at: None, lanes: HashMap::new(), events: 0 }
    }
}

fn same(maker: &Maker, number: u64, variant: u8, event: &Event) -> bool {
    let sent = maker.event(number, variant);
    event.order_id == sent.order_id
        && event.occurred_at == sent.occurred_at
        && event.source == sent.source
        && event.kind == sent.kind
        && event.schema_version == sent.schema_version
        && event.correction_of.is_none()
        && event.payload == sent.payload
        && event.metadata == sent.metadata
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, events, before, timelines, audited } = self;
        write!(f, "{events} events of this run (and {before} from before) in {tenants} logs, each one read; ")?;
        write!(f, "{timelines} timelines compared; {audited} logs recomputed from the table")
    }
}
