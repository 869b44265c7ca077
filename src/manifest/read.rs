//! Reads YAML and JSON strictly: one meaning, known position, bounded size, or a list of problems.
//!
//! One parser feeds both the value and the positions, so that what is checked, what is judged and
//! what is edited cannot be three different readings.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle, options};
use serde_json::{Map, Value};

use super::Limits;
use super::node::{Node, NodeKind};
use super::problem::Problem;
use super::scalar::{Plain, plain};
use super::size::{depth, weight};
use super::text::{number, position};
use crate::document::canonical::MAX_INTEGER;
use crate::document::ident::Pointer;

/// Problems of one text that are reported at once.
const MOST_PROBLEMS: usize = 100;

/// One document of a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it means.
    pub value: Value,
    /// Where it stands, with its `---`, comments, and everything up to the next document.
    pub span: Range<usize>,
    /// Line of its first content, from 1.
    pub line: u32,
    /// How it is written; an alias is a scalar here.
    pub node: Node,
    /// Whether anchors or aliases stand in it, which cannot be edited in place.
    pub aliased: bool,
    /// Bytes that its anchors and aliases expand to.
    pub expanded: usize,
    /// Number of comments in `span`.
    pub comments: u32,
}

/// What a text holds, as far as it can be read, and everything that is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The documents that could be read to their end.
    pub documents: Vec<Document>,
    /// What is wrong; where this is not empty, no document is to be used.
    pub problems: Vec<Problem>,
}

/// Reads every document of a text; documents without content are passed over.
///
/// # Errors
/// Every [`Problem`] found; after a syntax error nothing further is looked at.
pub fn documents(text: &str, limits: &Limits) -> Result<Vec<Document>, Vec<Problem>> {
    let Reading { documents, problems } = reading(text, limits);
    if problems.is_empty() { Ok(documents) } else { Err(problems) }
}

/// As [`documents`], with what could be read beside what is wrong.
pub fn reading(text: &str, limits: &Limits) -> Reading {
    let refused = |problem| Reading { documents: Vec::new(), problems: vec![problem] };
    if text.len() > limits.max_bytes {
        let message = format!("{} bytes, and at most {} are read", text.len(), limits.max_bytes);
        return refused(Problem::new(message));
    }
    if let Some(at) = text.find('\0') {
        let (line, column) = position(text, at);
        return refused(Problem::new("a NUL byte").at(line, column));
    }
    let mut reader = Reader::new(text, limits);
    let parser = Parser::new_from_str_with_options(text, parser_options(limits));
    for event in parser {
        match event {
            Ok((event, span)) => {
                if reader.take(event, span).is_none() {
                    break;
                }
            }
            Err(error) => {
                let mark = error.marker();
                let problem = Problem::new(format!("not YAML: {}", error.info()));
                reader.problems.push(problem.at(number(mark.line()), number(mark.col() + 1)));
                break;
            }
        }
    }
    reader.finish()
}

fn parser_options(limits: &Limits) -> Options {
    let depth = limits.max_depth + 1;
    options! { disallow_directives: true, flow_nesting_limit: depth, block_nesting_limit: depth }
}

/// A list or map that is being read.
struct Open {
    kind: OpenKind,
    start: usize,
    flow: bool,
    anchor: usize,
}

/// A value that an alias may repeat.
#[derive(Clone)]
struct Anchored {
    value: Value,
    /// What it weighs, its own aliases written out.
    size: usize,
    depth: usize,
}

enum OpenKind {
    List(Vec<Value>, Vec<Node>),
    Map(Map<String, Value>, Vec<(String, Range<usize>, Node)>, Option<(String, Range<usize>)>),
}

struct Reader<'t> {
    text: &'t str,
    limits: Limits,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    /// Bytes that anchors and aliases expanded to, and those of documents that have ended.
    expanded: usize,
    settled: usize,
    found: Vec<Document>,
    root: Option<(Value, Node)>,
    start: usize,
    line: u32,
    comments: u32,
    aliased: bool,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            text,
            limits: *limits,
            stack: Vec::new(),
            anchors: HashMap::new(),
            expanded: 0,
            settled: 0,
            found: Vec::new(),
            root: None,
            start: 0,
            line: 0,
            comments: 0,
            aliased: false,
            problems: Vec::new(),
        }
    }

    /// Takes one event; `None` ends the reading early.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let bytes = span.byte_range().unwrap_or(0..0);
        match event {
            Event::DocumentStart(explicit, _) => {
                let at = if explicit { self.line_start(bytes.start) } else { self.start };
                self.close_document(at);
                self.line = 0;
            }
            Event::Comment(..) => self.comments += 1,
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span)?;
                let value = self.scalar(text.into_owned(), style, &span)?;
                let node = Node { span: bytes, kind: NodeKind::Scalar(style) };
                self.place(value, node, anchor, &span)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span)?;
                self.open(OpenKind::List(Vec::new(), Vec::new()), style, anchor, &span)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span)?;
                self.open(OpenKind::Map(Map::new(), Vec::new(), None), style, anchor, &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.stack.pop()?;
                let span_of = open.start..bytes.end.max(open.start);
                let flow = open.flow;
                let (value, kind) = match open.kind {
                    OpenKind::List(values, items) => {
                        (Value::Array(values), NodeKind::List { flow, items })
                    }
                    OpenKind::Map(values, members, _) => {
                        (Value::Object(values), NodeKind::Map { flow, members })
                    }
                };
                self.place(value, Node { span: span_of, kind }, open.anchor, &span)?;
            }
            Event::Alias(id) => {
                self.aliased = true;
                let hint = "write the value out";
                let Some(Anchored { size, depth, .. }) = self.anchors.get(&id) else {
                    return self.refuse("an alias inside its own anchor", hint, &span);
                };
                let (size, depth) = (*size, *depth);
                self.expanded = self.expanded.saturating_add(size);
                if self.expanded > self.limits.max_bytes {
                    return self.refuse("aliases expand beyond the size limit", hint, &span);
                }
                if self.stack.len() + depth > self.limits.max_depth {
                    let most = self.limits.max_depth;
                    let message = format!("aliases nest deeper than {most} levels");
                    return self.refuse(message, hint, &span);
                }
                // Copied only after its size was found to fit.
                let value = self.anchors.get(&id).map(|known| known.value.clone())?;
                let node = Node { span: bytes, kind: NodeKind::Scalar(ScalarStyle::Plain) };
                self.place(value, node, 0, &span)?;
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd
            | Event::Anchor(..)
            | Event::UnresolvedAlias(_)
            | _ => {}
        }
        (self.problems.len() < MOST_PROBLEMS).then_some(())
    }

    fn finish(mut self) -> Reading {
        self.close_document(self.text.len());
        if let Some(last) = self.found.last_mut() {
            last.span.end = self.text.len();
        }
        Reading { documents: self.found, problems: self.problems }
    }

    /// Ends the document before byte `at`. What has no content joins the one before it.
    fn close_document(&mut self, at: usize) {
        if let Some((value, node)) = self.root.take()
            && !value.is_null()
        {
            let Self { line, comments, aliased, .. } = *self;
            let span = self.start..at;
            let expanded = self.expanded - self.settled;
            self.found.push(Document { value, span, line, node, aliased, expanded, comments });
            (self.start, self.comments, self.settled) = (at, 0, self.expanded);
        }
        self.aliased = false;
        self.anchors.clear();
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
    }

    /// The pointer of the value that comes next.
    fn pointer(&self) -> Pointer {
        self.stack.iter().fold(Pointer::default(), |path, open| match &open.kind {
            OpenKind::List(values, _) => path.join(&values.len().to_string()),
            OpenKind::Map(_, _, Some((name, _))) => path.join(name),
            OpenKind::Map(_, _, None) => path,
        })
    }

    fn problem(&mut self, message: impl Into<String>, hint: &str, span: &Span) {
        let at = (number(span.start.line()), number(span.start.col() + 1));
        let problem = Problem::new(message).at(at.0, at.1).within(self.pointer()).hint(hint);
        self.problems.push(problem);
    }

    fn refuse(&mut self, message: impl Into<String>, hint: &str, span: &Span) -> Option<()> {
        self.problem(message, hint, span);
        None
    }

    fn refuse_tag(&mut self, tagged: bool, span: &Span) -> Option<()> {
        if tagged {
            self.problem(
                "a tag (`!...`), which readers treat differently",
                "leave the tag out",
                span,
            );
        }
        Some(())
    }

    fn open(
        &mut self,
        kind: OpenKind,
        style: StructureStyle,
        anchor: usize,
        span: &Span,
    ) -> Option<()> {
        if self.stack.len() >= self.limits.max_depth {
            let message = format!("nested deeper than {} levels", self.limits.max_depth);
            return self.refuse(message, "", span);
        }
        if self.expects_key() {
            return self.refuse("a list or map as the name of a member", "names are texts", span);
        }
        let start = span.byte_range().unwrap_or(0..0).start;
        let flow = style == StructureStyle::Flow;
        self.stack.push(Open { kind, start, flow, anchor });
        Some(())
    }

    /// A scalar for a message: not one that may be the value of a Secret, and not all of a long one.
    fn shown(&self, text: &str) -> String {
        let pointer = self.pointer();
        let within = |name: &str| pointer.segments().any(|segment| segment == name);
        if within("stringData") || (within("data") && self.text.contains("Secret")) {
            return String::new();
        }
        format!(" `{}`", text.chars().take(60).collect::<String>())
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { kind: OpenKind::Map(_, _, None), .. }))
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: &Span) -> Option<Value> {
        if style != ScalarStyle::Plain {
            return Some(Value::String(text));
        }
        match plain(&text) {
            Plain::Value(Value::Number(number)) if beyond(&number) => {
                let shown = self.shown(&text);
                let message =
                    format!("the number{shown} is beyond +-(2^53-1), which readers round");
                self.problem(message, "quote it, if a text is meant", span);
                Some(Value::Null)
            }
            Plain::Value(value) => Some(value),
            Plain::Ambiguous(how) => {
                let message = format!("the plain scalar{} is {how}", self.shown(&text));
                self.problem(message, "quote it", span);
                Some(Value::String(text))
            }
            Plain::Unrepresentable => {
                let message =
                    format!("the number{} is one that JSON cannot hold", self.shown(&text));
                self.problem(message, "quote it", span);
                Some(Value::String(text))
            }
        }
    }

    /// Puts a finished value where it belongs: as a name, a member, an item or the document.
    fn place(&mut self, value: Value, node: Node, anchor: usize, span: &Span) -> Option<()> {
        if self.line == 0 {
            self.line = number(span.start.line());
        }
        if anchor > 0 {
            // What an anchor keeps is a copy, too: anchors in anchors copy the same text again.
            let left = self.limits.max_bytes.saturating_sub(self.expanded);
            let Some(size) = weight(&value, left) else {
                let hint = "leave out the anchors around it";
                return self.refuse("anchors and aliases expand beyond the size limit", hint, span);
            };
            self.expanded += size;
            let (depth, value) = (depth(&value), value.clone());
            self.anchors.insert(anchor, Anchored { value, size, depth });
            // An anchor cannot be kept by an edit of what it names.
            self.aliased = true;
        }
        if self.expects_key() {
            // The reading goes on after a wrong name, so that all problems come at once.
            let (name, text) = match value {
                Value::String(name) => (name, true),
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => (other.to_string(), false),
            };
            if let Some(Open { kind: OpenKind::Map(values, _, pending), .. }) =
                self.stack.last_mut()
            {
                let twice = values.contains_key(&name);
                *pending = Some((name, node.span));
                if !text {
                    self.problem("a name of a member that is not a text", "quote it", span);
                } else if twice {
                    self.problem("a member that stands twice", "keep one of them", span);
                }
            }
            return Some(());
        }
        match self.stack.last_mut() {
            None => self.root = Some((value, node)),
            Some(Open { kind: OpenKind::List(values, items), .. }) => {
                values.push(value);
                items.push(node);
            }
            Some(Open { kind: OpenKind::Map(values, members, pending), .. }) => {
                let (name, name_span) = pending.take()?;
                values.insert(name.clone(), value);
                members.push((name, name_span, node));
            }
        }
        Some(())
    }
}

/// Whether other readers would round this number.
pub fn beyond(number: &serde_json::Number) -> bool {
    if let Some(value) = number.as_i64() {
        return value.unsigned_abs() > MAX_INTEGER;
    }
    let float = number.as_f64().unwrap_or(f64::INFINITY);
    number.is_u64() || (float.fract() == 0.0 && float.abs() > MAX_INTEGER as f64)
}
