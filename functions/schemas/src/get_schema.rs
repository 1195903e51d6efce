//! `GET /order-history/schemas/{type}/{version}`

use axum::extract::State;
use domain::ids::{EventType, SchemaVersion};
use http_api::{Caller, Path, Problem, ProblemBody, Query, Tagged, auth::AnyRole, openapi::ReadProblems};

use crate::{SchemasApi, resource::Schema};

/// A registered schema
///
/// Schemas are read at once after they were registered; they take effect on events within five seconds.
#[utoipa::path(
    get,
    path = "/order-history/schemas/{type}/{version}",
    tag = "schemas",
    params(
        ("type" = String, Path, description = "The type of events"),
        ("version" = String, Path, description = "The version of the schema"),
    ),
    responses(
        (status = 200, description = "The schema", body = Schema),
        ReadProblems,
        (status = 404, description = "It is not registered (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_schema(
    caller: Caller<AnyRole>,
    State(api): State<SchemasApi>,
    Path((event_type, version)): Path<(EventType, SchemaVersion)>,
    Query(()): Query<()>,
) -> Result<Tagged<Schema>, Problem> {
    let found = api.schemas.get(&caller.tenant, &event_type, &version).await?;
    found.map(|found| Tagged(found.into())).ok_or_else(|| Problem::not_found("schema"))
}
