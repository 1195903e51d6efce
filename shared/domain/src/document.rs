//! Documents that are attached to events: what is said of one by whoever uploads it.

use std::collections::BTreeSet;

use mime::Mime;

use crate::{event::Violation, json};

/// The largest document, in bytes: 100 MiB. Whoever registers one may have to wait until all of it was read, within the
/// time limit of a function.
pub const MAX_DOCUMENT_BYTES: u64 = 100 * 1024 * 1024;

/// The longest name of a file, in bytes of UTF-8: what the common file systems take.
const MAX_FILENAME_BYTES: usize = 255;
const MAX_CONTENT_TYPE_BYTES: usize = 255;
const MAX_TAGS: usize = 10;
const MAX_TAG_CHARS: usize = 64;

/// A document, as it was said to be; every field has been checked, against rules alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// A name without a path, that shows as it is written.
    pub filename: String,
    /// A media type (RFC 9110, section 8.3.1), in visible ASCII and blanks, as it was written.
    pub content_type: String,
    /// In bytes; 1 to [`MAX_DOCUMENT_BYTES`].
    pub size: u64,
    pub sha256: [u8; 32],
    /// Each once.
    pub tags: Vec<String>,
}

/// What was said, unchecked.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub filename: String,
    pub content_type: String,
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    pub tags: Vec<String>,
}

impl TryFrom<Said> for Document {
    type Error = Vec<Violation>;

    /// Everything that is wrong, at once, with the names of the fields as pointers.
    fn try_from(said: Said) -> Result<Self, Vec<Violation>> {
        let Said { filename, content_type, size, sha256, tags } = said;
        let mut violations = Vec::new();
        let mut refuse = |pointer: String, detail: &str| {
            violations.push(Violation { pointer, detail: detail.to_owned() });
        };
        if !is_filename(&filename) {
            let detail = "must be a name of 1 to 255 bytes without path separators, control characters, marks that \
                          change the direction of writing, and blanks at its ends";
            refuse("/filename".to_owned(), detail);
        }
        if !is_media_type(&content_type) {
            refuse(
                "/content_type".to_owned(),
                "must be a media type such as application/pdf, of at most 255 characters",
            );
        }
        if !(1..=MAX_DOCUMENT_BYTES).contains(&size) {
            refuse("/size".to_owned(), "must be 1 to 104857600 bytes (100 MiB)");
        }
        let digest = parse_sha256(&sha256);
        if digest.is_none() {
            refuse("/sha256".to_owned(), "must be a SHA-256 of 64 hexadecimal digits");
        }
        if tags.len() > MAX_TAGS {
            refuse("/tags".to_owned(), "must be 10 at most");
        }
        let mut seen = BTreeSet::new();
        for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
            let mut pointer = "/tags".to_owned();
            json::push_token(&mut pointer, &index.to_string());
            if !(1..=MAX_TAG_CHARS).contains(&tag.chars().count()) || tag.chars().any(misleads) {
                refuse(pointer, "must be 1 to 64 characters without control characters");
            } else if !seen.insert(tag) {
                refuse(pointer, "must be there once");
            }
        }
        match digest {
            Some(sha256) if violations.is_empty() => Ok(Self { filename, content_type, size, sha256, tags }),
            _ => Err(violations),
        }
    }
}

/// Control characters, ends of lines, and what makes a text show otherwise than it is written: `invoice<RLO>fdp.exe`.
fn misleads(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_filename(name: &str) -> bool {
    (1..=MAX_FILENAME_BYTES).contains(&name.len())
        && name == name.trim()
        && !matches!(name, "." | "..")
        && !name.chars().any(|char| misleads(char) || matches!(char, '/' | '\\'))
}

/// One type, not a range of them, that a header can carry.
fn is_media_type(text: &str) -> bool {
    let in_a_header = text.len() <= MAX_CONTENT_TYPE_BYTES && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    in_a_header
        && text == text.trim()
        && text.parse::<Mime>().is_ok_and(|mime| mime.type_() != mime::STAR && mime.subtype() != mime::STAR)
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn invoice() -> Said {
        Said {
            filename: "Rechnung für März.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size: 12,
            sha256: "0A".repeat(32),
            tags: vec!["invoice".to_owned(), "März".to_owned()],
        }
    }

    fn pointers(said: Said) -> Vec<String> {
        Document::try_from(said).unwrap_err().into_iter().map(|violation| violation.pointer).collect()
    }

    #[test]
    fn a_good_document_is_taken_as_it_was_said() {
        let document = Document::try_from(invoice()).unwrap();
        assert_eq!((document.sha256, document.tags.len()), ([10; 32], 2));
        assert_eq!(document.filename, "Rechnung für März.pdf");
        for content_type in ["text/plain; charset=utf-8", "image/svg+xml", "application/vnd.ms-excel"] {
            let said = Said { content_type: content_type.to_owned(), ..invoice() };
            assert_eq!(Document::try_from(said).unwrap().content_type, content_type);
        }
        assert!(Document::try_from(Said { size: MAX_DOCUMENT_BYTES, ..invoice() }).is_ok());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let said = Said {
            filename: String::new(),
            content_type: "pdf".to_owned(),
            size: 0,
            sha256: "0a".repeat(31),
            tags: vec!["ok".to_owned(), String::new(), "ok".to_owned()],
        };
        assert_eq!(pointers(said), ["/filename", "/content_type", "/size", "/sha256", "/tags/1", "/tags/2"]);
    }

    #[test]
    fn names_types_and_tags_that_mislead_or_break_a_header_are_refused() {
        let long = "x".repeat(256);
        for name in ["a/b", "a\\b", "..", ".", "a\nb", "a\0", " a", "invoice\u{202e}fdp.exe", "a\u{2028}b", &long] {
            assert_eq!(pointers(Said { filename: name.to_owned(), ..invoice() }), ["/filename"], "{name:?}");
        }
        for content_type in
            ["", "*/*", "text/*", "text", "text/plain\r\nx: y", "text/pläin", " text/plain", "a/b/c", &long]
        {
            let said = Said { content_type: content_type.to_owned(), ..invoice() };
            assert_eq!(pointers(said), ["/content_type"], "{content_type:?}");
        }
        for sha256 in ["", &"0g".repeat(32), &"é".repeat(32), &format!("+{}", "0".repeat(63))] {
            assert_eq!(pointers(Said { sha256: sha256.to_owned(), ..invoice() }), ["/sha256"], "{sha256:?}");
        }
        assert_eq!(pointers(Said { size: MAX_DOCUMENT_BYTES + 1, ..invoice() }), ["/size"]);
        let tags: Vec<_> = (0..11).map(|i| i.to_string()).collect();
        assert_eq!(pointers(Said { tags, ..invoice() }), ["/tags"]);
        assert_eq!(
            pointers(Said { tags: vec!["a\tb".to_owned(), "x".repeat(65)], ..invoice() }),
            ["/tags/0", "/tags/1"]
        );
    }
}
