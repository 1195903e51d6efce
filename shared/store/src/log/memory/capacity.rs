//! What calls would cost, by DynamoDB's rules.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>. A write takes
//! a unit for each started kilobyte of the item, a failed condition as much as the item that is there, at least one; a
//! strong read takes a unit for each started 4 KB, of each item of a batch or of a query's items together.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Item;

/// Capacity units, and the calls that used them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    pub read: u64,
    pub written: u64,
    pub calls: u64,
    /// Writes of which the condition did not hold.
    pub refused: u64,
}

impl Units {
    pub(super) fn write_of(bytes: usize) -> u64 {
        bytes.div_ceil(1024).max(1) as u64
    }

    pub(super) fn read_of(bytes: usize) -> u64 {
        bytes.div_ceil(4096).max(1) as u64
    }
}

/// The length of an item: of its attributes' names and values.
pub(super) fn size_of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// Of the types that we use.
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        // About a byte for two digits, and one more.
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        // A byte an element and three for the list.
        AttributeValue::L(elements) => 3 + elements.iter().map(|element| 1 + value_size(element)).sum::<usize>(),
        _ => 1,
    }
}
