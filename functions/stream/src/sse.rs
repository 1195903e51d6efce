//! The form of server-sent events.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>, sections 9.2.5 and 9.2.6.

use bytes::Bytes;
use http_api::resources::Event;

/// How long a client waits before it comes back, in milliseconds.
const RETRY: u32 = 1000;

/// What a stream begins with: when to come back, and where it stands, so that a client that is cut off before the first
/// event misses none.
pub(crate) fn opening(position: u64) -> Bytes {
    format!("retry: {RETRY}\nid: {position}\n\n").into()
}

/// A block with nothing but an id is no event: it only moves the client's last event id.
pub(crate) fn progress(position: u64) -> Bytes {
    format!("id: {position}\n\n").into()
}

/// A comment, which clients skip.
pub(crate) fn keep_alive() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// One block an event. JSON has no line ends outside of its strings, and escapes those in them; types of events consist of
/// letters, digits, dots and `_`.
///
/// # Errors
/// When an event has no JSON form.
pub(crate) fn events(events: &[Event]) -> Result<Bytes, serde_json::Error> {
    let mut text = Vec::new();
    for event in events {
        text.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", event.sequence, event.event_type).as_bytes());
        serde_json::to_writer(&mut text, event)?;
        text.extend_from_slice(b"\n\n");
    }
    Ok(text.into())
}
