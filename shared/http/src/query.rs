//! Extractors for what stands in the URL. They refuse what they do not know, and always with a problem.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::catalogue::ProblemType;
use crate::params::Pairs;
use crate::problem::Problem;

/// The parameters in the path: one value, a tuple in the path's order, or a struct with a field for each.
///
/// A value that cannot be is an `invalid-parameter`, as there can be nothing to find under it.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(ProblemType::InvalidParameter, "the path is not valid UTF-8"))?;
        let pairs: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self(Pairs(&pairs).read()?))
    }
}

/// The parameters in the query: a struct with a field for each that is allowed. `Query<()>` allows none.
///
/// A parameter that is unknown or repeated is an `invalid-parameter`: a filter that is misspelt must not be ignored.
/// Fields are `Option`s or have `#[serde(default)]`; `#[serde(flatten)]` does not work here. For a list, use
/// [`Paged`](crate::Paged).
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(Pairs(&pairs(parts)).read()?))
    }
}

/// The query's names and values, decoded, in order.
pub(crate) fn pairs(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}
