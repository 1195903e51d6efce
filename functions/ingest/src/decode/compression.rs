//! Decompression that cannot be made to eat the function's memory.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use super::Fault;

/// The first two bytes of a gzip member (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];
/// The first four bytes of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The largest zstd window accepted, as a power of two: 16 MiB. The decoder sets the window aside before
/// it has read a byte of content, so a frame of a dozen bytes could otherwise ask for 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 24;

/// A compression that a body is recognised to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952, of one member or several.
    Gzip,
    /// RFC 8878, of one frame or several.
    Zstd,
}

impl Compression {
    /// Recognises the compression of `bytes` by their first bytes, neither of which can begin JSON.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(GZIP) {
            Some(Self::Gzip)
        } else if bytes.starts_with(ZSTD) {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// Decompresses the whole of `bytes`. The result is checked against the checksums in the stream
    /// before anything in it is believed, hence in one piece; at most `budget` bytes of it are made, and
    /// the budget is reduced by what was made, whether or not it is any good.
    pub(super) fn unpack(self, bytes: &[u8], budget: &mut usize) -> Result<Bytes, Fault> {
        let limit = *budget;
        let (unpacked, damaged) = match self {
            Self::Gzip => (read_bounded(MultiGzDecoder::new(bytes), budget), Fault::BadGzip),
            Self::Zstd => (unpack_zstd(bytes, budget), Fault::BadZstd),
        };
        match unpacked {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(Fault::TooLarge { limit }),
            Err(_) => Err(damaged),
        }
    }
}

fn unpack_zstd(bytes: &[u8], budget: &mut usize) -> io::Result<Option<Bytes>> {
    let mut decoder = zstd::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    read_bounded(decoder, budget)
}

/// Reads to the end; `None` when there is more than `budget`. Reading one byte past the budget is what
/// tells a stream that fits exactly from one that does not.
fn read_bounded(reader: impl Read, budget: &mut usize) -> io::Result<Option<Bytes>> {
    let allowance = *budget;
    let ceiling = u64::try_from(allowance).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    let outcome = reader.take(ceiling).read_to_end(&mut body);
    *budget = allowance.saturating_sub(body.len());
    outcome?;
    Ok((body.len() <= allowance).then(|| Bytes::from(body)))
}
