//! Many writers at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    super::{Log, Outcome, memory::MemoryTables},
    acme, checked, log, submission,
};
use crate::Clock;

#[tokio::test]
async fn racing_writers_leave_no_gap_and_no_double() {
    let (_dynamo, log) = log().await;
    race(&log).await;
}

#[tokio::test]
async fn the_tables_in_memory_are_as_good() {
    let tables = MemoryTables::with_delay(Duration::from_millis(1));
    race(&Log::over(Arc::new(tables), Clock::System)).await;
}

#[tokio::test]
async fn many_writers_are_served_together() {
    const WRITERS: usize = 40;
    const EACH: usize = 5;
    let tables = MemoryTables::with_delay(Duration::from_millis(3));
    let writers = (0..WRITERS).map(|writer| {
        // Each as if in a process of its own.
        let log = Log::over(Arc::new(tables.clone()), Clock::System);
        tokio::spawn(async move {
            for i in 0..EACH {
                let id = format!("w{writer}_{i}");
                let check = async { Ok::<_, crate::StoreError>(submission(&id)) };
                let outcome = log.append_checked(&acme(), check).await.unwrap();
                let Outcome::Recorded(receipt) = outcome else { panic!("{outcome:?}") };
                let event = log.event(&acme(), &receipt.event_id).await.unwrap().unwrap();
                assert_eq!(event.sequence, receipt.sequence, "a receipt means that reads find the event");
            }
        })
    });
    futures::future::join_all(writers).await.into_iter().for_each(Result::unwrap);
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    assert_eq!(checked(&log, &acme()).await.len(), WRITERS * EACH);
    let memory = tables.memory();
    let segments = memory.segments(&acme()).count();
    assert!(segments < WRITERS * EACH / 3, "{segments} commits");
    assert_eq!(memory.announced(&acme()), [], "nothing is left behind");
    assert_eq!(memory.mark(&acme()).turn, None);
}

#[tokio::test]
async fn announced_twins_get_one_recorded_and_the_others_what_they_are() {
    let tables = MemoryTables::with_delay(Duration::from_millis(3));
    let writers = (0..30).map(|writer| {
        let log = Log::over(Arc::new(tables.clone()), Clock::System);
        tokio::spawn(async move {
            let mut twin = submission(&format!("twin{}", writer % 3));
            if writer % 5 == 0 {
                twin.event.payload.insert("carrier".to_owned(), "UPS".into());
            }
            log.append(&acme(), vec![twin]).await.unwrap().remove(0)
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let recorded = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Recorded(_))).count();
    assert_eq!(recorded, 3, "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Outcome::Conflict(_))));
    let log = Log::over(Arc::new(tables), Clock::System);
    assert_eq!(checked(&log, &acme()).await.len(), 3);
}

async fn race(log: &Log) {
    // Eight writers, each with its own events and with five that all of them send.
    let writers = (0..8).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut receipts = Vec::new();
            for i in 0..10 {
                let id = if i % 2 == 0 { format!("shared{i}") } else { format!("w{writer}_{i}") };
                receipts.extend(log.append(&acme(), vec![submission(&id)]).await.unwrap());
            }
            receipts
        })
    });
    let mut by_id = BTreeMap::new();
    let mut recorded = 0;
    for outcome in futures::future::join_all(writers).await.into_iter().flat_map(Result::unwrap) {
        let (Outcome::Recorded(receipt) | Outcome::Repeated(receipt)) = &outcome else { panic!("{outcome:?}") };
        recorded += usize::from(matches!(outcome, Outcome::Recorded(_)));
        let first = by_id.entry(receipt.event_id.to_string()).or_insert_with(|| receipt.clone());
        assert_eq!(first, receipt, "one event has one receipt");
    }
    assert_eq!((recorded, by_id.len()), (45, 45));
    assert_eq!(checked(log, &acme()).await.len(), 45);
}
