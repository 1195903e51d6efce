//! A client of server-sent events, as WHATWG's HTML describes it (section 9.2.6).

use serde_json::Value;

/// What a client knows.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// The last event id; empty before there was any.
    pub(super) last_id: String,
    pub(super) retry: Option<u64>,
    /// Type and data of every event that was dispatched.
    pub(super) seen: Vec<(String, Value)>,
    /// What came of a block that is not complete.
    unread: String,
}

impl Client {
    /// One that has seen everything up to this number.
    pub(super) fn at(position: u64) -> Self {
        Self { last_id: position.to_string(), ..Self::default() }
    }

    /// Reads what came. A block counts when the blank line after it is there.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.unread.push_str(std::str::from_utf8(bytes).unwrap());
        while let Some(end) = self.unread.find("\n\n") {
            let block: String = self.unread.drain(..end + 2).collect();
            self.block(&block);
        }
    }

    /// The connection is gone, and with it the block that was not complete.
    pub(super) fn cut(&mut self) {
        self.unread.clear();
    }

    /// The sequence numbers of the events.
    pub(super) fn sequences(&self) -> Vec<u64> {
        self.seen.iter().map(|(_, event)| event["sequence"].as_u64().unwrap()).collect()
    }

    fn block(&mut self, block: &str) {
        let (mut event_type, mut data) = (String::new(), String::new());
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut self.last_id),
                "event" => value.clone_into(&mut event_type),
                "data" => data.push_str(value),
                "retry" => self.retry = value.parse().ok(),
                "" => {}
                other => panic!("a field that is none: {other:?}"),
            }
        }
        if !data.is_empty() {
            let event: Value = serde_json::from_str(&data).unwrap();
            assert_eq!(event["sequence"].to_string(), self.last_id, "the id is the sequence number");
            assert_eq!(event["type"], event_type, "the event is its type");
            self.seen.push((event_type, event));
        }
    }
}
