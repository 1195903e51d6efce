#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::testing::{FAILURES, LocalDynamo};

fn place(millis: i64, element: u32) -> Place {
    Place {
        arrived_at: Timestamp::clamped_from_millis(millis),
        source: "kinesis:shardId-000000000000".to_owned(),
        sequence_number: "49590338271490256608559692538361571095921575989136588898".to_owned(),
        user_record: 0,
        element,
    }
}

fn failure(tenant: Option<&str>, place: Place, bytes: &[u8]) -> Failure {
    let findings = vec![
        Finding { pointer: Some("/order_id".to_owned()), detail: "is missing".to_owned() },
        Finding { pointer: None, detail: "x".repeat(600) },
    ];
    Failure::new(tenant.map(|t| t.parse().unwrap()), place, "invalid-event", findings, bytes).unwrap()
}

#[tokio::test]
async fn failures_are_listed_to_their_tenant_once_and_the_newest_first() {
    let local = LocalDynamo::start().await;
    let failures = Failures::new(local.aws(), FAILURES, 30);
    let acme: TenantId = "acme".parse().unwrap();
    let batch: Vec<Failure> =
        (0..60).map(|i| failure(Some("acme"), place(1_700_000_000_000 + i64::from(i / 2), i), b"{}")).collect();
    let others = [failure(None, place(1_700_000_000_000, 0), b"\xff"), failure(Some("rival"), place(0, 0), b"")];

    failures.put_all([batch.clone(), others.to_vec()].concat()).await.unwrap();
    // The same record again, and twice at once, as after a batch that failed half-way.
    failures.put_all([batch.clone(), batch.clone()].concat()).await.unwrap();

    let mut listed = Vec::new();
    let mut from = None;
    loop {
        let page = failures.list(&acme, from.as_deref(), 25).await.unwrap();
        assert!(page.failures.len() <= 25);
        listed.extend(page.failures);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    listed.reverse();
    assert_eq!(listed, batch);
    assert_eq!(listed[7].findings[0].pointer.as_deref(), Some("/order_id"));
    assert_eq!(listed[7].findings[1].detail.len(), MAX_TEXT_CHARS);
}

#[tokio::test]
async fn the_bytes_are_kept_within_bounds() {
    let local = LocalDynamo::start().await;
    let failures = Failures::new(local.aws(), FAILURES, 30);
    let mut noise = vec![0; 200_000];
    getrandom::fill(&mut noise).unwrap();
    let compressible = b"not an event ".repeat(100_000);
    let kept = [
        failure(Some("acme"), place(1, 0), &noise),
        failure(Some("acme"), place(1, 1), &compressible),
        failure(Some("acme"), place(1, 2), b""),
    ];
    failures.put_all(kept.to_vec()).await.unwrap();

    let page = failures.list(&"acme".parse().unwrap(), None, 10).await.unwrap();
    let [empty, whole, cut] = &page.failures[..] else { panic!("{page:?}") };
    assert_eq!((cut.size, cut.raw.raw_cut), (200_000, true));
    assert_eq!(cut.first_bytes(1_000_000).unwrap(), noise[..MAX_RAW_BYTES]);
    assert_eq!((whole.size, whole.raw.raw_cut), (compressible.len() as u64, false));
    assert_eq!(whole.first_bytes(2_000_000).unwrap(), compressible);
    assert_eq!(whole.first_bytes(13).unwrap(), b"not an event ");
    assert_eq!((empty.size, empty.first_bytes(10).unwrap()), (0, Vec::new()));
}
