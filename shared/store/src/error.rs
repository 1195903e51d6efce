//! What can go wrong between us and what is stored.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A failure of our own: never the fault of what a caller sent. Whoever gets one may do the same again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StoreError {
    /// AWS asks us to slow down. Nothing was stored by the refused call.
    #[error("{operation} was throttled")]
    Throttled { operation: &'static str },
    /// No answer, or a 5xx. Whether the call took effect is not known.
    #[error("{operation} got no answer: {code}")]
    Unavailable { operation: &'static str, code: String },
    /// Too many writers want the next slot of one log.
    #[error("the log is too busy: {attempts} attempts to commit found their slot taken")]
    Contended { attempts: u32 },
    /// The call was refused: a missing permission or table, a bug of ours.
    #[error("{operation} was refused: {code}")]
    Refused { operation: &'static str, code: String },
    /// The log was begun under another origin: either `LEDGER_ORIGIN` is not what it was, for all tenants, or somebody has
    /// put another tenant's segments there.
    #[error("the log's origin is {stored}, not {ours}")]
    OtherOrigin { stored: String, ours: String },
    /// What is stored is not what we write.
    #[error("what is stored cannot be read: {what}")]
    Corrupt { what: String },
}

impl StoreError {
    /// Whether the same call may succeed a little later, without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Contended { .. } => true,
            Self::Refused { .. } | Self::OtherOrigin { .. } | Self::Corrupt { .. } => false,
        }
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string() }
    }

    /// What an AWS call's failure means to us. The SDK has already tried again where that made sense.
    pub(crate) fn from_sdk<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let code = error.code().unwrap_or(match error {
            SdkError::TimeoutError(_) => "time-out",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "unreadable answer",
            SdkError::ConstructionFailure(_) => "unusable request",
            _ => "unknown",
        });
        match code {
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "ThrottledException"
            | "LimitExceededException"
            // S3
            | "SlowDown" => Self::Throttled { operation },
            "InternalServerError"
            | "ServiceUnavailable"
            | "InternalFailure"
            | "TransactionInProgressException"
            // S3
            | "InternalError"
            | "RequestTimeout"
            | "OperationAborted"
            // KMS
            | "KMSInternalException"
            | "DependencyTimeoutException"
            | "KeyUnavailableException" => Self::Unavailable { operation, code: code.to_owned() },
            _ if error.as_service_error().is_none() && !matches!(error, SdkError::ConstructionFailure(_)) => {
                Self::Unavailable { operation, code: code.to_owned() }
            }
            _ => Self::Refused { operation, code: code.to_owned() },
        }
    }
}
