//! Lists of orders, page by page.

use std::collections::BTreeSet;

use super::*;

/// 60 orders in four days of three customers; the higher the number, the earlier in its day.
async fn sixty(world: &World, tenant: &TenantId) {
    let orders: Vec<_> = (0..60)
        .map(|n| {
            let day_and_hour = format!("2025-08-{:02}T{:02}:30:00Z", 10 + n % 4, 23 - n / 4);
            said(&format!("ord_{n:02}"), &day_and_hour).by(&format!("cust_{}", n % 3))
        })
        .collect();
    world.append(tenant, &orders).await;
    world.advance(tenant).await.unwrap();
}

#[tokio::test]
async fn filters_combine_and_every_page_size_gives_the_same_list() {
    let (world, acme) = (World::start().await, tenant("acme"));
    sixty(&world, &acme).await;
    let all: Vec<_> = world.naive(&acme).await.into_values().collect();
    let last_at = |order: &OrderSummary| order.occurred.as_ref().unwrap().last_at;

    let instants = [None, Some("2025-08-11T00:00:00Z"), Some("2025-08-12T15:30:00Z"), Some("2025-08-13T23:30:00.5Z")];
    let mut sizes = BTreeSet::new();
    for from in instants.map(|text| text.map(at)) {
        for to in instants.map(|text| text.map(at)) {
            for customer_id in [None, Some(customer("cust_1")), Some(customer("nobody"))] {
                let filter = OrderFilter { from, to, customer_id };
                let mut expected: Vec<_> =
                    all.iter().filter(|order| filter.from.is_none_or(|from| last_at(order) >= from)).collect();
                expected.retain(|order| filter.to.is_none_or(|to| last_at(order) < to));
                expected.retain(|order| filter.customer_id.is_none() || order.customer_id == filter.customer_id);
                if filter.customer_id.is_none() {
                    expected.sort_by_key(|order| (last_at(order).to_string()[..10].to_owned(), &order.order_id));
                }
                let expected: Vec<_> = expected.into_iter().map(|order| order.order_id.as_str()).collect();
                sizes.insert(expected.len());
                for limit in [1, 7, 1000] {
                    assert_eq!(ids(&world.list(&acme, &filter, limit).await), expected, "{filter:?} {limit}");
                }
            }
        }
    }
    assert!(sizes.contains(&0) && sizes.contains(&60) && sizes.len() > 8, "{sizes:?}");
}

#[tokio::test]
async fn the_last_page_says_so_and_a_page_costs_what_it_holds() {
    let (world, acme) = (World::start().await, tenant("acme"));
    sixty(&world, &acme).await;
    let page = world.orders().list(&acme, &OrderFilter::default(), None, 60).await.unwrap();
    assert_eq!((page.orders.len(), page.next), (60, None));
    let page = world.orders().list(&acme, &OrderFilter::default(), None, 59).await.unwrap();
    let last = world.orders().list(&acme, &OrderFilter::default(), page.next, 59).await.unwrap();
    assert_eq!((ids(&last.orders), last.next), (vec!["ord_59"], None));
}

/// A filter that leaves out nearly everything of a day does not make one page read the whole day.
#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_orders() {
    let (world, acme) = (World::start().await, tenant("acme"));
    let mut orders: Vec<_> = (0..499).map(|n| said(&format!("ord_{n:03}"), "2025-08-29T10:00:00Z")).collect();
    orders.push(said("ord_499", "2025-08-29T20:00:00Z"));
    world.append(&acme, &orders).await;
    world.advance(&acme).await.unwrap();

    let filter = OrderFilter { from: Some(at("2025-08-29T12:00:00Z")), ..OrderFilter::default() };
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = world.orders().list(&acme, &filter, after, 10).await.unwrap();
        pages.push(page.orders.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Two hundred are looked at on a page.
    assert_eq!(pages, [0, 0, 1]);
}

#[tokio::test]
async fn orders_that_move_on_while_somebody_pages_are_not_lost() {
    let (world, acme) = (World::start().await, tenant("acme"));
    sixty(&world, &acme).await;
    let (mut seen, mut after, mut moved) = (Vec::new(), None, 0..60);
    loop {
        let page = world.orders().list(&acme, &OrderFilter::default(), after, 9).await.unwrap();
        seen.extend(page.orders.into_iter().map(|order| order.order_id));
        after = page.next;
        if after.is_none() {
            break;
        }
        // Some that were seen, some that were not, and none of them twice.
        let news: Vec<_> =
            moved.by_ref().take(5).map(|n| said(&format!("ord_{n:02}"), "2025-08-20T00:00:00Z")).collect();
        if !news.is_empty() {
            world.append(&acme, &news).await;
            world.advance(&acme).await.unwrap();
        }
    }
    let all: BTreeSet<_> = world.naive(&acme).await.into_keys().collect();
    assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), all, "none is left out");
    assert!(seen.len() > 60 && seen.len() <= 120, "one that was seen comes again at its new place: {}", seen.len());
}

#[tokio::test]
async fn a_list_is_its_tenants_alone() {
    let (world, acme) = (World::start().await, tenant("acme"));
    let others = ["acme-1", "acm", "acme_"].map(tenant);
    world.append(&acme, &[said("ord_1", "2025-08-29T10:00:00Z").by("1#x")]).await;
    world
        .append(
            &others[0],
            &[said("ord_1", "2025-08-30T10:00:00Z").by("x"), said("ord_2", "2025-08-30T10:00:00Z").by("1#x")],
        )
        .await;
    for tenant in [&acme, &others[0]] {
        world.advance(tenant).await.unwrap();
    }
    assert_eq!(ids(&world.list(&acme, &OrderFilter::default(), 1).await), ["ord_1"]);
    let of = |name: &str| OrderFilter { customer_id: Some(customer(name)), ..OrderFilter::default() };
    assert_eq!(ids(&world.list(&acme, &of("1#x"), 10).await), ["ord_1"]);
    assert_eq!(ids(&world.list(&others[0], &of("1#x"), 10).await), ["ord_2"]);
    assert_eq!(world.list(&acme, &of("x"), 10).await, []);
    for stranger in &others[1..] {
        assert_eq!(world.list(stranger, &OrderFilter::default(), 10).await, []);
        assert_eq!(world.list(stranger, &of("1#x"), 10).await, []);
    }
}
