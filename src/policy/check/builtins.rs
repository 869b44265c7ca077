//! The functions that the engine brings along.

use super::super::engine::BANNED;

/// What is known of a function by its full name.
pub(super) enum Builtin {
    /// It takes so many arguments.
    Arity(usize),
    /// It takes any number of arguments.
    Any,
    /// It exists in Rego and is refused here.
    Banned,
    /// No such function.
    Unknown,
}

pub(super) fn builtin(name: &str) -> Builtin {
    if BANNED.iter().any(|(banned, _)| *banned == name) {
        return Builtin::Banned;
    }
    // An internal function of the engine, to be called by nobody.
    if name.starts_with("__") {
        return Builtin::Unknown;
    }
    match regorus::unstable::BUILTINS.get(name) {
        Some((_, arity)) => Builtin::Arity(usize::from(*arity)),
        None if name == "print" => Builtin::Any,
        None => Builtin::Unknown,
    }
}

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    regorus::unstable::BUILTINS.keys().copied()
}
