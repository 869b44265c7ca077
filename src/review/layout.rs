//! Lines of bounded width. Harmless text is broken here and nowhere else, so that no text of others
//! begins a line of the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Narrower than this is laid out as if it were this wide.
const LEAST: usize = 40;

/// How a terminal page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colour repeats what the words say.
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// Whether the texts that change follow, line by line.
    pub texts: bool,
    /// Whether each change says by which rules it has its class.
    pub reasons: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 80, texts: true, reasons: false }
    }
}

/// What colour repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// Cannot be taken back, or refuses.
    Grave,
    /// Interrupts, or stands before something.
    Bad,
    /// Needs a look.
    Careful,
    /// Only changes.
    Calm,
    /// Adds, or is as it should be.
    Good,
    /// Less than the rest.
    Faint,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Grave => Some("1;31"),
            Self::Bad => Some("31"),
            Self::Careful => Some("33"),
            Self::Calm => Some("36"),
            Self::Good => Some("32"),
            Self::Faint => Some("2"),
        }
    }
}

/// A page that grows line by line.
pub(super) struct Sheet {
    out: String,
    style: Style,
}

impl Sheet {
    pub(super) fn new(style: Style) -> Self {
        Self { out: String::new(), style: Style { width: style.width.max(LEAST), ..style } }
    }

    /// Whether the rules behind a class are shown.
    pub(super) fn reasons(&self) -> bool {
        self.style.reasons
    }

    /// Columns of a line.
    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    /// The text in its colour, if there is colour.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        match tone.code().filter(|_| self.style.colour && !text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        }
    }

    /// A line that fits, whatever colour is in it.
    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end_matches(' '));
        self.out.push('\n');
    }

    /// A line between two parts; never two in a row.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Text behind `lead`, broken where it is too long; its other lines stand under its first.
    pub(super) fn text(&mut self, indent: usize, tone: Tone, lead: &str, text: &str) {
        self.hanging(indent, tone, lead, text, lead.width().min(12));
    }

    /// As `text`, its other lines `hang` columns further in than `lead`.
    pub(super) fn hanging(
        &mut self,
        indent: usize,
        tone: Tone,
        lead: &str,
        text: &str,
        hang: usize,
    ) {
        let room = |used: usize| self.width().saturating_sub(indent + used).max(LEAST / 2);
        let lines = wrap(text, room(lead.width()), room(hang));
        let lead = self.paint(tone, lead);
        for (index, part) in lines.iter().enumerate() {
            let line = match index {
                0 => format!("{:indent$}{lead}{part}", ""),
                _ => format!("{:1$}{part}", "", indent + hang),
            };
            self.line(&line);
        }
    }

    /// A line of a diff: never broken at a space, and marked where it goes on.
    pub(super) fn diff(&mut self, indent: usize, tone: Tone, sign: char, text: &str) {
        let room = self.width().saturating_sub(indent + 1).max(LEAST / 2);
        let mut rest = text;
        let mut sign = String::from(sign);
        loop {
            let (part, more) = split(rest, room.saturating_sub(sign.len() - 1));
            let painted = self.paint(tone, &format!("{sign}{part}"));
            self.line(&format!("{:indent$}{painted}", ""));
            if more.is_empty() {
                return;
            }
            // No line of a diff begins with it but the notice about a missing line feed.
            "\\ ".clone_into(&mut sign);
            rest = more;
        }
    }

    /// Two texts, the second at the right edge, or below where there is no room.
    pub(super) fn apart(&mut self, left: &str, right: &str, painted: &str) {
        let gap = self.width().checked_sub(left.width() + right.width()).filter(|gap| *gap > 1);
        match gap {
            _ if right.is_empty() => self.text(0, Tone::Plain, "", left),
            Some(gap) => self.line(&format!("{left}{:gap$}{painted}", "")),
            None => {
                self.text(0, Tone::Plain, "", left);
                self.line(&format!("    {painted}"));
            }
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// The longest start of `text` that takes no more than `room` columns, at least one character.
fn split(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or_default();
        if used > room && at > 0 {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
    }
    (text, "")
}

/// Breaks text at spaces, and inside a word only where that fills a line alone. The space at a
/// break is the only character that is not repeated.
fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut left, mut room) = (text, first);
    loop {
        let (part, more) = split(left, room);
        if more.is_empty() {
            lines.push(part.to_owned());
            return lines;
        }
        if let Some(more) = more.strip_prefix(' ') {
            lines.push(part.to_owned());
            left = more;
        } else if let Some((part, _)) = part.rsplit_once(' ').filter(|(part, _)| !part.is_empty()) {
            lines.push(part.to_owned());
            left = left.get(part.len() + 1..).unwrap_or_default();
        } else {
            lines.push(part.to_owned());
            left = more;
        }
        room = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_and_nothing_is_lost() {
        for (text, lines) in [
            ("one two three", vec!["one two", "three"]),
            ("onetwothree", vec!["onetwoth", "ree"]),
            ("one twothree4", vec!["one", "twothree", "4"]),
            ("", vec![""]),
            ("日本語日本語", vec!["日本語日", "本語"]),
        ] {
            assert_eq!(wrap(text, 8, 8), lines);
        }
    }

    #[test]
    fn a_long_line_of_a_diff_goes_on_behind_a_mark() {
        let mut sheet = Sheet::new(Style { width: 40, ..Style::default() });
        sheet.diff(4, Tone::Good, '+', &"x".repeat(80));
        for line in sheet.finish().lines() {
            assert!(line.starts_with("    +x") || line.starts_with("    \\ x"), "{line}");
            assert!(line.len() <= 40);
        }
    }
}
