//! Lists: limits, cursors, links, parameters.

use http_api::testing::{Answer, get};
use serde_json::Value;

use crate::sample::{Sample, THINGS};

async fn ask(sample: &Sample, query: &str) -> Answer {
    get(&format!("{THINGS}{query}")).token(&sample.reader()).send(&sample.app).await
}

fn next(answer: &Answer) -> String {
    let link = answer.header("link").strip_prefix('<').unwrap();
    link.strip_suffix(r#">; rel="next""#).unwrap().to_owned()
}

#[tokio::test]
async fn following_the_links_gives_everything_once() {
    let sample = Sample::start().await;
    let mut seen: Vec<u64> = Vec::new();
    let mut query = String::new();
    let mut sizes = Vec::new();
    loop {
        let answer = ask(&sample, &query).await;
        assert_eq!(answer.status, 200);
        let items: Vec<u64> = serde_json::from_value(answer.json["items"].clone()).unwrap();
        sizes.push(items.len());
        seen.extend(items);
        if answer.json["next_cursor"] == Value::Null {
            assert_eq!(answer.header("link"), "");
            break;
        }
        query = next(&answer);
        assert!(query.starts_with('?'), "a reference that works behind any stage");
    }
    assert_eq!(seen, (1..=250).collect::<Vec<_>>());
    assert_eq!(sizes, [100, 100, 50]);
}

#[tokio::test]
async fn the_link_keeps_filters_and_limit() {
    let sample = Sample::start().await;
    let first = ask(&sample, "?limit=2&source=a%20b%26c").await;
    assert_eq!(first.json["items"], serde_json::json!([1, 2]));
    assert!(next(&first).starts_with("?source=a+b%26c&limit=2&cursor="));
    let second = ask(&sample, &next(&first)).await;
    assert_eq!(second.json["items"], serde_json::json!([3]));
}

#[tokio::test]
async fn limits_are_from_1_to_1000() {
    let sample = Sample::start().await;
    for limit in ["0", "-1", "1001", "10000000", "", "ten", "1.5", "%2B5x"] {
        let answer = ask(&sample, &format!("?limit={limit}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{limit}");
        assert_eq!(answer.json["errors"][0]["parameter"], "limit");
    }
    assert_eq!(ask(&sample, "?limit=1").await.json["items"], serde_json::json!([1]));
    assert_eq!(ask(&sample, "?limit=1000").await.json["items"].as_array().unwrap().len(), 250);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_query_alone() {
    let sample = Sample::start().await;
    let first = ask(&sample, "?limit=2").await;
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let answer = ask(&sample, &format!("?limit=7&cursor={cursor}")).await;
    assert_eq!(answer.status, 200, "the limit may change from page to page");

    let mut forged = cursor.to_owned().into_bytes();
    forged[2] = if forged[2] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let cut = &cursor[..cursor.len() - 1];
    let long = "A".repeat(2000);
    let refused = [
        format!("?cursor={forged}"),
        format!("?cursor={cut}"),
        format!("?cursor={long}"),
        "?cursor=".to_owned(),
        "?cursor=MTIz".to_owned(),
        "?cursor=%00".to_owned(),
        format!("?source=x&cursor={cursor}"),
    ];
    for query in refused {
        let answer = ask(&sample, &query).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-cursor"), "{query}");
    }

    let foreign = sample.gate.token("globex", &["history_reader"]);
    let answer = get(&format!("{THINGS}?cursor={cursor}")).token(&foreign).send(&sample.app).await;
    assert_eq!(answer.problem(), "invalid-cursor", "another tenant's cursor");
}

#[tokio::test]
async fn cursors_are_good_in_every_environment() {
    let sample = Sample::start().await;
    let first = ask(&sample, "?limit=2").await;
    // Another environment of the function reads the key from the table.
    let key = store::requests::Requests::new(sample.gate.dynamo().aws(), store::testing::REQUESTS);
    assert_eq!(key.cursor_key().await.unwrap(), key.cursor_key().await.unwrap());
    assert_eq!(ask(&sample, &next(&first)).await.status, 200);
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_refused() {
    let sample = Sample::start().await;
    for (query, parameter) in [
        ("?sauce=x", "sauce"),
        ("?source=a&source=b", "source"),
        ("?limit=1&limit=2", "limit"),
        ("?cursor=a&cursor=b", "cursor"),
    ] {
        let answer = ask(&sample, query).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query}");
        assert_eq!(answer.json["errors"][0]["parameter"], parameter, "{query}");
    }
    let call = |path: &str| get(&format!("{THINGS}/{path}")).token(&sample.reader());
    for (path, parameter) in [("t-1?x=1", "x"), ("a%00b", "thing_id"), ("a%2Fb", "thing_id"), ("%C3%A9", "thing_id")] {
        let answer = call(path).send(&sample.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{path}");
        assert_eq!(answer.json["errors"][0]["parameter"], parameter, "{path}");
    }
    assert_eq!(call("%FF").send(&sample.app).await.problem(), "invalid-parameter");
}

#[tokio::test]
async fn a_closed_page_may_be_kept_for_a_while_and_an_open_one_is_asked_for_again() {
    let sample = Sample::start().await;
    // Closed, the last one, in an order in which something may still come between.
    for (query, kept) in [
        ("?grows=true&limit=249", "private, max-age=300"),
        ("?grows=true&limit=250", "private, no-cache"),
        ("?limit=249", "private, no-cache"),
    ] {
        let page = ask(&sample, query).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, kept), "{query}");
        assert_eq!(page.header("vary"), "authorization, x-tenant-id", "{query}");
        let again =
            get(&format!("{THINGS}{query}")).token(&sample.reader()).header("if-none-match", page.header("etag"));
        let again = again.send(&sample.app).await;
        assert_eq!(
            (again.status.as_u16(), again.bytes.len(), again.header("cache-control")),
            (304, 0, kept),
            "{query}"
        );
        assert_eq!(again.header("link"), page.header("link"), "{query}");
    }
    assert_eq!(ask(&sample, "?grows=true&limit=0").await.header("cache-control"), "no-store");
}
