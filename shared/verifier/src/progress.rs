//! How a long check tells how far it is.

/// Hears how far a check is. Called by one thread, often: it must be cheap.
pub trait Progress {
    /// A part of the work begins: `total` things of `unit` (a plural) in it.
    fn start(&mut self, total: u64, unit: &'static str);

    /// So many of them are done; never fewer than before.
    fn at(&mut self, done: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&mut self, _total: u64, _unit: &'static str) {}

    fn at(&mut self, _done: u64) {}
}
