//! JSON Pointers (RFC 6901): building them, and following a `$ref` that holds one.

use serde_json::Value;

/// The longest pointer that is reported, in bytes.
const MAX_REPORTED: usize = 1024;

/// `base` with one more reference token, escaped (RFC 6901, section 3).
pub(crate) fn join(base: &str, token: &str) -> String {
    let mut pointer = String::with_capacity(base.len() + token.len() + 1);
    pointer.push_str(base);
    pointer.push('/');
    for char in token.chars() {
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
    pointer
}

/// The pointer itself, or the nearest container's if it is longer than [`MAX_REPORTED`]: a
/// property's name is as long as its producer likes, and is repeated in every pointer below it.
pub(crate) fn reported(pointer: String) -> String {
    if pointer.len() <= MAX_REPORTED {
        return pointer;
    }
    let mut end = MAX_REPORTED;
    while !pointer.is_char_boundary(end) {
        end -= 1;
    }
    let whole_tokens = pointer[..end].rfind('/').unwrap_or(0);
    pointer[..whole_tokens].to_owned()
}

/// What a `$ref` within the document names, as a JSON Pointer.
///
/// `None` when it is not a fragment, or its percent-encoding (RFC 6901, section 6) is broken, or
/// it names an anchor that is not in `anchors` (pairs of name and pointer).
pub(crate) fn of_reference(reference: &str, anchors: &[(String, String)]) -> Option<String> {
    let fragment = percent_decode(reference.strip_prefix('#')?)?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return Some(fragment);
    }
    anchors.iter().find(|(name, _)| *name == fragment).map(|(_, pointer)| pointer.clone())
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A JSON value's text, cut to `limit` characters: schemas are quoted in messages.
pub(crate) fn quoted(value: &Value, limit: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped() {
        assert_eq!(join("/a", "b/c~d"), "/a/b~1c~0d");
        assert_eq!(join("", ""), "/");
    }

    #[test]
    fn references_are_decoded_and_anchors_found() {
        let anchors = vec![("money".to_owned(), "/$defs/m".to_owned())];
        for (reference, expected) in [
            ("#", Some("")),
            ("#/$defs/a%20b", Some("/$defs/a b")),
            ("#/a~1b", Some("/a~1b")),
            ("#money", Some("/$defs/m")),
            ("#other", None),
            ("#/%zz", None),
            ("#/%f", None),
            ("other.json", None),
            ("https://example.com/s#/a", None),
        ] {
            let found = of_reference(reference, &anchors);
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn a_long_pointer_is_cut_at_a_token() {
        let long = format!("/payload/{}/{}", "é".repeat(500), "x".repeat(100));
        assert_eq!(reported(long), format!("/payload/{}", "é".repeat(500)));
        assert_eq!(reported(format!("/{}", "x".repeat(2000))), "");
        assert_eq!(reported("/a/b".to_owned()), "/a/b");
    }
}
