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

    /// The names of these roles.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let Self { producer, history_reader, auditor, admin } = self;
        let all = [(producer, "producer"), (history_reader, "history_reader"), (auditor, "auditor"), (admin, "admin")];
        all.into_iter().filter_map(|(has, name)| has.then_some(name))
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What a handler needs of its caller. There is one marker type for each need; see [`Caller`](super::Caller).
pub trait Permission: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// What is said to a caller who lacks it.
    const NEEDS: &'static str;

    /// Whether a GET of such a caller may show history: events, states, documents. Then it leaves a record in the access
    /// log. A handler that shows none asks for a permission that says so.
    const SHOWS_HISTORY: bool;

    /// Whether a caller with these roles has it.
    fn is_given_by(roles: Roles) -> bool;
}

macro_rules! permission {
    ($($(#[$doc:meta])* $name:ident, $needs:literal, shows_history: $shows:literal, |$roles:ident| $given:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Permission for $name {
            const NEEDS: &'static str = $needs;
            const SHOWS_HISTORY: bool = $shows;

            fn is_given_by($roles: Roles) -> bool {
                $given
            }
        }
    )*};
}

permission! {
    /// May write events: role `producer` or `admin`.
    Producer, "role producer", shows_history: true, |roles| roles.producer || roles.admin;

    /// May read events, timelines and documents: role `history_reader`, `auditor` or `admin`.
    HistoryReader, "role history_reader or auditor", shows_history: true,
        |roles| roles.history_reader || roles.auditor || roles.admin;

    /// May see of the ledger what names no event, order or person: how long it is, hashes, signatures, keys. The same
    /// roles as for [`HistoryReader`]; such reads leave no record in the access log.
    LedgerReader, "role history_reader or auditor", shows_history: false,
        |roles| roles.history_reader || roles.auditor || roles.admin;

    /// May see what proves the history: role `auditor` or `admin`.
    Auditor, "role auditor", shows_history: true, |roles| roles.auditor || roles.admin;

    /// May change how the tenant is set up: role `admin`.
    Admin, "role admin", shows_history: true, |roles| roles.admin;

    /// Anyone with a role in the tenant. What such a caller sees is how the tenant is set up; no history.
    AnyRole, "one of the roles producer, history_reader, auditor and admin", shows_history: false,
        |roles| roles != Roles::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of Producer, HistoryReader, Auditor, Admin, AnyRole a token with these roles has.
    fn given(names: &[&str]) -> [bool; 5] {
        let roles = Roles::from_names(names.iter().copied());
        assert_eq!(LedgerReader::is_given_by(roles), HistoryReader::is_given_by(roles));
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
    #[test]
    fn roles_are_named_as_they_are_read() {
        let names = |given: &[&str]| Roles::from_names(given.iter().copied()).names().collect::<Vec<_>>();
        assert_eq!(names(&["admin", "root", "producer"]), ["producer", "admin"]);
        let all = ["producer", "history_reader", "auditor", "admin"];
        assert_eq!(names(&all), all);
    }
}
