//! Calls: each is of a function that exists, with as many arguments as it takes, and whose answer
//! the plan and the bundle decide; also where `with` puts another in its place.

use regorus::unstable::{Expr, Span, WithModifier};

use super::super::data::nearest;
use super::builtins::{self, Builtin, builtin};
use super::index::Named;
use super::syntax::chain;
use super::walk::Walk;

impl Walk<'_, '_> {
    pub(super) fn call(&mut self, span: &Span, function: &Expr, given: usize) {
        let chain = chain(function);
        let (Some(name), true) = (chain.variable(), chain.is_static()) else {
            self.wrong(span, "a call of something that is no function".to_owned(), "");
            return;
        };
        let dotted = [vec![name.to_owned()], chain.known()].concat().join(".");
        let path = self.full_path(name, &chain);
        let path = path.as_ref().and_then(|path| path.split_first());
        if let Some((root, path)) = path {
            let found = self.index.rules.get_key_value(path);
            match found {
                Some((path, Named { arities, .. })) if root == "data" && !arities.is_empty() => {
                    let wanted: Vec<String> = arities.iter().map(usize::to_string).collect();
                    if !arities.contains(&given) {
                        let message = format!(
                            "{dotted} takes {} arguments, {given} are given",
                            wanted.join(" or ")
                        );
                        self.wrong(span, message, "");
                    }
                    let path = path.clone();
                    self.reads.insert(path);
                }
                _ => self.wrong(span, format!("{dotted} is no function"), ""),
            }
            return;
        }
        self.builtin(span, &dotted, Some(given));
    }

    fn builtin(&mut self, span: &Span, name: &str, given: Option<usize>) {
        match builtin(name) {
            Builtin::Any => {}
            Builtin::Arity(arity) => {
                // One more takes the result.
                if let Some(given) = given
                    && given != arity
                    && given != arity + 1
                {
                    let message = format!("{name} takes {arity} arguments, {given} are given");
                    self.wrong(span, message, "");
                }
            }
            Builtin::Banned => {
                let message = format!("{name} is not available");
                let hint =
                    "its answer is not decided by the plan; put what it is for in a data file";
                self.wrong(span, message, hint);
            }
            Builtin::Unknown => {
                let functions =
                    self.index.rules.iter().filter(|(_, named)| !named.arities.is_empty());
                let mut known: Vec<&str> = builtins::names().collect();
                known.extend(functions.filter_map(|(path, _)| {
                    let (last, package) = path.split_last()?;
                    (package == self.module.package).then_some(last.as_str())
                }));
                let near = nearest(name, known.into_iter());
                let hint = near.map_or(String::new(), |near| format!("did you mean {near}?"));
                self.wrong(span, format!("there is no function {name}"), &hint);
            }
        }
    }

    pub(super) fn with(&mut self, with: &WithModifier) {
        let target = chain(&with.refr);
        if let Some(name) = target.variable() {
            if self.is_global(name) {
                // `with input.x` and `with data.x`: the place must exist, or it changes nothing.
                self.reference(with.refr.span(), name, &target);
            } else {
                let dotted = [vec![name.to_owned()], target.known()].concat().join(".");
                self.builtin(with.refr.span(), &dotted, None);
            }
        }
        let value = chain(&with.r#as);
        match value.variable() {
            Some(name) if !self.is_global(name) && !self.is_declared(name) => {
                let dotted = [vec![name.to_owned()], value.known()].concat().join(".");
                self.builtin(with.r#as.span(), &dotted, None);
            }
            Some(_) | None => self.expr(&with.r#as),
        }
    }
}
