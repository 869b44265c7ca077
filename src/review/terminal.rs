//! The page for a terminal: 80 columns, the most dangerous first, words that carry the meaning and
//! colour that repeats it, the digest always on the last line.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use super::change::Item;
use super::field::Field;
use super::files::{DiffLine, FileDiff};
use super::layout::{Sheet, Style, Tone};
use super::page::{Brief, Page, Quote, Said, Shown};
use super::piece::{Line, Piece, plain};
use super::state::State;
use super::words;
use crate::document::effect::Class;
use crate::plan::diff::Side;

/// A page as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text, ending with a line feed.
    pub text: String,
    /// Whether everything that was to be shown is in it. Nobody should approve what is not whole.
    pub whole: bool,
}

/// The page for a terminal.
pub fn terminal(page: &Page<'_>, style: Style) -> Rendered {
    let shown = page.shown();
    let mut sheet = Sheet::new(style);
    head(&mut sheet, &shown);
    sheet.gap();
    for said in &shown.said {
        tell(&mut sheet, 0, said);
    }
    if !shown.said.is_empty() {
        sheet.gap();
    }
    let digits = shown.changes.len().to_string().len();
    let lefts: Vec<String> = shown.changes.iter().map(|item| left(item, digits)).collect();
    let column = lefts.iter().map(|left| left.width()).filter(|w| *w <= 54).max().unwrap_or(0) + 2;
    for (item, left) in shown.changes.iter().zip(&lefts) {
        heading(&mut sheet, item, left, column, digits + 3);
        details(&mut sheet, item, digits + 3);
    }
    sheet.gap();
    for line in &shown.remarks {
        sheet.hanging(0, Tone::Plain, "", &plain(line), 2);
    }
    if style.texts {
        shown.files.iter().for_each(|file| text_diff(&mut sheet, file));
        sheet.gap();
    }
    for said in &shown.quotes {
        quote(&mut sheet, 0, said);
    }
    sheet.hanging(0, Tone::Plain, "", &plain(&shown.asked), 2);
    foot(&mut sheet, &shown, style, page.place);
    let whole = shown.whole(style.texts);
    Rendered { text: sheet.finish(), whole }
}

/// The changes of class outage or worse once more, for the end of what an approver reads; empty if
/// there are none.
pub fn gravest(page: &Page<'_>, style: Style) -> String {
    let shown = page.shown();
    let mut sheet = Sheet::new(style);
    let digits = shown.changes.len().to_string().len();
    for item in shown.changes.iter().filter(|item| item.class >= Class::Outage) {
        let left = left(item, digits);
        heading(&mut sheet, item, &left, left.width() + 2, digits + 3);
    }
    sheet.finish()
}

/// What `status` says of a plan: its state, the verdict, the approvals and what comes next.
pub fn status(page: &Page<'_>, style: Style) -> String {
    let Brief { name, environment, states, beside, next, digest } = page.brief();
    let mut sheet = Sheet::new(style);
    title(&mut sheet, &name, &environment, &states);
    for line in &beside {
        sheet.hanging(2, Tone::Plain, "", &plain(line), 2);
    }
    if let Some(next) = &next {
        sheet.hanging(2, Tone::Plain, "Next: ", &plain(next), 2);
    }
    sheet.line(&format!("  sha256 {digest}"));
    sheet.finish()
}

fn title(sheet: &mut Sheet, name: &str, environment: &str, states: &BTreeSet<State>) {
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let painted: Vec<String> =
        states.iter().map(|state| sheet.paint(state_tone(*state), state.word())).collect();
    let title = format!("PLAN {name}   env {environment}");
    sheet.apart(&title, &words.join("   "), &painted.join("   "));
}

fn head(sheet: &mut Sheet, shown: &Shown) {
    title(sheet, &shown.name, &shown.environment, &shown.states);
    sheet.hanging(0, Tone::Plain, "", &plain(&shown.target), 2);
    let reach = shown.reach.join(", ");
    sheet.apart(&shown.counts.join(", "), &reach, &reach);
}

fn foot(sheet: &mut Sheet, shown: &Shown, style: Style, place: Option<&str>) {
    if !style.texts && !shown.files.is_empty() {
        let count = words::count(shown.files.len() as u64, "text");
        let mut line = vec![Piece::words(format!("The lines of {count} are not shown here."))];
        if let Some(place) = place {
            let command = Piece::Command(format!("countersign review {place}"));
            line.extend([Piece::words(" "), command, Piece::words(" shows them.")]);
        }
        sheet.hanging(0, Tone::Plain, "", &plain(&line), 2);
    }
    let cut = shown.cut(style.texts);
    if cut > 0 {
        let told = format!("Not all is shown: {cut} characters are left out where it says so.");
        sheet.text(0, Tone::Bad, "", &told);
    }
    if !shown.beside.is_empty() {
        sheet.gap();
        sheet.line("Beside the plan, and not part of its bytes:");
        for line in &shown.beside {
            sheet.hanging(2, Tone::Plain, "", &plain(line), 2);
        }
    }
    if let Some(next) = &shown.next {
        sheet.gap();
        sheet.hanging(0, Tone::Plain, "Next: ", &plain(next), 2);
    }
    sheet.line(&format!("sha256 {}", shown.digest));
}

fn left(item: &Item, digits: usize) -> String {
    let number = format!("[{}]", item.number);
    let class = words::class(item.class);
    let object = plain(&[Piece::Object(item.id.clone())]);
    format!("{number:<0$} {class:<11} {1:<8} {object}", digits + 2, item.action)
}

fn heading(sheet: &mut Sheet, item: &Item, left: &str, column: usize, indent: usize) {
    let clause = plain(&item.clause);
    let state = item.state.unwrap_or_default();
    let at = column.max(left.width() + 2);
    let beside = !clause.is_empty() && at + clause.width() <= sheet.width();
    let mut line = left.to_owned();
    if beside {
        line = format!("{line}{:1$}{clause}", "", at - left.width());
    }
    let gap = sheet.width().checked_sub(line.width() + state.width()).filter(|gap| *gap > 1);
    let class = words::class(item.class);
    let painted = sheet.paint(class_tone(item.class), class);
    if line.width() > sheet.width() {
        sheet.hanging(0, Tone::Plain, "", &line, indent);
    } else {
        let mut line = line.replacen(class, &painted, 1);
        if let (Some(gap), false) = (gap, state.is_empty()) {
            line.push_str(&format!("{:gap$}{1}", "", sheet.paint(Tone::Grave, state)));
        }
        sheet.line(&line);
    }
    if gap.is_none() && !state.is_empty() {
        sheet.text(indent, Tone::Grave, state, "");
    }
    if !beside && !clause.is_empty() {
        sheet.hanging(indent, Tone::Plain, "", &clause, 2);
    }
}

fn details(sheet: &mut Sheet, item: &Item, indent: usize) {
    for line in &item.notes {
        sheet.hanging(indent, Tone::Plain, "", &plain(line), 2);
    }
    for line in item.reasons.iter().filter(|_| sheet.reasons()).collect::<Vec<_>>() {
        sheet.hanging(indent, Tone::Faint, "Why: ", &plain(line), 2);
    }
    for said in &item.said {
        tell(sheet, indent, said);
    }
    for changed in &item.fields {
        field(sheet, indent, changed);
    }
    if item.more_fields > 0 {
        let more = words::count(item.more_fields as u64, "more field");
        sheet.text(indent, Tone::Plain, "", &format!("and {more}"));
    }
    for said in &item.quotes {
        quote(sheet, indent, said);
    }
}

fn tell(sheet: &mut Sheet, indent: usize, said: &Said) {
    let tone = if said.word == "DENY" { Tone::Grave } else { Tone::Careful };
    let text = |line: &Line| plain(line);
    sheet.hanging(indent, tone, &format!("{} ", said.word), &text(&said.rule), 5);
    if !said.message.is_empty() {
        sheet.hanging(indent + 5, Tone::Plain, "", &text(&said.message), 0);
    }
}

fn field(sheet: &mut Sheet, indent: usize, field: &Field) {
    let (label, before, after) = (field.shown_label(), field.shown_before(), field.shown_after());
    let line = format!("{}  {} -> {}", label.text, before.text, after.text);
    if indent + line.width() <= sheet.width() {
        sheet.text(indent, Tone::Plain, "", &line);
        return;
    }
    sheet.hanging(indent, Tone::Plain, "", &label.text, 2);
    sheet.hanging(indent + 2, Tone::Bad, "- ", &before.text, 2);
    sheet.hanging(indent + 2, Tone::Good, "+ ", &after.text, 2);
}

fn quote(sheet: &mut Sheet, indent: usize, quote: &Quote) {
    match quote.lines.as_slice() {
        [line] => {
            let text = format!("{}: \"{}\"", quote.by, plain(std::slice::from_ref(line)));
            sheet.hanging(indent, Tone::Plain, "", &text, 2);
        }
        lines => {
            sheet.hanging(indent, Tone::Plain, "", &format!("{}:", quote.by), 2);
            for line in lines {
                // The mark stands before every line that comes of it, however it is broken.
                sheet.diff(
                    indent + 2,
                    Tone::Plain,
                    '>',
                    &format!(" {}", plain(std::slice::from_ref(line))),
                );
            }
            if quote.more > 0 {
                let more = words::count(quote.more as u64, "more line");
                sheet.text(indent + 2, Tone::Plain, "", &format!("and {more}"));
            }
        }
    }
}

fn text_diff(sheet: &mut Sheet, file: &FileDiff) {
    sheet.gap();
    for line in &file.lines {
        match line {
            DiffLine::Meta(text) => {
                let mut rest = text.chars();
                if let Some(sign) = rest.next() {
                    sheet.diff(2, Tone::Faint, sign, rest.as_str());
                }
            }
            DiffLine::Text(side, text) => {
                let tone = match side {
                    Side::Both => Tone::Plain,
                    Side::Before => Tone::Bad,
                    Side::After => Tone::Good,
                };
                sheet.diff(2, tone, side.sign(), text);
            }
        }
    }
}

fn class_tone(class: Class) -> Tone {
    match class {
        Class::DataLoss => Tone::Grave,
        Class::Outage => Tone::Bad,
        Class::Disruptive => Tone::Careful,
        Class::Mutating => Tone::Calm,
        Class::Additive => Tone::Good,
        Class::None => Tone::Faint,
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::Blocked | State::Incomplete | State::Denied | State::Rejected => Tone::Grave,
        State::NotApproved => Tone::Careful,
        State::Approved => Tone::Good,
    }
}
