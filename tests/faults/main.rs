//! The real log over tables that fail: calls are lost before they are made or after, doubled, late, torn, half made,
//! refused, and slow, and processes are stopped in the middle of them.
//!
//! The same contract and fewer runs go over DynamoDB as others have built it: `dynoxide` in this process, and with the
//! feature `e2e` DynamoDB Local and the local stack's.
//!
//! Every run over memory follows from its seed. `ORDER_HISTORY_FAULTS=<seeds>` says how many there are; a run that fails is told
//! with the command that makes it again.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod backends;
mod chance;
#[cfg(feature = "e2e")]
mod elsewhere;
mod faulty;
mod handlers;
mod proxy;
mod run;
mod whole;

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use run::{Summary, run};

/// How many runs there are if nobody says otherwise: in memory, and behind a wire.
const SEEDS: u64 = 1_500;
const SEEDS_OVER_A_WIRE: u64 = 10;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {value}")))
}

/// The run of a seed; a panic is a failure like others.
fn checked(seed: u64) -> Result<Summary, String> {
    let ended = catch_unwind(|| run(seed)).unwrap_or_else(|_| Err("it panics, see above".to_owned()));
    ended.map_err(|wrong| {
        format!(
            "seed {seed}: {wrong}\nonce more: ORDER_HISTORY_FAULTS_SEED={seed} cargo test --workspace --test faults \
             -- racing"
        )
    })
}

#[test]
fn racing_writers_over_tables_that_fail() {
    if let Some(seed) = number("ORDER_HISTORY_FAULTS_SEED") {
        eprintln!("seed {seed}: {:?}", checked(seed).unwrap_or_else(|wrong| panic!("{wrong}")));
        return;
    }
    let seeds = number("ORDER_HISTORY_FAULTS").unwrap_or(SEEDS);
    let (started, next) = (Instant::now(), AtomicU64::new(0));
    let work = || {
        let mut sum = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return Ok(sum);
            }
            sum += checked(seed)?;
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let sums: Vec<Result<Summary, String>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = Summary::default();
    for sum in sums {
        all += sum.unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    eprintln!("{seeds} seeds in {:.1} s: {all:?}", started.elapsed().as_secs_f64());
    // There was something to be survived.
    assert!(all.faults > seeds && all.failed > seeds / 2 && all.acknowledged > 2 * seeds, "{all:?}");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..5 {
        let (once, again) = (checked(seed).unwrap(), checked(seed).unwrap());
        assert_eq!(once, again, "seed {seed}");
    }
}

#[tokio::test]
async fn over_dynoxide() {
    let (_dynamo, backend) = backends::dynoxide().await;
    backend.keeps_the_contract().await;
    backend.survives(SEEDS_OVER_A_WIRE).await;
}

/// `cargo local test` starts it and says where it is.
#[cfg(feature = "e2e")]
#[tokio::test]
async fn over_dynamodb_local() {
    let Ok(endpoint) = std::env::var("ORDER_HISTORY_DYNAMODB_LOCAL") else {
        let unwanted = std::env::var("DYNAMODB_LOCAL").is_ok_and(|value| value == "no");
        assert!(unwanted, "ORDER_HISTORY_DYNAMODB_LOCAL says where DynamoDB Local is; DYNAMODB_LOCAL=no leaves it out");
        eprintln!("left out, as DYNAMODB_LOCAL=no says");
        return;
    };
    let backend = elsewhere::at("DynamoDB Local", &endpoint, None).await;
    backend.keeps_the_contract().await;
    backend.survives(SEEDS_OVER_A_WIRE).await;
}

#[cfg(feature = "e2e")]
#[tokio::test]
async fn over_the_local_stack() {
    let file = std::env::var_os("ORDER_HISTORY_STACK").unwrap();
    let stack: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    if stack["credentials"].is_null() {
        eprintln!("left out: these tables are made, and that is only done to an emulator");
        return;
    }
    let (endpoint, key) = (&stack["endpoint_url"], &stack["credentials"]["access_key_id"]);
    let backend = elsewhere::at("the local stack", endpoint.as_str().unwrap(), key.as_str()).await;
    backend.keeps_the_contract().await;
    backend.survives(SEEDS_OVER_A_WIRE).await;
}
