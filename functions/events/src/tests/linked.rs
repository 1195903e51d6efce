//! What is said about an event: its corrections and its documents.

use domain::{
    event::Event,
    record::{AttachmentDeleted, AttachmentRegistered, Record},
};

use super::*;

impl Service {
    async fn append(&self, event: Event) {
        let submission = store::log::Submission { event, schema: None };
        self.log.append(&"acme".parse().unwrap(), vec![submission]).await.unwrap();
    }

    /// Attaches a document, as `attachments-api` does.
    async fn attach(&self, id: &str, event_id: &str, order_id: &str) {
        let registered = AttachmentRegistered {
            attachment_id: id.parse().unwrap(),
            event_id: event_id.parse().unwrap(),
            filename: format!("{id}.pdf"),
            content_type: "application/pdf".to_owned(),
            size_bytes: 12,
            sha256: "0a".repeat(32),
            tags: vec![],
        };
        self.append(registered.into_event(order_id.parse().unwrap(), Clock::System.now(), "ann").unwrap()).await;
    }

    /// Deletes it.
    async fn detach(&self, id: &str, event_id: &str, order_id: &str) {
        let (attachment_id, event_id) = (id.parse().unwrap(), event_id.parse().unwrap());
        let deleted =
            AttachmentDeleted { attachment_id, event_id, reason: Some("asked for".to_owned().try_into().unwrap()) };
        self.append(deleted.into_event(order_id.parse().unwrap(), Clock::System.now(), "bob").unwrap()).await;
    }
}

/// Records a correction, as `corrections-api` does.
async fn correct(service: &Service, id: &str, of: &str) {
    let correction = json!({
        "event_id": id, "order_id": "ord_1", "correction_of": of, "occurred_at": "2025-08-30T08:00:00Z",
        "source": "support", "schema_version": "v1", "payload": {"carrier": id}
    });
    let acme = "acme".parse().unwrap();
    let read =
        domain::event::parse_correction(correction.to_string().as_bytes(), domain::event::TenantSource::Token(&acme));
    service.append(read.unwrap().1).await;
}

impl Service {
    /// A list below an event's path, page by page: the value of a field of each item.
    async fn below(&self, path: &str, field: &str, limit: usize) -> Vec<String> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("{path}?limit={limit}{cursor}")).await;
            assert_eq!(answer.status, 200, "{:?}", answer.json);
            let items = answer.json["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            found.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            match answer.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

#[tokio::test]
async fn the_corrections_of_an_event_are_listed_with_their_chains() {
    let service = service().await;
    for id in ["evt_1", "evt_2"] {
        service.post(&shipped(id)).await;
    }
    assert_eq!(service.get("/evt_1/corrections").await.json, json!({"items": []}));
    for (id, of) in [("c1", "evt_1"), ("c2", "evt_2"), ("c3", "c1"), ("c4", "evt_1"), ("c5", "c3"), ("c6", "c2")] {
        correct(&service, id, of).await;
    }
    for limit in [1, 2, 100] {
        for (of, corrections) in
            [("evt_1", &["c1", "c3", "c4", "c5"][..]), ("evt_2", &["c2", "c6"]), ("c1", &["c3", "c5"]), ("c5", &[])]
        {
            assert_eq!(service.below(&format!("/{of}/corrections"), "id", limit).await, corrections, "{of}");
        }
    }
    let named = service.below("/evt_1/corrections", "correction_of", 100).await;
    assert_eq!(named, ["evt_1", "c1", "evt_1", "c3"]);

    let cursor = service.get("/evt_1/corrections?limit=1").await.json["next_cursor"].as_str().unwrap().to_owned();
    let elsewhere = service.get(&format!("/evt_2/corrections?limit=1&cursor={cursor}")).await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.problem()), (400, "invalid-cursor"));
    let unknown = service.get("/evt_9/corrections").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (404, "not-found"));
}

#[tokio::test]
async fn the_attachments_of_an_event_are_listed_with_their_tombstones() {
    let service = service().await;
    for id in ["evt_1", "evt_2"] {
        service.post(&shipped(id)).await;
    }
    assert_eq!(service.get("/evt_1/attachments").await.json, json!({"items": []}));
    for (id, of) in [("a1", "evt_1"), ("a2", "evt_2"), ("a3", "evt_1"), ("a4", "evt_1")] {
        service.attach(id, of, "ord_1").await;
    }
    service.detach("a1", "evt_1", "ord_1").await;
    for limit in [1, 2, 3, 100] {
        let listed = service.below("/evt_1/attachments", "attachment_id", limit).await;
        assert_eq!(listed, ["a1", "a3", "a4"], "deleted or not, {limit} a page");
    }
    let page = service.get("/evt_1/attachments?limit=2").await.json;
    let [first, second] = &page["items"].as_array().unwrap()[..] else { panic!("{page}") };
    let tombstone = json!({
        "sequence": 7, "deleted_at": first["deleted"]["deleted_at"], "deleted_by": "bob", "reason": "asked for"
    });
    assert_eq!(first["deleted"], tombstone, "told on its page, though it was recorded after the page's end");
    let expected = json!({
        "attachment_id": "a3", "event_id": "evt_1", "order_id": "ord_1", "sequence": 5, "filename": "a3.pdf",
        "content_type": "application/pdf", "size": 12, "sha256": "0a".repeat(32), "tags": [],
        "registered_at": second["registered_at"], "registered_by": "ann",
    });
    assert_eq!(second, &expected, "without a link");
    assert_eq!(service.below("/evt_2/attachments", "attachment_id", 100).await, ["a2"]);
    let unknown = service.get("/evt_9/attachments").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (404, "not-found"));
}

#[tokio::test]
async fn events_are_filtered_by_whether_they_have_a_document() {
    let service = service().await;
    for i in 0..12 {
        let mut event = shipped(&format!("evt_{i:02}"));
        event["order_id"] = json!(format!("ord_{}", i % 3));
        event["type"] = json!(["order.shipped", "order.paid"][i % 2]);
        assert_eq!(service.post(&event).await.status, 201);
    }
    for (id, event, order) in [("a1", "evt_01", "ord_1"), ("a2", "evt_01", "ord_1"), ("a3", "evt_04", "ord_1")] {
        service.attach(id, event, order).await;
    }
    service.attach("a4", "evt_11", "ord_2").await;
    service.attach("a5", "evt_08", "ord_2").await;
    // evt_01 keeps one of its two documents, evt_08 none.
    service.detach("a1", "evt_01", "ord_1").await;
    service.detach("a5", "evt_08", "ord_2").await;
    let producers = "type=order.*";
    for limit in [1, 2, 5, 100] {
        let with = service.all(&format!("{producers}&has_attachments=true"), limit).await;
        assert_eq!(with, ["evt_01", "evt_04", "evt_11"], "{limit} a page");
        let without = service.all(&format!("{producers}&has_attachments=false"), limit).await;
        assert_eq!(without.len(), 9, "{limit} a page: {without:?}");
        assert!(without.iter().all(|id| !with.contains(id)));
        let one_order = service.all("order_id=ord_1&has_attachments=true&type=order.shipped", limit).await;
        assert_eq!(one_order, ["evt_04"]);
        let other_order = service.all("order_id=ord_2&has_attachments=false&type=order.*", limit).await;
        assert_eq!(other_order, ["evt_02", "evt_05", "evt_08"]);
        assert_eq!(service.all("order_id=ord_0&has_attachments=true", limit).await, [] as [&str; 0]);
    }
    let bad = service.get("?has_attachments=maybe").await;
    assert_eq!((bad.status.as_u16(), bad.problem()), (400, "invalid-parameter"));
    let cursor = service.get("?limit=1&has_attachments=false").await.json["next_cursor"].as_str().unwrap().to_owned();
    let other = service.get(&format!("?limit=1&has_attachments=true&cursor={cursor}")).await;
    assert_eq!((other.status.as_u16(), other.problem()), (400, "invalid-cursor"));
}
