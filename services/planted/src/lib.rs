//! Bugs on purpose: each proves that the check which should see it does.
//!
//! A bug stands where it would be made, behind `planted::bug!("its-name")`. That is the constant `false` unless this
//! crate's feature `on` is enabled, so nothing of it is in a binary that anybody runs; only `make mutants` enables it.
//! Then the environment variable `PLANTED_BUG` names the one bug that a process has; none, where it is not set.
//!
//! To plant another: a line in [`ALL`], and a condition at the place. A name that is not in the list does not compile.

mod list;

pub use list::ALL;

/// A bug that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug {
    /// How it is asked for.
    pub name: &'static str,
    /// What the code does wrong.
    pub what: &'static str,
    /// What must not be broken, and so must catch it: of the simulation the names that it may have there
    /// (`tests/sim/invariants`), of a test what it says.
    pub invariant: &'static str,
    /// The check that must see it.
    pub catcher: Catcher,
}

/// A check that must fail while a bug is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catcher {
    /// The simulation (`tests/sim`), by some seed that breaks an invariant of those names.
    Simulation,
    /// One test.
    Test {
        /// Its crate.
        package: &'static str,
        /// Its full name, as the test binary lists it.
        test: &'static str,
    },
}

/// The variable that names the bug which a process has.
pub const VARIABLE: &str = "PLANTED_BUG";

/// Whether the bug of that name is planted. A name that is not in [`ALL`] does not compile.
#[macro_export]
macro_rules! bug {
    ($name:literal) => {
        $crate::is_planted(const { $crate::index($name) })
    };
}

/// The place of a name in [`ALL`]; [`bug`] asks for it when it is compiled.
///
/// # Panics
/// If there is no such name.
#[must_use]
pub const fn index(name: &str) -> usize {
    let mut at = 0;
    while at < ALL.len() {
        if same(ALL[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no bug of this name is in planted::ALL")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let (mut at, mut same) = (0, a.len() == b.len());
    while same && at < a.len() {
        same = a[at] == b[at];
        at += 1;
    }
    same
}

/// Whether the bug at that place of [`ALL`] is planted: never, in this build.
#[cfg(not(feature = "on"))]
#[inline(always)]
#[must_use]
pub const fn is_planted(_: usize) -> bool {
    false
}

/// Whether the bug at that place of [`ALL`] is planted.
///
/// # Panics
/// If the variable names a bug that is not in [`ALL`].
#[cfg(feature = "on")]
#[must_use]
pub fn is_planted(bug: usize) -> bool {
    static PLANTED: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let named = || std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()).map(|name| index(&name));
    *PLANTED.get_or_init(named) == Some(bug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_words_with_hyphens_and_stand_once() {
        let names: BTreeSet<_> = ALL.iter().map(|bug| bug.name).collect();
        assert_eq!(names.len(), ALL.len(), "a name stands twice");
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        }
    }

    #[test]
    fn a_name_is_found_where_it_stands() {
        for (at, bug) in ALL.iter().enumerate() {
            assert_eq!(index(bug.name), at);
        }
    }

    #[test]
    #[should_panic(expected = "no bug of this name")]
    fn another_name_is_a_loud_failure() {
        _ = index("undecremented");
    }

    #[cfg(not(feature = "on"))]
    #[test]
    fn nothing_is_planted_unless_it_is_switched_on() {
        assert!((0..ALL.len()).all(|bug| !is_planted(bug)));
    }
}
