//! Edits within one document: the fewest pieces of text that turn one value into another. It may
//! give up (`None`) or even be wrong: its caller reads the result again.

use std::ops::Range;

use granit_parser::ScalarStyle;
use serde_json::{Map, Value};

use super::{Source, line_ends};
use crate::manifest::emit;
use crate::manifest::node::{Node, NodeKind};

/// The text of the document at `span`, changed from `old` to `new`.
pub(super) fn splice(
    source: Source<'_>,
    node: &Node,
    old: &Value,
    new: &Value,
    span: Range<usize>,
) -> Option<String> {
    let Source { text, json, crlf } = source;
    let mut editor = Editor { text, json, splices: Vec::new() };
    editor.value(node, old, new, false)?;
    editor.splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(span.len());
    let mut at = span.start;
    for (range, with) in &editor.splices {
        out.push_str(text.get(at..range.start)?);
        out.push_str(&line_ends(crlf, with));
        at = range.end;
    }
    out.push_str(text.get(at..span.end)?);
    Some(out)
}

/// Where the line of byte `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

struct Editor<'t> {
    text: &'t str,
    json: bool,
    splices: Vec<(Range<usize>, String)>,
}

impl Editor<'_> {
    /// Turns `old` into `new` where it stands; `None` if only its parent can.
    fn value(&mut self, node: &Node, old: &Value, new: &Value, in_flow: bool) -> Option<()> {
        if old == new {
            return Some(());
        }
        match (&node.kind, old, new) {
            (NodeKind::Scalar(style), _, _) => self.scalar(node, *style, new, in_flow),
            (NodeKind::Map { flow: true, members }, Value::Object(o), Value::Object(n))
                if o.len() == n.len() && o.keys().eq(n.keys()) =>
            {
                members.iter().try_for_each(|(name, _, child)| {
                    self.value(child, o.get(name)?, n.get(name)?, true)
                })
            }
            (NodeKind::List { flow: true, items }, Value::Array(o), Value::Array(n))
                if o.len() == n.len() =>
            {
                items
                    .iter()
                    .zip(o.iter().zip(n))
                    .try_for_each(|(child, (o, n))| self.value(child, o, n, true))
            }
            (NodeKind::Map { flow: true, .. } | NodeKind::List { flow: true, .. }, _, _) => {
                self.splices.push((node.span.clone(), self.flow(new)));
                Some(())
            }
            (NodeKind::Map { flow: false, members }, Value::Object(o), Value::Object(n)) => {
                self.map(members, o, n)
            }
            (NodeKind::List { flow: false, items }, Value::Array(o), Value::Array(n)) => {
                self.list(items, o, n)
            }
            (NodeKind::Map { flow: false, .. } | NodeKind::List { flow: false, .. }, _, _) => None,
        }
    }

    fn scalar(
        &mut self,
        node: &Node,
        style: ScalarStyle,
        new: &Value,
        in_flow: bool,
    ) -> Option<()> {
        let text = self.text.get(node.span.clone())?;
        let parts = matches!(new, Value::Object(map) if !map.is_empty())
            || matches!(new, Value::Array(list) if !list.is_empty());
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let lines = matches!(new, Value::String(text) if text.contains('\n')) && !in_flow;
        if text.is_empty() || text.contains('\n') || block || lines || (parts && !in_flow) {
            return None;
        }
        let with = match (style, new) {
            _ if self.json => self.flow(new),
            (ScalarStyle::DoubleQuoted, Value::String(new)) => emit::double_quoted(new),
            (ScalarStyle::SingleQuoted, Value::String(new))
                if emit::double_quoted(new).len() == new.len() + 2 =>
            {
                format!("'{}'", new.replace('\'', "''"))
            }
            (_, Value::String(new)) => emit::scalar_text(new, in_flow),
            (_, new) => emit::flow(new),
        };
        self.splices.push((node.span.clone(), with));
        Some(())
    }

    fn map(
        &mut self,
        members: &[(String, Range<usize>, Node)],
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Option<()> {
        let (_, first, _) = members.first()?;
        let column = first.start - line_start(self.text, first.start);
        let keeps = members.iter().any(|(name, ..)| new.contains_key(name));
        if !keeps {
            return None;
        }
        for (name, name_span, child) in members {
            let before = old.get(name)?;
            let Some(after) = new.get(name) else {
                self.own_line(name_span.start)?;
                let whole = line_start(self.text, name_span.start)..self.end(child, name_span.end);
                self.splices.push((whole, String::new()));
                continue;
            };
            let mark = self.splices.len();
            if self.value(child, before, after, false).is_none() {
                self.splices.truncate(mark);
                let end = self.end(child, name_span.end);
                self.splices.push((name_span.start..end, emit::member(name, after, column)));
            }
        }
        let mut added = String::new();
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            added.push_str(&" ".repeat(column));
            added.push_str(&emit::member(name, value, column));
        }
        let (_, name_span, child) = members.last()?;
        self.insert(self.end(child, name_span.end), added);
        Some(())
    }

    fn list(&mut self, items: &[Node], old: &[Value], new: &[Value]) -> Option<()> {
        if new.is_empty() {
            return None;
        }
        let head = old.iter().zip(new).take_while(|(o, n)| o == n).count();
        let rest = old.len().min(new.len()) - head;
        let tail =
            old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(o, n)| o == n).count();
        let middle = items.get(head..items.len() - tail)?;
        let old = old.get(head..old.len() - tail)?;
        let new = new.get(head..new.len() - tail)?;
        for (child, (o, n)) in middle.iter().zip(old.iter().zip(new)) {
            let mark = self.splices.len();
            if self.value(child, o, n, false).is_none() {
                self.splices.truncate(mark);
                let (dash, column) = self.dash(child)?;
                self.splices.push((dash..self.end(child, dash + 1), emit::item(n, column)));
            }
        }
        for child in middle.get(new.len()..).unwrap_or_default() {
            let (dash, _) = self.dash(child)?;
            let whole = line_start(self.text, dash)..self.end(child, dash + 1);
            self.splices.push((whole, String::new()));
        }
        let extra = new.get(old.len()..).unwrap_or_default();
        let before = items.get((head + middle.len()).checked_sub(1)?)?;
        let (dash, column) = self.dash(before)?;
        let mut added = String::new();
        for value in extra {
            added.push_str(&" ".repeat(column));
            added.push_str(&emit::item(value, column));
        }
        self.insert(self.end(before, dash + 1), added);
        Some(())
    }

    /// A value on one line, in the language of the file.
    fn flow(&self, value: &Value) -> String {
        if self.json { value.to_string() } else { emit::flow(value) }
    }

    fn insert(&mut self, at: usize, added: String) {
        if added.is_empty() {
            return;
        }
        let at_line_start =
            at == 0 || self.text.get(..at).is_some_and(|before| before.ends_with('\n'));
        let with = if at_line_start { added } else { format!("\n{added}") };
        self.splices.push((at..at, with));
    }

    /// `Some` if nothing but spaces stands before byte `at` on its line.
    fn own_line(&self, at: usize) -> Option<()> {
        let before = self.text.get(line_start(self.text, at)..at)?;
        before.bytes().all(|c| c == b' ').then_some(())
    }

    /// The dash of a list item, if that begins its line, and its column.
    fn dash(&self, child: &Node) -> Option<(usize, usize)> {
        let start = line_start(self.text, child.span.start);
        let line = self.text.get(start..child.span.start.max(start + 1))?;
        let column = line.bytes().take_while(|c| *c == b' ').count();
        let rest = line.get(column..)?;
        let dashed = rest.strip_prefix('-')?;
        dashed.bytes().all(|c| c == b' ').then_some((start + column, column))
    }

    /// The end of the last line that a value takes, with its line feed.
    fn end(&self, node: &Node, at_least: usize) -> usize {
        let last = last_byte(node).max(at_least);
        let before = self.text.get(..last).unwrap_or_default();
        if before.ends_with('\n') && last > at_least {
            return last;
        }
        let rest = self.text.get(last..).unwrap_or_default();
        last + rest.find('\n').map_or(rest.len(), |end| end + 1)
    }
}

/// Where the content of a value ends: a block collection's own span reaches over what follows it.
fn last_byte(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Scalar(_)
        | NodeKind::List { flow: true, .. }
        | NodeKind::Map { flow: true, .. } => node.span.end,
        NodeKind::List { items, .. } => items.last().map_or(node.span.end, last_byte),
        NodeKind::Map { members, .. } => {
            members.last().map_or(node.span.end, |(_, name, child)| last_byte(child).max(name.end))
        }
    }
}
