//! What git says, made fit to be shown: no secret of an address, no control character, not too
//! much.

/// How many lines are shown, and how many characters of each.
const LINES: usize = 12;
const CHARACTERS: usize = 400;
/// An option of a fetch. Git warns of one that matches nothing, which is as it should be.
pub(super) const IGNORABLE: &str = "--negotiation-tip=";

/// The last lines of a text that somebody else wrote.
pub(super) fn last_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    // Progress overwrites itself with carriage returns; only its last state says something.
    let lines = text.lines().map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()));
    let says = |line: &String| !line.is_empty() && !line.contains(IGNORABLE);
    let mut lines: Vec<_> = lines.flatten().map(one_line).filter(says).collect();
    lines.drain(..lines.len().saturating_sub(LINES));
    lines
}

/// One line: control characters as escapes, secrets struck out, cut where it is too long.
pub(super) fn one_line(line: &str) -> String {
    let safe: String = redacted(line.trim_end()).chars().map(neutral).collect();
    match safe.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}...", safe.get(..at).unwrap_or_default()),
        None => safe,
    }
}

fn neutral(c: char) -> String {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c == '\t' {
        " ".to_owned()
    } else if c.is_control() || turns {
        c.escape_default().to_string()
    } else {
        c.to_string()
    }
}

/// A text in whose addresses nobody's name or password stands, nor what follows a `?`.
pub fn redacted(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>' | '`');
        let (address, more) = after.split_at(after.find(end).unwrap_or(after.len()));
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        let port = host.rsplit_once(':').map(|(_, port)| port);
        // A password with a slash in it is not one to git, and is not to be seen either.
        let torn = port.is_some_and(|port| !port.bytes().all(|c| c.is_ascii_digit() || c == b']'));
        let secret = if torn { address.rfind('@') } else { host.rfind('@') };
        let user = secret.and_then(|at| address.get(..at)).unwrap_or_default();
        let public = before.ends_with("ssh") && !user.contains(':');
        shown.push_str(before);
        shown.push_str("://");
        let kept = match secret {
            Some(at) if !public => {
                shown.push_str("***");
                address.get(at..).unwrap_or_default()
            }
            Some(_) | None => address,
        };
        match kept.split_once('?') {
            Some((kept, _)) => {
                shown.push_str(kept);
                shown.push_str("?***");
            }
            None => shown.push_str(kept),
        }
        rest = more;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (text, shown) in [
            ("https://host/x.git", "https://host/x.git"),
            ("https://u:secret@host/x.git", "https://***@host/x.git"),
            ("https://secret@host/x.git", "https://***@host/x.git"),
            ("https://u:se@cret@host/x", "https://***@host/x"),
            ("https://u:se/cret@host/x", "https://***@host/x"),
            ("https://host:8080/x@1", "https://host:8080/x@1"),
            ("https://[::1]:8080/x", "https://[::1]:8080/x"),
            ("https://host/x?token=secret", "https://host/x?***"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:secret@host/x", "ssh://***@host/x"),
            ("git@host:x.git", "git@host:x.git"),
            (
                "fatal: unable to access 'https://a:secret@h/': no; see http://b:secret@i/",
                "fatal: unable to access 'https://***@h/': no; see http://***@i/",
            ),
            ("file:///a/b", "file:///a/b"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn what_would_move_the_cursor_is_written_out() {
        assert_eq!(one_line("a\u{1b}[2Jb\u{202e}\t"), "a\\u{1b}[2Jb\\u{202e}");
        assert_eq!(last_lines(b"10%\r100%\rdone\n\n\xff\n"), ["done", "\u{fffd}"]);
        assert_eq!(last_lines("x\n".repeat(99).as_bytes()).len(), LINES);
    }
}
