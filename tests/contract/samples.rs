//! The sample invocations in events/ tell the story that events/README.md promises: each is handed to its function as
//! Lambda would, one after the other, and answered with the status in the table.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use http_api::testing::invoke;
use segment_repair::Repair;
use serde_json::Value;
use store::testing::MemoryBucket;
use tree_integrator::TreeIntegrator;

use crate::{service::Service, template::Template};

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

/// All functions; those that no request starts, as the samples start them.
struct Functions {
    service: Service,
    repair: Repair,
    tree: TreeIntegrator,
}

impl Functions {
    async fn start() -> Self {
        let service = Service::start(&MemoryBucket::default()).await.unwrap();
        let repair = Repair::new(service.log.clone(), service.index.clone());
        let tree = TreeIntegrator::new(service.integrator.clone());
        Self { service, repair, tree }
    }

    /// Hands the sample to its function. The answer of one that answers.
    async fn invoke(&self, function: &str, event: Value) -> Option<Value> {
        let deadline = SystemTime::now() + Duration::from_secs(300);
        match function {
            "kinesis-ingest" => {
                self.service.ingest.handle(serde_json::from_value(event).unwrap()).await.unwrap();
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
                self.service.anchor.handle(serde_json::from_value(event).unwrap(), deadline).await.unwrap();
                None
            }
            api => Some(invoke(&self.service.apis[api], event).await),
        }
    }
}

#[tokio::test]
async fn the_samples_tell_the_story_that_their_table_promises() {
    let functions = Functions::start().await;
    let token = functions.service.gate.token("demo", &["producer", "history_reader", "auditor", "admin"]);
    let routes = Template::read().routes();
    for Step { function, file, status } in story() {
        let text = crate::read(&format!("events/{function}/{file}")).replace("${TOKEN}", &token);
        let event: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file} is not JSON: {error}"));
        if let Some(routes) = routes.get(&function) {
            let resource = event["resource"].as_str().unwrap().replace("+}", "}");
            let route = format!("{} {resource}", event["httpMethod"].as_str().unwrap());
            assert!(routes.contains(&route), "{file}: {function} has no route {route}");
        }
        let answer = functions.invoke(&function, event).await;
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
