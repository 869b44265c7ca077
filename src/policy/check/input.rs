//! A path into `input` leads to a member that every plan has, as the schema of the plan says: a
//! misspelt one would be undefined, and its rule silent.

use serde_json::Value;

use super::syntax::Step;
use crate::document::plan::PlanDocument;

/// The schema of `input`.
pub(super) struct Shape(Value);

impl Shape {
    pub(super) fn of_plan() -> Self {
        Self(schemars::schema_for!(PlanDocument).to_value())
    }

    /// The first step that leads nowhere: its name, and what it could have been.
    pub(super) fn missing(&self, steps: &[Step<'_>]) -> Option<(String, Vec<String>)> {
        self.step(&self.0, steps)
    }

    fn step(&self, at: &Value, steps: &[Step<'_>]) -> Option<(String, Vec<String>)> {
        let (first, rest) = steps.split_first()?;
        if let Some(reference) = at.get("$ref").and_then(Value::as_str) {
            let place = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
            return place.and_then(|place| self.step(place, steps));
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(branches) = at.get(choice).and_then(Value::as_array) {
                // One branch that has it is enough: which one holds is known only with a plan.
                let all: Vec<_> = branches.iter().map(|branch| self.step(branch, steps)).collect();
                return all.into_iter().collect::<Option<Vec<_>>>()?.into_iter().next();
            }
        }
        let kind = at.get("type");
        let is = |name: &str| match kind {
            Some(Value::String(kind)) => kind == name,
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == name),
            Some(_) | None => false,
        };
        if is("array") {
            return match first {
                Step::Dynamic(_) => at.get("items").and_then(|items| self.step(items, rest)),
                Step::Static(name) => Some((name.clone(), Vec::new())),
            };
        }
        if is("object") {
            let Step::Static(name) = first else { return None };
            let members = at.get("properties").and_then(Value::as_object);
            if let Some(inner) = members.and_then(|members| members.get(name)) {
                return self.step(inner, rest);
            }
            return match at.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let known = members.into_iter().flat_map(|members| members.keys().cloned());
                    Some((name.clone(), known.collect()))
                }
                Some(inner) => self.step(inner, rest),
                None => None,
            };
        }
        match (kind, first) {
            (Some(_), Step::Static(name)) => Some((name.clone(), Vec::new())),
            (Some(_), Step::Dynamic(_)) | (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_member_is_found_and_a_real_one_is_not() {
        let shape = Shape::of_plan();
        let missing = |path: &str| {
            let variable = regorus::Value::Null;
            let source = regorus::Source::from_contents("x".into(), "x".into()).unwrap();
            let span = regorus::unstable::Span { source, line: 1, col: 1, start: 0, end: 1 };
            let index = regorus::unstable::Expr::Null { span, value: variable, eidx: 0 };
            let steps: Vec<Step<'_>> = path
                .split('.')
                .map(|name| match name {
                    "*" => Step::Dynamic(&index),
                    name => Step::Static(name.to_owned()),
                })
                .collect();
            shape.missing(&steps).map(|(name, _)| name)
        };
        for good in [
            "effect.changes.*.class",
            "effect.changes.*.after.spec.anything",
            "effect.impact.byClass.data-loss",
            "effect.impact.byKind.Secret",
            "effect.target.clusterUid",
            "effect.target.path",
            "effect.stack.template.Resources",
            "effect.facts.declared.*.min",
            "proposal.operations.*.body.metadata",
            "proposal.requestedBy",
            "effect.waves.*.*",
            "*",
        ] {
            assert_eq!(missing(good), None, "{good}");
        }
        for (bad, name) in [
            ("effct", "effct"),
            ("effect.chnages.*.class", "chnages"),
            ("effect.changes.*.clas", "clas"),
            ("effect.changes.class", "class"),
            ("effect.impact.by_class", "by_class"),
            ("effect.changes.*.resource.group", "group"),
            ("effect.changes.*.class.worst", "worst"),
            ("effect.target.cluster", "cluster"),
            ("proposal.requested_by", "requested_by"),
        ] {
            assert_eq!(missing(bad).as_deref(), Some(name), "{bad}");
        }
    }
}
