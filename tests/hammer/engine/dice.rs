//! Chance that can be repeated: the same seed makes the same choices.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one, whose choices have nothing to do with those of this one.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// A number below `limit`, which is at least 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Whether something happens that happens so often in a hundred times.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// From 0 up to but not including 1.
    fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A number that looks like chance and follows from `z`.
pub(crate) fn scramble(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Zipf's law over a few things: the one at rank `k` comes up in proportion to `1 / k^exponent`.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    /// The share of this thing and all before it.
    cumulative: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(things: usize, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=things).map(|rank| (rank as f64).powf(-exponent)).collect();
        let total: f64 = weights.iter().sum();
        let cumulative = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight / total;
            Some(*sum)
        });
        Self { cumulative: cumulative.collect() }
    }

    /// The index of a thing.
    pub(crate) fn pick(&self, dice: &mut Dice) -> usize {
        let at = dice.unit();
        self.cumulative.partition_point(|share| *share <= at).min(self.cumulative.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Zipf};

    #[test]
    fn ranks_have_their_share() {
        let (zipf, mut dice) = (Zipf::new(4, 1.0), Dice::new(7));
        let mut counts = [0_u32; 4];
        for _ in 0..25_000 {
            counts[zipf.pick(&mut dice)] += 1;
        }
        // 1, 1/2, 1/3 and 1/4 of 25 twelfths.
        for (count, expected) in counts.into_iter().zip([12_000, 6_000, 4_000, 3_000]) {
            assert!(count.abs_diff(expected) < 250, "{counts:?}");
        }
        assert_eq!(Zipf::new(1, 1.0).pick(&mut dice), 0);
    }
}
