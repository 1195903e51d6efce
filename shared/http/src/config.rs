//! Environment variables, read once at the start of a function.

/// Why a function cannot start. It ends up in the log of the initialisation, and says what to set.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable without which nothing can work.
    #[error(transparent)]
    Missing(#[from] store::ConfigError),
    /// A variable that is set to something unusable.
    #[error("the environment variable {name} is not usable: {reason}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What is wrong with it; without its value, since some hold keys.
        reason: String,
    },
    /// Neither where the token keys are, nor the keys themselves; or both.
    #[error("set JWKS_URL to the issuer's JSON Web Key Set, or JWKS to the set itself, and not both")]
    TokenKeys,
}

/// The variable, unless it is missing or empty.
pub(crate) fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
