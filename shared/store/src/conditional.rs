//! Writes of one item that hold only on a condition.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{put_item::builders::PutItemFluentBuilder, update_item::builders::UpdateItemFluentBuilder},
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};

use crate::{capacity, error::StoreError};

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Put {
    Done,
    /// The condition did not hold: something else is there, or the same, from a try whose answer was lost.
    Taken,
}

/// Sends a put that may have a condition.
pub(crate) async fn put(operation: &'static str, request: PutItemFluentBuilder) -> Result<Put, StoreError> {
    let sent = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
    outcome(operation, sent.map(|answer| answer.consumed_capacity))
}

/// Sends an update that may have a condition.
pub(crate) async fn update(operation: &'static str, request: UpdateItemFluentBuilder) -> Result<Put, StoreError> {
    let sent = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
    outcome(operation, sent.map(|answer| answer.consumed_capacity))
}

fn outcome<E: ProvideErrorMetadata, R>(
    operation: &'static str,
    sent: Result<Option<ConsumedCapacity>, SdkError<E, R>>,
) -> Result<Put, StoreError> {
    match sent {
        Ok(used) => {
            capacity::write(used.as_ref());
            Ok(Put::Done)
        }
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(Put::Taken),
        Err(error) => Err(StoreError::from_sdk(operation, &error)),
    }
}
