//! How long to wait before the log is looked at again.

use std::time::Duration;

/// After news, so that what is recorded together is shown together and soon.
const SHORTEST: Duration = Duration::from_millis(100);
/// While nothing happens. Each look costs a read unit, and an event waits for half of this on average.
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses that grow while nothing happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace(Duration);

impl Pace {
    pub(crate) fn new() -> Self {
        Self(SHORTEST)
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 3 / 2).min(LONGEST);
        pause
    }

    /// Something has happened.
    pub(crate) fn quicken(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_second_and_are_short_again_after_news() {
        let mut pace = Pace::new();
        let millis: Vec<_> = (0..8).map(|_| pace.pause().as_millis()).collect();
        assert_eq!(millis, [100, 150, 225, 337, 506, 759, 1000, 1000]);
        pace.quicken();
        assert_eq!(pace.pause(), SHORTEST);
    }
}
