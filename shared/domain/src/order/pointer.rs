//! JSON Pointers (RFC 6901) as values: where a rule works, and which fields are erased.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::json::push_token;

/// A JSON Pointer (RFC 6901): the empty text is the whole document, `/customer/email` a field in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Pointer(Vec<String>);

/// The text is no JSON Pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a JSON Pointer (RFC 6901) such as /payment/card: each step after a slash, ~ as ~0 and / as ~1")]
pub struct InvalidPointer;

impl Pointer {
    /// The whole document.
    pub const ROOT: Self = Self(Vec::new());

    /// The same place seen from a member of the document: `/payload/email` within `payload` is `/email`. None where it
    /// lies elsewhere. The ledger's pointers start at {payload, metadata}, the fold's at the payload.
    #[must_use]
    pub fn within(&self, member: &str) -> Option<Self> {
        let (first, rest) = self.0.split_first()?;
        (first == member).then(|| Self(rest.to_vec()))
    }

    pub(super) fn from_tokens(tokens: &[String]) -> Self {
        Self(tokens.to_vec())
    }

    /// The steps from the root, unescaped.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        let Some(steps) = text.strip_prefix('/') else {
            return if text.is_empty() { Ok(Self::ROOT) } else { Err(InvalidPointer) };
        };
        steps.split('/').map(unescape).collect::<Option<_>>().map(Self).ok_or(InvalidPointer)
    }
}

/// RFC 6901 section 3: a `~` stands only before `0` or `1`.
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (mark, rest) = part.split_at_checked(1)?;
        out.push(match mark {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        out.push_str(rest);
    }
    Some(out)
}

impl TryFrom<String> for Pointer {
    type Error = InvalidPointer;

    fn try_from(text: String) -> Result<Self, InvalidPointer> {
        text.parse()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.to_string()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for token in &self.0 {
            push_token(&mut text, token);
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn the_examples_of_rfc_6901_read_and_write_back() {
        for (text, tokens) in [
            ("", vec![]),
            ("/foo", vec!["foo"]),
            ("/foo/0", vec!["foo", "0"]),
            ("/", vec![""]),
            ("/a~1b", vec!["a/b"]),
            ("/m~0n", vec!["m~n"]),
            ("/~01", vec!["~1"]),
            ("/ ", vec![" "]),
        ] {
            let pointer = text.parse::<Pointer>().unwrap();
            assert_eq!(pointer.tokens(), tokens, "{text}");
            assert_eq!(pointer.to_string(), text);
        }
    }

    #[test]
    fn a_place_can_be_seen_from_a_member() {
        let within = |text: &str| text.parse::<Pointer>().unwrap().within("payload").map(String::from);
        assert_eq!(within("/payload/a~1b/0"), Some("/a~1b/0".to_owned()));
        assert_eq!(within("/payload"), Some(String::new()));
        assert_eq!([within(""), within("/metadata/payload"), within("/payloads")], [None, None, None]);
    }

    #[test]
    fn refuses_what_is_no_pointer() {
        for bad in ["foo", "#/foo", "/~", "/~2", "/a~", "/a~é", " /a"] {
            assert_eq!(bad.parse::<Pointer>(), Err(InvalidPointer), "{bad}");
        }
    }
}
