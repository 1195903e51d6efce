//! Long polls. The clock stands still while anybody has something to do.

use std::time::Duration;

use tokio::time::Instant;

use super::{acme, append, everything, log, only};
use crate::long_poll::{StreamPage, page};

const WAIT: Duration = Duration::from_secs(20);

fn sequences(page: &StreamPage) -> Vec<u64> {
    page.items.iter().map(|event| event.sequence).collect()
}

#[tokio::test(start_paused = true)]
async fn a_poll_comes_back_with_what_is_there_already() {
    let log = log();
    append(&log, &["a", "b", "c"], "order.created").await;
    append(&log, &["d"], "order.created").await;
    let started = Instant::now();
    let tail = log.tail_after(&acme(), everything(), 1).await.unwrap().unwrap();
    let first = page(tail, WAIT, 2).await.unwrap();
    assert_eq!((sequences(&first), first.next_after), (vec![2, 3], 3));
    let tail = log.tail_after(&acme(), everything(), first.next_after).await.unwrap().unwrap();
    let second = page(tail, WAIT, 2).await.unwrap();
    assert_eq!((sequences(&second), second.next_after), (vec![4], 4));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_poll_comes_back_as_soon_as_something_comes() {
    let log = log();
    append(&log, &["a"], "order.created").await;
    let started = Instant::now();
    let tail = log.tail_from_end(&acme(), only("order.shipped")).await.unwrap();
    tokio::spawn({
        let log = log.clone();
        async move {
            append(&log, &["b"], "order.created").await;
            tokio::time::sleep(Duration::from_secs(7)).await;
            append(&log, &["c"], "order.shipped").await;
        }
    });
    let page = page(tail, WAIT, 100).await.unwrap();
    assert_eq!((sequences(&page), page.next_after), (vec![3], 3));
    assert!((Duration::from_secs(7)..=Duration::from_secs(8)).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_poll_in_vain_says_how_far_it_has_looked() {
    let log = log();
    append(&log, &["a"], "order.created").await;
    for (wait, position) in [(WAIT, 1), (Duration::ZERO, 2)] {
        let started = Instant::now();
        let tail = log.tail_after(&acme(), only("order.shipped"), 0).await.unwrap().unwrap();
        let page = page(tail, wait, 100).await.unwrap();
        assert_eq!((sequences(&page), page.next_after, started.elapsed()), (vec![], position, wait));
        append(&log, &["b"], "order.created").await;
    }
}
