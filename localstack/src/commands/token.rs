use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::main_job;
use crate::project::State;
use crate::stack::Stack;
use crate::ui;

/// The roles that there are.
const ROLES: [&str; 4] = ["producer", "history_reader", "auditor", "admin"];

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Print a token for the API
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A tenant that the token is for; can be given several times
    #[arg(long, default_value = main_job::TENANT)]
    tenant: Vec<String>,
    /// A role in the token; can be given several times [default: all of them]
    #[arg(long, value_parser = ROLES)]
    role: Vec<String>,
    /// Whom the token is about
    #[arg(long, default_value = "developer")]
    subject: String,
    /// How long it is good for: a number with s, m, h or d
    #[arg(long, default_value = "8h", value_parser = duration)]
    expires_in: Duration,
}

impl Options {
    pub(crate) fn run(self, state: &State) -> Result<()> {
        let stack = Stack::running(state)?;
        let roles = if self.role.is_empty() { all_roles() } else { self.role };
        ui::line(stack.issuer.token(&self.subject, &self.tenant, &roles, self.expires_in)?);
        Ok(())
    }
}

/// A token that may do everything in one tenant, for 8 hours.
pub(crate) fn everything(stack: &Stack, tenant: &str) -> Result<String> {
    stack.issuer.token("developer", &[tenant.to_owned()], &all_roles(), 8 * HOUR)
}

fn all_roles() -> Vec<String> {
    ROLES.map(str::to_owned).to_vec()
}

fn duration(text: &str) -> Result<Duration> {
    let bad = || format!("{text} is not a duration such as 90s, 15m, 8h or 2d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).with_context(bad)?;
    let number: u64 = number.parse().with_context(bad)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => anyhow::bail!(bad()),
    };
    Ok(Duration::from_secs(number.checked_mul(seconds).with_context(bad)?))
}

#[cfg(test)]
mod tests {
    use super::{HOUR, duration};

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("8h").ok(), Some(8 * HOUR));
        assert_eq!(duration("90s").ok(), duration("90s").ok());
        for bad in ["", "8", "h", "-1h", "8 h", "1w", "99999999999999999999d", "18446744073709551615d", "8ü"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
