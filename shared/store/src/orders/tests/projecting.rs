//! The projection says what a fold of the whole log says, however it came about.

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{conditional::Put, orders::item};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Said>),
    /// A run with a window of so many events; one that has no time does one window.
    Run {
        window: u64,
        hurried: bool,
    },
    /// Two at once.
    Race(u64, u64),
    /// A run that read the position before others moved it: it starts from an earlier one.
    Late {
        back: u64,
        window: u64,
    },
}

fn a_said() -> impl Strategy<Value = Said> {
    let customer = prop_oneof![4 => Just(None), 1 => "[ab]".prop_map(Some)];
    // Days around the turn of a month, and not in the order in which they are said.
    let when = (27..=32_u8, 0..24_u8).prop_map(|(day, hour)| {
        let (month, day) = if day > 30 { (7, day - 30) } else { (6, day) };
        format!("2025-{month:02}-{day:02}T{hour:02}:00:00Z")
    });
    (0..6_u8, when, customer, prop::bool::weighted(0.15)).prop_map(|(order, at, customer, record)| Said {
        order: format!("ord_{order}"),
        at,
        customer: customer.filter(|_| !record),
        record,
    })
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(a_said(), 1..8).prop_map(Step::Commit),
        2 => (1..20_u64, any::<bool>()).prop_map(|(window, hurried)| Step::Run { window, hurried }),
        2 => (1..20_u64, 1..20_u64).prop_map(|(one, other)| Step::Race(one, other)),
        1 => (1..20_u64, 1..20_u64).prop_map(|(back, window)| Step::Late { back, window }),
    ]
}

impl World {
    async fn put_position(&self, tenant: &TenantId, next: u64) {
        let mut item = item::key(tenant, item::POSITION);
        item.insert("next".to_owned(), AttributeValue::N(next.to_string()));
        self.dynamo.aws().dynamo().put_item().table_name(ORDERS).set_item(Some(item)).send().await.unwrap();
    }

    /// The segment's start at or before a sequence number.
    async fn start_before(&self, tenant: &TenantId, sequence: u64) -> u64 {
        self.log.segment_of(tenant, sequence).await.unwrap().map_or(1, |segment| segment.first)
    }

    async fn take(&self, tenant: &TenantId, step: &Step) {
        let run = |window| self.index().with_window(window);
        match step {
            Step::Commit(events) => self.append(tenant, events).await,
            Step::Run { window, hurried } => {
                let deadline = if *hurried { Instant::now() } else { in_a_minute() };
                let before = self.orders().0.position(tenant).await.unwrap().unwrap_or(1);
                let done = run(*window).advance(tenant, deadline).await.unwrap();
                assert_eq!(done.next - before, done.events);
                assert_eq!(self.orders().0.position(tenant).await.unwrap().unwrap_or(1), done.next);
                let end = self.log.status(tenant).await.unwrap().sequence;
                assert!(*hurried || (done.complete && done.next == end + 1), "{done:?} of {end}");
            }
            Step::Race(one, other) => {
                let (one, other) = (run(*one), run(*other));
                let (one, other) =
                    tokio::join!(one.advance(tenant, in_a_minute()), other.advance(tenant, in_a_minute()));
                assert_eq!((one.unwrap().complete, other.unwrap().complete), (true, true));
            }
            Step::Late { back, window } => {
                let now = self.orders().0.position(tenant).await.unwrap().unwrap_or(1);
                let earlier = self.start_before(tenant, now.saturating_sub(*back).max(1)).await;
                self.put_position(tenant, earlier).await;
                run(*window).advance(tenant, in_a_minute()).await.unwrap();
            }
        }
    }

    /// The items are those of the fold, and each list has each of its orders once, in its order.
    async fn check(&self, tenant: &TenantId) {
        let naive = self.naive(tenant).await;
        assert_eq!(self.stored(tenant).await, naive);

        let mut listed: Vec<_> = naive.values().filter(|order| order.occurred.is_some()).cloned().collect();
        listed.sort_by_key(|order| (order.occurred.as_ref().map(|it| item::day(it.last_at)), order.order_id.clone()));
        assert_eq!(self.list(tenant, &OrderFilter::default(), 4).await, listed);

        for name in ["a", "b"] {
            let filter = OrderFilter { customer_id: Some(customer(name)), ..OrderFilter::default() };
            let of_customer = naive.values().filter(|order| order.customer_id == filter.customer_id);
            assert_eq!(self.list(tenant, &filter, 4).await, of_customer.cloned().collect::<Vec<_>>());
        }
    }
}

#[test]
fn windows_races_and_repeats_make_no_difference() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::start());
    let case = AtomicU64::new(0);
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let steps = prop::collection::vec(a_step(), 1..24);
    let result = TestRunner::new(config).run(&steps, |steps| {
        let tenant = tenant(&format!("case-{}", case.fetch_add(1, Ordering::Relaxed)));
        runtime.block_on(async {
            for step in &steps {
                world.take(&tenant, step).await;
            }
            world.advance(&tenant).await.unwrap();
            world.check(&tenant).await;
        });
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn a_log_that_is_far_ahead_is_followed_a_window_at_a_time() {
    let (world, acme) = (World::start().await, tenant("acme"));
    for hour in 0..10 {
        let events: Vec<_> =
            (0..10).map(|n| said(&format!("ord_{n}"), &format!("2025-08-29T{hour:02}:00:00Z"))).collect();
        world.append(&acme, &events).await;
    }
    let index = world.index().with_window(30);
    let mut runs = Vec::new();
    loop {
        let run = index.advance(&acme, Instant::now()).await.unwrap();
        runs.push((run.events, run.next));
        if run.complete {
            break;
        }
    }
    // A segment is not divided.
    assert_eq!(runs, [(30, 31), (30, 61), (30, 91), (10, 101)]);
    world.check(&acme).await;
    assert_eq!(index.advance(&acme, Instant::now()).await.unwrap(), Advanced { events: 0, next: 101, complete: true });
}

#[tokio::test]
async fn what_is_recorded_by_us_is_counted_and_is_no_event_of_the_order() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, &[said("ord_1", "2025-08-01T10:00:00Z"), said("ord_2", "2025-08-03T10:00:00Z").record()]).await;
    world.append(&acme, &[said("ord_1", "2025-08-02T10:00:00Z").record()]).await;
    world.advance(&acme).await.unwrap();

    let one = &world.list(&acme, &OrderFilter::default(), 10).await[..];
    let [one] = one else { panic!("ord_2 has no event: {one:?}") };
    assert_eq!((one.order_id.as_str(), one.events, one.last_sequence), ("ord_1", 2, 3));
    let occurred = one.occurred.as_ref().unwrap();
    let day = at("2025-08-01T10:00:00Z");
    assert_eq!((occurred.first_at, occurred.last_at, occurred.last_type.as_str()), (day, day, "order.step_1"));
    assert_eq!(world.stored(&acme).await[&order("ord_2")].last_sequence, 2);

    // Its first event of a producer puts it into the list.
    world.append(&acme, &[said("ord_2", "2025-07-30T10:00:00Z")]).await;
    world.advance(&acme).await.unwrap();
    assert_eq!(ids(&world.list(&acme, &OrderFilter::default(), 10).await), ["ord_2", "ord_1"]);
}

#[tokio::test]
async fn an_erased_customer_stays_erased() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, &[said("ord_1", "2025-08-01T10:00:00Z").by("cust_1")]).await;
    world.advance(&acme).await.unwrap();
    let table = world.orders().0;
    let read = world.stored(&acme).await.remove(&order("ord_1")).unwrap();

    let dynamo = world.dynamo.aws().dynamo();
    let erase = dynamo.update_item().table_name(ORDERS).set_key(Some(item::key(&acme, "ord_1")));
    erase.update_expression("REMOVE customer").send().await.unwrap();

    // A run that read the item before.
    assert_eq!(table.put(&acme, Some(&read), &OrderSummary { events: 2, ..read.clone() }).await.unwrap(), Put::Taken);
    world.append(&acme, &[said("ord_1", "2025-08-02T10:00:00Z")]).await;
    world.advance(&acme).await.unwrap();
    let now = world.stored(&acme).await.remove(&order("ord_1")).unwrap();
    assert_eq!((now.events, now.customer_id), (2, None));
    let filter = OrderFilter { customer_id: Some(customer("cust_1")), ..OrderFilter::default() };
    assert_eq!(world.list(&acme, &filter, 10).await, []);
    assert!(!format!("{read:?}").contains("cust_1"), "personal data is not for logs");
}

#[tokio::test]
async fn a_log_that_lost_a_part_is_refused() {
    let (mut world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, &[said("ord_1", "2025-08-01T10:00:00Z"), said("ord_1", "2025-08-01T11:00:00Z")]).await;
    world.append(&acme, &[said("ord_1", "2025-08-01T12:00:00Z")]).await;
    world.advance(&acme).await.unwrap();
    // Nothing starts at the second event.
    world.put_position(&acme, 2).await;
    assert!(matches!(world.advance(&acme).await, Err(StoreError::Corrupt { .. })));

    world.put_position(&acme, 4).await;
    world.log = Log::over(Arc::new(MemoryTables::default()), Clock::System);
    world.append(&acme, &[said("ord_1", "2025-08-01T10:00:00Z")]).await;
    assert!(matches!(world.advance(&acme).await, Err(StoreError::Corrupt { .. })));
    // Another tenant's is none of its business.
    world.append(&tenant("zeta"), &[said("ord_1", "2025-08-01T10:00:00Z")]).await;
    world.advance(&tenant("zeta")).await.unwrap();
    world.check(&tenant("zeta")).await;
}
