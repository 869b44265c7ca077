//! The engine's syntax tree, read in the few ways that the checks need.

use regorus::unstable::{Expr, Ref, Rule, RuleHead, Span};

/// A reference taken apart: `root.a["b"][x]`.
pub(super) struct Chain<'a> {
    /// What it starts from.
    pub(super) root: &'a Expr,
    /// Each step, with its text where that is known before evaluation.
    pub(super) steps: Vec<Step<'a>>,
}

/// One step of a [`Chain`].
#[derive(Clone)]
pub(super) enum Step<'a> {
    /// `.name` or `["name"]`.
    Static(String),
    /// `[expression]`.
    Dynamic(&'a Expr),
}

impl Chain<'_> {
    /// Name of the variable it starts from.
    pub(super) fn variable(&self) -> Option<&str> {
        if let Expr::Var { span, .. } = self.root { Some(span.text()) } else { None }
    }

    /// The steps that are known, up to the first that is not.
    pub(super) fn known(&self) -> Vec<String> {
        self.steps
            .iter()
            .map_while(|step| match step {
                Step::Static(name) => Some(name.clone()),
                Step::Dynamic(_) => None,
            })
            .collect()
    }

    /// Whether every step is known.
    pub(super) fn is_static(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Static(_)))
    }

    /// The expressions of the steps that are not known.
    pub(super) fn indices(&self) -> impl Iterator<Item = &Expr> {
        self.steps.iter().filter_map(|step| match step {
            Step::Static(_) => None,
            Step::Dynamic(index) => Some(*index),
        })
    }
}

/// Takes a reference apart. Anything that is no reference is a chain without steps.
pub(super) fn chain(expr: &Expr) -> Chain<'_> {
    let mut steps = Vec::new();
    let mut root = expr;
    loop {
        if let Expr::RefDot { refr, field, .. } = root {
            steps.push(Step::Static(field.0.text().to_owned()));
            root = refr;
        } else if let Expr::RefBrack { refr, index, .. } = root {
            steps.push(match text(index) {
                Some(name) => Step::Static(name),
                None => Step::Dynamic(index),
            });
            root = refr;
        } else {
            break;
        }
    }
    steps.reverse();
    Chain { root, steps }
}

/// The value of a string literal.
fn text(expr: &Expr) -> Option<String> {
    if let Expr::String { value, .. } | Expr::RawString { value, .. } = expr {
        value.as_string().ok().map(|text| text.to_string())
    } else {
        None
    }
}

/// The expressions that `expr` is made of. Bodies of comprehensions are not among them: they are
/// scopes of their own.
pub(super) fn parts(expr: &Expr) -> Vec<&Ref<Expr>> {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().collect(),
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, name, value)| [name, value]).collect()
        }
        Expr::Call { params, .. } => params.iter().collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).collect()
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. } => Vec::new(),
    }
}

/// Name and place of a rule.
pub(super) struct Head<'a> {
    /// The reference that names it.
    pub(super) name: &'a Ref<Expr>,
    /// Where the rule begins.
    pub(super) span: &'a Span,
}

/// The head of a rule.
pub(super) fn head(rule: &Rule) -> Head<'_> {
    match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, span, .. }
            | RuleHead::Set { refr, span, .. }
            | RuleHead::Func { refr, span, .. } => Head { name: refr, span },
        },
        Rule::Default { refr, span, .. } => Head { name: refr, span },
    }
}

/// Arity of a function; `None` for a rule that is none.
pub(super) fn arity(rule: &Rule) -> Option<usize> {
    match rule {
        Rule::Spec { head: RuleHead::Func { args, .. }, .. } => Some(args.len()),
        Rule::Default { args, .. } if !args.is_empty() => Some(args.len()),
        Rule::Spec { .. } | Rule::Default { .. } => None,
    }
}
