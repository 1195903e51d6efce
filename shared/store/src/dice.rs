//! Random numbers, so that a test can have the same ones again.

use crate::error::StoreError;

/// The system's cryptographic generator, or a row that follows from a seed.
#[derive(Debug, Clone, Default)]
pub(crate) enum Dice {
    #[default]
    System,
    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    #[cfg(feature = "testing")]
    Seeded(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Dice {
    /// # Errors
    /// [`StoreError::Unavailable`], when the system has none.
    pub(crate) fn roll<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        match self {
            Self::System => getrandom::fill(&mut bytes)
                .map_err(|error| StoreError::Unavailable { operation: "random numbers", code: error.to_string() })?,
            #[cfg(feature = "testing")]
            Self::Seeded(state) => {
                const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
                for chunk in bytes.chunks_mut(8) {
                    let mut z = state.fetch_add(STEP, std::sync::atomic::Ordering::Relaxed).wrapping_add(STEP);
                    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
                }
            }
        }
        Ok(bytes)
    }
}
