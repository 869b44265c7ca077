//! Finds what differs between two objects, member by member: a list is one value. Says how well a
//! pattern of the tables fits a pointer.

use serde_json::Value;

use crate::document::ident::Pointer;

/// One member that differs.
#[derive(Clone, Debug)]
pub(crate) struct Changed<'a> {
    /// Where it stands.
    pub(crate) pointer: Pointer,
    /// The same, as unescaped segments.
    pub(crate) segments: Vec<String>,
    /// What stood there.
    pub(crate) before: Option<&'a Value>,
    /// What will stand there.
    pub(crate) after: Option<&'a Value>,
}

/// Every member that differs, in the order of their names.
pub(crate) fn changed<'a>(before: &'a Value, after: &'a Value) -> Vec<Changed<'a>> {
    let mut found = Vec::new();
    descend(&mut Vec::new(), Some(before), Some(after), &mut found);
    found
}

fn descend<'a>(
    path: &mut Vec<String>,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    found: &mut Vec<Changed<'a>>,
) {
    if before == after {
        return;
    }
    let full = |side: Option<&'a Value>| side.and_then(Value::as_object).filter(|m| !m.is_empty());
    let (old, new) = (full(before), full(after));
    // A member that is new or gone is told leaf by leaf, so that the rows for leaves hold for it.
    let open = |side: Option<&Value>| side.is_none_or(|value| value.is_object());
    if (old.is_some() || new.is_some()) && open(before) && open(after) {
        let keys = old.into_iter().chain(new).flat_map(|map| map.keys());
        let keys: std::collections::BTreeSet<&String> = keys.collect();
        for key in keys {
            path.push(key.clone());
            descend(path, old.and_then(|m| m.get(key)), new.and_then(|m| m.get(key)), found);
            path.pop();
        }
        return;
    }
    let pointer = path.iter().fold(Pointer::default(), |pointer, part| pointer.join(part));
    found.push(Changed { pointer, segments: path.clone(), before, after });
}

/// How closely a pattern fits, or `None` if it does not. In a pattern `*` stands for one segment,
/// a segment that ends in `*` for all that begin so, and a last `**` for any rest, also none.
pub(crate) fn fit(pattern: &str, segments: &[String]) -> Option<u32> {
    let mut score = 0;
    let mut rest = segments.iter();
    for part in pattern.split('/').skip(1) {
        if part == "**" {
            return Some(score);
        }
        let segment = rest.next()?;
        let part = part.replace("~1", "/").replace("~0", "~");
        score += match part.strip_suffix('*') {
            Some("") => 1,
            Some(start) if segment.starts_with(start) => 3,
            None if part == *segment => 4,
            Some(_) | None => return None,
        };
    }
    rest.next().is_none().then_some(score + 1)
}
