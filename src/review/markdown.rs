//! The pages of several plans as one Markdown document, for a comment on a pull request. What is
//! not ours stands in code spans or in a fenced block, where nothing of it is alive.

use std::fmt::Write as _;

use super::change::Item;
use super::files::{DiffLine, FileDiff};
use super::neutral::{code_span, longest_run};
use super::page::{Page, Quote, Said, Shown};
use super::piece::{self, Piece};
use super::words;

/// All pages in one document, in the order given.
pub fn markdown(pages: &[Page<'_>]) -> String {
    let mut out = String::new();
    if pages.len() > 1 {
        let _ = writeln!(out, "# {}\n", words::count(pages.len() as u64, "plan"));
    }
    for page in pages {
        section(&mut out, &page.shown());
    }
    out
}

fn section(out: &mut String, shown: &Shown) {
    let states: Vec<String> = shown.states.iter().map(|s| format!(" **{}**", s.word())).collect();
    let title = code_span(&shown.name);
    push(out, &format!("## Plan {title} for {}{}", shown.environment, states.join("")));
    push(out, "");
    push(out, &format!("{}  ", piece::markdown(&shown.target)));
    let mut counts = shown.counts.join(", ");
    if !shown.reach.is_empty() {
        counts.push_str("; ");
        counts.push_str(&shown.reach.join(", "));
    }
    push(out, &counts);
    push(out, "");
    for said in &shown.said {
        push(out, &format!("- {}", tell(said)));
    }
    for item in &shown.changes {
        change(out, item);
    }
    push(out, "");
    for line in &shown.remarks {
        push(out, &format!("- {}", piece::markdown(line)));
    }
    push(out, "");
    texts(out, &shown.files);
    for said in &shown.quotes {
        quote(out, "", said);
        push(out, "");
    }
    push(out, &piece::markdown(&shown.asked));
    push(out, "");
    if !shown.beside.is_empty() {
        push(out, "**Beside the plan, and not part of its bytes:**\n");
        for line in &shown.beside {
            push(out, &format!("- {}", piece::markdown(line)));
        }
        push(out, "");
    }
    let cut = shown.cut(true);
    if cut > 0 {
        let told = format!("Not all is shown: {cut} characters are left out where it says so.");
        push(out, &format!("{told}\n"));
    }
    if let Some(next) = &shown.next {
        push(out, &format!("Next: {}\n", piece::markdown(next)));
    }
    push(out, &format!("`sha256 {}`\n", shown.digest));
}

fn push(out: &mut String, line: &str) {
    // One empty line is enough, and two would end a list.
    if line.is_empty() && out.ends_with("\n\n") {
        return;
    }
    out.push_str(line);
    out.push('\n');
}

fn change(out: &mut String, item: &Item) {
    let object = piece::markdown(&[Piece::Object(item.id.clone())]);
    let class = words::class(item.class);
    let mut line = format!("- [{}] **{class}** {} {object}", item.number, item.action);
    if !item.clause.is_empty() {
        let _ = write!(line, ": {}", piece::markdown(&item.clause));
    }
    if let Some(state) = item.state {
        let _ = write!(line, " **{state}**");
    }
    push(out, &line);
    for line in &item.notes {
        push(out, &format!("  - {}", piece::markdown(line)));
    }
    for said in &item.said {
        push(out, &format!("  - {}", tell(said)));
    }
    for field in &item.fields {
        let [label, before, after] =
            [field.shown_label(), field.shown_before(), field.shown_after()]
                .map(|neutral| code_span(&neutral.text));
        push(out, &format!("  - {label}: {before} -> {after}"));
    }
    if item.more_fields > 0 {
        let more = words::count(item.more_fields as u64, "more field");
        push(out, &format!("  - and {more}"));
    }
    for said in &item.quotes {
        quote(out, "  - ", said);
    }
}

fn tell(said: &Said) -> String {
    let mut line = format!("**{}** {}", said.word, piece::markdown(&said.rule));
    if !said.message.is_empty() {
        let _ = write!(line, ": {}", piece::markdown(&said.message));
    }
    line
}

fn quote(out: &mut String, lead: &str, quote: &Quote) {
    let lines: Vec<String> =
        quote.lines.iter().map(|line| piece::markdown(std::slice::from_ref(line))).collect();
    let mut line = format!("{lead}{}: {}", quote.by, lines.join(" / "));
    if quote.more > 0 {
        let _ = write!(line, " and {}", words::count(quote.more as u64, "more line"));
    }
    push(out, &line);
}

fn texts(out: &mut String, files: &[FileDiff]) {
    if files.is_empty() {
        return;
    }
    let added: usize = files.iter().map(|file| file.added).sum();
    let removed: usize = files.iter().map(|file| file.removed).sum();
    let count = words::count(files.len() as u64, "text");
    push(out, &format!("<details><summary>{count}: {added} lines come, {removed} go</summary>"));
    push(out, "");
    for file in files {
        let mut body = String::new();
        for line in &file.lines {
            match line {
                DiffLine::Meta(text) => body.push_str(text),
                DiffLine::Text(side, text) => {
                    body.push(side.sign());
                    body.push_str(text);
                }
            }
            body.push('\n');
        }
        // CommonMark 4.5: a fence ends at one that is as long.
        let fence = "`".repeat((longest_run(&body, '`') + 1).max(3));
        let _ = write!(out, "{fence}diff\n{body}{fence}\n\n");
    }
    push(out, "</details>");
    push(out, "");
}
