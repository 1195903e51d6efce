//! Single POSTs through the router of events-api: the token is checked, the schema looked for, the event appended.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use events_api::EventsApi;
use http_api::testing::{TestGate, post};
use store::{
    Clock, Log, SchemaCache, Schemas, Trees,
    log::memory::MemoryTables,
    testing::{MemoryBucket, SCHEMAS},
};

use crate::{cpu, sample::Kind, time};

const POSTS: u32 = 2_000;

/// One after the other, over tables in memory without delay: the time on the clock, and of processors.
pub(crate) fn measure() -> Result<(Duration, Duration)> {
    time::real(async {
        let gate = TestGate::start().await;
        let aws = gate.dynamo().aws();
        let stopped = Clock::Manual(Arc::new(AtomicI64::new(0)));
        let api = EventsApi {
            log: Log::over(Arc::new(MemoryTables::default()), Clock::System).seeded(1),
            schemas: SchemaCache::new(Schemas::new(aws, SCHEMAS), stopped),
            trees: Trees::for_tests(aws, &MemoryBucket::default()),
            gate: gate.gate(),
        };
        let app = http_api::app(events_api::router(), api);
        let token = gate.token("bench", &["producer"]);
        let mut begun = (Instant::now(), cpu::used()?);
        for n in 0..=POSTS {
            let event = Kind::Payment.document("bench", &format!("evt_{n}"), n as usize);
            let answer = post("/order-history/events", &event).token(&token).send(&app).await;
            ensure!(answer.status == 201, "a POST is answered with {}: {:?}", answer.status, answer.json);
            if n == 0 {
                // Whether there is a schema is known now.
                begun = (Instant::now(), cpu::used()?);
            }
        }
        Ok((begun.0.elapsed() / POSTS, cpu::used()?.saturating_sub(begun.1) / POSTS))
    })
}

pub(crate) fn run() -> Result<()> {
    let (elapsed, cpu) = measure()?;
    println!(
        "\nSingle POSTs through the router, one after the other, over tables that answer at once: {:.0} a second,",
        1.0 / elapsed.as_secs_f64()
    );
    println!("{} µs of CPU time each.", cpu.as_micros());
    Ok(())
}
