//! What the tests have in common: the stack, a client, events, the stream, the tables, and waiting.

mod api;
mod events;
mod routes;
mod stack;
mod stream;
mod tables;
mod tenant;
mod wait;

pub(crate) use api::{Answer, Api, Call};
pub(crate) use events::{Shuffle, event, random_name};
pub(crate) use routes::{Route, routes};
pub(crate) use stack::Stack;
pub(crate) use stream::{Form, Stream, aggregated, gzip, zstd};
pub(crate) use tables::{Item, Tables, binary, n, number, s, text};
pub(crate) use tenant::{ALL_ROLES, Tenant};
pub(crate) use wait::{eventually, side_by_side};
