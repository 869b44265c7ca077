//! The page as one JSON document, for programs: members are always present, texts are raw.

use serde_json::{Value, json};

use super::page::Page;
use super::piece;
use crate::document::effect::{Change, Class};
use crate::document::plan::PlanDocument;
use crate::plan::diff;

/// The page as a document of kind `Review`. Texts of others are in it as they are: printed, it goes
/// through [`super::neutral::json`].
pub fn json(page: &Page<'_>) -> Value {
    let shown = page.shown();
    let PlanDocument { api_version, kind: _, rules, proposal, effect } = page.plan;
    let worst = effect.changes.iter().map(|change| change.class).max().unwrap_or(Class::None);
    let changes: Vec<Value> = shown
        .changes
        .iter()
        .filter_map(|item| {
            let change = effect.changes.get(item.index)?;
            let reasons = page.judgements.get(item.index).map(|judgement| &judgement.reasons);
            Some(json!({
                "number": item.number,
                "id": change.id,
                "operation": change.operation,
                "action": item.action,
                "class": change.class,
                "certainty": change.certainty,
                "flags": change.flags,
                "preview": change.preview,
                "reasons": reasons.map_or_else(|| json!([]), |reasons| json!(reasons)),
                "fields": fields(change),
                "reaches": item.reaches,
                "commentsLost": item.comments_lost,
            }))
        })
        .collect();
    let standing = page.standing.map(|view| {
        let aside: Vec<Value> = view
            .set_aside
            .iter()
            .map(|aside| json!({"file": aside.file, "because": aside.because}))
            .collect();
        json!({
            "required": view.standing.required,
            "counted": view.standing.counted,
            "missing": view.standing.missing,
            "rejected": view.standing.rejected,
            "met": view.standing.is_met(),
            "expires": view.expires,
            "setAside": aside,
        })
    });
    let words: Vec<&str> = shown.states.iter().map(|state| state.word()).collect();
    json!({
        "apiVersion": api_version,
        "kind": "Review",
        "renderer": super::RENDERER,
        "digest": page.digest,
        "name": proposal.name,
        "environment": proposal.environment,
        "target": {"name": proposal.target, "identity": effect.target},
        "rules": rules,
        "states": words,
        "class": worst,
        "complete": effect.complete,
        "impact": effect.impact,
        "changes": changes,
        "intent": proposal.intent,
        "planner": proposal.planner,
        "requestedBy": proposal.requested_by,
        "verdict": page.verdict,
        "standing": standing,
        "notes": page.notes,
        "next": shown.next.map(|line| piece::plain(&line)),
    })
}

fn fields(change: &Change) -> Vec<Value> {
    if change.before.is_null() || change.after.is_null() {
        return Vec::new();
    }
    diff::fields(&change.before, &change.after)
        .into_iter()
        .filter(|field| !change.unknown.iter().any(|path| field.path.is_within(path)))
        .map(|field| {
            let diff::FieldChange { path, before, after } = field;
            // An absent side is left out, so that it is not taken for null.
            let mut value = json!({"path": path});
            if let Some(members) = value.as_object_mut() {
                members.extend(before.map(|before| ("before".to_owned(), before)));
                members.extend(after.map(|after| ("after".to_owned(), after)));
            }
            value
        })
        .collect()
}
