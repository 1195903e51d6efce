//! Windows of server-sent events. The clock stands still while anybody has something to do.

use std::{pin::pin, time::Duration};

use futures::StreamExt as _;
use http_api::Transfer;
use tokio::time::Instant;

use super::{acme, append, client::Client, everything, log, only};
use crate::window::chunks;

const WINDOW: Duration = Duration::from_secs(25);

#[tokio::test(start_paused = true)]
async fn a_window_tells_where_it_stands_shows_what_comes_and_ends() {
    let log = log();
    append(&log, &["a"], "order.created").await;
    let started = Instant::now();
    let tail = log.tail_from_end(&acme(), everything()).await.unwrap();
    let mut chunks = pin!(chunks(tail, WINDOW, Transfer::Streamed));
    let mut client = Client::default();

    client.read(&chunks.next().await.unwrap().unwrap());
    assert_eq!((client.last_id.as_str(), client.retry), ("1", Some(1000)));
    assert_eq!(started.elapsed(), Duration::ZERO, "a client that is cut off at once misses nothing");

    tokio::spawn({
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            append(&log, &["b", "c"], "order.shipped").await;
        }
    });
    client.read(&chunks.next().await.unwrap().unwrap());
    assert_eq!((client.sequences(), client.last_id.as_str()), (vec![2, 3], "3"));
    assert_eq!(client.seen[0].0, "order.shipped");
    assert_eq!(client.seen[0].1["id"], "b");
    assert!((Duration::from_secs(5)..=Duration::from_secs(6)).contains(&started.elapsed()), "{:?}", started.elapsed());

    assert_eq!(chunks.next().await.unwrap().unwrap(), ":\n\n", "ten seconds later");
    assert!((Duration::from_secs(15)..=Duration::from_secs(16)).contains(&started.elapsed()));
    assert!(chunks.next().await.is_none(), "the client knows where it stands");
    assert_eq!(started.elapsed(), WINDOW);
}

#[tokio::test(start_paused = true)]
async fn a_client_hears_something_every_ten_seconds() {
    let log = log();
    let tail = log.tail_from_end(&acme(), everything()).await.unwrap();
    let mut chunks = pin!(chunks(tail, Duration::from_secs(300), Transfer::Streamed));
    let mut heard = Instant::now();
    let mut times = 0;
    while let Some(chunk) = chunks.next().await {
        assert!(!chunk.unwrap().is_empty());
        assert!(heard.elapsed() <= Duration::from_secs(10), "{:?}", heard.elapsed());
        heard = Instant::now();
        times += 1;
    }
    assert_eq!(times, 30);
}

#[tokio::test(start_paused = true)]
async fn what_a_filter_passes_by_is_not_looked_at_again() {
    let log = log();
    append(&log, &["a", "b", "c"], "order.created").await;
    append(&log, &["d"], "order.shipped").await;
    append(&log, &["e"], "order.created").await;
    let tail = log.tail_after(&acme(), only("order.shipped"), 0).await.unwrap().unwrap();
    let mut chunks = pin!(chunks(tail, WINDOW, Transfer::Streamed));
    let mut client = Client::default();
    for (last_id, seen) in [("0", 0), ("4", 1), ("5", 1)] {
        client.read(&chunks.next().await.unwrap().unwrap());
        assert_eq!((client.last_id.as_str(), client.seen.len()), (last_id, seen));
    }
    append(&log, &["f"], "order.created").await;
    // The rest of the window has one keep-alive in it, which says so.
    client.read(&chunks.next().await.unwrap().unwrap());
    assert_eq!((client.last_id.as_str(), client.seen.len()), ("6", 1));
}

#[tokio::test(start_paused = true)]
async fn a_long_log_is_shown_in_parts_until_the_window_ends() {
    let log = log();
    for n in 0..20 {
        append(&log, &[&format!("a{n}"), &format!("b{n}")], "order.created").await;
    }
    let tail = log.tail_after(&acme(), everything(), 3).await.unwrap().unwrap();
    let mut chunks = pin!(chunks(tail, Duration::from_secs(1), Transfer::Streamed));
    let (mut client, mut count) = (Client::default(), 0);
    while let Some(chunk) = chunks.next().await {
        client.read(&chunk.unwrap());
        count += 1;
    }
    assert_eq!(client.sequences(), (4..=40).collect::<Vec<_>>());
    assert_eq!(count, 1 + 19, "its place, and a chunk for each commit");
}

/// Behind a gateway that cannot stream, the client sees the answer when it ends: so it ends when there is something.
#[tokio::test(start_paused = true)]
async fn a_buffered_window_ends_with_the_first_events() {
    let log = log();
    append(&log, &["a"], "order.created").await;
    let started = Instant::now();
    let tail = log.tail_after(&acme(), everything(), 0).await.unwrap().unwrap();
    let whole: Vec<_> = chunks(tail, WINDOW, Transfer::Buffered).collect().await;
    let mut client = Client::default();
    whole.into_iter().for_each(|chunk| client.read(&chunk.unwrap()));
    assert_eq!((client.sequences(), started.elapsed()), (vec![1], Duration::ZERO));

    let tail = log.tail_after(&acme(), only("order.shipped"), 1).await.unwrap().unwrap();
    tokio::spawn({
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            append(&log, &["b"], "order.created").await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            append(&log, &["c"], "order.shipped").await;
        }
    });
    let whole: Vec<_> = chunks(tail, WINDOW, Transfer::Buffered).collect().await;
    let mut client = Client::default();
    whole.into_iter().for_each(|chunk| client.read(&chunk.unwrap()));
    assert_eq!(client.sequences(), [3]);
    assert!((Duration::from_secs(6)..=Duration::from_secs(8)).contains(&started.elapsed()), "{:?}", started.elapsed());

    let tail = log.tail_from_end(&acme(), everything()).await.unwrap();
    let before = Instant::now();
    let idle: Vec<_> = chunks(tail, WINDOW, Transfer::Buffered).collect().await;
    assert!(!idle.is_empty());
    assert_eq!(before.elapsed(), WINDOW);
}
