//! Who is asking: bearer tokens (RFC 6750, RFC 7519), tenants and roles.
//!
//! A handler says who may call it in its signature, and then needs no further check:
//! `caller: Caller<Producer>`. The order of the checks is fixed: a token that is genuine (401), a tenant
//! that it is for (400, 403), a role in it (403). A GET that is let in leaves a record in the access log, unless its
//! permission shows no history ([`LedgerReader`], [`AnyRole`]).

mod caller;
mod keys;
mod roles;
mod token;

pub use caller::Caller;
pub(crate) use caller::{Identity, single};
#[cfg(feature = "testing")]
pub(crate) use keys::Keys;
pub use roles::{Admin, AnyRole, Auditor, HistoryReader, LedgerReader, Permission, Producer, Roles};
pub use token::Verifier;
