//! Every call fails once, before it takes effect and after, and nothing is called any more: a crash. Then another
//! process goes on.

use super::*;
use crate::testing::Moment;

/// A log of which a part is integrated, and the rest is what the faulty process is to do.
async fn half_done(world: &World, name: &str) -> TenantId {
    let tenant = tenant(name);
    world.append(&tenant, 200).await;
    world.integrate(&tenant).await.unwrap();
    world.append(&tenant, 150).await;
    tenant
}

async fn published_size(world: &World, tenant: &TenantId) -> u64 {
    world.trees.checkpoint(tenant).await.unwrap().map_or(0, |published| published.head().size)
}

#[tokio::test]
async fn a_crash_at_any_call_is_repaired_by_the_next_run() {
    let world = World::start().await;
    let counted = half_done(&world, "counted").await;
    let counting = Faults::default();
    world.faulty(&counting).integrate(&counted, in_a_minute()).await.unwrap();
    // State, right edge, tiles, commit, checkpoint, state, key, signature, checkpoint.
    assert!(counting.calls() >= 12, "{}", counting.calls());

    for call in 1..=counting.calls() {
        for moment in [Moment::Before, Moment::After] {
            let acme = half_done(&world, &format!("crash-{call}-{}", moment == Moment::Before)).await;
            let faults = Faults::crash(call, moment);
            world.faulty(&faults).integrate(&acme, in_a_minute()).await.unwrap_err();
            assert!([200, 350].contains(&published_size(&world, &acme).await));
            world.check_signed(&acme).await;

            // What comes next may find more in the log, and may crash as well.
            world.append(&acme, 60).await;
            let again = Faults::crash(call, moment);
            let second = world.faulty(&again).integrate(&acme, in_a_minute()).await;
            assert!(second.is_err() || again.calls() < call, "{call} {moment:?}");
            assert!([200, 350, 410].contains(&published_size(&world, &acme).await));

            let done = world.integrate(&acme).await.unwrap();
            assert_eq!((done.size, done.complete), (410, true), "{call} {moment:?}");
            assert_eq!(world.check_published(&acme).await.size, 410);
            let signed = world.check_signed(&acme).await;
            assert!(signed.is_sorted() && signed.ends_with(&[410]), "{signed:?}");
        }
    }
}

#[tokio::test]
async fn the_very_first_run_may_crash_anywhere_too() {
    let world = World::start().await;
    let first = tenant("first");
    world.append(&first, 5).await;
    let counting = Faults::default();
    world.faulty(&counting).integrate(&first, in_a_minute()).await.unwrap();
    for call in 1..=counting.calls() {
        for moment in [Moment::Before, Moment::After] {
            let acme = tenant(&format!("new-{call}-{}", moment == Moment::Before));
            world.append(&acme, 5).await;
            world.faulty(&Faults::crash(call, moment)).integrate(&acme, in_a_minute()).await.unwrap_err();
            world.integrate(&acme).await.unwrap();
            assert_eq!(world.check_published(&acme).await.size, 5);
            assert!(world.check_signed(&acme).await.iter().all(|size| *size == 5));
        }
    }
}
