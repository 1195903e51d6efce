//! Histories that nobody would think of: late events, ties, corrections and snapshots in any order.

use domain::order::View;
use proptest::prelude::*;
use serde_json::json;

use super::{Question, Rules, World, at, correction, event};

/// What happens next.
#[derive(Debug, Clone)]
enum Act {
    /// An event that occurred at a second and sets one of a few fields.
    Event {
        second: i64,
        field: u8,
        kind: u8,
    },
    /// A correction of one of the events so far.
    Correction {
        of: prop::sample::Index,
        field: u8,
    },
    Snapshot {
        second: i64,
        original: bool,
    },
    Deletion {
        of: prop::sample::Index,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..12_i64, 0..3_u8, 0..3_u8).prop_map(|(second, field, kind)| Act::Event { second, field, kind }),
        2 => (any::<prop::sample::Index>(), 0..3_u8).prop_map(|(of, field)| Act::Correction { of, field }),
        3 => (0..13_i64, any::<bool>()).prop_map(|(second, original)| Act::Snapshot { second, original }),
        1 => any::<prop::sample::Index>().prop_map(|of| Act::Deletion { of }),
    ];
    prop::collection::vec(act, 1..24)
}

fn rules() -> Rules {
    Rules::from([
        ("order.noted".to_owned(), serde_json::from_value(json!({"rule": "append", "at": "/notes"})).unwrap()),
        ("order.replaced".to_owned(), serde_json::from_value(json!("replace")).unwrap()),
    ])
}

#[test]
fn a_state_is_the_fold_of_all_events_however_it_is_read() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut world = runtime.block_on(World::new());
    runtime.block_on(async {
        world.rule("order.noted", json!({"rule": "append", "at": "/notes"})).await;
        world.rule("order.replaced", json!("replace")).await;
    });
    let (mut case, mut based) = (0, 0);
    let strategy = (acts(), 1..400_usize);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 150, ..ProptestConfig::default() });
    let world = std::cell::RefCell::new(&mut world);
    let counts = std::cell::RefCell::new((&mut case, &mut based));
    runner
        .run(&strategy, |(acts, window)| {
            let mut world = world.borrow_mut();
            let mut counts = counts.borrow_mut();
            *counts.0 += 1;
            // So small that most orders need several passes.
            world.history = world.history.clone().with_window(window);
            *counts.1 += runtime.block_on(play(&world, *counts.0, &acts));
            Ok(())
        })
        .unwrap();
    assert!(based > 1_000, "only {based} answers started from a stored state");
}

/// How many answers started from a stored state.
async fn play(world: &World, case: u32, acts: &[Act]) -> usize {
    let order = format!("ord_{case}");
    let order_id = order.parse().unwrap();
    let (mut events, mut snapshots) = (Vec::<String>::new(), Vec::<String>::new());
    for (number, act) in acts.iter().enumerate() {
        let id = format!("{case}_{number}");
        match act {
            Act::Event { second, field, kind } => {
                let types = ["order.touched", "order.noted", "order.replaced"];
                let payload = json!({format!("f{field}"): number, "same": {"n": number}});
                world.record([event(&order, &id, *second, types[usize::from(*kind)], payload)]).await;
                events.push(id);
            }
            Act::Correction { of, field } if !events.is_empty() => {
                let payload = json!({format!("f{field}"): format!("corrected by {number}"), "same": null});
                world.record([correction(&order, &id, &events[of.index(events.len())], 5, payload)]).await;
                events.push(id);
            }
            Act::Snapshot { second, original } => {
                let view = if *original { View::Original } else { View::Corrected };
                world.store(&order_id, &id, at(*second), view).await;
                snapshots.push(id);
            }
            Act::Deletion { of } if !snapshots.is_empty() => {
                let gone = snapshots.remove(of.index(snapshots.len()));
                world.delete(&order_id, &gone).await;
            }
            Act::Correction { .. } | Act::Deletion { .. } => {}
        }
    }
    let all = world.all(&order_id).await;
    if all.is_empty() {
        return 0;
    }
    let mut based = 0;
    let known: Vec<_> = all.iter().map(|event| Some(event.received_at)).step_by(3).chain([None]).collect();
    for second in (0..13).map(|second| Some(at(second))).chain([None]) {
        for view in [View::Corrected, View::Original] {
            for known_at in &known {
                let question = Question { at: second, known_at: *known_at, view, explain: false };
                based += usize::from(world.check(&order_id, &all, question, &rules()).await);
            }
            let explained = Question { at: second, known_at: None, view, explain: true };
            assert!(!world.check(&order_id, &all, explained, &rules()).await);
        }
    }
    based
}
