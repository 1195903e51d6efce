//! Entry bundles: each entry with its length before it, as two bytes, most significant first.

/// Why bytes are no entry bundle. `index` counts within the bundle, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    #[error("it ends within its entry {index}")]
    Truncated { index: u16 },
    #[error("{bytes} bytes stand behind its last entry")]
    Rest { bytes: usize },
    #[error("an entry of {bytes} bytes does not fit a bundle, which takes at most 65,535")]
    TooLong { bytes: usize },
}

/// Adds an entry to the bytes of a bundle.
///
/// # Errors
/// [`BundleError::TooLong`].
pub fn push_bundle_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, which must be exactly `width`.
///
/// # Errors
/// [`BundleError`].
pub fn bundle_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::with_capacity(width.into());
    let mut rest = bytes;
    for index in 0..width {
        let truncated = BundleError::Truncated { index };
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let (entry, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(truncated)?;
        entries.push(entry);
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::Rest { bytes: rest.len() }) }
}
