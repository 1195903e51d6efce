//! Which problem an error of the layers below is.

use domain::event::{InvalidEvent, Violation};
use domain::json::JsonError;
use store::StoreError;
use store::tree::TreesError;

use crate::catalogue::ProblemType;
use crate::problem::{Fault, Problem};

/// When the next checkpoint may be there: the integrator collects segments for five seconds.
const NEXT_CHECKPOINT_SECONDS: u32 = 10;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Throttled { .. } | StoreError::Contended { .. } => {
                tracing::warn!(%error, "the store is busy");
                Self::new(ProblemType::Throttled, "too much at once; send the request again").retry_after(1)
            }
            StoreError::Unavailable { .. } => {
                tracing::warn!(%error, "the store does not answer");
                Self::unavailable(2)
            }
            StoreError::Refused { .. } | StoreError::OtherOrigin { .. } | StoreError::Corrupt { .. } => {
                Self::internal(&error)
            }
        }
    }
}

impl From<TreesError> for Problem {
    fn from(error: TreesError) -> Self {
        match error {
            TreesError::NotInTree { size } => {
                let detail = format!("the latest checkpoint covers the events up to {size}");
                Self::new(ProblemType::NotYetInTree, detail).retry_after(NEXT_CHECKPOINT_SECONDS)
            }
            TreesError::Store(error) => error.into(),
        }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let detail = error.to_string();
        match error {
            JsonError::Empty => Self::new(ProblemType::MissingBody, "send a JSON document as the body"),
            JsonError::Syntax { .. } => Self::new(ProblemType::MalformedJson, detail),
            JsonError::DuplicateKey { pointer } => {
                located(ProblemType::DuplicateKey, detail, pointer, "stands twice in its object")
            }
            JsonError::NumberOutOfRange { pointer } => {
                located(ProblemType::NumberOutOfRange, detail, pointer, "must lie between -(2^53 - 1) and 2^53 - 1")
            }
            JsonError::TooDeep { pointer } => {
                located(ProblemType::TooDeep, detail, pointer, "is nested deeper than 64 levels")
            }
        }
    }
}

fn located(kind: ProblemType, detail: String, pointer: String, fault: &str) -> Problem {
    Problem::new(kind, detail).with([Fault::at(pointer, fault)])
}

impl From<InvalidEvent> for Problem {
    fn from(error: InvalidEvent) -> Self {
        let detail = error.to_string();
        match error {
            InvalidEvent::TooLarge { .. } => Self::new(ProblemType::EventTooLarge, detail),
            InvalidEvent::Json(json) => json.into(),
            InvalidEvent::Envelope(violations) => {
                Self::new(ProblemType::InvalidEvent, detail).with(violations.into_iter().map(Fault::from))
            }
        }
    }
}

impl From<Violation> for Fault {
    fn from(Violation { pointer, detail }: Violation) -> Self {
        Self::at(pointer, detail)
    }
}
