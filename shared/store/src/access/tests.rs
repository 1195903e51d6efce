#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::testing::{ACCESS, LocalDynamo};

/// 2025-08-29T12:00:00Z
const NOON: i64 = 1_756_468_800_000;

fn instant(millis: i64) -> Timestamp {
    Timestamp::clamped_from_millis(millis)
}

/// A record as long as they come: ids and texts of the usual lengths.
fn access(millis: i64, request_id: &str) -> Access {
    Access {
        at: instant(millis),
        request_id: request_id.to_owned(),
        trace: Trace {
            subject: "8f14e45f-ceea-467f-9c2d-0f0e5a7b3c11".to_owned(),
            roles: vec!["history_reader".to_owned(), "auditor".to_owned()],
            route: "GET /order-history/orders/{order_id}/timeline".to_owned(),
            path: BTreeMap::from([("order_id".to_owned(), "ord_98f0e2b0d85754ca3b4e06d70f0f63a2".to_owned())]),
            query: "from=2025-08-01T00%3A00%3A00Z&to=2025-09-01T00%3A00%3A00Z&order=occurred_at&limit=1000".to_owned(),
            source_ip: Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".to_owned()),
            user_agent: Some("support-desk/4.2 (+https://support.example.com) reqwest/0.13".to_owned()),
            purpose: Some("dispute 4711: the customer says that the parcel never came".to_owned()),
        },
    }
}

#[tokio::test]
async fn a_day_is_read_back_in_the_order_of_time_page_by_page() {
    let local = LocalDynamo::start().await;
    let log = AccessLog::new(local.aws(), ACCESS, 400);
    let (acme, rival): (TenantId, TenantId) = ("acme".parse().unwrap(), "acme-2".parse().unwrap());
    // A whole second comes before its fractions, though '.' comes before 'Z'.
    let offsets = [0, 1, 10, 100, 250, 999, 1000];
    let written: Vec<Access> = offsets.iter().map(|offset| access(NOON + offset, &format!("r-{offset}"))).collect();
    for record in written.iter().rev() {
        log.write(&acme, record.clone()).await.unwrap();
    }
    // Of one millisecond, and the same record again, as after a lost answer.
    let twin = access(NOON + 1000, "r-1001");
    log.write(&acme, twin.clone()).await.unwrap();
    log.write(&acme, twin.clone()).await.unwrap();
    // Other days, another tenant.
    log.write(&acme, access(NOON + 12 * 3_600_000, "tomorrow")).await.unwrap();
    log.write(&acme, access(NOON - 12 * 3_600_000 - 1, "yesterday")).await.unwrap();
    log.write(&rival, access(NOON, "theirs")).await.unwrap();

    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = log.list(&acme, instant(NOON + 5), after.as_deref(), 3).await.unwrap();
        assert!(page.records.len() <= 3);
        read.extend(page.records);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, [written, vec![twin]].concat());
    let tomorrow = log.list(&acme, instant(NOON + 24 * 3_600_000), None, 10).await.unwrap();
    assert_eq!(tomorrow.records[0].request_id, "tomorrow");
    assert_eq!(log.list(&acme, instant(0), None, 10).await.unwrap(), AccessPage { records: vec![], next: None });
}

#[tokio::test]
async fn a_record_costs_one_write_unit() {
    let local = LocalDynamo::start().await;
    let log = AccessLog::new(local.aws(), ACCESS, 400);
    let tenant = "x".repeat(64).parse().unwrap();
    let item = log.item_of(&tenant, access(NOON, "4538a968-ba1a-5afb-ab71-6660690f4687")).unwrap();
    let put = local.aws().dynamo().put_item().table_name(ACCESS).set_item(Some(item.clone()));
    let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    assert_eq!(put.consumed_capacity.unwrap().capacity_units, Some(1.0));
    assert_eq!(item["pk"].as_s().unwrap(), &format!("{tenant}#2025-08-29"));
    assert_eq!(item["sk"].as_s().unwrap(), "2025-08-29T12:00:00.000Z#4538a968-ba1a-5afb-ab71-6660690f4687");
    let day = 24 * 60 * 60;
    assert_eq!(item["expires_at"].as_n().unwrap(), &(NOON / 1000 + 400 * day).to_string());
}

#[tokio::test]
async fn what_a_caller_sends_is_kept_within_bounds() {
    let local = LocalDynamo::start().await;
    let log = AccessLog::new(local.aws(), ACCESS, 400);
    let acme = "acme".parse().unwrap();
    let mut large = access(NOON, "r-1");
    large.trace.path = BTreeMap::from([("order_id".to_owned(), "é".repeat(9000))]);
    large.trace.query = "a".repeat(9000);
    large.trace.user_agent = Some("b".repeat(MAX_TEXT_CHARS));
    let mut bare = access(NOON + 1, "r-2");
    bare.trace = Trace {
        path: BTreeMap::new(),
        query: String::new(),
        source_ip: None,
        user_agent: None,
        purpose: None,
        ..bare.trace
    };
    log.write(&acme, large).await.unwrap();
    log.write(&acme, bare.clone()).await.unwrap();

    let page = log.list(&acme, instant(NOON), None, 10).await.unwrap();
    let [kept, without] = &page.records[..] else { panic!("{page:?}") };
    assert_eq!(kept.trace.path["order_id"], "é".repeat(MAX_TEXT_CHARS) + "…");
    assert_eq!(kept.trace.query, "a".repeat(MAX_QUERY_CHARS) + "…");
    assert_eq!(kept.trace.user_agent, Some("b".repeat(MAX_TEXT_CHARS)));
    assert_eq!(without, &bare);
}
