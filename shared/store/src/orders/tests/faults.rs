//! Every call fails once, before it takes effect and after, and nothing is called any more: a crash. Then another
//! process goes on.

use super::*;
use crate::testing::Moment;

/// A log of which a part is in the table, and the rest is what the faulty process is to do: two orders that are known,
/// and one that is new.
async fn half_done(world: &World, name: &str) -> TenantId {
    let tenant = tenant(name);
    world
        .append(&tenant, &[said("ord_1", "2025-08-01T10:00:00Z").by("a"), said("ord_2", "2025-08-01T11:00:00Z")])
        .await;
    world.advance(&tenant).await.unwrap();
    let more = [
        said("ord_1", "2025-08-02T10:00:00Z"),
        said("ord_3", "2025-08-02T11:00:00Z"),
        said("ord_2", "2025-07-01T00:00:00Z"),
    ];
    world.append(&tenant, &more).await;
    world.append(&tenant, &[said("ord_1", "2025-08-03T10:00:00Z").by("b")]).await;
    tenant
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_nothing_out_and_counts_nothing_twice() {
    let world = World::start().await;
    let counted = half_done(&world, "counted").await;
    let counting = Faults::default();
    world.faulty(&counting).with_window(3).advance(&counted, in_a_minute()).await.unwrap();
    // The position, and for either window: items, puts (three and one), the position.
    assert_eq!(counting.calls(), 9);

    for call in 1..=counting.calls() {
        for moment in [Moment::Before, Moment::After] {
            let acme = half_done(&world, &format!("crash-{call}-{}", moment == Moment::Before)).await;
            let faults = Faults::crash(call, moment);
            world.faulty(&faults).with_window(3).advance(&acme, in_a_minute()).await.unwrap_err();
            // What comes next finds more in the log, takes it in windows of another size, and may crash as well.
            world.append(&acme, &[said("ord_3", "2025-08-04T10:00:00Z"), said("ord_4", "2025-08-04T10:00:00Z")]).await;
            let again = Faults::crash(call, moment);
            let second = world.faulty(&again).advance(&acme, in_a_minute()).await;
            assert!(second.is_err() || again.calls() < call, "{call} {moment:?}");

            let done = world.advance(&acme).await.unwrap();
            assert_eq!((done.next, done.complete), (9, true), "{call} {moment:?}");
            assert_eq!(world.stored(&acme).await, world.naive(&acme).await, "{call} {moment:?}");
        }
    }
}
