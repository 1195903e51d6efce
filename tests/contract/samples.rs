//! The sample invocations in events/ tell the story that events/README.md promises: each is handed to its function as
//! Lambda would, one after the other, and answered with the status in the table.

use std::collections::{BTreeMap, BTreeSet};

use attachments_api::AttachmentsApi;
use axum::Router;
use corrections_api::CorrectionsApi;
use events_api::EventsApi;
use http_api::Transfer;
use http_api::testing::{TestGate, invoke};
use kinesis_ingest::Ingest;
use ledger_anchor::{LedgerAnchor, witness::Client};
use ledger_api::LedgerApi;
use ops_api::{Health, OpsApi};
use orders_api::OrdersApi;
use schemas_api::SchemasApi;
use segment_repair::Repair;
use serde_json::Value;
use snapshots_api::SnapshotsApi;
use std::time::{Duration, SystemTime};
use store::testing::{FAILURES, MemoryBucket, MemoryKey, ORDERS, SCHEMAS};
use store::tree::{Integrator, Ranges, Trees};
use store::{Attachments, Clock, Failures, History, Log, OrderIndex, Orders, SchemaCache, Schemas, Signer};
use stream_api::StreamApi;
use tree_integrator::TreeIntegrator;

use crate::template::Template;

/// A line of the table, for one file.
#[derive(Debug)]
struct Step {
    function: String,
    file: String,
    /// The answer's status; none for functions that answer nothing.
    status: Option<u64>,
}

/// The table of events/README.md: function (empty: as above), files, what they show, answer.
fn story() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let text = crate::read("events/README.md");
    for line in text.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [function, files, _, answer] = cells[..] else { panic!("a line of another form: {line}") };
        let function = match (function.trim_matches('`'), steps.last()) {
            ("", Some(above)) => above.function.clone(),
            (named, _) => named.to_owned(),
        };
        for file in files.split(',').map(|file| file.trim().trim_matches('`').to_owned()) {
            steps.push(Step { function: function.clone(), file, status: answer.parse().ok() });
        }
    }
    steps
}

/// All functions, over one database.
pub(crate) struct Service {
    pub(crate) gate: TestGate,
    pub(crate) apis: BTreeMap<&'static str, Router>,
    ingest: Ingest,
    repair: Repair,
    tree: TreeIntegrator,
    anchor: LedgerAnchor,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let gate = TestGate::start().await;
        let aws = gate.dynamo().aws();
        let log = Log::for_tests(aws, Clock::System);
        let schemas = Schemas::new(aws, SCHEMAS);
        let cache = SchemaCache::new(schemas.clone(), Clock::System);
        let failures = Failures::new(aws, FAILURES, 30);
        let bucket = MemoryBucket::default();
        let trees = Trees::for_tests(aws, &bucket);
        let signer = |seed| Signer::in_memory(MemoryKey::new([seed; 32]));
        let integrator = Integrator::new(trees.clone(), log.clone(), vec![signer(1)], Clock::System);
        let ranges = Ranges::for_tests(trees.clone(), log.clone(), signer(2), &bucket);
        let events = EventsApi { log: log.clone(), schemas: cache.clone(), trees: trees.clone(), gate: gate.gate() };
        let corrections = CorrectionsApi { log: log.clone(), schemas: cache.clone(), gate: gate.gate() };
        let orders = Orders::new(aws, ORDERS);
        let history = History::for_tests(aws, &log, &bucket);
        let snapshots = SnapshotsApi { log: log.clone(), history: history.clone(), gate: gate.gate() };
        let of_orders = OrdersApi { log: log.clone(), orders: orders.clone(), history, gate: gate.gate() };
        let documents = Attachments::for_tests(&bucket);
        let attachments = AttachmentsApi { log: log.clone(), documents, gate: gate.gate() };
        let ledger = LedgerApi { log: log.clone(), trees, ranges, gate: gate.gate() };
        // There is nothing here to probe but the tables, which every other sample uses.
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
        let anchor = LedgerAnchor::new(integrator.clone(), Vec::new(), Client::new().unwrap(), Clock::System);
        let tree = TreeIntegrator::new(integrator);
        let repair = Repair::new(log.clone(), OrderIndex::new(orders, log.clone()));
        Self { apis, ingest: Ingest::new(log.clone(), cache, failures), repair, tree, anchor, gate }
    }

    /// Hands the sample to its function. The answer of one that answers.
    async fn invoke(&self, function: &str, event: Value) -> Option<Value> {
        let deadline = SystemTime::now() + Duration::from_secs(300);
        match function {
            "kinesis-ingest" => {
                self.ingest.handle(serde_json::from_value(event).unwrap()).await.unwrap();
                None
            }
            "segment-repair" => {
                self.repair.run(serde_json::from_value(event).unwrap()).await.unwrap();
                None
            }
            "tree-integrator" => {
                self.tree.handle(serde_json::from_value(event).unwrap(), deadline).await.unwrap();
                None
            }
            "ledger-anchor" => {
                self.anchor.handle(serde_json::from_value(event).unwrap(), deadline).await.unwrap();
                None
            }
            api => Some(invoke(&self.apis[api], event).await),
        }
    }
}

#[tokio::test]
async fn the_samples_tell_the_story_that_their_table_promises() {
    let service = Service::start().await;
    let token = service.gate.token("demo", &["producer", "history_reader", "auditor", "admin"]);
    let routes = Template::read().routes();
    for Step { function, file, status } in story() {
        let text = crate::read(&format!("events/{function}/{file}")).replace("${TOKEN}", &token);
        let event: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file} is not JSON: {error}"));
        if let Some(routes) = routes.get(&function) {
            let resource = event["resource"].as_str().unwrap().replace("+}", "}");
            let route = format!("{} {resource}", event["httpMethod"].as_str().unwrap());
            assert!(routes.contains(&route), "{file}: {function} has no route {route}");
        }
        let answer = service.invoke(&function, event).await;
        let answered = answer.as_ref().map(|answer| answer["statusCode"].as_u64().unwrap());
        assert_eq!(answered, status, "{function} {file}: {answer:?}");
    }
}

#[test]
fn every_function_has_samples_and_each_is_in_the_table() {
    let mut there = BTreeSet::new();
    for program in Template::read().programs() {
        let folder = std::fs::read_dir(crate::file(&format!("events/{program}")));
        let folder = folder.unwrap_or_else(|_| panic!("{program} has no samples in events/"));
        there.extend(folder.map(|file| format!("{program}/{}", file.unwrap().file_name().to_str().unwrap())));
    }
    let told: BTreeSet<String> = story().iter().map(|step| format!("{}/{}", step.function, step.file)).collect();
    assert_eq!(there, told, "left: the files; right: the table in events/README.md");
}
