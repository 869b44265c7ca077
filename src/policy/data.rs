//! Data documents: each file stands beneath its folder, no two of them disagree, and a setting of
//! the built-in bundle is overridden by name and type or not at all.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::problem::Problem;

/// Root of the settings: `data.settings`.
pub(super) const SETTINGS: &str = "settings";

/// One data file, its content already beneath the folder that holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DataFile {
    /// `bundle/path`.
    pub(super) file: String,
    /// Whether it belongs to the built-in bundle.
    pub(super) builtin: bool,
    /// An object.
    pub(super) value: Value,
}

/// Wraps `value` in one object for each folder of `path`, as OPA roots the data of a folder.
pub(super) fn rooted(path: &str, value: Value) -> Value {
    let folders = path.split('/').rev().skip(1);
    folders.fold(value, |inner, folder| Value::Object(Map::from_iter([(folder.to_owned(), inner)])))
}

/// The one document that all files make.
pub(super) fn merge(files: &[DataFile]) -> Result<Value, Vec<Problem>> {
    let mut whole = Map::new();
    let mut problems = Vec::new();
    let settings: Option<Map<String, Value>> = files
        .iter()
        .find(|file| file.builtin)
        .and_then(|file| file.value.get(SETTINGS)?.as_object().cloned());
    let mut overridden: Map<String, Value> = Map::new();
    for file in files {
        let mut value = file.value.clone();
        if let (Some(known), false) = (&settings, file.builtin)
            && let Some(set) = value.as_object_mut().and_then(|map| map.remove(SETTINGS))
        {
            override_settings(file, set, known, &mut overridden, &mut problems);
        }
        let at = &mut Vec::new();
        if let Value::Object(members) = value {
            join(&mut whole, members, file, at, &mut problems);
        }
    }
    if let Some(Value::Object(settings)) = whole.get_mut(SETTINGS) {
        settings.extend(overridden);
    }
    if problems.is_empty() { Ok(Value::Object(whole)) } else { Err(problems) }
}

fn override_settings(
    file: &DataFile,
    set: Value,
    known: &Map<String, Value>,
    overridden: &mut Map<String, Value>,
    problems: &mut Vec<Problem>,
) {
    let Value::Object(set) = set else {
        let message = format!("`{SETTINGS}` must be an object of settings by name");
        problems.push(Problem::new(&file.file, 0, message));
        return;
    };
    for (name, value) in set {
        let Some(default) = known.get(&name) else {
            let near = nearest(&name, known.keys().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`settings` belongs to the built-in bundle; put data of your own rules \
                         beneath another name"
                    .to_owned(),
            };
            let message = format!("there is no setting `{name}`");
            problems.push(Problem::new(&file.file, 0, message).hint(hint));
            continue;
        };
        if let Some(wanted) = wanted(default, &value) {
            let message = format!("setting `{name}` must be {wanted}");
            problems.push(Problem::new(&file.file, 0, message));
            continue;
        }
        if overridden.insert(name.clone(), value).is_some() {
            let message = format!("setting `{name}` is set by more than one file");
            problems.push(Problem::new(&file.file, 0, message).hint("keep one of them"));
        }
    }
}

/// What a setting must be, if `value` is not that: the type of its default.
fn wanted(default: &Value, value: &Value) -> Option<&'static str> {
    let texts = |list: &[Value]| list.iter().all(Value::is_string);
    let (right, name) = match default {
        Value::Null => (value.is_null(), "null"),
        Value::Bool(_) => (value.is_boolean(), "true or false"),
        // Thresholds are counts: a fraction or a negative number is a mistake.
        Value::Number(_) => (value.is_u64(), "a whole number, 0 or more"),
        Value::String(_) => (value.is_string(), "a text"),
        Value::Array(_) => (value.as_array().is_some_and(|list| texts(list)), "a list of texts"),
        Value::Object(_) => (value.is_object(), "an object"),
    };
    (!right).then_some(name)
}

/// Deep merge; a place with two values is a problem even if they are equal.
fn join(
    into: &mut Map<String, Value>,
    members: Map<String, Value>,
    file: &DataFile,
    at: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in members {
        at.push(name.clone());
        match (into.get_mut(&name), value) {
            (None, value) => {
                into.insert(name, value);
            }
            (Some(Value::Object(old)), Value::Object(new)) => join(old, new, file, at, problems),
            (Some(_), _) => {
                let message = format!("data.{} is set by another file too", at.join("."));
                let hint = "give each piece of data one place";
                problems.push(Problem::new(&file.file, 0, message).hint(hint));
            }
        }
        at.pop();
    }
}

/// The name that is most like `name`, if one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, _)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, known)| known)
}
