//! The roles that a token can have, and what each permits.

use std::fmt;

/// The roles in one token; a token may have several. Names that we do not know are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles {
    producer: bool,
    history_reader: bool,
    auditor: bool,
    admin: bool,
}

impl Roles {
    /// The roles with these names.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut roles = Self::default();
        for name in names {
            match name {
                "producer" => roles.producer = true,
                "history_reader" => roles.history_reader = true,
                "auditor" => roles.auditor = true,
                "admin" => roles.admin = true,
                _ => {}
            }
        }
        roles
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What a handler needs of its caller. There is one marker type for each need; see [`Caller`](super::Caller).
pub trait Permission: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// What is said to a caller who lacks it.
    const NEEDS: &'static str;

    /// Whether a caller with these roles has it.
    fn is_given_by(roles: Roles) -> bool;
}

macro_rules! permission {
    ($($(#[$doc:meta])* $name:ident, $needs:literal, |$roles:ident| $given:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Permission for $name {
            const NEEDS: &'static str = $needs;

            fn is_given_by($roles: Roles) -> bool {
                $given
            }
        }
    )*};
}

permission! {
    /// May write events: role `producer` or `admin`.
    Producer, "role producer", |roles| roles.producer || roles.admin;

    /// May read events, timelines and the ledger: role `history_reader`, `auditor` or `admin`.
    HistoryReader, "role history_reader or auditor", |roles| roles.history_reader || roles.auditor || roles.admin;

    /// May see what proves the history: role `auditor` or `admin`.
    Auditor, "role auditor", |roles| roles.auditor || roles.admin;

    /// May change how the tenant is set up: role `admin`.
    Admin, "role admin", |roles| roles.admin;

    /// Anyone with a role in the tenant.
    AnyRole, "one of the roles producer, history_reader, auditor and admin", |roles| roles != Roles::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of Producer, HistoryReader, Auditor, Admin, AnyRole a token with these roles has.
    fn given(names: &[&str]) -> [bool; 5] {
        let roles = Roles::from_names(names.iter().copied());
        [
            Producer::is_given_by(roles),
            HistoryReader::is_given_by(roles),
            Auditor::is_given_by(roles),
            Admin::is_given_by(roles),
            AnyRole::is_given_by(roles),
        ]
    }

    #[test]
    fn each_role_gives_what_the_documentation_says() {
        assert_eq!(given(&[]), [false, false, false, false, false]);
        assert_eq!(given(&["producer"]), [true, false, false, false, true]);
        assert_eq!(given(&["history_reader"]), [false, true, false, false, true]);
        assert_eq!(given(&["auditor"]), [false, true, true, false, true]);
        assert_eq!(given(&["admin"]), [true, true, true, true, true]);
        assert_eq!(given(&["Admin", "root", ""]), [false, false, false, false, false]);
        assert_eq!(given(&["producer", "auditor"]), [true, true, true, false, true]);
    }
}
