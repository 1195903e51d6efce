//! Files that were never written.

use std::{collections::BTreeMap, path::Path};

use crate::{outcome::Trouble, source::Source};

/// A log's files by their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InMemory(pub BTreeMap<String, Vec<u8>>);

impl InMemory {
    /// Writes them into a folder.
    pub fn write(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// The same files with another content of one of them.
    #[must_use]
    pub fn with(&self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let mut files = self.clone();
        files.0.insert(path.to_owned(), bytes.into());
        files
    }

    /// The same files without one of them.
    #[must_use]
    pub fn without(&self, path: &str) -> Self {
        let mut files = self.clone();
        files.0.remove(path).unwrap();
        files
    }
}

impl Source for InMemory {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.0.get(path).map(|bytes| bytes.iter().copied().take(limit as usize + 1).collect()))
    }

    fn parallel(&self) -> usize {
        2
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }
}
