//! What only all operations together show: names that stand twice, objects that are changed twice,
//! orders that cannot be kept.

use std::collections::{BTreeMap, BTreeSet};

use super::form::{Member, nearest};
use super::operation::{About, Draft};
use super::page::{Page, Place, Report};
use crate::config::Limits;
use crate::document::ident::Label;
use crate::document::operation::Operation;
use crate::manifest::problem::Problem;

/// The operations, each with its name; empty where the report has something.
pub(super) fn checked(
    drafts: Vec<Draft>,
    pages: &[Page<'_>],
    limits: &Limits,
    report: &mut Report,
) -> Vec<Operation> {
    if drafts.len() > limits.max_operations {
        let (found, most) = (drafts.len(), limits.max_operations);
        let problem = Problem::new(format!("{found} operations, and a plan has at most {most}"));
        report.add("", problem.hint("make several plans; `max-operations` is the limit"));
        return Vec::new();
    }
    let mut check = Check { pages, report };
    let ids = check.ids(&drafts);
    check.objects(&drafts);
    let known = !drafts.iter().any(|draft| matches!(draft.id, Member::Wrong));
    if known && check.orders(&drafts, &ids) {
        check.circle(&drafts, &ids);
    }
    drafts.into_iter().zip(ids).filter_map(|(draft, id)| operation(draft, id?)).collect()
}

fn operation(draft: Draft, id: Label) -> Option<Operation> {
    let Draft { action, reason, depends_on, replace, force, wait, .. } = draft;
    let depends_on = depends_on.into_iter().map(|(label, _)| label).collect();
    Some(Operation { id, action: action?, reason, depends_on, replace, force, wait })
}

struct Check<'c, 'p> {
    pages: &'c [Page<'p>],
    report: &'c mut Report,
}

impl Check<'_, '_> {
    fn refuse(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        if self.report.is_full() {
            return;
        }
        let (file, problem) = place.problem(self.pages, message);
        self.report.add(file, problem.hint(hint));
    }

    /// The name of each operation; `None` where it is wrong.
    fn ids(&mut self, drafts: &[Draft]) -> Vec<Option<Label>> {
        let mut seen: BTreeMap<Label, (usize, &Place)> = BTreeMap::new();
        let mut ids = Vec::with_capacity(drafts.len());
        for (number, draft) in (1..).zip(drafts) {
            let (id, place) = match &draft.id {
                Member::Given((id, place)) => (Some(id.clone()), place),
                Member::Missing => (format!("op-{number}").parse().ok(), &draft.place),
                Member::Wrong => (None, &draft.place),
            };
            if let Some(id) = &id {
                match seen.get(id) {
                    Some((first, _)) => {
                        let message =
                            format!("id {id} stands twice: operations {first} and {number}");
                        let hint = "an operation without an id is called op- and its number";
                        self.refuse(place, message, hint);
                    }
                    None => {
                        seen.insert(id.clone(), (number, place));
                    }
                }
            }
            ids.push(id);
        }
        ids
    }

    fn objects(&mut self, drafts: &[Draft]) {
        let mut seen: BTreeMap<&About, &Place> = BTreeMap::new();
        for draft in drafts {
            let Some(about) = &draft.about else { continue };
            match seen.get(about) {
                Some(_) if self.report.is_full() => {}
                Some(first) => {
                    let first = first.said(self.pages);
                    let message = format!("{about} is changed twice; the first is at {first}");
                    self.refuse(&draft.place, message, "make one operation of the two");
                }
                None => {
                    seen.insert(about, &draft.place);
                }
            }
        }
    }

    /// Whether every name in `dependsOn` is another operation's.
    fn orders(&mut self, drafts: &[Draft], ids: &[Option<Label>]) -> bool {
        let known: BTreeSet<&Label> = ids.iter().flatten().collect();
        let mut good = true;
        for (draft, id) in drafts.iter().zip(ids) {
            if self.report.is_full() {
                return false;
            }
            let mut named = BTreeSet::new();
            for (label, place) in &draft.depends_on {
                let (message, hint) = if Some(label) == id.as_ref() {
                    (format!("operation {label} depends on itself"), String::new())
                } else if !known.contains(label) {
                    let near = nearest(label.as_str(), known.iter().map(|l| l.as_str()));
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    (format!("no operation has the id {label}"), hint.unwrap_or_default())
                } else if !named.insert(label) {
                    (format!("{label} stands twice"), "name it once".to_owned())
                } else {
                    continue;
                };
                good = false;
                self.refuse(place, message, hint);
            }
        }
        good
    }

    /// Reports one circle among the orders, if there is any.
    fn circle(&mut self, drafts: &[Draft], ids: &[Option<Label>]) {
        let before: BTreeMap<&Label, &Draft> =
            ids.iter().zip(drafts).filter_map(|(id, draft)| Some((id.as_ref()?, draft))).collect();
        let mut done: BTreeSet<&Label> = BTreeSet::new();
        let mut open: BTreeSet<&Label> = BTreeSet::new();
        // Depth first, without recursion: the chain may be as long as the list of operations.
        for start in ids.iter().flatten() {
            let mut way: Vec<(&Label, usize)> = vec![(start, 0)];
            while let Some((label, next)) = way.last_mut() {
                let label = *label;
                if *next == 0 && done.contains(label) {
                    way.pop();
                    continue;
                }
                open.insert(label);
                let needs = before.get(label).and_then(|draft| draft.depends_on.get(*next));
                *next += 1;
                match needs {
                    None => {
                        open.remove(label);
                        done.insert(label);
                        way.pop();
                    }
                    Some((need, place)) if open.contains(need) => {
                        let round = way.iter().map(|(label, _)| label.as_str());
                        let round: Vec<_> =
                            round.skip_while(|label| *label != need.as_str()).take(9).collect();
                        let message = format!(
                            "operations wait for each other: {} -> {need}",
                            round.join(" -> ")
                        );
                        return self.refuse(place, message, "take one `dependsOn` out");
                    }
                    Some((need, _)) => way.push((need, 0)),
                }
            }
        }
    }
}
