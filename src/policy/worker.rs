//! The worker's side: limits first, then one request, one answer, and the end. It opens no file
//! and no connection, and inherits no environment.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use regorus::Value;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::problem::Problem;
use super::request::{Answer, Judged, Request, Task};
use super::{aggregate, check, data, engine, test};

/// The hidden command that makes a process a worker. Its two arguments are the limits on processor
/// time, in seconds, and on memory, in bytes.
pub const COMMAND: &str = "__policy-worker";

/// Largest JSON part of a request, in bytes.
const MOST_REQUEST: u64 = 512 << 20;

/// Serves one request and ends. The answer is on `stdout`, whole, or the code is not 0.
///
/// This binds the whole process to the limits; a program calls it as the last thing it does.
pub fn serve(arguments: &[String], stdin: &mut dyn Read, stdout: &mut dyn Write) -> ExitCode {
    match answer(arguments, stdin) {
        Ok(answer) => match serde_json::to_writer(&mut *stdout, &answer) {
            Ok(()) if stdout.flush().is_ok() => ExitCode::SUCCESS,
            Ok(()) | Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            // The one place where a worker speaks of itself; its parent quotes it.
            let _nobody_listens = std::io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn answer(arguments: &[String], stdin: &mut dyn Read) -> Result<Answer, String> {
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<u64>().ok());
    let (Some(cpu_seconds), Some(memory), None) = (number(0), number(1), arguments.get(2)) else {
        return Err(format!("{COMMAND} is called by countersign itself"));
    };
    bind(cpu_seconds, memory).map_err(|error| format!("the limits cannot be set: {error}"))?;
    let mut length = [0; 8];
    stdin.read_exact(&mut length).map_err(|_| "no request".to_owned())?;
    let length = u64::from_be_bytes(length);
    if length > MOST_REQUEST {
        return Err("the request is too large".to_owned());
    }
    let mut head = Vec::new();
    let mut plan = Vec::new();
    let read = stdin.take(length).read_to_end(&mut head);
    read.map_err(|error| format!("the request cannot be read: {error}"))?;
    let request: Request = serde_json::from_slice(&head)
        .map_err(|error| format!("the request cannot be understood: {error}"))?;
    drop(head);
    let read = stdin.read_to_end(&mut plan);
    read.map_err(|error| format!("the plan cannot be read: {error}"))?;
    if u64::try_from(plan.len()).ok() != Some(request.plan_bytes) {
        return Err("the plan was cut short".to_owned());
    }
    // A little less than the hard limit, so that a loop ends with an error that says where.
    let limit = Duration::from_secs(cpu_seconds);
    Ok(match request.task {
        Task::Judge => match judge(&request, plan, limit) {
            Ok(judged) => Answer::Judged(Box::new(judged)),
            Err(problems) => Answer::Refused(problems),
        },
        Task::Test => match test::run(&request, limit) {
            Ok(results) => Answer::Tested(results),
            Err(problems) => Answer::Refused(problems),
        },
    })
}

fn judge(request: &Request, plan: Vec<u8>, limit: Duration) -> Result<Judged, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let merged = data::merge(&request.data)?;
    // Tests are checked with the rest, so that a rule among them is noticed, and not loaded.
    let mut checked = engine::bare(limit).map_err(one)?;
    let catalogue = check::check(&mut checked, &request.modules, &merged)?;
    drop(checked);
    let mut engine = engine::bare(limit).map_err(one)?;
    for module in request.modules.iter().filter(|module| !module.tests) {
        let added = engine.add_policy(module.file.clone(), module.text.clone());
        added.map_err(|error| one(engine::problem(error)))?;
    }
    let generated = engine.add_policy("countersign".to_owned(), aggregate::module(&catalogue));
    generated.map_err(|error| one(engine::problem(error)))?;
    engine::add_data(&mut engine, &request.data)?;

    let not_json = |error: &dyn std::fmt::Display| {
        one(Problem::new("", 0, format!("the plan cannot be read by the engine: {error}")))
    };
    let text = std::str::from_utf8(&plan).map_err(|error| not_json(&error))?;
    let input = Value::from_json_str(text).map_err(|error| not_json(&error))?;
    drop(plan);
    engine.set_input(input.clone());
    let result = engine.eval_rule(aggregate::RULE.to_owned());
    let result = result.map_err(|error| one(engine::problem(error)))?;
    aggregate::read(&catalogue, &result, &change_ids(&input))
}

fn change_ids(input: &Value) -> BTreeSet<&str> {
    let changes = get(input, "effect").and_then(|effect| get(effect, "changes"));
    let changes = changes.and_then(|changes| changes.as_array().ok());
    let changes = changes.into_iter().flat_map(|changes| changes.iter());
    changes.filter_map(|change| get(change, "id")?.as_string().ok().map(|id| &**id)).collect()
}

fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object().ok()?.get(&Value::from(name))
}

/// Binds this process. Nothing of the input has been read yet.
fn bind(cpu_seconds: u64, memory: u64) -> rustix::io::Result<()> {
    // macOS accounts address space in a way that no process could live with; data is what it limits.
    let space = if cfg!(target_os = "macos") { Resource::Data } else { Resource::As };
    let limits = [
        // The engine stops by itself at `cpu_seconds` of the clock; this is for a single call of a
        // function that it cannot interrupt.
        (Resource::Cpu, cpu_seconds.saturating_add(1)),
        (space, memory),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        // The three streams are open already; there will be no others.
        (Resource::Nofile, 3),
    ];
    for (resource, most) in limits {
        // A limit of the machine that is lower stays.
        let hard = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) })?;
    }
    Ok(())
}
