//! `POST /order-history/schemas`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    ids::{EventType, SchemaVersion, TenantId},
    order::FoldRule,
};
use http_api::{Caller, Created, Fault, Json, Problem, ProblemBody, ProblemType, auth::Admin, openapi::WriteProblems};
use schema::{Direction, compat};
use serde::Deserialize;
use serde_json::Value;
use store::{
    StoreError,
    schemas::{Head, NewSchema, RegisteredSchema, Registration},
};
use utoipa::ToSchema;

use crate::{
    SchemasApi,
    resource::{Compatibility, Fold, OnMismatch, Schema},
};

/// How often a registration is compared with another predecessor before the caller is asked to come back. Each time,
/// somebody else has registered a version of the same type.
const ATTEMPTS: u32 = 5;

/// A version to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterSchema {
    /// The type of the events whose payloads it describes.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "order.payment.succeeded")]
    event_type: EventType,
    /// The `schema_version` of those events. Any name; the order of versions is that of their registration.
    #[schema(value_type = String, example = "v1")]
    version: SchemaVersion,
    /// JSON Schema 2020-12, with references within itself alone; at most 64 KiB.
    #[schema(value_type = Object)]
    schema: Value,
    #[serde(default)]
    #[schema(required = false)]
    on_mismatch: OnMismatch,
    #[serde(default)]
    #[schema(required = false)]
    compatibility: Compatibility,
    /// What an event of this type and version does to the state of its order; `merge` unless given. It counts for events
    /// that were recorded before, too.
    #[serde(default)]
    #[schema(value_type = Fold, required = false)]
    fold: FoldRule,
}

/// What became of it: 201 when it was registered, 200 when it was registered already.
pub(crate) enum Registered {
    Now(Schema),
    Before(Schema),
}

impl IntoResponse for Registered {
    fn into_response(self) -> Response {
        match self {
            Self::Now(schema) => Created(schema).into_response(),
            Self::Before(schema) => Json(schema).into_response(),
        }
    }
}

/// Registers a version of a schema
///
/// It is compared with the version of its type that was registered last. A registered version never changes;
/// registering it again with the same content changes nothing. It takes effect on events within five seconds.
#[utoipa::path(
    post,
    path = "/order-history/schemas",
    tag = "schemas",
    request_body = RegisterSchema,
    responses(
        WriteProblems,
        (status = 200, description = "It was registered before, with the same content", body = Schema),
        (status = 201, description = "It is registered", body = Schema),
        (status = 409, description = "The version is registered with other content (`schema-exists`), is not compatible \
          with the version before (`schema-incompatible`), or the first request with this idempotency key is running \
          (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not right (`invalid-body`), its schema is not usable \
          (`schema-invalid`), or the idempotency key was used for another request (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register_schema(
    caller: Caller<Admin>,
    State(api): State<SchemasApi>,
    Json(body): Json<RegisterSchema>,
) -> Result<Registered, Problem> {
    let compiled = schema::Schema::compile(&body.schema).map_err(|error| {
        let faults = error.faults().into_iter().map(|fault| in_body(&fault.pointer, fault.detail));
        Problem::new(ProblemType::SchemaInvalid, error.to_string()).with(faults)
    })?;
    let new = NewSchema {
        event_type: body.event_type,
        version: body.version,
        schema: body.schema,
        on_mismatch: body.on_mismatch.into(),
        compatibility: body.compatibility.into(),
        fold: body.fold,
        created_at: api.gate.clock().now(),
        created_by: caller.subject,
    };
    for _ in 0..ATTEMPTS {
        // First of all: what is there stays, whatever was registered after it.
        if let Some(there) = api.schemas.get(&caller.tenant, &new.event_type, &new.version).await? {
            return known(&new, there);
        }
        let head = api.schemas.head(&caller.tenant, &new.event_type).await?;
        if let Some(head) = &head {
            compare(&api, &caller.tenant, head, &new, &compiled).await?;
        }
        match api.schemas.register(&caller.tenant, &new, head.as_ref()).await? {
            Registration::Created(info) => {
                return Ok(Registered::Now(RegisteredSchema { info, schema: new.schema }.into()));
            }
            Registration::Exists(there) => return known(&new, there),
            Registration::Overtaken => {}
        }
    }
    Err(StoreError::Contended { attempts: ATTEMPTS }.into())
}

fn known(new: &NewSchema, there: RegisteredSchema) -> Result<Registered, Problem> {
    if new.is(&there) {
        return Ok(Registered::Before(there.into()));
    }
    let detail = "this version is registered with another schema, on_mismatch, compatibility or fold, and never changes: \
                  register the new content under a new version";
    Err(Problem::new(ProblemType::SchemaExists, detail))
}

/// Compares with the version that was registered last.
async fn compare(
    api: &SchemasApi,
    tenant: &TenantId,
    head: &Head,
    new: &NewSchema,
    compiled: &schema::Schema,
) -> Result<(), Problem> {
    if new.compatibility == schema::Compatibility::None {
        return Ok(());
    }
    let before = api.schemas.get(tenant, &new.event_type, &head.version).await?;
    let before = before.ok_or_else(|| Problem::internal(&"the head of a type names a version that is not there"))?;
    let incompatible = |faults: Vec<Fault>| {
        let detail = format!("compared with version {}, which was registered last", head.version);
        Err(Problem::new(ProblemType::SchemaIncompatible, detail).with(faults))
    };
    let Ok(before) = schema::Schema::compile(&before.schema) else {
        let detail = "the version before cannot be compared; compatibility none goes on without it";
        return incompatible(vec![Fault::at("/compatibility", detail)]);
    };
    let found = compat::check(&before, compiled, new.compatibility);
    if found.is_empty() {
        return Ok(());
    }
    let faults = found.into_iter().map(|found| match found.direction {
        Direction::Backward => in_body(&found.pointer, found.detail),
        // The keyword stands in the version before; the body has no place for it.
        Direction::Forward => Fault::at(
            "/schema",
            format!("{} of version {} is not kept to: {}", shown(&found.pointer), head.version, found.detail),
        ),
    });
    incompatible(faults.collect())
}

/// A fault in the schema, at its place in the body.
fn in_body(pointer: &str, detail: String) -> Fault {
    Fault::at(format!("/schema{pointer}"), detail)
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "the whole" } else { pointer }
}
