//! The engine, set up one way only: strict, deterministic, bounded. Nothing outside the room
//! `policy` sees it.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};
use thiserror::Error;

use super::data::{self, DataFile};
use super::problem::Problem;

/// Name of the engine, part of the policy digest.
pub const ENGINE_NAME: &str = "regorus";
/// Version of the engine, part of the policy digest; its semantics change between versions.
pub const ENGINE_VERSION: &str = "0.14.1";

/// Functions whose answer is not decided by the plan and the bundle, with their arity. The static
/// check refuses them by name; the engine refuses them again if a call gets that far.
pub(super) const BANNED: &[(&str, u8)] = &[
    ("http.send", 1),
    ("net.lookup_ip_addr", 1),
    ("opa.runtime", 0),
    ("rand.intn", 2),
    ("time.now_ns", 0),
    ("uuid.rfc4122", 1),
];

/// Most elements of a range. One call of the engine's own function cannot be interrupted.
const MOST_RANGE: i64 = 1_000_000;

#[derive(Debug, Error)]
enum CallError {
    #[error("{0} is not available: its answer is not decided by the plan")]
    Banned(&'static str),
    #[error("a range of more than {MOST_RANGE} numbers")]
    Range,
    #[error("operands must be whole numbers, and the step greater than 0")]
    Operand,
}

/// An engine without policies, which stops by itself after `limit`.
pub(super) fn bare(limit: Duration) -> Result<Engine, Problem> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    // What a policy prints is dropped: the worker's two streams belong to the protocol.
    engine.set_gather_prints(true);
    let check_interval = NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN);
    engine.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval });
    for (name, arity) in BANNED {
        let call =
            move |_: Vec<Value>| Err(call_error(Value::from_json_str, CallError::Banned(name)));
        engine.add_extension((*name).to_owned(), *arity, Box::new(call)).map_err(problem)?;
    }
    let range = |arguments: Vec<Value>| {
        range(&arguments).map_err(|error| call_error(Value::from_json_str, error))
    };
    for (name, arity) in [("numbers.range", 2), ("numbers.range_step", 3)] {
        engine.add_extension(name.to_owned(), arity, Box::new(range)).map_err(problem)?;
    }
    Ok(engine)
}

/// Loads the data of a bundle.
pub(super) fn add_data(engine: &mut Engine, files: &[DataFile]) -> Result<(), Vec<Problem>> {
    let data = data::merge(files)?;
    let data = Value::from_json_str(&data.to_string()).map_err(|error| vec![problem(error)])?;
    engine.add_data(data).map_err(|error| vec![problem(error)])
}

/// The engine's own error type, which it does not re-export, made from ours: `_like` is any of its
/// functions that can fail.
fn call_error<T, E: From<CallError>>(_like: fn(&str) -> Result<T, E>, error: CallError) -> E {
    E::from(error)
}

fn range(arguments: &[Value]) -> Result<Value, CallError> {
    let whole = |index: usize| {
        let number = arguments.get(index).and_then(|value| value.as_number().ok());
        number.and_then(|number| number.as_i64()).ok_or(CallError::Operand)
    };
    let (from, to) = (whole(0)?, whole(1)?);
    let step = if arguments.len() > 2 { whole(2)? } else { 1 };
    if step < 1 {
        return Err(CallError::Operand);
    }
    let span = to.checked_sub(from).ok_or(CallError::Range)?;
    let last = span.checked_abs().ok_or(CallError::Range)? / step;
    if last >= MOST_RANGE {
        return Err(CallError::Range);
    }
    let step = if span < 0 { -step } else { step };
    // No overflow: every product lies between `from` and `to`.
    Ok(Value::from((0..=last).map(|n| Value::from(from + n * step)).collect::<Vec<Value>>()))
}

/// What the engine says, with the place it names.
///
/// Its texts are `\n--> file:line:column`, the line, a caret, and `error: message`; the innermost
/// place is the first. Only the version that is pinned is read this way, and a text of another form
/// is passed on whole.
pub(super) fn problem<E: std::fmt::Display>(error: E) -> Problem {
    let text = error.to_string();
    let place = text.lines().find_map(|line| {
        let (rest, _column) = line.strip_prefix("--> ")?.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some((file.to_owned(), line.parse().ok()?))
    });
    let said = text.lines().find_map(|line| line.strip_prefix("error: "));
    let (file, line) = place.unwrap_or_default();
    if text.contains("execution exceeded time limit") {
        // Its own text holds the nanoseconds it took.
        let hint = "look for a loop over a large product, such as two lists of changes";
        return Problem::new(file, line, "the rules took too long and were stopped").hint(hint);
    }
    let message = match said {
        Some(said) if !said.trim().is_empty() => said.trim().to_owned(),
        Some(_) | None => text.trim().to_owned(),
    };
    Problem::new(file, line, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_in_the_digest_is_the_engine_that_is_linked() {
        let lock = include_str!("../../Cargo.lock");
        let wanted = format!("name = \"{ENGINE_NAME}\"\nversion = \"{ENGINE_VERSION}\"\n");
        assert!(lock.contains(&wanted));
    }

    #[test]
    fn a_range_is_what_the_engine_would_give_and_bounded() {
        let call = |arguments: &[i64]| {
            let arguments: Vec<Value> = arguments.iter().map(|n| Value::from(*n)).collect();
            range(&arguments).map(|value| value.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(call(&[1, 3]).unwrap(), "[1, 2, 3]".replace(' ', ""));
        assert_eq!(call(&[3, 1]).unwrap(), "[3,2,1]");
        assert_eq!(call(&[0, 10, 4]).unwrap(), "[0,4,8]");
        assert_eq!(call(&[10, 0, 4]).unwrap(), "[10,6,2]");
        assert!(call(&[0, 999_999]).is_ok());
        for bad in [&[0, 1_000_000][..], &[i64::MIN, i64::MAX], &[0, i64::MIN], &[0, 1, 0]] {
            assert!(call(bad).is_err(), "{bad:?}");
        }
    }
}
