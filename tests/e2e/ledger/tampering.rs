//! Whatever is altered in the tables or in the bucket is found: by `verify`, which names what; by the integrator, which
//! then signs nothing; and by the programs that check a ledger without us.

mod log;
mod published;
