//! The OpenAPI document: each function's router describes its own [`part`], and [`document`] makes one of them.
//!
//! A handler names what the shared code around it can answer with one type, and adds its own problems:
//!
//! ```
//! # use http_api::{Page, PageParams, ProblemBody, openapi::ReadProblems};
//! # #[derive(serde::Serialize, utoipa::ToSchema)] struct Entry { sequence: u64 }
//! /// Lists what happened to an order.
//! #[utoipa::path(
//!     get,
//!     path = "/order-history/orders/{order_id}/timeline",
//!     tag = "orders",
//!     params(("order_id" = String, Path, description = "The order"), PageParams),
//!     responses(
//!         (status = 200, description = "A page of its timeline", body = Page<Entry>),
//!         ReadProblems,
//!         (status = 404, description = "No such order (`not-found`)",
//!          body = ProblemBody, content_type = "application/problem+json"),
//!     ),
//! )]
//! async fn timeline() {}
//! ```

use std::collections::BTreeMap;

use domain::ids::OrderId;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, ServerBuilder,
};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use crate::access::MAX_PURPOSE_CHARS;
use crate::catalogue::ProblemType;
use crate::idempotency::MAX_KEY_CHARS;
use crate::problem::{Fault, ProblemBody};

/// The name of the security scheme; a handler that needs no token says `security(())`.
const BEARER: &str = "bearer";

/// What every GET can be answered with, apart from what was asked for: problems, and 304.
#[derive(Debug, Clone, Copy)]
pub enum ReadProblems {}

/// What every POST can be answered with, apart from what was asked for.
#[derive(Debug, Clone, Copy)]
pub enum WriteProblems {}

const READ: &[ProblemType] = &[
    ProblemType::InvalidParameter,
    ProblemType::InvalidHeader,
    ProblemType::InvalidCursor,
    ProblemType::TenantRequired,
    ProblemType::MissingToken,
    ProblemType::InvalidToken,
    ProblemType::ExpiredToken,
    ProblemType::TenantForbidden,
    ProblemType::RoleRequired,
    ProblemType::Internal,
    ProblemType::Throttled,
    ProblemType::Unavailable,
];

const WRITE: &[ProblemType] = &[
    ProblemType::MissingBody,
    ProblemType::MalformedJson,
    ProblemType::DuplicateKey,
    ProblemType::NumberOutOfRange,
    ProblemType::TooDeep,
    ProblemType::InvalidHeader,
    ProblemType::InvalidIdempotencyKey,
    ProblemType::IdempotencyKeyReused,
    ProblemType::IdempotencyInProgress,
    ProblemType::TenantRequired,
    ProblemType::MissingToken,
    ProblemType::InvalidToken,
    ProblemType::ExpiredToken,
    ProblemType::TenantForbidden,
    ProblemType::RoleRequired,
    ProblemType::BodyTooLarge,
    ProblemType::UnsupportedMediaType,
    ProblemType::Internal,
    ProblemType::Throttled,
    ProblemType::Unavailable,
];

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let unchanged = "The client has it already, as its `If-None-Match` says; there is no body";
        let unchanged = ResponseBuilder::new().description(unchanged).build();
        let mut responses = by_status(READ);
        responses.insert("304".to_owned(), RefOr::T(unchanged));
        responses
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        by_status(WRITE)
    }
}

/// One response for each status, which lists its problem types.
fn by_status(kinds: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in kinds {
        let line = format!("{} (`{}`)", kind.title(), kind.slug());
        lines.entry(kind.status().as_str().to_owned()).or_default().push(line);
    }
    let response = |lines: Vec<String>| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        ResponseBuilder::new().description(lines.join("; ")).content("application/problem+json", content).build()
    };
    lines.into_iter().map(|(status, lines)| (status, RefOr::T(response(lines)))).collect()
}

/// The header that every GET with a token takes; see [`access`](crate::access).
fn purpose() -> Parameter {
    let description =
        "Why this is read, such as the number of a dispute. A read of history is kept in the access log, with this";
    header("X-Purpose", description, MAX_PURPOSE_CHARS, "^[!-~]([ -~]*[!-~])?$")
}

/// The header that every POST with a token takes; see [`idempotency`](crate::idempotency).
fn idempotency_key() -> Parameter {
    let description = "Makes repetitions within 24 hours get the first answer. A new one for each request";
    header("Idempotency-Key", description, MAX_KEY_CHARS, "^[!-~]+$")
}

fn header(name: &str, description: &str, max_length: usize, pattern: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(max_length));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text.pattern(Some(pattern))))
        .build()
}

/// Says of an id in the path, such as `order_id`, what it must look like.
fn describe_id(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else { return };
    if matches!(parameter.parameter_in, ParameterIn::Path) && parameter.name.ends_with("_id") {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(OrderId::MAX_LEN))
            .pattern(Some("^[A-Za-z0-9._:@~+-]+$"));
        parameter.schema = Some(id.into());
    }
}

/// What the routes of a function say of themselves.
#[must_use]
pub fn part<S: Clone + Send + Sync + 'static>(router: OpenApiRouter<S>) -> OpenApi {
    router.into_openapi()
}

/// One document of the functions' documents.
///
/// The router's `{*path}`, which takes the rest of a path, is written as OpenAPI knows it: `{path}`. Headers that every
/// GET or POST takes are added here, and what ids in paths look like.
#[must_use]
pub fn document(parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "A JSON Web Token of the configured issuer. Its tenants and roles decide what it gives access to; a token for \
         several tenants needs header X-Tenant-ID.",
    ));
    let mut components = Components::new();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(Fault::name().into_owned(), Fault::schema());
    let info = InfoBuilder::new()
        .title("Order History")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The append-only, tamper-evident history of orders. Every answer that is not a success is a problem \
             document (RFC 9457). Every POST takes an Idempotency-Key.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let server = ServerBuilder::new().url("/v1").description(Some("The stage of the REST API"));
    let mut document = OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([server.build()]))
        .components(Some(components))
        .security(Some([SecurityRequirement::new(BEARER, Vec::<String>::new())]))
        .build();
    for part in parts {
        document.merge(part);
    }
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for item in document.paths.paths.values_mut() {
        for (operation, header) in [(&mut item.get, purpose as fn() -> Parameter), (&mut item.post, idempotency_key)] {
            if let Some(operation) = operation.as_mut().filter(|operation| operation.security.is_none()) {
                operation.parameters.get_or_insert_default().push(RefOr::T(header()));
            }
        }
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        let parameters = operations.into_iter().flatten().filter_map(|operation| operation.parameters.as_mut());
        parameters.flatten().for_each(describe_id);
    }
    document
}
