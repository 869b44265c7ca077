//! Sends a request and hears what comes back: bounded in time and size, and told apart by whether
//! it can have reached the server. What only reads or rehearses is sent again where that can help.

use std::error::Error as StdError;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::client::legacy::Error as HttpError;
use kube::client::{AuthError, Body};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{Answer, Failure, Reason, Unanswered};
use super::cluster::Cluster;
use super::meaning;
use super::wording::of_credentials;

/// Largest answer that is taken, unpacked.
const MOST: usize = 512 << 20;
/// How often a request that changes nothing is sent at most, unless the server is merely busy.
const TRIES: u32 = 6;
/// Pause before a request is sent for the second time; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause that the server can ask for.
const LONGEST: Duration = Duration::from_secs(30);

/// A request, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The address is the path and the query.
    pub(super) request: Request<Vec<u8>>,
    /// For whoever reads of its failure.
    pub(super) about: About,
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// The verb, as the API's authorisation has it.
    pub(super) verb: &'static str,
    /// The object or list, for people.
    pub(super) what: String,
    /// Plural of the kind.
    pub(super) plural: String,
}

/// What came of sending once.
enum Reply {
    Heard(Heard),
    Lost(Lost),
}

/// A whole answer.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) warnings: Vec<String>,
    /// If it is JSON.
    pub(super) body: Option<Value>,
}

/// No answer, or a part of one.
struct Lost {
    unsent: bool,
    untrusted: bool,
    /// Whether sending it again is of no use.
    settled: bool,
    message: String,
}

impl Cluster {
    /// Sends a request that changes nothing, again where it fails for a while.
    pub(super) async fn ask(&self, asked: &Asked) -> Result<Answer, Failure> {
        let (again, end) = self.limits();
        let mut tries = 0;
        loop {
            tries += 1;
            let (failure, wait) = match self.once(&asked.request, end).await {
                Reply::Heard(heard) if is_success(&heard) => return Ok(answer(heard)),
                Reply::Heard(heard) => {
                    let wait = heard.retry_after;
                    let status = heard.status;
                    let failure = meaning::failure(&asked.about, heard);
                    let busy = failure.reason() == Some(&Reason::Busy);
                    let passing =
                        failure.reason().is_none() && matches!(status, 408 | 500 | 502 | 503 | 504);
                    let again = busy || (passing && tries < TRIES);
                    if !again {
                        return Err(failure);
                    }
                    (failure, wait)
                }
                Reply::Lost(lost) => {
                    let over = lost.settled || tries >= TRIES;
                    let failure = lost.of(&asked.about);
                    if over {
                        return Err(failure);
                    }
                    (failure, None)
                }
            };
            let pause = pause(&asked.request, tries, wait);
            if Instant::now() + pause >= again {
                return Err(failure);
            }
            sleep(pause).await;
        }
    }

    /// Sends a request that changes something: again only where it was not done for certain.
    pub(super) async fn tell(&self, asked: &Asked) -> Result<Answer, Failure> {
        let (again, end) = self.limits();
        let mut tries = 0;
        loop {
            tries += 1;
            let (failure, wait) = match self.once(&asked.request, end).await {
                Reply::Heard(heard) if is_success(&heard) => return Ok(answer(heard)),
                Reply::Heard(heard) => {
                    let wait = heard.retry_after;
                    let failure = meaning::failure(&asked.about, heard);
                    if failure.reason() != Some(&Reason::Busy) {
                        return Err(failure);
                    }
                    (failure, wait)
                }
                Reply::Lost(lost) => {
                    let over = !lost.unsent || lost.settled || tries >= TRIES;
                    let failure = lost.of(&asked.about);
                    if over {
                        return Err(failure);
                    }
                    (failure, None)
                }
            };
            let pause = pause(&asked.request, tries, wait);
            if Instant::now() + pause >= again {
                return Err(failure);
            }
            sleep(pause).await;
        }
    }

    /// Until when a request may be sent again, and until when its last answer may come. Whatever
    /// the whole is, the first answer has its time.
    fn limits(&self) -> (Instant, Instant) {
        let now = Instant::now();
        (now + self.whole(), now + self.whole().max(self.patience()))
    }

    async fn once(&self, request: &Request<Vec<u8>>, end: Instant) -> Reply {
        let end = end.min(Instant::now() + self.patience());
        let mut request = request.clone();
        let agent =
            http::HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        let sent = timeout_at(end, self.client().send(request.map(Body::from))).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Reply::Lost(self.lost(&error)),
            Err(_) => return Reply::Lost(overdue(self.patience())),
        };
        let (head, body) = response.into_parts();
        let heard = Heard {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            warnings: warnings(&head.headers),
            body: None,
        };
        let bytes = match timeout_at(end, Limited::new(body, MOST).collect()).await {
            Ok(Ok(bytes)) => bytes.to_bytes(),
            Ok(Err(error)) => {
                let message = if error.is::<LengthLimitError>() {
                    format!("the answer is larger than {} MiB", MOST >> 20)
                } else {
                    format!("the answer was cut off: {}", chain(&*error))
                };
                let settled = error.is::<LengthLimitError>();
                return Reply::Lost(Lost { settled, ..lost(message) });
            }
            Err(_) => return Reply::Lost(overdue(self.patience())),
        };
        let body = serde_json::from_slice(&bytes).ok();
        if body.is_none() && head.status.is_success() {
            return Reply::Lost(lost("the answer is no JSON".to_owned()));
        }
        Reply::Heard(Heard { body, ..heard })
    }

    /// Why nothing was heard. The texts of the layers below hold addresses, never credentials;
    /// those of a credential plugin are not passed on.
    fn lost(&self, error: &kube::Error) -> Lost {
        let mut at: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(layer) = at {
            if let Some(error) = layer.downcast_ref::<AuthError>() {
                let message = of_credentials(error, self.plugin());
                return Lost { unsent: true, settled: true, ..lost(message) };
            }
            if layer.downcast_ref::<HttpError>().is_some_and(HttpError::is_connect) {
                let message = chain(layer);
                let untrusted = message.contains("invalid peer certificate");
                let message = if untrusted {
                    format!("the server does not belong to the trusted authority: {message}")
                } else {
                    format!("no connection: {message}")
                };
                return Lost { unsent: true, untrusted, settled: untrusted, message };
            }
            at = layer.source();
        }
        // What is behind the outermost says all that it says.
        lost(format!("no answer: {}", chain(error.source().unwrap_or(error))))
    }
}

impl Lost {
    fn of(self, about: &About) -> Failure {
        let Self { unsent, untrusted, settled: _, message } = self;
        let About { verb, what, plural: _ } = about;
        let what = what.clone();
        Failure::Unanswered(Box::new(Unanswered { verb, what, message, unsent, untrusted }))
    }
}

impl About {
    /// An answer that says nothing of use.
    pub(super) fn unanswered(&self, message: String) -> Failure {
        lost(message).of(self)
    }
}

/// A request as it goes out; `None` if its address is none.
pub(super) fn request(
    method: http::Method,
    address: &str,
    accept: &'static str,
    content: Option<(&'static str, Vec<u8>)>,
) -> Option<Request<Vec<u8>>> {
    let mut builder = Request::builder().method(method).uri(address).header(ACCEPT, accept);
    if let Some((kind, _)) = &content {
        builder = builder.header(CONTENT_TYPE, *kind);
    }
    builder.body(content.map(|(_, body)| body).unwrap_or_default()).ok()
}

fn is_success(heard: &Heard) -> bool {
    StatusCode::from_u16(heard.status).is_ok_and(|status| status.is_success())
}

fn answer(heard: Heard) -> Answer {
    Answer { object: heard.body.unwrap_or_default(), warnings: heard.warnings }
}

fn lost(message: String) -> Lost {
    Lost { unsent: false, untrusted: false, settled: false, message }
}

fn overdue(patience: Duration) -> Lost {
    lost(format!("nothing came within {} s", patience.as_secs_f32()))
}

/// An error and its causes, each once: some repeat what is behind them.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    texts.extend(crate::causes::of(error));
    let mut line = String::new();
    for (index, text) in texts.iter().enumerate() {
        let deeper = texts.get(index + 1).is_some_and(|next| text.ends_with(next.as_str()));
        let text = match texts.get(index + 1) {
            Some(next) if deeper => text.strip_suffix(next.as_str()).unwrap_or(text),
            Some(_) | None => text,
        };
        let text = text.trim_end_matches([' ', ':']);
        if !text.is_empty() {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(text);
        }
    }
    line
}

/// How long to wait before the next try. Requests that failed together come back at times of their
/// own, because each address gives another part of the pause.
fn pause(request: &Request<Vec<u8>>, tries: u32, asked: Option<Duration>) -> Duration {
    let most = PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(6));
    let mut hasher = DefaultHasher::new();
    (request.uri(), tries).hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 512).unwrap_or_default();
    let own = most / 2 + (most / 1024) * part;
    asked.map_or(own, |asked| asked.min(LONGEST) + own / 4)
}

/// `Retry-After` in seconds; the API server gives no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The texts of `Warning` headers (RFC 7234, 5.5): `299 - "text"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    for value in headers.get_all(http::header::WARNING) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let mut rest = value.trim_start();
        while let Some(text) = warning(&mut rest) {
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

/// The next warning of a header's value.
fn warning(rest: &mut &str) -> Option<String> {
    let (_code_and_agent, after) = rest.split_once('"')?;
    let mut text = String::new();
    let mut letters = after.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                *rest = after.get(at + 1..)?;
                // A date in quotes may follow.
                let next = rest.trim_start();
                if let Some(date) = next.strip_prefix('"') {
                    *rest = date.split_once('"').map_or("", |(_, rest)| rest);
                }
                return Some(text);
            }
            '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
            _ => text.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_come_without_code_agent_and_date() {
        let cases: [(&[&str], &[&str]); 4] = [
            (&[r#"299 - "v1 Thing is deprecated""#], &["v1 Thing is deprecated"]),
            (&[r#"299 - "a \"b\" \\ c", 299 host "d" "Sat, 1 Jan""#], &[r#"a "b" \ c"#, "d"]),
            (&[r#"299 - "one""#, r#"299 - "two""#, r#"299 - "one""#], &["one", "two"]),
            (&["299 - no quotes", r#"299 - "no end"#], &[]),
        ];
        for (headers, texts) in cases {
            let mut map = HeaderMap::new();
            for header in headers {
                map.append(http::header::WARNING, header.parse().unwrap());
            }
            assert_eq!(warnings(&map), texts, "{headers:?}");
        }
    }

    #[test]
    fn a_pause_grows_and_what_the_server_asks_for_is_kept_to_within_a_limit() {
        let ask = request(http::Method::GET, "/api", "application/json", None).unwrap();
        for (tries, least, most) in [(1, 50, 100), (3, 200, 400), (6, 1_600, 3_200)] {
            let pause = pause(&ask, tries, None).as_millis();
            assert!((least..=most).contains(&pause), "{tries}: {pause}");
        }
        let asked = |seconds| pause(&ask, 1, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!((asked(3), asked(100_000)), (3, 30));
    }
}
