//! All functions in one process, over one embedded database: for whoever calls their routes without deploying them.

use std::collections::BTreeMap;

use anyhow::Result;
use attachments_api::AttachmentsApi;
use axum::Router;
use corrections_api::CorrectionsApi;
use events_api::EventsApi;
use http_api::{Transfer, testing::TestGate};
use kinesis_ingest::Ingest;
use ledger_anchor::{LedgerAnchor, witness::Client};
use ledger_api::LedgerApi;
use ops_api::{Health, OpsApi};
use orders_api::OrdersApi;
use schemas_api::SchemasApi;
use snapshots_api::SnapshotsApi;
use store::{
    Attachments, Clock, Failures, History, Log, OrderIndex, Orders, SchemaCache, Schemas, Signer,
    testing::{FAILURES, MemoryBucket, MemoryKey, ORDERS, SCHEMAS},
    tree::{Integrator, Ranges, Trees},
};
use stream_api::StreamApi;

/// The functions, and what those are made of that no request starts.
pub(crate) struct Service {
    pub(crate) gate: TestGate,
    /// Each as API Gateway calls it, by its name in template.yaml.
    pub(crate) apis: BTreeMap<&'static str, Router>,
    pub(crate) log: Log,
    pub(crate) ingest: Ingest,
    pub(crate) index: OrderIndex,
    pub(crate) integrator: Integrator,
    pub(crate) anchor: LedgerAnchor,
}

impl Service {
    /// With a database of its own. Everything that S3 would hold is in `bucket`, but for segments: none is staged.
    ///
    /// # Errors
    /// When there is no client for witnesses, of which there are none here.
    pub(crate) async fn start(bucket: &MemoryBucket) -> Result<Self> {
        let gate = TestGate::start().await;
        let aws = gate.dynamo().aws();
        let log = Log::for_tests(aws, Clock::System);
        let schemas = Schemas::new(aws, SCHEMAS);
        let cache = SchemaCache::new(schemas.clone(), Clock::System);
        let failures = Failures::new(aws, FAILURES, 30);
        let trees = Trees::for_tests(aws, bucket);
        let signer = |seed| Signer::in_memory(MemoryKey::new([seed; 32]));
        let integrator = Integrator::new(trees.clone(), log.clone(), vec![signer(1)], Clock::System);
        let ranges = Ranges::for_tests(trees.clone(), log.clone(), signer(2), bucket);
        let events = EventsApi { log: log.clone(), schemas: cache.clone(), trees: trees.clone(), gate: gate.gate() };
        let corrections = CorrectionsApi { log: log.clone(), schemas: cache.clone(), gate: gate.gate() };
        let orders = Orders::new(aws, ORDERS);
        let history = History::for_tests(aws, &log, bucket);
        let snapshots = SnapshotsApi { log: log.clone(), history: history.clone(), gate: gate.gate() };
        let of_orders = OrdersApi { log: log.clone(), orders: orders.clone(), history, gate: gate.gate() };
        let documents = Attachments::for_tests(bucket);
        let attachments = AttachmentsApi { log: log.clone(), documents, gate: gate.gate() };
        let ledger = LedgerApi { log: log.clone(), trees, ranges, gate: gate.gate() };
        // There is nothing here to probe but the tables, which every other route uses.
        let ops = OpsApi { gate: gate.gate(), failures: failures.clone(), health: Health::new(vec![]) };
        let stream = StreamApi { log: log.clone(), gate: gate.gate(), transfer: Transfer::Buffered };
        let apis = BTreeMap::from([
            ("events-api", http_api::app(events_api::router(), events)),
            ("corrections-api", http_api::app(corrections_api::router(), corrections)),
            ("attachments-api", http_api::app(attachments_api::router(), attachments)),
            ("snapshots-api", http_api::app(snapshots_api::router(), snapshots)),
            ("schemas-api", http_api::app(schemas_api::router(), SchemasApi { schemas, gate: gate.gate() })),
            ("orders-api", http_api::app(orders_api::router(), of_orders)),
            ("stream-api", http_api::app(stream_api::router(), stream)),
            ("ledger-api", http_api::app(ledger_api::router(), ledger)),
            ("ops-api", http_api::app(ops_api::router(), ops)),
        ]);
        let anchor = LedgerAnchor::new(integrator.clone(), Vec::new(), Client::new()?, Clock::System);
        let index = OrderIndex::new(orders, log.clone());
        Ok(Self { apis, ingest: Ingest::new(log.clone(), cache, failures), index, integrator, anchor, log, gate })
    }
}
