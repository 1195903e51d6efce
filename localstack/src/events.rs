//! Files of events: one JSON event a line, plain or gzip.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

/// The first bytes of a gzip file (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What we need to know of an event; the service checks the rest.
#[derive(Debug, Deserialize)]
struct Envelope {
    event_id: String,
    order_id: String,
    tenant_id: Option<String>,
}

/// One event, ready for the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its id.
    pub(crate) id: String,
    /// The order it is about.
    pub(crate) order_id: String,
    /// The event as JSON on one line, with its tenant.
    pub(crate) json: String,
}

/// Reads a file, and writes `tenant` into each event that names none.
pub(crate) fn read(path: &Path, tenant: &str) -> Result<Vec<Event>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut reader = BufReader::new(file);
    let start = reader.fill_buf().with_context(|| format!("cannot read {}", path.display()))?;
    let packed = start.starts_with(&GZIP_MAGIC);
    let mut text = String::new();
    let read = match packed {
        true => MultiGzDecoder::new(reader).read_to_string(&mut text),
        false => reader.read_to_string(&mut text),
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(index, line)| {
        parse(line.trim(), tenant).with_context(|| format!("{}, line {}", path.display(), index + 1))
    });
    parsed.collect()
}

fn parse(line: &str, tenant: &str) -> Result<Event> {
    let envelope: Envelope = serde_json::from_str(line).context("this is not an event")?;
    let json = match envelope.tenant_id {
        // Written in as text: parsing and printing could change a number.
        None => line.replacen('{', &format!("{{\"tenant_id\":{},", serde_json::to_string(tenant)?), 1),
        Some(named) => {
            ensure!(named == tenant, "the event is of tenant {named}, not of {tenant}: name it with --tenant");
            line.to_owned()
        }
    };
    Ok(Event { id: envelope.event_id, order_id: envelope.order_id, json })
}

/// How many different events there are.
pub(crate) fn distinct(events: &[Event]) -> u64 {
    events.iter().map(|event| &event.id).collect::<HashSet<_>>().len() as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    const LINES: &str = "{\"event_id\":\"e1\",\"order_id\":\"o\",\"payload\":{\"n\":1.10}}\n\n{\"event_id\":\"e2\",\"order_id\":\"o\"}\n";

    #[test]
    fn plain_and_gzip_are_the_same_and_get_their_tenant() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, packed) = (dir.path().join("plain"), dir.path().join("packed"));
        std::fs::write(&plain, LINES).unwrap();
        let mut encoder = GzEncoder::new(std::fs::File::create(&packed).unwrap(), Compression::fast());
        encoder.write_all(LINES.as_bytes()).unwrap();
        encoder.finish().unwrap();

        let events = super::read(&plain, "demo").unwrap();
        assert_eq!(events, super::read(&packed, "demo").unwrap());
        assert_eq!(events[0].json, r#"{"tenant_id":"demo","event_id":"e1","order_id":"o","payload":{"n":1.10}}"#);
        assert_eq!((events[1].id.as_str(), super::distinct(&events)), ("e2", 2));
    }

    #[test]
    fn a_foreign_tenant_and_a_broken_line_are_refused_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "{\"event_id\":\"e\",\"order_id\":\"o\",\"tenant_id\":\"other\"}\n").unwrap();
        let refused = format!("{:#}", super::read(&file, "demo").unwrap_err());
        assert!(
            refused.ends_with("line 1: the event is of tenant other, not of demo: name it with --tenant"),
            "{refused}"
        );
        std::fs::write(&file, "\n{}\n").unwrap();
        assert!(format!("{:#}", super::read(&file, "demo").unwrap_err()).contains("line 2: this is not an event"));
    }
}
