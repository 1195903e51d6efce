//! Checkpoints: <https://c2sp.org/tlog-checkpoint>, without extension lines.

use crate::{
    hash::Hash,
    note::{KeyType, Note, NoteError, Verified, VerifierKey},
    origin::Origin,
    text,
    tree::{TreeHead, empty_root},
};

/// What a log says of itself: that its tree of `size` leaves has this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: Origin,
    pub size: u64,
    pub root: Hash,
}

/// Why a checkpoint was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("a checkpoint is three lines: origin, size and root")]
    Lines,
    #[error("the first line of the checkpoint is no origin of a log of ours")]
    Origin,
    #[error("the size in the checkpoint is no number from 0 to 2^53 - 1 in its one form")]
    Size,
    #[error("the root in the checkpoint is no hash in Base64, or not that of the size")]
    Root,
    /// Somebody else whom we know has signed it, the log itself has not.
    #[error("no known key of {origin} has signed the checkpoint")]
    NotByLog { origin: Origin },
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, text::base64(&self.root))
    }

    /// Reads the text of a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<_> = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.splitn(4, '\n').collect();
        let [origin, size, root] = lines[..] else { return Err(CheckpointError::Lines) };
        let origin = origin.parse().map_err(|_| CheckpointError::Origin)?;
        let size = text::number(size).ok_or(CheckpointError::Size)?;
        // The tree without a leaf has one root.
        let root = text::hash(root).filter(|root| size > 0 || *root == empty_root()).ok_or(CheckpointError::Root)?;
        Ok(Self { origin, size, root })
    }

    /// Reads a checkpoint that a log has signed: by at least one of `keys`, of type Ed25519 and named like its origin.
    /// Signatures by other known keys, such as those of witnesses, are checked as well and returned.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn verify<'a>(note: &Note, keys: &'a [VerifierKey]) -> Result<(Self, Vec<Verified<'a>>), CheckpointError> {
        let verified = note.verify(keys)?;
        let checkpoint = Self::parse(note.text())?;
        let by_log =
            |v: &Verified<'_>| v.key.key_type() == KeyType::Ed25519 && v.key.name() == checkpoint.origin.as_str();
        if verified.iter().any(by_log) {
            Ok((checkpoint, verified))
        } else {
            Err(CheckpointError::NotByLog { origin: checkpoint.origin })
        }
    }

    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    #[test]
    fn it_reads_back() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.text(), text);
        assert_eq!(checkpoint.head(), TreeHead { size: 20_852_163, root: checkpoint.root });
    }

    #[test]
    fn it_has_one_form() {
        use CheckpointError::{Lines, Origin, Root, Size};
        for (text, error) in [
            (String::new(), Lines),
            (format!("a\n1\n{ROOT}"), Lines),
            (format!("a\n1\n{ROOT}\n\n"), Lines),
            (format!("a\n1\n{ROOT}\nmore\n"), Lines),
            ("a\n1\n".to_owned(), Lines),
            (format!("\n1\n{ROOT}\n"), Origin),
            (format!("a b\n1\n{ROOT}\n"), Origin),
            (format!("a+b\n1\n{ROOT}\n"), Origin),
            (format!("a\n01\n{ROOT}\n"), Size),
            (format!("a\n+1\n{ROOT}\n"), Size),
            (format!("a\n\n{ROOT}\n"), Size),
            (format!("a\n 1\n{ROOT}\n"), Size),
            (format!("a\n1\r\n{ROOT}\n"), Size),
            (format!("a\n9007199254740992\n{ROOT}\n"), Size),
            (format!("a\n0\n{ROOT}\n"), Root),
            (format!("a\n1\n{}\n", &ROOT[1..]), Root),
            (format!("a\n1\n{}\n", ROOT.replace("2I=", "2J=")), Root),
            (format!("a\n1\n{}\n", ROOT.replace('/', "_")), Root),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
    }
}
