//! Every problem that the API can answer with. The list is the contract: a client branches on `type`,
//! and each type has a page, `docs/errors/<slug>.md`, which says what to do about it.
//!
//! # Which one to use where
//! - **The body cannot be read** (before anyone looks at what it says): `MissingBody`, `MalformedJson`,
//!   `DuplicateKey`, `NumberOutOfRange`, `TooDeep`, `BodyTooLarge`, `UnsupportedMediaType`. They come from
//!   [`RawJson`](crate::RawJson) and from `domain::json`; a handler never makes one itself.
//! - **The body can be read, but is not right**: `InvalidEvent` and `EventTooLarge` for an event,
//!   `InvalidBody` for anything else, both with a JSON Pointer to each mistake. `InvalidCorrection` for an event that
//!   corrects what it cannot, `InvalidAttachment` for a document that is not what its registration says.
//! - **A path or query parameter is not right**: `InvalidParameter`, with its name. A header:
//!   `InvalidHeader`. A cursor that we did not issue for this very query: `InvalidCursor`.
//! - **Who is asking**: `MissingToken`, `InvalidToken`, `ExpiredToken`, `TenantRequired`,
//!   `TenantForbidden`, `RoleRequired`. They come from [`Caller`](crate::Caller).
//! - **What is asked for is not there**, or belongs to another tenant, which must look the same:
//!   `NotFound`.
//! - **It contradicts what is stored**: `EventConflict`, `AttachmentExists`, `SnapshotExists`, `SchemaExists`,
//!   `SchemaIncompatible`.
//! - **It is recorded, and cannot be proved yet**: `NotYetInTree`. One proof of too much: `RangeTooLarge`.
//! - **The schema registry**: `SchemaInvalid` for a schema, `EventDoesNotFitSchema` for an event.
//! - **Idempotency keys**: the three `Idempotency…` types, from the middleware alone.
//! - **Our own trouble**: `Throttled` and `Unavailable` when trying again helps, `Internal` when it does
//!   not. Never with the inner error's text: that goes to the log, with the request's id.

use http::StatusCode;

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:ident, $title:literal;)*) => {
        /// A kind of problem; see the [module](self) for which to use where.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType { $($(#[$doc])* $name,)* }

        impl ProblemType {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in URLs and file names, such as `invalid-event`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// What kind of problem it is, the same for every occurrence (RFC 9457, section 3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The HTTP status that it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

catalogue! {
    /// A body was required and there is none.
    MissingBody = "missing-body", BAD_REQUEST, "The request has no body";
    /// The body is not JSON (RFC 8259).
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not valid JSON";
    /// An object has one key twice.
    DuplicateKey = "duplicate-key", BAD_REQUEST, "A key stands twice in one JSON object";
    /// A number beyond 2^53 - 1.
    NumberOutOfRange = "number-out-of-range", BAD_REQUEST, "A number is too large to be kept exactly";
    /// Nested deeper than 64 levels.
    TooDeep = "too-deep", BAD_REQUEST, "The JSON is nested too deeply";
    /// The whole body is over the limit of the route.
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// One event is over the limit for events.
    EventTooLarge = "event-too-large", PAYLOAD_TOO_LARGE, "The event is too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    /// The event does not fit the envelope.
    InvalidEvent = "invalid-event", UNPROCESSABLE_ENTITY, "The event is not valid";
    /// A correction names an event that it cannot correct.
    InvalidCorrection = "invalid-correction", UNPROCESSABLE_ENTITY, "The correction is not valid";
    /// What was uploaded, or the event that it shall belong to, is not what the request says.
    InvalidAttachment = "invalid-attachment", UNPROCESSABLE_ENTITY, "The attachment is not valid";
    /// The attachment is registered.
    AttachmentExists = "attachment-exists", CONFLICT, "The attachment is registered already";
    /// A body other than an event has the wrong form.
    InvalidBody = "invalid-body", UNPROCESSABLE_ENTITY, "The body does not have the right form";
    /// A path or query parameter is unknown, repeated, or has a value that is not accepted.
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter is not valid";
    /// A header is repeated, or has a value that is not accepted.
    InvalidHeader = "invalid-header", BAD_REQUEST, "A header is not valid";
    /// The cursor was not issued for this query, or not by us.
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor does not belong to this query";
    /// There is no bearer token.
    MissingToken = "missing-token", UNAUTHORIZED, "A bearer token is required";
    /// The token cannot be trusted.
    InvalidToken = "invalid-token", UNAUTHORIZED, "The bearer token is not valid";
    /// The token was valid once.
    ExpiredToken = "expired-token", UNAUTHORIZED, "The bearer token has expired";
    /// The token is for several tenants, and none was chosen.
    TenantRequired = "tenant-required", BAD_REQUEST, "A tenant must be chosen";
    /// The token is not for this tenant.
    TenantForbidden = "tenant-forbidden", FORBIDDEN, "The token does not give access to this tenant";
    /// The token does not have the role that the operation needs.
    RoleRequired = "role-required", FORBIDDEN, "The token lacks the role that this needs";
    /// Nothing is there, for this tenant at least.
    NotFound = "not-found", NOT_FOUND, "There is nothing here";
    /// The path exists, with other methods.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not supported here";
    /// The id is taken by an event with other content.
    EventConflict = "event-conflict", CONFLICT, "Another event has this id";
    /// The `Idempotency-Key` is empty, too long, repeated, or not visible ASCII.
    InvalidIdempotencyKey = "invalid-idempotency-key", BAD_REQUEST, "The idempotency key is not valid";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request";
    /// The first request with this key has no answer yet.
    IdempotencyInProgress = "idempotency-in-progress", CONFLICT, "The first request with this idempotency key is still running";
    /// The document is not a usable JSON Schema.
    SchemaInvalid = "schema-invalid", UNPROCESSABLE_ENTITY, "The JSON Schema is not valid";
    /// The version would refuse what the one before accepts.
    SchemaIncompatible = "schema-incompatible", CONFLICT, "The schema is not compatible with the version before";
    /// The version is taken by another schema.
    SchemaExists = "schema-exists", CONFLICT, "This version of the schema exists with other content";
    /// The id is taken by a snapshot with other content, or by one that was deleted.
    SnapshotExists = "snapshot-exists", CONFLICT, "A snapshot with this id exists already";
    /// The tenant rejects events that do not fit, and this one does not.
    EventDoesNotFitSchema = "event-does-not-fit-schema", UNPROCESSABLE_ENTITY, "The event does not fit its registered schema";
    /// No signed checkpoint covers it yet.
    NotYetInTree = "not-yet-in-tree", CONFLICT, "It is not in the tree yet";
    /// More events than one range proof holds.
    RangeTooLarge = "range-too-large", UNPROCESSABLE_ENTITY, "The range is too large for one proof";
    /// AWS asked us to slow down.
    Throttled = "throttled", SERVICE_UNAVAILABLE, "The service is busy";
    /// Something that we need does not answer.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer at the moment";
    /// A fault of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service made a mistake";
}

impl ProblemType {
    /// The `type` member: `urn:order-history:problem:<slug>`, the same in every deployment.
    #[must_use]
    pub fn uri(self) -> String {
        format!("urn:order-history:problem:{}", self.slug())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Where the pages are, seen from this crate, in which Cargo runs its tests.
    const PAGES: &str = "../../docs/errors";

    #[test]
    fn each_type_has_its_page_and_no_page_is_left_over() {
        let types: BTreeSet<String> = ProblemType::ALL.iter().map(|t| format!("{}.md", t.slug())).collect();
        let files: BTreeSet<String> = std::fs::read_dir(PAGES)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        assert_eq!(types, files);
    }

    #[test]
    fn each_page_says_what_the_catalogue_says() {
        for kind in ProblemType::ALL {
            let page = std::fs::read_to_string(Path::new(PAGES).join(format!("{}.md", kind.slug()))).unwrap();
            assert!(page.starts_with(&format!("# {}\n", kind.title())), "the heading of {}.md", kind.slug());
            for part in [kind.uri(), format!("HTTP {}", kind.status().as_u16())] {
                assert!(page.contains(&part), "{}.md does not contain {part}", kind.slug());
            }
            let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
            let example: serde_json::Value = serde_json::from_str(example).unwrap();
            assert_eq!(example["type"], kind.uri());
            assert_eq!(example["title"], kind.title());
            assert_eq!(example["status"], kind.status().as_u16());
        }
    }

    #[test]
    fn slugs_are_unique() {
        let slugs: BTreeSet<_> = ProblemType::ALL.iter().map(|t| t.slug()).collect();
        assert_eq!(slugs.len(), ProblemType::ALL.len());
    }
}
