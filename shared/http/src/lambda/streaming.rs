//! Answers that go out little by little, where the gateway lets them.

use axum::Router;
use axum::body::BodyDataStream;
use axum::extract::FromRef;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{LambdaEvent, Request, RequestExt as _};
use telemetry::{MetadataPrelude, StreamResponse};

use super::{request_id, route, run, tidy};
use crate::app::app;
use crate::config::{ConfigError, optional};
use crate::gate::Gate;

/// Says how the gateway's integration is set up: `stream` or `buffered`.
const VARIABLE: &str = "RESPONSE_TRANSFER";

/// How the gateway in front of a function takes its answers. The function must answer in the same way: what was made for
/// the one is not understood by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// As they come: the integration's `responseTransferMode` is `STREAM`, and it invokes the function with
    /// `InvokeWithResponseStream`.
    Streamed,
    /// As a whole, when they are complete.
    Buffered,
}

impl Transfer {
    /// Reads `RESPONSE_TRANSFER`.
    ///
    /// # Errors
    /// [`ConfigError`] when it is neither `stream` nor `buffered`.
    pub fn from_env() -> Result<Self, ConfigError> {
        match optional(VARIABLE).as_deref() {
            Some("stream") => Ok(Self::Streamed),
            Some("buffered") => Ok(Self::Buffered),
            _ => Err(ConfigError::Unusable { name: VARIABLE, reason: "must be stream or buffered".to_owned() }),
        }
    }
}

/// [`run`] for a function with answers that go out little by little. With [`Transfer::Buffered`] it is the same as
/// [`run`]: then such an answer must end soon, and be small enough for Lambda.
///
/// What is around the handlers is around them here as well; their log line and latency are those of the first byte.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>
///
/// # Errors
/// When the Lambda Runtime API cannot be used.
pub async fn run_streaming<S>(router: Router<S>, state: S, transfer: Transfer) -> Result<(), telemetry::Error>
where
    S: Clone + Send + Sync + 'static,
    Gate: FromRef<S>,
{
    if transfer == Transfer::Buffered {
        return run(router, state).await;
    }
    let app = app(router, state);
    telemetry::run_streaming(move |event: LambdaEvent<ApiGatewayProxyRequest>| {
        let app = app.clone();
        async move { Ok(answer(app, event).await) }
    })
    .await
}

/// Answers one request: status and headers, and then the body as it comes.
async fn answer(
    app: Router,
    LambdaEvent { mut payload, context }: LambdaEvent<ApiGatewayProxyRequest>,
) -> StreamResponse<BodyDataStream> {
    tidy(&mut payload);
    let id = request_id(&payload, &context);
    let request = Request::from(LambdaRequest::ApiGatewayV1(payload)).with_lambda_context(context);
    let (parts, body) = route(app, id, request).await.into_parts();
    let metadata_prelude = MetadataPrelude { status_code: parts.status, headers: parts.headers, cookies: Vec::new() };
    StreamResponse { metadata_prelude, stream: body.into_data_stream() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
    use axum::routing::any;
    use futures::channel::mpsc;
    use futures::{FutureExt as _, StreamExt as _};
    use http::header::CONTENT_TYPE;
    use serde_json::json;

    use super::*;

    fn event() -> LambdaEvent<ApiGatewayProxyRequest> {
        let payload = json!({
            "httpMethod": "GET", "path": "/v1/order-history/x",
            "requestContext": {"httpMethod": "GET", "requestId": "gateway-id"},
        });
        LambdaEvent::new(serde_json::from_value(payload).unwrap(), telemetry::Context::default())
    }

    #[tokio::test]
    async fn the_head_comes_first_and_each_chunk_when_it_is_made() {
        let (chunks, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
        let body = std::sync::Mutex::new(Some(Body::from_stream(body)));
        let handler = move || {
            let body = body.lock().unwrap().take().unwrap();
            async { ([(CONTENT_TYPE, "text/event-stream")], body) }
        };
        let handler = std::sync::Arc::new(handler);
        let app = Router::new().route("/order-history/x", any(move || handler()));

        let StreamResponse { metadata_prelude, mut stream } = answer(app, event()).await;
        assert_eq!(metadata_prelude.status_code, 200);
        assert_eq!(metadata_prelude.headers[CONTENT_TYPE], "text/event-stream");
        assert!(stream.next().now_or_never().is_none());
        for chunk in ["one", "two"] {
            chunks.unbounded_send(Ok(Bytes::from_static(chunk.as_bytes()))).unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap(), chunk);
            assert!(stream.next().now_or_never().is_none());
        }
        drop(chunks);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_problem_keeps_its_status() {
        let handler = async || crate::Problem::not_found("event");
        let StreamResponse { metadata_prelude, stream } =
            answer(Router::new().route("/order-history/x", any(handler)), event()).await;
        assert_eq!(metadata_prelude.status_code, 404);
        assert_eq!(metadata_prelude.headers[CONTENT_TYPE], "application/problem+json");
        let body: Vec<_> = stream.map(Result::unwrap).collect().await;
        assert!(serde_json::from_slice::<serde_json::Value>(&body.concat()).is_ok());
    }
}
