//! Numbers and hashes in lines of text, each in its one form.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{hash::Hash, tree::MAX_SIZE};

/// A size, index or sequence number: decimal digits without a zero in front, at most 2^53 - 1.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let one_form = text == "0" || !text.starts_with('0');
    if !digits || !one_form {
        return None;
    }
    text.parse().ok().filter(|number| *number <= MAX_SIZE)
}

/// A hash in Base64 (RFC 4648 section 4), with padding and no bit left over.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    Hash::from_bytes(&STANDARD.decode(text).ok()?).ok()
}

pub(crate) fn base64(hash: &Hash) -> String {
    STANDARD.encode(hash.0)
}
