//! What is not uploaded, not recorded, not shown, and to whom.

use super::*;

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test]
async fn the_bucket_takes_only_the_document_that_a_link_is_for() {
    let service = service().await;
    let answer = service.request(&described(INVOICE)).await;
    let url = answer.json["url"].as_str().unwrap();
    let signed: BTreeMap<String, String> = serde_json::from_value(answer.json["headers"].clone()).unwrap();
    for (name, value) in [
        ("content-length", "20"),
        ("content-type", "text/html"),
        ("x-amz-checksum-sha256", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
        ("if-none-match", "\"1\""),
    ] {
        let mut headers = signed.clone();
        headers.insert(name.to_owned(), value.to_owned()).unwrap();
        assert_eq!(service.bucket.receive(url, &headers, INVOICE), 403, "{name}");
    }
    assert_eq!(service.bucket.receive(url, &signed, b"%PDF-1.7 an invoicE"), 400, "other bytes");
    assert_eq!(service.bucket.receive(url, &signed, b"short"), 403, "of another length");
    assert_eq!(service.bucket.receive(url, &signed, INVOICE), 200);
    assert_eq!(service.bucket.receive(url, &signed, INVOICE), 412, "once");
}

#[tokio::test]
async fn what_is_wrong_with_a_description_is_said_at_once() {
    let service = service().await;
    let bad = json!({
        "event_id": "evt_1", "filename": "../invoice.pdf", "content_type": "pdf", "size": 104_857_601, "sha256": "abc",
        "tags": ["a", "a"]
    });
    for path in ["/request-upload", ""] {
        let mut body = bad.clone();
        if path.is_empty() {
            body["attachment_id"] = json!("att_1");
        }
        let url = format!("{ATTACHMENTS}{path}");
        let answer = post(&url, &body).token(&service.producer).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-body"), "{}", answer.json);
        assert_eq!(pointers(&answer), ["/filename", "/content_type", "/size", "/sha256", "/tags/1"]);
        for (change, value, pointer) in [
            ("size", json!(-1), "/size"),
            ("size", json!("12"), "/size"),
            ("event_id", json!("evt 1"), "/event_id"),
            ("tags", json!([7]), "/tags/0"),
            ("colour", json!("red"), "/colour"),
        ] {
            let mut body = body.clone();
            body[change] = value;
            let answer = post(&url, &body).token(&service.producer).send(&service.app).await;
            assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-body"), "{change}");
            assert_eq!(pointers(&answer), [pointer], "{}", answer.json);
        }
    }
    let mut both = registration("att_1", INVOICE);
    both["url"] = json!("memory:attachments/acme/att_1");
    let neither = described(INVOICE);
    for body in [both, neither] {
        let answer = service.register(&body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-body"));
    }
    assert_eq!(service.recorded().await, 1);
}

#[tokio::test]
async fn what_was_not_uploaded_as_it_is_said_is_not_recorded() {
    let service = service().await;
    service.record("rival", "evt_theirs").await;
    let (id, url) = service.upload(INVOICE).await;
    let change = |field: &str, value: Value| {
        let mut body = registration(&id, INVOICE);
        body[field] = value;
        body
    };
    let named = |url: &str| {
        let mut body = described(INVOICE);
        body["url"] = json!(url);
        body
    };
    let mut everything = change("size", json!(20));
    everything["content_type"] = json!("text/plain");
    everything["sha256"] = json!("0".repeat(64));
    everything["event_id"] = json!("evt_9");
    let theirs = url.replace("/acme/", "/rival/");
    let cases = [
        (change("size", json!(20)), vec!["/size"]),
        (change("content_type", json!("application/PDF")), vec!["/content_type"]),
        (change("sha256", json!("0".repeat(64))), vec!["/sha256"]),
        (change("event_id", json!("evt_9")), vec!["/event_id"]),
        (change("event_id", json!("evt_theirs")), vec!["/event_id"]),
        (change("event_id", json!("history:attachment:x")), vec!["/event_id"]),
        (change("attachment_id", json!("att_9")), vec!["/attachment_id"]),
        (everything, vec!["/event_id", "/size", "/content_type", "/sha256"]),
        (named("memory:attachments/acme/att_9"), vec!["/url"]),
        (named(&theirs), vec!["/url"]),
        (named(&format!("https://elsewhere.example/{id}")), vec!["/url"]),
        (named(&format!("memory:attachments/acme/../acme/{id}")), vec!["/url"]),
        (named(&format!("{}/", url.split('?').next().unwrap())), vec!["/url"]),
        (named(""), vec!["/url"]),
    ];
    let mut words = BTreeMap::new();
    for (body, expected) in cases {
        let answer = service.register(&body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-attachment"), "{body} {}", answer.json);
        assert_eq!(pointers(&answer), expected, "{body}");
        for error in answer.json["errors"].as_array().unwrap() {
            let pointer = error["pointer"].as_str().unwrap().replace("attachment_id", "url");
            let first = words.entry(pointer).or_insert_with(|| error["detail"].clone());
            assert_eq!(*first, error["detail"], "what is another's is no different from what nobody has");
        }
    }
    for event_id in ["evt_9", "evt_theirs", "history:attachment:x"] {
        let mut body = described(INVOICE);
        body["event_id"] = json!(event_id);
        let answer = service.request(&body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-attachment"), "{event_id}");
        assert_eq!(pointers(&answer), ["/event_id"]);
    }
    assert_eq!(service.recorded().await, 1, "nothing of it is recorded");
    assert_eq!(service.register(&registration(&id, INVOICE)).await.status, 201, "and nothing is lost by it");
}

#[tokio::test]
async fn another_tenants_document_cannot_be_registered_shown_or_deleted() {
    let service = service().await;
    service.record("rival", "evt_1").await;
    let (uploaded, _) = service.upload(INVOICE).await;
    let attached = service.attached().await;
    let rival = service.gate.token("rival", &["admin"]);
    let stolen = post(ATTACHMENTS, &registration(&uploaded, INVOICE)).token(&rival).send(&service.app).await;
    assert_eq!((stolen.status.as_u16(), stolen.problem()), (422, "invalid-attachment"));
    assert_eq!(pointers(&stolen), ["/attachment_id"]);
    for call in [get(&format!("{ATTACHMENTS}/{attached}")), delete(&format!("{ATTACHMENTS}/{attached}"))] {
        let answer = call.token(&rival).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"));
    }
    assert!(service.get(&attached).await.json.get("deleted").is_none());
    assert!(service.bucket.tags(&format!("attachments/acme/{attached}")).is_empty());
}

#[tokio::test]
async fn nobody_gets_in_without_the_right_token_and_role() {
    let service = service().await;
    let id = service.attached().await;
    let path = format!("{ATTACHMENTS}/{id}");
    let ask = |token: &str| {
        [
            post(&format!("{ATTACHMENTS}/request-upload"), &described(INVOICE)).token(token),
            post(ATTACHMENTS, &registration(&id, INVOICE)).token(token),
            get(&path).token(token),
            delete(&path).token(token),
        ]
    };
    for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
        for call in ask(&token) {
            assert_eq!(call.send(&service.app).await.status, 401, "{what}");
        }
    }
    for (role, allowed) in [
        ("producer", [true, true, false, false]),
        ("history_reader", [false, false, true, false]),
        ("auditor", [false, false, true, false]),
        ("nobody", [false; 4]),
    ] {
        for (call, allowed) in ask(&service.gate.token("acme", &[role])).into_iter().zip(allowed) {
            let answer = call.send(&service.app).await;
            assert_eq!(answer.problem() == "role-required", !allowed, "{role}: {}", answer.json);
        }
    }
    for query in ["?reason=", "?reason=a%0Ab", &format!("?reason={}", "x".repeat(257)), "?why=x"] {
        let answer = service.delete(&id, query).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query}");
    }
    let unknown = service.delete("att_9", "").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (404, "not-found"));
    assert_eq!(service.recorded().await, 2);
}
