//! Follows every expression of every rule: each name it uses has a meaning, each call a function
//! with that many arguments, each variable a value. Notes which rule reads which.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, Query, Ref, Rule, RuleBody, RuleHead, Span};

use super::super::data::nearest;
use super::super::problem::Problem;
use super::graph::Uses;
use super::index::{Index, Parsed, Path};
use super::input::Shape;
use super::scope::{self, Scope};
use super::syntax::{Chain, Step, chain, head, parts};

/// Looks at every rule.
pub(super) fn walk(index: &Index<'_>, problems: &mut Vec<Problem>) -> Uses {
    let mut uses = Uses::new();
    let shape = Shape::of_plan();
    for module in &index.modules {
        imports(index, module, problems);
        for rule in &module.module.policy {
            let name = chain(head(rule).name);
            let mut path = module.package.clone();
            path.extend(name.variable().map(str::to_owned));
            path.extend(name.known());
            let reads = uses.entry(path).or_default();
            let scopes = Vec::new();
            Walk { index, module, shape: &shape, problems, reads, scopes }.rule(rule);
        }
    }
    uses
}

fn imports(index: &Index<'_>, module: &Parsed<'_>, problems: &mut Vec<Problem>) {
    for import in &module.module.imports {
        let chain = chain(&import.refr);
        if chain.variable() == Some("data") && !index.exists(&chain.known()) {
            let message = format!("nothing stands at {}", import.refr.span().text());
            problems.push(Problem::new(&module.file.file, import.span.line, message));
        }
    }
}

/// One rule on the way.
pub(super) struct Walk<'a, 'p> {
    pub(super) index: &'a Index<'a>,
    pub(super) module: &'a Parsed<'a>,
    pub(super) shape: &'a Shape,
    pub(super) problems: &'p mut Vec<Problem>,
    pub(super) reads: &'p mut BTreeSet<Path>,
    pub(super) scopes: Vec<Scope>,
}

impl Walk<'_, '_> {
    pub(super) fn wrong(&mut self, span: &Span, message: String, hint: &str) {
        let problem = Problem::new(&self.module.file.file, span.line, message);
        self.problems.push(problem.hint(hint));
    }

    /// Whether a name means a rule of the package, an import, or a root document.
    pub(super) fn is_global(&self, name: &str) -> bool {
        self.own(name).is_some()
            || matches!(name, "input" | "data")
            || self.module.aliases.contains_key(name)
    }

    /// The path of a rule, or of the first part of one, of this module's package.
    fn own(&self, name: &str) -> Option<Path> {
        let mut path = self.module.package.clone();
        path.push(name.to_owned());
        let mut beneath = self.index.rules.range(path.clone()..);
        let found = beneath.next().is_some_and(|(rule, _)| rule.starts_with(&path));
        found.then_some(path)
    }

    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.bound.contains(name) || scope.declared.contains(name))
    }

    fn enter(&mut self, query: &Query) {
        let scope = scope::of_query(query, &|name| self.is_global(name) && !self.is_declared(name));
        self.scopes.push(scope);
    }

    fn leave(&mut self) {
        self.scopes.pop();
    }

    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Default { args, value, .. } => {
                self.arguments(args);
                self.expr(value);
                self.leave();
            }
            Rule::Spec { head, bodies, .. } => {
                match head {
                    RuleHead::Func { args, .. } => self.arguments(args),
                    RuleHead::Compr { .. } | RuleHead::Set { .. } => self.arguments(&[]),
                }
                let mut bodies = bodies.iter();
                let first = bodies.next();
                if let Some(RuleBody { query, .. }) = first {
                    self.enter(query);
                    self.head(head);
                    self.lines(query);
                    self.leave();
                } else {
                    self.head(head);
                }
                for RuleBody { assign, query, .. } in bodies {
                    self.enter(query);
                    if let Some(assign) = assign {
                        self.expr(&assign.value);
                    }
                    self.lines(query);
                    self.leave();
                }
                self.leave();
            }
        }
    }

    fn arguments(&mut self, args: &[Ref<Expr>]) {
        let mut scope = Scope::default();
        for argument in args {
            scope::pattern_names(argument, &mut |name| {
                scope.bound.insert(name.to_owned());
            });
        }
        self.scopes.push(scope);
    }

    fn head(&mut self, head: &RuleHead) {
        let (name, value) = match head {
            RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => {
                (refr, assign.as_ref().map(|assign| &assign.value))
            }
            RuleHead::Set { refr, key, .. } => (refr, key.as_ref()),
        };
        for index in chain(name).indices() {
            self.expr(index);
        }
        if let Some(value) = value {
            self.expr(value);
        }
    }

    fn lines(&mut self, query: &Query) {
        for stmt in &query.stmts {
            match &stmt.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    for expr in key.iter().chain([value, collection]) {
                        self.expr(expr);
                    }
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr),
                Literal::Every { key, value, domain, query, .. } => {
                    self.expr(domain);
                    let mut scope = Scope::default();
                    let names = key.iter().chain([value]);
                    scope.bound.extend(names.map(|name| name.text().to_owned()));
                    self.scopes.push(scope);
                    self.query(query, &[]);
                    self.leave();
                }
            }
            for with in &stmt.with_mods {
                self.with(with);
            }
        }
    }

    fn query(&mut self, query: &Query, terms: &[&Ref<Expr>]) {
        self.enter(query);
        for term in terms {
            self.expr(term);
        }
        self.lines(query);
        self.leave();
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(query, &[term]);
            }
            Expr::ObjectCompr { key, value, query, .. } => self.query(query, &[key, value]),
            Expr::Call { span, fcn, params, .. } => {
                self.call(span, fcn, params.len());
                for parameter in params {
                    self.expr(parameter);
                }
            }
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                let chain = chain(expr);
                for index in chain.indices() {
                    self.expr(index);
                }
                match chain.variable() {
                    Some(name) => self.reference(expr.span(), name, &chain),
                    None => self.expr(chain.root),
                }
            }
            Expr::Array { .. }
            | Expr::Set { .. }
            | Expr::Object { .. }
            | Expr::UnaryExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::AssignExpr { .. }
            | Expr::Membership { .. } => {
                for part in parts(expr) {
                    self.expr(part);
                }
            }
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
        }
    }

    pub(super) fn reference(&mut self, span: &Span, name: &str, chain: &Chain<'_>) {
        if name == "_" || self.scopes.iter().any(|scope| scope.bound.contains(name)) {
            return;
        }
        let declared = self.scopes.iter().any(|scope| scope.declared.contains(name));
        if declared || !self.is_global(name) {
            let message = format!("`{name}` has no value here");
            let hint = if declared {
                "no line of this body gives it one; what stands under `not` does not"
            } else {
                "no rule, import or variable of this body has that name; what stands under `not` \
                 gives no value"
            };
            self.wrong(span, message, hint);
            return;
        }
        let Some(path) = self.full_path(name, chain) else { return };
        match path.split_first() {
            Some((root, path)) if root == "data" => self.read(span, path),
            Some((_input, path)) => {
                let alias = path.len().saturating_sub(chain.known().len());
                let mut steps: Vec<Step<'_>> =
                    path.iter().take(alias).cloned().map(Step::Static).collect();
                steps.extend(chain.steps.iter().cloned());
                self.plan_path(span, &steps);
            }
            None => {}
        }
    }

    fn plan_path(&mut self, span: &Span, steps: &[Step<'_>]) {
        if let Some((name, known)) = self.shape.missing(steps) {
            let near = nearest(&name, known.iter().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`countersign schema plan` shows what a plan has".to_owned(),
            };
            let message = format!("no plan has `{name}` at {}", span.text());
            self.wrong(span, message, &hint);
        }
    }

    /// The path from `data` or `input` that a chain from a global name means.
    pub(super) fn full_path(&self, name: &str, chain: &Chain<'_>) -> Option<Path> {
        let mut path = if let Some(alias) = self.module.aliases.get(name) {
            alias.clone()
        } else if let Some(own) = self.own(name) {
            [vec!["data".to_owned()], own].concat()
        } else if matches!(name, "input" | "data") {
            vec![name.to_owned()]
        } else {
            return None;
        };
        path.extend(chain.known());
        Some(path)
    }

    fn read(&mut self, span: &Span, path: &[String]) {
        if path.is_empty() {
            let message = "a reference to all of `data`".to_owned();
            self.wrong(span, message, "name the package or the data that is meant");
            return;
        }
        if !self.index.exists(path) {
            let message = format!("nothing stands at data.{}", path.join("."));
            let hint = "a rule that reads it would never be true";
            self.wrong(span, message, hint);
        }
        let read: Vec<Path> = self.index.rules_at(path).cloned().collect();
        self.reads.extend(read);
    }
}
