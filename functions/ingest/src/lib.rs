//! The function behind the Kinesis stream: takes records apart, and appends their events to the ledger.

pub mod decode;
