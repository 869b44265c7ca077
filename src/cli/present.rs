//! How results and failures reach the streams. A stream that is closed ends nothing half-way.

use std::io::Write;

use serde::Serialize;

use super::Output;
use super::fault::Fault;
use super::world::World;
use crate::review::neutral;

/// Writes text as it is.
pub(super) fn raw(stream: &mut dyn Write, text: &str) {
    // Who closed the pipe does not want to read more; what was done stays done.
    let _closed = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// Writes a line of diagnostics.
pub(super) fn note(world: &mut World<'_>, text: &str) {
    raw(world.stderr, &format!("{text}\n"));
}

/// Writes one JSON document to stdout.
pub(super) fn json<T: Serialize>(world: &mut World<'_>, value: &T) {
    let value = serde_json::to_value(value).unwrap_or_default();
    raw(world.stdout, &neutral::json(&value));
}

/// Writes a failure: JSON to stdout, or text to stderr.
pub(super) fn fault(fault: &Fault, output: Output, world: &mut World<'_>) {
    if output == Output::Json {
        return json(world, fault);
    }
    let mut text =
        format!("Error: {} [{}]\n", neutral::terminal(fault.message()), fault.code().name());
    for cause in fault.causes() {
        text.push_str(&format!("Caused by: {}\n", neutral::terminal(cause)));
    }
    for hint in fault.hints() {
        text.push_str(&format!("Hint: {}\n", neutral::terminal(hint)));
    }
    raw(world.stderr, &text);
}
