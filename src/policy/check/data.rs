//! Data and rules never stand at the same place: the engine would let the data win in silence.

use serde_json::Value;

use super::super::problem::Problem;
use super::index::Index;

/// Notes every rule whose path is equal to, beneath, or above a value of the data.
pub(super) fn overlaps(index: &Index<'_>, data: &Value, problems: &mut Vec<Problem>) {
    for (path, named) in &index.rules {
        let mut at = data;
        let mut clash = None;
        for (depth, name) in path.iter().enumerate() {
            let Some(members) = at.as_object() else {
                clash = path.get(..depth);
                break;
            };
            match members.get(name) {
                Some(inner) => at = inner,
                None => break,
            }
            if depth + 1 == path.len() {
                clash = Some(path);
            }
        }
        if let Some(clash) = clash {
            let rule = path.join(".");
            let message = format!(
                "data.{} is also data: it would replace the rule data.{rule}",
                clash.join(".")
            );
            let hint = "rename the data or the package";
            problems.push(Problem::new(&named.file, named.line, message).hint(hint));
        }
    }
}
