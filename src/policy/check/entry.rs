//! The rules that are asked: exactly `deny`, `warn` and `require_approval`, each a set. A name that
//! is nearly one of them would be passed over, so it is an error; so is a test in the wrong file.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule, RuleHead};

use super::super::problem::Problem;
use super::index::{Index, Parsed, Path};
use super::syntax::{arity, chain, head};

/// What a rule's answers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Kind {
    /// Refuses the plan.
    Deny,
    /// Tells a person.
    Warn,
    /// Raises the quorum.
    RequireApproval,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Deny, Self::Warn, Self::RequireApproval];

    /// Its name in a package.
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::RequireApproval => "require_approval",
        }
    }
}

/// One definition of an entry.
#[derive(Debug)]
pub(in super::super) struct Definition {
    /// `bundle/path`.
    pub(in super::super) file: String,
    /// Line of its head.
    pub(in super::super) line: u32,
    /// Its source, to find the id of a finding in.
    pub(in super::super) source: String,
}

/// All rules of one kind in one package.
#[derive(Debug)]
pub(in super::super) struct Entry {
    /// The package, without `data.`.
    pub(in super::super) package: String,
    /// What its answers do.
    pub(in super::super) kind: Kind,
    /// In the order of files and lines; never empty.
    pub(in super::super) definitions: Vec<Definition>,
}

/// One rule whose name begins with `test_` or `todo_test_`, in a file of tests that is to be run.
#[derive(Debug)]
pub(in super::super) struct TestCase {
    /// Package and name, without `data.`.
    pub(in super::super) name: String,
    /// `bundle/path`.
    pub(in super::super) file: String,
    /// Line of its head.
    pub(in super::super) line: u32,
    /// Why it cannot be run; empty if it can.
    pub(in super::super) unfit: &'static str,
    /// Whether it is only announced.
    pub(in super::super) todo: bool,
}

/// Finds entries and tests.
pub(super) fn catalogue(index: &Index<'_>, problems: &mut Vec<Problem>) -> super::Catalogue {
    let mut entries: BTreeMap<(Path, Kind), Vec<Definition>> = BTreeMap::new();
    let mut tests: Vec<TestCase> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for module in &index.modules {
        for rule in &module.module.policy {
            let chain = chain(head(rule).name);
            let name = chain.variable().unwrap_or_default();
            let is_test = name.starts_with("test_") || name.starts_with("todo_test_");
            if module.file.tests {
                if is_test && arity(rule).is_none() {
                    add_test(module, rule, &mut tests, &mut seen);
                }
                refuse_entry_in_tests(module, rule, name, problems);
                continue;
            }
            if is_test {
                let message =
                    format!("{name} would never run: it does not stand in a file of tests");
                let hint = "move it to a file that ends in _test.rego";
                problems.push(at(module, rule, message).hint(hint));
            }
            match Kind::ALL.into_iter().find(|kind| kind.name() == name) {
                Some(kind) if is_set(rule) => {
                    let definition = Definition {
                        file: module.file.file.clone(),
                        line: head(rule).span.line,
                        source: rule.span().text().to_owned(),
                    };
                    entries.entry((module.package.clone(), kind)).or_default().push(definition);
                }
                Some(_) => {
                    let message = format!("`{name}` must be a set");
                    let hint = format!("write `{name} contains finding if {{ … }}`");
                    problems.push(at(module, rule, message).hint(hint));
                }
                None => near_miss(module, rule, name, problems),
            }
        }
    }
    let entries = entries.into_iter().map(|((package, kind), definitions)| Entry {
        package: package.join("."),
        kind,
        definitions,
    });
    super::Catalogue { entries: entries.collect(), tests }
}

fn at(module: &Parsed<'_>, rule: &Rule, message: String) -> Problem {
    Problem::new(&module.file.file, head(rule).span.line, message)
}

/// `name contains x`, and nothing else of that name.
fn is_set(rule: &Rule) -> bool {
    match rule {
        Rule::Spec { head: RuleHead::Set { refr, key, .. }, .. } => {
            key.is_some() && matches!(refr.as_ref(), Expr::Var { .. })
        }
        Rule::Spec { head: RuleHead::Compr { .. } | RuleHead::Func { .. }, .. }
        | Rule::Default { .. } => false,
    }
}

/// Whether a rule gathers values by key: what somebody would write who means an entry.
fn gathers(rule: &Rule) -> bool {
    match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Set { .. } => true,
            RuleHead::Compr { refr, .. } => {
                matches!(refr.as_ref(), Expr::RefBrack { .. } | Expr::RefDot { .. })
            }
            RuleHead::Func { .. } => false,
        },
        Rule::Default { .. } => false,
    }
}

fn near_miss(module: &Parsed<'_>, rule: &Rule, name: &str, problems: &mut Vec<Problem>) {
    if arity(rule).is_some() {
        return;
    }
    let folded = name.to_lowercase().replace('-', "_");
    // conftest asks `violation`, and every `deny_…` and `warn_…`; here they would be silent.
    let prefixed = ["deny_", "warn_", "require_approval_", "violation_"]
        .iter()
        .any(|prefix| folded.starts_with(prefix));
    let foreign = folded == "violation" || folded == "violations" || (prefixed && gathers(rule));
    let near = Kind::ALL.into_iter().find(|kind| {
        let most = if *kind == Kind::RequireApproval { 3 } else { 1 };
        strsim::damerau_levenshtein(&folded, kind.name()) <= most
    });
    let near = near.or(match folded.as_str() {
        "denied" | "denies" | "denial" | "denials" | "denying" => Some(Kind::Deny),
        "warned" | "warning" | "warnings" => Some(Kind::Warn),
        "approval_required" | "needs_approval" => Some(Kind::RequireApproval),
        _ => None,
    });
    let meant = match near {
        Some(kind) => kind.name(),
        None if foreign && folded.starts_with("warn") => Kind::Warn.name(),
        None if foreign && folded.starts_with("require") => Kind::RequireApproval.name(),
        None if foreign => Kind::Deny.name(),
        None => return,
    };
    let message = format!("nothing asks `{name}`; it looks like `{meant}`");
    let hint = format!("name it `{meant}`, or something less like it if it is only a part");
    problems.push(at(module, rule, message).hint(hint));
}

fn refuse_entry_in_tests(
    module: &Parsed<'_>,
    rule: &Rule,
    name: &str,
    problems: &mut Vec<Problem>,
) {
    if Kind::ALL.iter().any(|kind| kind.name() == name) {
        let message =
            format!("`{name}` stands in a file of tests, which is not loaded with a plan");
        problems.push(at(module, rule, message).hint("move it to a file of rules"));
    }
}

fn add_test(
    module: &Parsed<'_>,
    rule: &Rule,
    tests: &mut Vec<TestCase>,
    seen: &mut BTreeSet<String>,
) {
    if !module.file.run {
        return;
    }
    let chain = chain(head(rule).name);
    let name = chain.variable().unwrap_or_default();
    let full = format!("{}.{name}", module.package.join("."));
    let unfit = if !chain.steps.is_empty() || is_set(rule) {
        "it has parameters or gathers values: cases that fail would be absent, not false"
    } else if !seen.insert(full.clone()) {
        "it is defined more than once: one definition could hide another"
    } else {
        ""
    };
    tests.push(TestCase {
        todo: name.starts_with("todo_"),
        name: full,
        file: module.file.file.clone(),
        line: head(rule).span.line,
        unfit,
    });
}
