//! Compression: zstd (RFC 8878).

use std::cell::RefCell;

use super::segment::Entry;
use crate::error::StoreError;

/// The most that anything may unpack to; what is larger is not ours. A commit has at most
/// [`super::segment::MAX_STAGED_BYTES`], or one event.
const MAX_UNPACKED_BYTES: usize = 8 * 1024 * 1024;
/// zstd's own default: the next levels cost several times the CPU for a few percent.
const ZSTD_LEVEL: i32 = 3;

pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    thread_local! {
        /// Making a compressor takes longer than compressing one event.
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = match kept.take() {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(StoreError::corrupt)?,
        };
        let packed = compressor.compress(bytes).map_err(StoreError::corrupt)?;
        *kept = Some(compressor);
        Ok(packed)
    })
}

pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    // The frame says how long it is, so that no more is allocated; whether it is true the decompressor sees.
    let length = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(MAX_UNPACKED_BYTES);
    zstd::bulk::decompress(bytes, length.min(MAX_UNPACKED_BYTES)).map_err(StoreError::corrupt)
}

/// One JSON [`Entry`] a line.
pub(super) fn unpack_entries(bytes: &[u8]) -> Result<Vec<Entry>, StoreError> {
    unpack(bytes)?
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(StoreError::corrupt))
        .collect()
}
