//! Everybody at once while functions are killed, and the ledger is exactly what was acknowledged: the hammer
//! (`cargo run --example hammer`) for a while. And what it says of a ledger that is not.
//!
//! It runs by itself, after the other tests: they expect their functions to live.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

#[path = "../hammer/engine/mod.rs"]
mod engine;
#[expect(dead_code, unused_imports, reason = "made for the other end-to-end tests, which need more of it")]
mod support;

use std::path::Path;
use std::time::Duration;

use self::engine::{Checked, Plan, Run, Target};
use self::support::{Tables, Tenant, event, number, random_name};

const LOAD: Duration = Duration::from_secs(20);
const KILL_EVERY: Duration = Duration::from_millis(500);

#[tokio::test]
async fn killing_functions_under_load_loses_doubles_and_moves_nothing() {
    let run = random_name("kill");
    let tenants: Vec<String> = (1..=6).map(|rank| format!("hammer-{run}-{rank}")).collect();
    let plan = Plan {
        run,
        seed: 20_261_121,
        tenants: tenants.clone(),
        exponent: 1.0,
        duration: LOAD,
        // On a machine that is fast; the check afterwards should be short as well.
        events: 6000,
        clients: 8,
        lanes: 2,
        batch: 60,
        backlog: 600,
        repeats: 10,
        conflicts: 4,
        races: 4,
        impatient: 3,
        payload: 200,
        give_up: Duration::from_secs(120),
        settle: Duration::from_secs(120),
        // Elsewhere, the emulator's processes cannot be told apart.
        kill_every: cfg!(target_os = "linux").then_some(KILL_EVERY),
        orders: 60,
        show: false,
    };
    let stack = std::env::var("ORDER_HISTORY_STACK").expect("ORDER_HISTORY_STACK is not set");
    let target = Target::of_stack(Path::new(&stack)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::prepare(&target, &plan, folder.path()).await.unwrap();
    run.hammer().await.unwrap();
    let figures = run.figures().to_string();
    let checked = run.check().await.unwrap();

    assert_eq!(run.take_differences().listed, Vec::<String>::new(), "{figures}");
    assert_it_was_a_load(&run, &plan, &checked);
    damage_is_named(&run, &tenants[0], &plan.run).await;
}

/// A test that does nothing must not pass.
fn assert_it_was_a_load(run: &Run<'_>, plan: &Plan, checked: &Checked) {
    let numbers = run.figures();
    let figures = numbers.to_string();
    assert_eq!(numbers.given_up, 0, "{figures}");
    assert_eq!(checked.audited, plan.tenants.len() as u64, "every log is recomputed from the table");
    assert!(checked.timelines >= 6 && checked.events >= numbers.acknowledged + numbers.on_stream, "{checked}");
    assert!(numbers.acknowledged > 20 && numbers.on_stream > 100, "that was no load: {figures}");
    assert!(numbers.conflicts > 0 && numbers.repeated > 0, "{figures}");
    let kills: u64 = numbers.kills.values().sum();
    assert!(plan.kill_every.is_none() || kills >= 10, "{figures}");
    // Some of them in the middle of a request.
    assert!(plan.kill_every.is_none() || numbers.answers.contains_key("502"), "{figures}");
}

/// A log that holds one event more than was sent, and a timeline that lacks one.
async fn damage_is_named(run: &Run<'_>, tenant: &str, name: &str) {
    let order = format!("o-{name}-endless");
    let tables = Tables::new().await;
    let timeline = tables.query(tables.index, "pk", &format!("{tenant}#O#{order}")).await;
    let lost = number(timeline.first().expect("the first tenant has events of this order"), "sk");
    tables.delete(tables.index, Tables::index_key(format!("{tenant}#O#{order}"), lost)).await;
    let stray = random_name("stray");
    let sent = Tenant::new("any").named(tenant).post("/events", &event(&stray, "other")).await.expect(201).json;

    run.check().await.unwrap();
    let said = run.take_differences();
    let expected = [
        format!("{tenant}: sequence {}, event {stray}: nobody has sent it", sent["sequence"]),
        format!("{tenant}: the timeline of {order} ({} of {} events)", timeline.len() - 1, timeline.len()),
    ];
    for expected in &expected {
        assert!(said.listed.iter().any(|said| said.starts_with(expected)), "\"{expected}\" is not in {said:#?}");
    }
    assert_eq!(said.count, expected.len() as u64, "{said:#?}");
}
