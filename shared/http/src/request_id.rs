//! The id of the request that is being answered: in header `X-Request-Id`, in problems, in the log.

use http::{Extensions, HeaderName, Request};

/// The header that carries it.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// Known to everything that runs for the request, so that a [`Problem`](crate::Problem) made anywhere can name it.
    static CURRENT: RequestId;
}

/// API Gateway's request id, or Lambda's where there is no gateway.
///
/// The adapter puts it among the request's extensions. A client cannot choose it: it would be
/// choosing what our logs say.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self::among(request.extensions())
    }

    /// The id among a request's extensions.
    pub(crate) fn among(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self("unknown".to_owned()))
    }

    /// Runs `work` with this as its request id.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

/// The id of the request that the caller's task is answering.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(|id| id.0.clone()).ok()
}
