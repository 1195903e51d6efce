//! Signed notes: <https://c2sp.org/signed-note>, with Ed25519 signatures and Ed25519 cosignatures
//! (<https://c2sp.org/tlog-cosignature>).

mod key;
#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

pub use key::{KeyError, KeyType, VerifierKey};

/// The largest note that is read, in bytes. A checkpoint is some 200 bytes, and each signature 100 to 7,000.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;
/// The most signatures that are read; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;
/// What a signature line begins with.
const MARK: &str = "\u{2014} ";

/// A text and the signatures on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// A signature that a known key has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    pub key: &'a VerifierKey,
    /// When a cosignature was made, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
}

/// Why a note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a note has at most {MAX_NOTE_BYTES} bytes")]
    TooLarge,
    #[error("a note is UTF-8 without control characters other than line feeds")]
    Characters,
    #[error("a note is a text, an empty line and signature lines")]
    Shape,
    #[error("a note has at most {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// `line` counts the signature lines, from 1.
    #[error("signature line {line} is not well-formed")]
    SignatureLine { line: usize },
    #[error("the signature by {name} is wrong")]
    BadSignature { name: String },
    #[error("no known key has signed the note")]
    Unsigned,
}

impl Note {
    /// # Errors
    /// [`NoteError::Characters`] and [`NoteError::Shape`], when the text does not end with a line feed.
    pub fn new(text: impl Into<String>, signatures: Vec<Signature>) -> Result<Self, NoteError> {
        let text = text.into();
        if has_control_characters(&text) {
            return Err(NoteError::Characters);
        }
        if !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        Ok(Self { text, signatures })
    }

    /// Reads a note. Its signatures are not checked yet: see [`Note::verify`].
    ///
    /// # Errors
    /// [`NoteError`], saying what is not well-formed.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        if has_control_characters(note) {
            return Err(NoteError::Characters);
        }
        let at = note.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (line, number) in lines.split('\n').zip(1..) {
            if number > MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::SignatureLine { line: number })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// With its final line feed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature; the same line twice says nothing more.
    pub fn push(&mut self, signature: Signature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
    }

    /// Checks the signatures of the known keys; those of others are passed over.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when one by a known key is wrong, [`NoteError::Unsigned`] when none has signed.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, NoteError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|key| signature.is_by(key)).peekable();
            if known.peek().is_none() {
                continue;
            }
            // Two keys can have one id by accident or by design. Then either may be meant.
            let found = known
                .find_map(|key| key.verify(&self.text, &signature.bytes).map(|timestamp| Verified { key, timestamp }));
            match found {
                Some(found) if verified.iter().any(|v| v.key == found.key) => {}
                Some(found) => verified.push(found),
                None => return Err(NoteError::BadSignature { name: signature.name.clone() }),
            }
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    /// The signature that `key` made over a note's text, or, when it is a cosigner's, over
    /// [`cosignature_message`]; then `bytes` begin with the time.
    fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), key_id: key.id(), bytes }
    }

    /// A log's signature over the text of a note.
    #[must_use]
    pub fn ed25519(key: &VerifierKey, signature: &[u8; 64]) -> Self {
        Self::new(key, signature.to_vec())
    }

    /// A witness's signature over [`cosignature_message`].
    #[must_use]
    pub fn cosignature(key: &VerifierKey, timestamp: u64, signature: &[u8; 64]) -> Self {
        Self::new(key, [&timestamp.to_be_bytes()[..], signature].concat())
    }

    /// Reads a signature line, without its line feed: `— <name> <Base64 of key id and signature>`.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(MARK)?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
        (key::is_name(name) && !bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Whether it says that this key made it.
    #[must_use]
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        (self.name.as_str(), self.key_id) == (key.name(), key.id())
    }
}

impl fmt::Display for Signature {
    /// The line without its line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.bytes].concat();
        write!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// What a witness signs: <https://c2sp.org/tlog-cosignature>, for Ed25519. `timestamp` is in seconds since
/// 1970-01-01T00:00:00Z.
#[must_use]
pub fn cosignature_message(timestamp: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {timestamp}\n{text}")
}

fn has_control_characters(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}
