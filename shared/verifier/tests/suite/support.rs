//! What the tests share.

use verifier::{Failure, Fault, Report};

/// The fault, and there must be one.
pub(crate) fn broken(outcome: Result<Report, Failure>) -> Fault {
    match outcome {
        Err(Failure::Broken(fault)) => fault,
        Err(Failure::Unchecked(trouble)) => panic!("not checked: {trouble}"),
        Ok(report) => panic!("accepted: {report:?}"),
    }
}
