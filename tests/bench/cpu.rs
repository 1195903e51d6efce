//! Time of processors.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// What this process has used so far, all its threads together, to a hundredth of a second: utime and stime of
/// `/proc/self/stat`, see proc_pid_stat(5).
pub(crate) fn used() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("this is not Linux")?;
    // The second field is the name of the program, in brackets, and may have anything in it.
    let (_, rest) = stat.rsplit_once(')').context("/proc/self/stat has another form")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(|field| Ok(field.parse::<u64>()?)).sum::<Result<u64>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
