//! Which variables the lines of a body can give a value to. What stands under `not` gives none.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query};

use super::builtins::{Builtin, builtin};
use super::syntax::{chain, parts};

/// Names with a value, and names that are only declared.
#[derive(Default)]
pub(super) struct Scope {
    /// Have a value on every way through the body.
    pub(super) bound: BTreeSet<String>,
    /// Declared by `some`: local, whatever else has that name.
    pub(super) declared: BTreeSet<String>,
}

/// The scope of a body. `global` says which names mean a rule or an import unless declared.
pub(super) fn of_query(query: &Query, global: &dyn Fn(&str) -> bool) -> Scope {
    let mut scope = Scope::default();
    // What a body declares is local everywhere in it, so declarations come first.
    for stmt in &query.stmts {
        match &stmt.literal {
            Literal::SomeVars { vars, .. } => {
                scope.declared.extend(vars.iter().map(|name| name.text().to_owned()));
            }
            Literal::SomeIn { key, value, .. } => {
                for pattern in key.iter().chain([value]) {
                    pattern_names(pattern, &mut |name| {
                        scope.declared.insert(name.to_owned());
                    });
                }
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                    pattern_names(lhs, &mut |name| {
                        scope.declared.insert(name.to_owned());
                    });
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    let declared = scope.declared.clone();
    let mut bind = |name: &str| {
        if declared.contains(name) || !global(name) {
            scope.bound.insert(name.to_owned());
        }
    };
    for stmt in &query.stmts {
        match &stmt.literal {
            Literal::SomeVars { .. } | Literal::NotExpr { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                for pattern in key.iter().chain([value]) {
                    pattern_names(pattern, &mut bind);
                }
                binds(collection, &mut bind);
            }
            Literal::Expr { expr, .. } => binds(expr, &mut bind),
            Literal::Every { domain, .. } => binds(domain, &mut bind),
        }
    }
    scope
}

/// Every variable of a pattern: `x`, `[a, b]`, `{"k": v}`.
pub(super) fn pattern_names(pattern: &Expr, name: &mut dyn FnMut(&str)) {
    if let Expr::Var { span, .. } = pattern {
        name(span.text());
    } else if let Expr::Array { items, .. } = pattern {
        items.iter().for_each(|item| pattern_names(item, name));
    } else if let Expr::Object { fields, .. } = pattern {
        fields.iter().for_each(|(_, _, value)| pattern_names(value, name));
    }
}

/// The variables that an expression outside `not` gives a value to.
fn binds(expr: &Expr, bind: &mut dyn FnMut(&str)) {
    if let Expr::AssignExpr { op, lhs, rhs, .. } = expr {
        pattern_names(lhs, bind);
        if matches!(op, AssignOp::Eq) {
            pattern_names(rhs, bind);
        }
    } else if let Expr::RefBrack { index, .. } = expr {
        pattern_names(index, bind);
    } else if let Expr::Call { fcn, params, .. } = expr {
        // `walk(x, [path, value])`: one argument more than there are takes the result.
        let chain = chain(fcn);
        let mut name: Vec<String> = chain.variable().map(str::to_owned).into_iter().collect();
        name.extend(chain.known());
        if let Builtin::Arity(arity) = builtin(&name.join("."))
            && params.len() == arity + 1
            && let Some(out) = params.last()
        {
            pattern_names(out, bind);
        }
    }
    for part in parts(expr) {
        binds(part, bind);
    }
}
