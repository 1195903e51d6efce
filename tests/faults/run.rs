//! One run: a few processes with several producers each, readers and repairs, on one log; then the whole ledger is
//! checked. Everything follows from the seed: the schedule is made of delays, on a clock that stands still while anybody
//! has something to do, in one thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};

use domain::{
    event::{Event, TenantSource},
    filter::EventFilter,
    ids::{EventId, TenantId},
};
use store::{
    Clock, StoreError,
    log::{Log, Order, Outcome, RecordedEvent, Submission, memory::MemoryTables},
};
use tokio::{runtime::Builder, task::JoinSet, time::timeout};

use crate::{
    chance::{Chance, Rng},
    faulty::Faulty,
    whole::{self, Told},
};

/// 2025-08-29T12:00:00Z, in milliseconds since 1970.
const NOON: i64 = 1_756_468_800_000;
/// What no run may take, on its own clock.
const FOREVER: Duration = Duration::from_secs(1_800);
/// So often a producer sends a thing that was not acknowledged.
const TRIES: u32 = 400;

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) events: u64,
    pub(crate) acknowledged: u64,
    /// Calls of producers that failed, or were given up.
    pub(crate) failed: u64,
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    /// Of all calls of the tables, and of the ledger that came out.
    pub(crate) digest: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.acknowledged += other.acknowledged;
        self.failed += other.failed;
        self.calls += other.calls;
        self.faults += other.faults;
        self.digest ^= other.digest;
    }
}

/// What all tasks of a run share.
#[derive(Debug)]
struct Shared {
    tenant: TenantId,
    logs: Vec<Log>,
    told: Mutex<Vec<Told>>,
    /// Sent in calls of which nobody heard the end.
    failed: Mutex<Vec<EventId>>,
    failures: Mutex<u64>,
}

/// Over what a run goes.
pub(crate) struct Setting<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) chance: &'a Chance,
    /// A process of its own, with random numbers that follow from a seed where that is possible.
    pub(crate) process: &'a dyn Fn(&mut Rng) -> Log,
    /// After this time nothing is late any more.
    pub(crate) late: Duration,
}

/// Makes the run of a seed over tables in memory.
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let chance = Arc::new(Chance::new(seed));
        let inner = MemoryTables::default();
        let process = |rng: &mut Rng| {
            // No two machines agree about the time.
            let clock_start = NOON + i64::try_from(rng.within(0..2_000)).unwrap();
            let clock = Arc::new(AtomicI64::new(clock_start));
            let (inner, chance) = (inner.clone(), Arc::clone(&chance));
            let tables = Faulty { inner, chance, clock: Arc::clone(&clock), clock_start };
            Log::over(Arc::new(tables), Clock::Manual(clock)).seeded(rng.next())
        };
        let tenant = "acme".parse().unwrap();
        let setting = Setting { tenant, chance: &chance, process: &process, late: Duration::from_secs(60) };
        scenario(seed, setting).await
    })
}

/// Makes the run of a seed, and checks what it leaves behind.
pub(crate) async fn scenario(seed: u64, setting: Setting<'_>) -> Result<Summary, String> {
    let ended = timeout(FOREVER, race(seed, setting)).await;
    ended.unwrap_or_else(|_| Err("it does not come to an end".to_owned()))
}

async fn race(seed: u64, setting: Setting<'_>) -> Result<Summary, String> {
    let Setting { tenant, chance, process, late } = setting;
    let mut rng = Rng::new(!seed);
    let processes = rng.within(1..5);
    let shared = Arc::new(Shared {
        tenant,
        logs: (0..processes).map(|_| process(&mut rng)).collect(),
        told: Mutex::default(),
        failed: Mutex::default(),
        failures: Mutex::default(),
    });
    let mut producers = JoinSet::new();
    let ids = rng.within(2..40);
    for _ in 0..rng.within(1..13) {
        let mut rng = Rng::new(rng.next());
        let jobs = (0..rng.within(1..6)).map(|_| job(&mut rng, ids)).collect();
        producers.spawn(produce(Arc::clone(&shared), rng, jobs));
    }
    let mut others = JoinSet::new();
    others.spawn(repair_now_and_then(Arc::clone(&shared), Rng::new(rng.next())));
    others.spawn(read_now_and_then(Arc::clone(&shared), Rng::new(rng.next())));
    while let Some(produced) = producers.join_next().await {
        produced.map_err(|error| error.to_string())??;
    }
    // These end only when they have found something.
    if let Some(ended) = others.try_join_next() {
        ended.map_err(|error| error.to_string())??;
    }

    chance.calm_down();
    tokio::time::sleep(late).await;
    others.shutdown().await;
    let log = process(&mut rng);
    let repaired = log.repair(&shared.tenant).await.map_err(|error| format!("a repair in calm weather: {error}"))?;
    let told = shared.told.lock().unwrap().clone();
    let failed = shared.failed.lock().unwrap().clone();
    let events = whole::check(&log, &shared.tenant, &told, &failed).await? as u64;
    if repaired.watermark != events + 1 {
        return Err(format!("after a repair the watermark is at {}, of {events} events", repaired.watermark));
    }
    let tally = chance.tally();
    let end = log.status(&shared.tenant).await.map_err(|error| error.to_string())?.ledger_hash;
    Ok(Summary {
        events,
        acknowledged: told.len() as u64,
        failed: *shared.failures.lock().unwrap(),
        calls: tally.calls,
        faults: tally.faults,
        digest: tally.digest() ^ u64::from_le_bytes(end.0[..8].try_into().unwrap()),
    })
}

/// The events of one call: mostly few, sometimes so many that they are not announced, or so large that they are staged;
/// often ones that others send as well, now and then with another content.
fn job(rng: &mut Rng, ids: u64) -> Vec<Event> {
    let (count, bytes) = match rng.within(0..40) {
        0 => (rng.within(26..40), 0),
        1 if rng.one_in(2) => (rng.within(1..4), 60_000),
        2..10 => (rng.within(2..6), 0),
        _ => (1, 0),
    };
    (0..count)
        .map(|_| {
            let id = if count > 20 { rng.within(1_000..2_000) } else { rng.within(0..ids) };
            let other = rng.one_in(12);
            // What does not compress; the same for the same event.
            let mut noise = Rng::new(id);
            let filler: String = (0..bytes / 16).map(|_| format!("{:016x}", noise.next())).collect();
            event(id, other, &filler)
        })
        .collect()
}

fn event(id: u64, other: bool, filler: &str) -> Event {
    let text = format!(
        r#"{{"event_id":"e{id}","order_id":"o{}","occurred_at":"2025-08-29T12:00:00Z","source":"s","type":"t",
        "schema_version":"v1","payload":{{"other":{other},"filler":"{filler}"}},"tenant_id":"acme"}}"#,
        id % 5
    );
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}

/// Sends one call after the other, each until it is acknowledged.
async fn produce(shared: Arc<Shared>, mut rng: Rng, jobs: Vec<Vec<Event>>) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(rng.within(0..300))).await;
    for events in jobs {
        let outcomes = send(&shared, &mut rng, &events).await?;
        if outcomes.len() != events.len() {
            return Err(format!("{} events, and {} answers", events.len(), outcomes.len()));
        }
        let told = events.into_iter().zip(outcomes).map(|(sent, outcome)| Told { sent, outcome });
        let told: Vec<_> = told.collect();
        shared.told.lock().unwrap().extend(told.iter().cloned());
        for told in &told {
            find(&shared, &mut rng, told).await?;
        }
        tokio::time::sleep(Duration::from_millis(rng.within(0..50))).await;
    }
    Ok(())
}

async fn send(shared: &Shared, rng: &mut Rng, events: &[Event]) -> Result<Vec<Outcome>, String> {
    for _ in 0..TRIES {
        let log = &shared.logs[usize::try_from(rng.within(0..shared.logs.len() as u64)).unwrap()];
        // A process may be stopped in the middle of its work.
        let patience = if rng.one_in(6) { rng.within(0..2_000) } else { 60_000 };
        let submissions: Vec<_> =
            events.iter().map(|event| Submission { event: event.clone(), schema: None }).collect();
        let sent = async {
            match <[Submission; 1]>::try_from(submissions) {
                Ok([one]) if rng.one_in(2) => {
                    let pause = Duration::from_millis(rng.within(0..20));
                    let checked = async {
                        tokio::time::sleep(pause).await;
                        Ok::<_, StoreError>(one)
                    };
                    Ok(vec![log.append_checked(&shared.tenant, checked).await?])
                }
                Ok(one) => log.append(&shared.tenant, one.into()).await,
                Err(several) => log.append(&shared.tenant, several).await,
            }
        };
        match timeout(Duration::from_millis(patience), sent).await {
            Ok(Ok(outcomes)) => return Ok(outcomes),
            Ok(Err(error)) if !error.is_transient() => return Err(format!("an append fails for good: {error}")),
            Ok(Err(_)) | Err(_) => {
                *shared.failures.lock().unwrap() += 1;
                shared.failed.lock().unwrap().extend(events.iter().map(|event| event.event_id.clone()));
                tokio::time::sleep(Duration::from_millis(rng.within(1..400))).await;
            }
        }
    }
    Err(format!("{} is not acknowledged after {TRIES} tries", events[0].event_id))
}

/// What is acknowledged is found by whoever looks then, by its id and in its order's timeline.
async fn find(shared: &Shared, rng: &mut Rng, told: &Told) -> Result<(), String> {
    let receipt = whole::receipt(&told.outcome);
    let id = &receipt.event_id;
    for _ in 0..TRIES {
        let log = &shared.logs[usize::try_from(rng.within(0..shared.logs.len() as u64)).unwrap()];
        let looked = async {
            let event = log.event(&shared.tenant, id).await?;
            let filter = EventFilter::default();
            let page = log.timeline(&shared.tenant, &receipt.order_id, &filter, Order::Sequence, None, 1_000).await?;
            Ok::<_, StoreError>((event, page.events))
        };
        match looked.await {
            Ok((event, timeline)) => {
                let is_it = |event: &RecordedEvent| {
                    (event.sequence, event.sha256) == (receipt.sequence, receipt.sha256)
                        && event.entry.event.event_id == *id
                };
                if !event.as_ref().is_some_and(is_it) {
                    return Err(format!("{:?}, and a reader finds {event:?}", told.outcome));
                }
                if !timeline.iter().any(is_it) {
                    return Err(format!("{:?}, and its order's timeline does not have it", told.outcome));
                }
                return Ok(());
            }
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(rng.within(1..400))).await,
            Err(error) => return Err(format!("a read fails for good: {error}")),
        }
    }
    Err(format!("{id} cannot be read in {TRIES} tries"))
}

async fn repair_now_and_then(shared: Arc<Shared>, mut rng: Rng) -> Result<(), String> {
    loop {
        tokio::time::sleep(Duration::from_millis(rng.within(10..6_000))).await;
        match shared.logs[0].repair(&shared.tenant).await {
            Err(error) if !error.is_transient() => return Err(format!("a repair fails for good: {error}")),
            Ok(_) | Err(_) => {}
        }
    }
}

/// What was once read at a place of the log stays there.
async fn read_now_and_then(shared: Arc<Shared>, mut rng: Rng) -> Result<(), String> {
    let mut seen = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(rng.within(10..3_000))).await;
        match whole::read(&shared.logs[0], &shared.tenant, false).await {
            Ok(events) => {
                let before = seen.len();
                for event in &events {
                    if *seen.entry(event.sequence).or_insert(event.ledger_hash) != event.ledger_hash {
                        return Err(format!("the log has changed at {}", event.sequence));
                    }
                }
                if events.len() < before {
                    return Err(format!("the log had {before} events, and now {}", events.len()));
                }
            }
            Err(error) if error.contains("chain") => return Err(error),
            Err(_) => {}
        }
    }
}
