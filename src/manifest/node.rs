//! How a value is written: which bytes of the text it takes, so that a message can point at it and
//! an edit can change it alone.

use std::ops::Range;

use granit_parser::ScalarStyle;

use crate::document::ident::Pointer;

/// A value as it is written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Bytes of the text that it takes.
    pub span: Range<usize>,
    /// What is written there.
    pub kind: NodeKind,
}

/// See [`Node`].
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A scalar, and how it is quoted.
    Scalar(ScalarStyle),
    /// A list.
    List {
        /// Written in brackets.
        flow: bool,
        /// Its items.
        items: Vec<Node>,
    },
    /// A map.
    Map {
        /// Written in braces.
        flow: bool,
        /// Its members: name, bytes of the name, value.
        members: Vec<(String, Range<usize>, Node)>,
    },
}

impl Node {
    /// Where the value at a pointer begins, in bytes; where its nearest parent does if it is not
    /// there or is written elsewhere (an alias).
    pub fn value_at(&self, pointer: &Pointer) -> usize {
        self.find(pointer).1.span.start
    }

    /// Where the name of the member at a pointer begins; for anything else as [`Node::value_at`].
    pub fn name_at(&self, pointer: &Pointer) -> usize {
        let (name, node) = self.find(pointer);
        name.unwrap_or(node.span.start)
    }

    fn find(&self, pointer: &Pointer) -> (Option<usize>, &Self) {
        let (mut name, mut at) = (None, self);
        for segment in pointer.segments() {
            let next = match &at.kind {
                NodeKind::Scalar(_) => None,
                NodeKind::List { items, .. } => {
                    segment.parse::<usize>().ok().and_then(|n| items.get(n)).map(|n| (None, n))
                }
                NodeKind::Map { members, .. } => members
                    .iter()
                    .find(|(known, ..)| *known == segment)
                    .map(|(_, name, child)| (Some(name.start), child)),
            };
            let Some(next) = next else { break };
            (name, at) = next;
        }
        (name, at)
    }
}
