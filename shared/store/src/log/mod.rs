//! The log.
#[derive(Debug)]
pub struct Log;
