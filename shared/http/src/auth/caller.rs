//! The caller of a handler, as an extractor.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use domain::ids::TenantId;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::roles::{Permission, Roles};
use super::token::Claims;
use crate::access;
use crate::catalogue::ProblemType;
use crate::gate::Gate;
use crate::problem::Problem;

const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");

/// Someone with a genuine token, in one of its tenants, who has permission `P`.
///
/// A read of history leaves a record of its own accord: a GET is recorded in the access log as soon as its caller is let
/// in, if `P` may [show history](Permission::SHOWS_HISTORY).
///
/// ```
/// # use http_api::auth::{Caller, HistoryReader};
/// async fn timeline(caller: Caller<HistoryReader>) -> String {
///     format!("orders of {}", caller.tenant)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Caller<P> {
    /// Whose data the request is about.
    pub tenant: TenantId,
    /// Who asks: the token's `sub`. It may name a person, so it is not for the log.
    pub subject: String,
    /// The roles in the token.
    pub roles: Roles,
    permission: PhantomData<fn() -> P>,
}

/// Who is asking and for whom, before any role is looked at. Kept with the request once it is known.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) tenant: TenantId,
    pub(crate) subject: String,
    pub(crate) roles: Roles,
}

impl Identity {
    /// Checks token and tenant, once a request.
    pub(crate) async fn of(parts: &mut Parts, gate: &Gate) -> Result<Arc<Self>, Problem> {
        if let Some(known) = parts.extensions.get::<Arc<Self>>() {
            return Ok(Arc::clone(known));
        }
        let token = bearer_token(&parts.headers)?;
        let claims = gate.verifier().verify(token).await?;
        let tenant = choose_tenant(&parts.headers, &claims)?;
        tracing::Span::current().record("tenant", tenant.as_str());
        let identity = Arc::new(Self { tenant, subject: claims.subject, roles: claims.roles });
        parts.extensions.insert(Arc::clone(&identity));
        Ok(identity)
    }
}

impl<S, P> FromRequestParts<S> for Caller<P>
where
    S: Send + Sync,
    P: Permission,
    Gate: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let gate = Gate::from_ref(state);
        let identity = Identity::of(parts, &gate).await?;
        if !P::is_given_by(identity.roles) {
            let detail = format!("this needs {} in the token", P::NEEDS);
            return Err(Problem::new(ProblemType::RoleRequired, detail)
                .challenge(r#"Bearer realm="order-history", error="insufficient_scope""#));
        }
        if access::is_read(&parts.method) {
            let purpose = access::purpose(&parts.headers)?;
            if P::SHOWS_HISTORY {
                access::begin(parts, &gate, &identity, purpose).await?;
            }
        }
        Ok(Self {
            tenant: identity.tenant.clone(),
            subject: identity.subject.clone(),
            roles: identity.roles,
            permission: PhantomData,
        })
    }
}

/// The token in `Authorization: Bearer …` (RFC 6750, section 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || {
        Problem::new(ProblemType::MissingToken, "send a token as Authorization: Bearer <token>")
            .challenge(r#"Bearer realm="order-history""#)
    };
    let value = single(headers, &AUTHORIZATION, "Authorization")?.ok_or_else(missing)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(missing()),
    }
}

/// The tenant that the request is for: `X-Tenant-ID`, which must be one of the token's, or the token's only one.
///
/// A tenant that does not exist is answered like one that the token is not for.
fn choose_tenant(headers: &HeaderMap, claims: &Claims) -> Result<TenantId, Problem> {
    let wanted = single(headers, &X_TENANT_ID, "X-Tenant-ID")?;
    match (wanted, claims.tenants.as_slice()) {
        (_, []) => Err(Problem::new(ProblemType::TenantForbidden, "the token is for no tenant")),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Problem::new(
            ProblemType::TenantRequired,
            "the token is for several tenants: name one of them in X-Tenant-ID",
        )),
        (Some(wanted), tenants) => {
            let wanted: TenantId =
                wanted.parse().map_err(|invalid| Problem::header("X-Tenant-ID", format!("{invalid}")))?;
            tenants.iter().find(|tenant| **tenant == wanted).cloned().ok_or_else(|| {
                Problem::new(ProblemType::TenantForbidden, "the token is not for the tenant in X-Tenant-ID")
            })
        }
    }
}

/// The header's only value. Two values would leave it to chance which one counts, here and in proxies.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::header(shown, "must be sent once"));
    }
    value.to_str().map(Some).map_err(|_| Problem::header(shown, "must be visible ASCII"))
}
