//! Where a key set is fetched from, with the HTTPS client that the AWS clients bring: the code of a second one would be
//! a part of every package.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::error::display::DisplayErrorContext;
use axum::body::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_SET_BYTES: usize = 256 * 1024;

/// The address of a key set.
pub(super) struct Source(String);

impl Source {
    /// The set at `url`: https, or http on this very machine. An error says what is wrong with it.
    pub(super) fn at(url: &str) -> Result<Self, &'static str> {
        let parsed: Uri = url.parse().map_err(|_| "it is not a URL")?;
        let loopback = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match parsed.scheme_str() {
            Some("https") => Ok(Self(url.to_owned())),
            Some("http") if loopback => Ok(Self(url.to_owned())),
            Some(_) => Err("keys are only fetched over https"),
            None => Err("it is not a URL"),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.0
    }

    /// The bytes of the set.
    pub(super) async fn fetch(&self) -> Result<Bytes, String> {
        timeout(FETCH_TIMEOUT, self.get()).await.map_err(|_| "the issuer did not answer in time".to_owned())?
    }

    /// No redirects, which this client does not follow: they would lead away from the URL that the operator chose. The
    /// client is built anew, as it is needed once in ten minutes, and reading the system's certificates would slow
    /// every start.
    async fn get(&self) -> Result<Bytes, String> {
        let client = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env())
            .build();
        let request = HttpRequest::get(&self.0).map_err(|error| error.to_string())?;
        let response = client.call(request).await.map_err(|error| DisplayErrorContext(error).to_string())?;
        let status = response.status().as_u16();
        if status != StatusCode::OK {
            return Err(format!("the issuer answered {status}"));
        }
        let body = Limited::new(response.into_body(), MAX_SET_BYTES).collect().await;
        let set = body.map_err(|error| match error.downcast::<LengthLimitError>() {
            Ok(_) => "the key set is larger than 256 KiB".to_owned(),
            Err(error) => DisplayErrorContext(&*error).to_string(),
        })?;
        Ok(set.to_bytes())
    }
}
