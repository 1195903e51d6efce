//! The same over DynamoDB as others have built it: behind the real SDK, over a wire that fails. Time is the machine's
//! here, so that a seed says what is sent and what goes wrong, but not in which order all of it happens.

use std::{sync::Arc, time::Duration};

use domain::{event::TenantSource, ids::TenantId};
use store::{
    Aws, Clock,
    log::{Log, Outcome, Submission},
    testing::LocalDynamo,
};

use crate::{
    chance::{Chance, Rng},
    proxy::Proxy,
    run::{Setting, Summary, scenario},
    whole::{self, Told},
};

/// A database, and how its clients are recognised there.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// `http://host:port`
    pub(crate) endpoint: String,
    pub(crate) access_key: Option<String>,
}

impl Backend {
    /// A process that reaches it over a wire of its own.
    pub(crate) async fn reached_over(&self, chance: Arc<Chance>) -> (Proxy, Aws) {
        let proxy = Proxy::start(self.endpoint.clone(), self.access_key.clone(), chance).await;
        let aws = LocalDynamo::client_at(proxy.address);
        (proxy, aws)
    }

    /// Some runs of racing writers, side by side: each has a tenant of its own.
    pub(crate) async fn survives(&self, seeds: u64) {
        let mut all = Summary::default();
        for sum in futures::future::join_all((0..seeds).map(|seed| self.survived(seed))).await {
            all += sum;
        }
        eprintln!("{}: {seeds} seeds: {all:?}", self.name);
        assert!(all.acknowledged > seeds && (seeds < 5 || all.faults > 0), "{all:?}");
    }

    async fn survived(&self, seed: u64) -> Summary {
        let chance = Arc::new(Chance::brisk(seed));
        let (_proxy, aws) = self.reached_over(Arc::clone(&chance)).await;
        let setting = Setting {
            tenant: self.tenant(&format!("seed{seed}")),
            chance: &chance,
            process: &|_: &mut Rng| Log::for_tests(&aws, Clock::System),
            late: Duration::from_millis(200),
        };
        scenario(seed, setting).await.unwrap_or_else(|wrong| panic!("{}, seed {seed}: {wrong}", self.name))
    }

    /// What the log needs of its tables, by what comes of it.
    pub(crate) async fn keeps_the_contract(&self) {
        let chance = Arc::new(Chance::calm());
        let (_proxy, aws) = self.reached_over(chance).await;
        let log = Log::for_tests(&aws, Clock::System);
        let tenant = self.tenant("contract");
        let mut told = Vec::new();

        // One of many that race for a slot gets it, and nobody's events are lost or doubled.
        let racing = (0..16).map(|writer| {
            let (log, tenant) = (log.clone(), tenant.clone());
            tokio::spawn(async move {
                let events: Vec<_> = (0..3).map(|n| event(&format!("r{}", writer * 2 + n), false)).collect();
                (events.clone(), log.append(&tenant, submissions(events)).await.unwrap())
            })
        });
        for raced in futures::future::join_all(racing).await {
            let (events, outcomes) = raced.unwrap();
            told.extend(events.into_iter().zip(outcomes).map(|(sent, outcome)| Told { sent, outcome }));
        }

        // A commit of the most events that it may have: its index is written in twenty calls.
        let many: Vec<_> = (0..500).map(|n| event(&format!("m{n}"), false)).collect();
        let outcomes = log.append(&tenant, submissions(many.clone())).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Recorded(_))));
        told.extend(many.into_iter().zip(outcomes).map(|(sent, outcome)| Told { sent, outcome }));

        // The same again, and something else under the same id.
        let again = [event("m7", false), event("m7", true), event("new", false)];
        let outcomes = log.append(&tenant, submissions(again.to_vec())).await.unwrap();
        let [Outcome::Repeated(same), Outcome::Conflict(other), Outcome::Recorded(new)] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(same, other);
        let whole = whole::read(&log, &tenant, true).await.unwrap();
        assert_eq!(new.sequence, whole.len() as u64);
        told.extend(again.into_iter().zip(outcomes).map(|(sent, outcome)| Told { sent, outcome }));

        let repaired = log.repair(&tenant).await.unwrap();
        assert_eq!((repaired.segments, repaired.watermark), (0, whole.len() as u64 + 1));
        assert_eq!(whole::check(&log, &tenant, &told, &[]).await.unwrap(), 533 + 1);
    }

    /// One that nobody had before: the database may be an old one.
    fn tenant(&self, what: &str) -> TenantId {
        let number = getrandom::u32().unwrap();
        format!("{what}-{number:08x}").parse().unwrap()
    }
}

/// An embedded one, in this process.
pub(crate) async fn dynoxide() -> (LocalDynamo, Backend) {
    let dynamo = LocalDynamo::start().await;
    let endpoint = format!("http://{}", dynamo.address());
    (dynamo, Backend { name: "dynoxide", endpoint, access_key: None })
}

fn submissions(events: Vec<domain::event::Event>) -> Vec<Submission> {
    events.into_iter().map(|event| Submission { event, schema: None }).collect()
}

fn event(id: &str, other: bool) -> domain::event::Event {
    let text = format!(
        r#"{{"event_id":"{id}","order_id":"o{}","occurred_at":"2025-08-29T12:00:00Z","source":"s","type":"t",
        "schema_version":"v1","payload":{{"other":{other}}},"tenant_id":"any"}}"#,
        id.len()
    );
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}
