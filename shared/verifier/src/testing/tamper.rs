//! Ways to tamper with bytes.

/// A small generator of numbers (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>): the same seed, the same test.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }
}

/// `bytes` with one byte changed, in many ways: every byte of what has at most `most` bytes, else the first, the last,
/// and seeded ones in between, `most` in number. Gives the position with each. One bit is flipped, and which one goes
/// round with the position.
pub fn flips(bytes: &[u8], most: usize, seed: u64) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    let positions: Vec<usize> = if bytes.len() <= most {
        (0..bytes.len()).collect()
    } else {
        let mut random = Random::new(seed);
        let inner = (2..most).map(|_| random.below(bytes.len()));
        let mut positions: Vec<usize> = inner.chain([0, bytes.len() - 1]).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    };
    positions.into_iter().map(|position| {
        let mut changed = bytes.to_vec();
        changed[position] ^= 1 << (position % 8);
        (position, changed)
    })
}
