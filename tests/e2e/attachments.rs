//! Documents: uploaded with a link, registered, downloaded again, deleted.

use aws_sdk_s3::{Client, config::Builder};
use futures::future::join_all;
use reqwest::{Method, header::CONTENT_DISPOSITION};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Stack, Tenant, event};

/// What is said of a document.
fn described(bytes: &[u8]) -> Value {
    json!({
        "event_id": "evt_1", "filename": "Rechnung März.pdf", "content_type": "application/pdf", "size": bytes.len(),
        "sha256": hex::encode(Sha256::digest(bytes)), "tags": ["invoice"]
    })
}

fn registration(attachment_id: &str, bytes: &[u8]) -> Value {
    let mut body = described(bytes);
    body["attachment_id"] = json!(attachment_id);
    body
}

/// A tenant with one event.
async fn tenant() -> Tenant {
    let tenant = Tenant::new("attachments");
    tenant.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    tenant
}

/// Sends bytes with the link of an answer, as the answer says; returns the status.
async fn put(link: &Answer, bytes: &[u8]) -> u16 {
    let mut request = reqwest::Client::new().put(link.json["url"].as_str().unwrap()).body(bytes.to_vec());
    for (name, value) in link.json["headers"].as_object().unwrap() {
        // The client says by itself how long what it sends is.
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    request.send().await.unwrap().status().as_u16()
}

/// Uploads a document; returns the attachment's id.
async fn upload(tenant: &Tenant, document: &Value, bytes: &[u8]) -> String {
    let link = tenant.post("/attachments/request-upload", document).await.expect(200);
    assert_eq!(put(&link, bytes).await, 200);
    link.json["attachment_id"].as_str().unwrap().to_owned()
}

/// Uploads a document and registers it as the answer with the link offers; returns the attachment's id.
pub(crate) async fn attach(tenant: &Tenant, document: &Value, bytes: &[u8]) -> String {
    let link = tenant.post("/attachments/request-upload", document).await.expect(200);
    assert_eq!(put(&link, bytes).await, 200);
    let registered = tenant.post("/attachments", &link.json["registration"]).await.expect(201).json;
    let tags = document.get("tags").cloned().unwrap_or_else(|| json!([]));
    assert_eq!(registered["tags"], tags, "{registered}");
    registered["attachment_id"].as_str().unwrap().to_owned()
}

fn pointers(answer: &Answer) -> Vec<&str> {
    answer.json["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_document_comes_back_as_it_was_uploaded_until_it_is_deleted() {
    let tenant = tenant().await;
    // More than one piece of a stream, with every byte in it.
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let id = upload(&tenant, &described(&bytes), &bytes).await;
    assert_eq!(tenant.all("/events?order_id=ord_1&has_attachments=true").await, [] as [Value; 0]);
    let registered = tenant.post("/attachments", &registration(&id, &bytes)).await.expect(201);
    assert_eq!(registered.json["sha256"], described(&bytes)["sha256"]);

    // Read your writes, on every way.
    let shown = tenant.get(&format!("/attachments/{id}")).await.expect(200);
    let listed = tenant.all("/events/evt_1/attachments").await;
    assert_eq!(listed, std::slice::from_ref(&registered.json));
    for path in ["/events?order_id=ord_1&has_attachments=true", "/events?has_attachments=true"] {
        let with: Vec<_> = tenant.all(path).await.into_iter().map(|event| event["id"].clone()).collect();
        assert_eq!(with, ["evt_1"], "{path}");
    }

    let url = shown.json["download"]["url"].as_str().unwrap().to_owned();
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let disposition = answer.headers()[CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert_eq!(disposition, "attachment; filename=\"Rechnung_M_rz.pdf\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf");
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert!(answer.bytes().await.unwrap() == bytes, "the document is what was uploaded");

    let deletion = format!("/attachments/{id}?reason=end%20of%20retention");
    let token = tenant.token(&["admin"]);
    let delete = || tenant.api.call(Method::DELETE, &deletion).token(&token).send();
    let deleted = delete().await.expect(200);
    assert_eq!(deleted.json["deleted"]["reason"], "end of retention");
    assert_eq!(delete().await.expect(200).json, deleted.json);
    let gone = tenant.get(&format!("/attachments/{id}")).await.expect(200);
    assert_eq!(gone.json, deleted.json);
    assert!(gone.json.get("download").is_none(), "{}", gone.text);
    assert_eq!(tenant.all("/events?has_attachments=true").await, [] as [Value; 0]);
    assert_eq!(tenant.head().await.0, 3, "event, registration, deletion");

    let stack = Stack::get();
    let s3 = Client::from_conf(Builder::from(&stack.aws().await).force_path_style(true).build());
    let key = format!("attachments/{}/{id}", tenant.name);
    let tags = s3.get_object_tagging().bucket(stack.output("DataBucketName")).key(key).send().await.unwrap();
    let tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("tombstone", "true")], "the lifecycle rules look for it");

    for record in [format!("history:attachment:{id}"), format!("history:attachment-deleted:{id}")] {
        let verified = tenant.get(&format!("/events/{record}/verify")).await.expect(200).json;
        assert_eq!(verified["verified"], true, "{verified}");
    }
}

#[tokio::test]
async fn what_is_not_the_announced_document_is_not_registered() {
    let (tenant, rival) = (tenant().await, tenant().await);
    let good = b"%PDF-1.7 an invoice";
    let missing = tenant.post("/attachments", &registration("att_0", good)).await;
    assert_eq!(pointers(&missing.expect_problem(422, "invalid-attachment")), ["/attachment_id"]);

    // Other bytes than the link is for. AWS refuses them; a storage that does not is found out at the registration.
    let link = tenant.post("/attachments/request-upload", &described(good)).await.expect(200);
    let id = link.json["attachment_id"].as_str().unwrap();
    let taken = put(&link, b"%PDF-1.7 an invoicE").await == 200;
    let refused = tenant.post("/attachments", &registration(id, good)).await.expect_problem(422, "invalid-attachment");
    assert_eq!(pointers(&refused), if taken { ["/sha256"] } else { ["/attachment_id"] });

    let id = upload(&tenant, &described(good), good).await;
    for (field, value, pointer) in [
        ("size", json!(20), "/size"),
        ("content_type", json!("text/plain"), "/content_type"),
        ("sha256", json!("0".repeat(64)), "/sha256"),
        ("event_id", json!("evt_9"), "/event_id"),
    ] {
        let mut body = registration(&id, good);
        body[field] = value;
        let refused = tenant.post("/attachments", &body).await.expect_problem(422, "invalid-attachment");
        assert!(pointers(&refused).contains(&pointer), "{}", refused.text);
    }
    let stolen = rival.post("/attachments", &registration(&id, good)).await.expect_problem(422, "invalid-attachment");
    assert_eq!(stolen.json["errors"], missing_words(&tenant, good).await, "in the words for one that nobody has");
    assert_eq!((tenant.head().await.0, rival.head().await.0), (1, 1), "nothing of it is recorded");
    tenant.post("/attachments", &registration(&id, good)).await.expect(201);
    rival.get(&format!("/attachments/{id}")).await.expect_problem(404, "not-found");
}

/// What is said of a document that nobody has uploaded.
async fn missing_words(tenant: &Tenant, bytes: &[u8]) -> Value {
    tenant.post("/attachments", &registration("att_0", bytes)).await.json["errors"].clone()
}

#[tokio::test]
async fn of_registrations_at_once_one_is_recorded() {
    let tenant = tenant().await;
    let bytes = b"%PDF-1.7 an invoice";
    let id = upload(&tenant, &described(bytes), bytes).await;
    let body = registration(&id, bytes);
    let answers = join_all((0..4).map(|_| tenant.post("/attachments", &body))).await;
    let recorded = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(recorded, 1, "{:?}", answers.iter().map(|answer| &answer.text).collect::<Vec<_>>());
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "attachment-exists");
    }
    assert_eq!(tenant.head().await.0, 2);
    let mut by_url = described(bytes);
    by_url["url"] = json!("https://elsewhere.example/attachments/x");
    let refused = tenant.post("/attachments", &by_url).await.expect_problem(422, "invalid-attachment");
    assert_eq!(pointers(&refused), ["/url"]);
}
