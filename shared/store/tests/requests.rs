//! The Requests table, against a database in this process.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use store::requests::{Answer, Claim, KEEP_SECONDS, LEASE_SECONDS, Lease, RequestId, Requests};
use store::testing::{LocalDynamo, REQUESTS};

const NOW: i64 = 1_756_468_800;
const BODY: [u8; 32] = [1; 32];
const OTHER_BODY: [u8; 32] = [2; 32];

struct Table {
    requests: Requests,
    dynamo: LocalDynamo,
}

impl Table {
    async fn new() -> Self {
        let dynamo = LocalDynamo::start().await;
        Self { requests: Requests::new(dynamo.aws(), REQUESTS), dynamo }
    }

    async fn claim(&self, fingerprint: [u8; 32], now: i64) -> Claim {
        self.claim_as("user-1", fingerprint, now).await
    }

    async fn claim_as(&self, subject: &str, fingerprint: [u8; 32], now: i64) -> Claim {
        let tenant = "acme".parse().unwrap();
        let request = RequestId { tenant: &tenant, subject, route: "POST /events", key: "k-1" };
        self.requests.claim(request, fingerprint, now).await.unwrap()
    }
}

fn lease(claim: Claim) -> Lease {
    match claim {
        Claim::Yours(lease) => lease,
        other => panic!("the key is not free: {other:?}"),
    }
}

fn answer(body: &str) -> Answer {
    let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    Answer { status: 201, headers, body: body.to_owned() }
}

#[tokio::test]
async fn an_answer_is_kept_for_repetitions_of_the_same_request() {
    let table = Table::new().await;
    let mine = lease(table.claim(BODY, NOW).await);
    assert_eq!(table.claim(BODY, NOW + 10).await, Claim::Running { seconds_left: 50 });
    assert_eq!(table.claim(OTHER_BODY, NOW + 10).await, Claim::OtherRequest);

    table.requests.answer(mine, &answer("[1]")).await.unwrap();
    assert_eq!(table.claim(BODY, NOW + 10).await, Claim::Answered(answer("[1]")));
    assert_eq!(table.claim(OTHER_BODY, NOW + 10).await, Claim::OtherRequest);
    lease(table.claim_as("user-2", OTHER_BODY, NOW + 10).await);
    assert_eq!(table.claim(BODY, NOW + KEEP_SECONDS - 1).await, Claim::Answered(answer("[1]")));
    lease(table.claim(OTHER_BODY, NOW + KEEP_SECONDS).await);
}

#[tokio::test]
async fn a_released_key_is_free() {
    let table = Table::new().await;
    let mine = lease(table.claim(BODY, NOW).await);
    table.requests.release(mine).await.unwrap();
    lease(table.claim(OTHER_BODY, NOW).await);
}

#[tokio::test]
async fn the_key_of_a_holder_that_died_is_free_after_its_lease() {
    let table = Table::new().await;
    let dead = lease(table.claim(BODY, NOW).await);
    assert_eq!(table.claim(BODY, NOW + LEASE_SECONDS - 1).await, Claim::Running { seconds_left: 1 });
    let other = table.claim(OTHER_BODY, NOW + LEASE_SECONDS).await;
    assert_eq!(other, Claim::OtherRequest, "the key still stands for the first request");
    let mine = lease(table.claim(BODY, NOW + LEASE_SECONDS).await);

    // The first holder was only slow: what it does now has no effect.
    table.requests.answer(dead.clone(), &answer("late")).await.unwrap();
    table.requests.release(dead).await.unwrap();
    assert!(matches!(table.claim(BODY, NOW + LEASE_SECONDS).await, Claim::Running { .. }));
    table.requests.answer(mine.clone(), &answer("[2]")).await.unwrap();
    table.requests.release(mine).await.unwrap();
    assert_eq!(table.claim(BODY, NOW + LEASE_SECONDS).await, Claim::Answered(answer("[2]")));
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_key() {
    let table = Table::new().await;
    let claims = futures::future::join_all((0..8).map(|_| table.claim(BODY, NOW))).await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Claim::Yours(_))).count(), 1);
}

#[tokio::test]
async fn items_expire_and_tell_no_subject_and_no_key() {
    let table = Table::new().await;
    lease(table.claim_as("jane@example.com", BODY, NOW).await);
    let scan = table.dynamo.aws().dynamo().scan().table_name(REQUESTS).send().await.unwrap();
    let item = &scan.items()[0];
    assert_eq!(item["expires_at"].as_n().unwrap(), &(NOW + KEEP_SECONDS).to_string());
    let text = format!("{item:?}");
    assert!(!text.contains("jane") && !text.contains("k-1"), "{text}");
    assert!(item["key"].as_s().unwrap().starts_with("acme#"));
}

#[tokio::test]
async fn there_is_one_key_for_cursors() {
    let table = Table::new().await;
    let keys = futures::future::join_all((0..8).map(|_| table.requests.cursor_key())).await;
    let first = keys[0].clone().unwrap();
    assert_ne!(first, [0; 32]);
    assert!(keys.into_iter().all(|key| key.unwrap() == first));
    let scan = table.dynamo.aws().dynamo().scan().table_name(REQUESTS).send().await.unwrap();
    assert!(!scan.items()[0].contains_key("expires_at"), "the key for cursors stays");
}
