//! Whatever text goes in, what comes out is only read.

use countersign::review::neutral::{self, Kind};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Texts that try to be more than text, among others.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,8}",
        prop::sample::select(vec![
            "\u{202e}",
            "\u{1b}[31m",
            "\r",
            "\n",
            "\t",
            "`",
            "```",
            "<!--",
            "-->",
            "</details>",
            "<script>",
            "[x](https://e.example)",
            "![x](y)",
            "@root",
            "#1",
            "https://e.example",
            "www.e.example",
            "|",
            "---",
            "# ",
            "- ",
            "> ",
            "    ",
            "&lt;",
            "\\u{202e}",
            "\\",
            "\u{301}",
            "\u{200b}",
            "\u{e0041}",
            "\u{5d0}",
            "\u{440}",
            "$x$",
            "~~x~~",
            "**x**",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Gives back what an escaped text was made of.
fn original(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        out.push_str(before);
        let (digits, after) = after.split_once('}').unwrap();
        out.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        rest = after;
    }
    out + rest
}

proptest! {
    #[test]
    fn nothing_is_dropped_and_no_two_texts_look_the_same(text in texts()) {
        for kind in [Kind::Prose, Kind::Source, Kind::Value] {
            let shown = neutral::neutral(&text, kind, usize::MAX);
            prop_assert_eq!(shown.cut, 0);
            prop_assert_eq!(original(&shown.text), text.clone());
        }
    }

    #[test]
    fn no_character_that_acts_comes_through(text in texts()) {
        for kind in [Kind::Name, Kind::Value, Kind::Prose, Kind::Source] {
            let shown = neutral::neutral(&text, kind, usize::MAX).text;
            let acts = |c: char| {
                c.is_control() || (c.is_whitespace() && c != ' ')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                        | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}' | '\u{feff}')
            };
            prop_assert!(!shown.contains(acts), "{:?}", shown);
            if kind == Kind::Name {
                prop_assert!(shown.is_ascii());
            }
        }
    }

    #[test]
    fn what_is_shown_and_what_is_cut_is_all_there_is(text in texts(), columns in 0_usize..40) {
        let shown = neutral::neutral(&text, Kind::Prose, columns);
        if shown.cut == 0 {
            prop_assert_eq!(original(&shown.text), text);
        } else {
            let mark = format!("… [{} more characters]", shown.cut);
            let head = shown.text.strip_suffix(&mark).unwrap();
            let head = original(head);
            prop_assert!(text.starts_with(&head));
            prop_assert_eq!(head.chars().count() + shown.cut, text.chars().count());
        }
    }

    #[test]
    fn markdown_reads_it_as_one_code_span(text in texts()) {
        let shown = neutral::terminal(&text);
        let wanted = if shown.is_empty() { "\"\"".to_owned() } else { shown };
        for (before, after) in [("", ""), ("- a ", " b"), ("## Plan ", ": x"), ("> ", "")] {
            let document = format!("{before}{}{after}\n", neutral::markdown(&text));
            let events: Vec<Event<'_>> = Parser::new_ext(&document, Options::all()).collect();
            let spans: Vec<_> = events
                .iter()
                .filter_map(|event| match event {
                    Event::Code(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(&spans, std::slice::from_ref(&wanted), "{:?}", document);
            for event in &events {
                let ours = match event {
                    Event::Code(_) => true,
                    Event::Text(text) => [before, after].iter().any(|ours| ours.contains(&**text)),
                    Event::Start(Tag::Paragraph | Tag::Item | Tag::List(_) | Tag::BlockQuote(_)
                        | Tag::Heading { .. })
                    | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::List(_)
                        | TagEnd::BlockQuote(_) | TagEnd::Heading(_)) => true,
                    _ => false,
                };
                prop_assert!(ours, "{:?} in {:?}", event, document);
            }
        }
    }

    #[test]
    fn html_has_no_markup_in_it(text in texts()) {
        let shown = neutral::html(&text);
        prop_assert!(!shown.contains(['<', '>', '"', '\'', '`']), "{}", shown);
        for part in shown.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;", "#96;"];
            prop_assert!(known.iter().any(|name| part.starts_with(name)), "{}", shown);
        }
    }
}
