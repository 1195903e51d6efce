//! A client that is cut off again and again, while several writers commit, sees each event that it asked for once, in
//! order.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use domain::filter::EventFilter;
use futures::{StreamExt as _, future::join_all};
use http::Request;
use http_api::{Transfer, testing::TestGate};
use store::{
    Clock, Log,
    log::{LogPosition, memory::MemoryTables},
};
use tower::ServiceExt as _;

use super::{acme, client::Client, only, submission};
use crate::{StreamApi, long_poll, router, window};

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    async fn pause(&mut self, most: u64) {
        tokio::time::sleep(Duration::from_millis(self.below(most))).await;
    }
}

const WRITERS: u64 = 3;
const COMMITS: u64 = 8;

/// Commits of one to four events, every third of which is shipped.
async fn write(log: Log, writer: u64, seed: u64, pause: u64) {
    let mut chance = Chance(seed * 31 + writer);
    for commit in 0..COMMITS {
        let one = |n| submission(&format!("{writer}-{commit}-{n}"), if n % 3 == 0 { "order.shipped" } else { "x" });
        let submissions = (0..=chance.below(4)).map(one).collect();
        log.append(&acme(), submissions).await.unwrap();
        chance.pause(pause).await;
    }
}

/// The numbers that match, by another way through the log.
async fn matching(log: &Log, filter: &EventFilter) -> Vec<u64> {
    let page = log.scan(&acme(), filter, LogPosition::START, 1000).await.unwrap();
    assert!(page.next.is_none());
    page.events.iter().map(|event| event.sequence).collect()
}

/// Windows of a random length, cut after a random number of bytes or moments, until everything was seen.
async fn follow(
    log: &Log,
    filter: &EventFilter,
    transfer: Transfer,
    chance: &mut Chance,
    done: impl Fn() -> bool,
) -> Client {
    let mut client = Client::default();
    loop {
        let last = done();
        let after = client.last_id.parse().unwrap_or(0);
        let tail = log.tail_after(&acme(), filter.clone(), after).await.unwrap().unwrap();
        let mut chunks = pin!(window::chunks(tail, Duration::from_secs(1 + chance.below(3)), transfer));
        let mut budget = usize::try_from(chance.below(4000)).unwrap();
        let cut = tokio::time::sleep(Duration::from_millis(chance.below(if last { 4000 } else { 400 })));
        let mut cut = pin!(cut);
        let mut buffered = Vec::new();
        let whole = loop {
            let chunk = tokio::select! {
                chunk = chunks.next() => chunk,
                () = &mut cut => break false,
            };
            let Some(Ok(chunk)) = chunk else { break true };
            match transfer {
                Transfer::Buffered => buffered.extend_from_slice(&chunk),
                Transfer::Streamed if chunk.len() > budget => {
                    client.read(&chunk[..budget]);
                    break false;
                }
                Transfer::Streamed => client.read(&chunk),
            }
            budget = budget.saturating_sub(chunk.len());
        };
        if whole {
            client.read(&buffered);
        }
        client.cut();
        // A window that began after the last commit, and was not cut.
        if last && whole && (transfer == Transfer::Streamed || buffered_is_idle(&buffered)) {
            return client;
        }
    }
}

fn buffered_is_idle(buffered: &[u8]) -> bool {
    !buffered.is_empty() && !String::from_utf8_lossy(buffered).contains("data:")
}

#[tokio::test(start_paused = true)]
async fn whatever_is_cut_each_event_is_seen_once_and_in_order() {
    for seed in 0..30 {
        let tables = MemoryTables::with_delay(Duration::from_millis(4));
        let log = Log::over(Arc::new(tables), Clock::System).seeded(seed);
        let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(log.clone(), writer, seed, 700))).collect();
        let transfer = if seed % 3 == 0 { Transfer::Buffered } else { Transfer::Streamed };
        let filter = if seed % 2 == 0 { only("order.shipped") } else { EventFilter::default() };
        let done = || writers.iter().all(tokio::task::JoinHandle::is_finished);
        let client = follow(&log, &filter, transfer, &mut Chance(seed), done).await;
        join_all(writers).await.into_iter().for_each(|written| written.unwrap());
        assert_eq!(client.sequences(), matching(&log, &filter).await, "seed {seed}, {transfer:?}");
        assert!(client.seen.len() >= usize::try_from(WRITERS * COMMITS).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn polls_one_after_another_show_each_event_once_and_in_order() {
    for seed in 0..10 {
        let tables = MemoryTables::with_delay(Duration::from_millis(4));
        let log = Log::over(Arc::new(tables), Clock::System).seeded(seed);
        let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(log.clone(), writer, seed, 700))).collect();
        let (mut chance, mut seen, mut after) = (Chance(seed), Vec::new(), 0);
        let filter = only("order.shipped");
        loop {
            let last = writers.iter().all(tokio::task::JoinHandle::is_finished);
            let tail = log.tail_after(&acme(), filter.clone(), after).await.unwrap().unwrap();
            let limit = usize::try_from(1 + chance.below(3)).unwrap();
            let page = long_poll::page(tail, Duration::from_secs(chance.below(3)), limit).await.unwrap();
            assert!(page.items.len() <= limit);
            seen.extend(page.items.iter().map(|event| event.sequence));
            after = page.next_after;
            if last && page.items.is_empty() {
                break;
            }
        }
        assert_eq!(seen, matching(&log, &filter).await, "seed {seed}");
    }
}

/// The same through the whole function, over an embedded DynamoDB and on real threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_with_its_last_id_misses_nothing() {
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let api = StreamApi { log: log.clone(), gate: gate.gate(), transfer: Transfer::Streamed };
    let app: Router = http_api::app(router(), api);
    let token = gate.token("acme", &["history_reader"]);
    let writers: Vec<_> = (0..2).map(|writer| tokio::spawn(write(log.clone(), writer, 7, 60))).collect();
    let (mut client, mut chance) = (Client::at(0), Chance(7));
    loop {
        let last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let request = Request::get("/order-history/events/stream?window=1")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {token}"))
            .header("last-event-id", &client.last_id);
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        let mut chunks = response.into_body().into_data_stream();
        let mut left = if last { u64::MAX } else { chance.below(5) };
        while left > 0
            && let Some(chunk) = chunks.next().await
        {
            client.read(&chunk.unwrap());
            left -= 1;
        }
        client.cut();
        if last {
            break;
        }
    }
    join_all(writers).await.into_iter().for_each(|written| written.unwrap());
    assert_eq!(client.sequences(), matching(&log, &EventFilter::default()).await);
}
