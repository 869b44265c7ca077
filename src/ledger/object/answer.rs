//! What became of a request: read at the wire, because whether it may have been done decides
//! whether an approval was spent.

use std::fmt;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use thiserror::Error;

use super::error::{Doing, ObjectError, Reason};
use crate::ledger::conditional::{Failure, Fate};

/// Bytes of an error's text that are looked at.
const MOST: usize = 64 << 10;

/// An answer that is not a success.
#[derive(Debug, Error)]
#[error("HTTP {status} from {host}")]
struct Answer {
    host: String,
    of_store: bool,
    status: u16,
    code: String,
    region: Option<String>,
}

/// No answer from somebody who is not the store.
#[derive(Debug, Error)]
#[error("no answer from {host}")]
struct Elsewhere {
    host: String,
    #[source]
    source: HttpError,
}

/// Makes clients that tell how requests ended.
#[derive(Debug)]
pub(super) struct Connector {
    /// Host and port of the store, to tell it from those that give out credentials.
    authority: String,
}

impl Connector {
    /// For the store at this host and port.
    pub(super) fn of(authority: &str) -> Self {
        Self { authority: alike(authority) }
    }
}

/// A host and port as it is spelled one way only.
fn alike(authority: &str) -> String {
    let plain = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80"));
    plain.unwrap_or(authority).to_ascii_lowercase()
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Witness { inner, authority: self.authority.clone() }))
    }
}

struct Witness {
    inner: HttpClient,
    authority: String,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("authority", &self.authority).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpService for Witness {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = request.uri().authority().map(|authority| alike(authority.as_str()));
        let host = asked.unwrap_or_default();
        let of_store = host == self.authority;
        let response = match self.inner.execute(request).await {
            Ok(response) => response,
            Err(error) if of_store => return Err(error),
            Err(source) => {
                let kind = source.kind();
                return Err(HttpError::new(kind, Elsewhere { host, source }));
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let region = response.headers().get("x-amz-bucket-region");
        let region = region.and_then(|value| value.to_str().ok()).map(plain);
        let mut text = Vec::new();
        let mut body = response.into_body().bytes_stream();
        // An error without its text is still this error.
        while let Some(Ok(more)) = body.next().await {
            text.extend_from_slice(&more);
            if text.len() > MOST {
                break;
            }
        }
        let answer = Answer { host, of_store, status, code: code(&text), region };
        Err(HttpError::new(HttpErrorKind::Decode, answer))
    }
}

/// The error code in the XML of an answer, if there is one.
fn code(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let inner = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    inner.map(|(code, _)| plain(code)).unwrap_or_default()
}

/// A short word of somebody else's; nothing if it is anything but a word.
fn plain(text: &str) -> String {
    let word = text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if word { text.to_owned() } else { String::new() }
}

/// What an error of the library means.
pub(super) fn failure(error: &object_store::Error, doing: Doing, bucket: &str) -> Failure {
    let (mut answer, mut elsewhere, mut transport) = (None, None, None);
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = innermost.source() {
        innermost = source;
        answer = answer.or(source.downcast_ref::<Answer>());
        elsewhere = elsewhere.or(source.downcast_ref::<Elsewhere>());
        transport = transport.or(source.downcast_ref::<HttpError>());
    }
    let reason = Reason(innermost.to_string());
    if let Some(answer) = answer {
        return answered(answer, doing, bucket);
    }
    if let Some(Elsewhere { host, .. }) = elsewhere {
        let host = host.clone();
        return refused(ObjectError::Credentials { host, source: reason });
    }
    if let Some(transport) = transport {
        return match transport.kind() {
            HttpErrorKind::Connect => {
                Failure::new(Fate::Unsent, ObjectError::Unreachable { doing, source: reason })
            }
            // Also kinds that come to be: what is not known to be unsent may have been done.
            HttpErrorKind::Request
            | HttpErrorKind::Timeout
            | HttpErrorKind::Interrupted
            | HttpErrorKind::Decode
            | HttpErrorKind::Unknown
            | _ => Failure::new(Fate::Silent, ObjectError::Silent { doing, source: reason }),
        };
    }
    unanswered(error, doing, told(innermost))
}

/// A reason from within the library, if it is the system's; others may quote what was read, and
/// that can be a token.
fn told(innermost: &(dyn std::error::Error + 'static)) -> Reason {
    match innermost.downcast_ref::<std::io::Error>() {
        Some(error) => Reason(error.to_string()),
        None => Reason("its answer, or what the credentials are in, cannot be read".to_owned()),
    }
}

/// An error of a store without HTTP, or one that the library made before it sent anything.
fn unanswered(error: &object_store::Error, doing: Doing, source: Reason) -> Failure {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => {
            Failure::new(Fate::Absent, ObjectError::Unasked { doing, source })
        }
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            Failure::new(Fate::Lapsed, ObjectError::Unasked { doing, source })
        }
        Error::NotImplemented { implementer, .. } => {
            let folder = implementer.contains("LocalFileSystem");
            let hint = if folder { "; choose the ledger kind local for a folder" } else { "" };
            refused(ObjectError::Unconditional { doing, hint })
        }
        Error::InvalidPath { .. } => refused(ObjectError::Key(source)),
        Error::NotSupported { .. } => refused(ObjectError::Unconditional { doing, hint: "" }),
        Error::Generic { .. }
        | Error::JoinError { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::UnknownConfigurationKey { .. }
        | _ => Failure::new(Fate::Silent, ObjectError::Unasked { doing, source }),
    }
}

fn answered(answer: &Answer, doing: Doing, bucket: &str) -> Failure {
    let Answer { host, of_store, status, code, region } = answer;
    let status = *status;
    if !of_store {
        let source = Reason(format!("it answered with HTTP {status}"));
        let fate = if status >= 500 || status == 429 { Fate::Unsent } else { Fate::Refused };
        return Failure::new(fate, ObjectError::Credentials { host: host.clone(), source });
    }
    let spaced = if code.is_empty() { String::new() } else { format!(" {code}") };
    let failed = |doing| ObjectError::Failed { doing, status, code: spaced.clone() };
    let says = |fate, doing| Failure::new(fate, failed(doing));
    match (status, code.as_str()) {
        (404, "NoSuchBucket" | "ContainerNotFound") => {
            refused(ObjectError::NoBucket(bucket.to_owned()))
        }
        (404, "NoSuchKey" | "BlobNotFound") => says(Fate::Absent, doing),
        (301 | 307, _) | (400, "AuthorizationHeaderMalformed") if region.is_some() => {
            refused(ObjectError::Region(region.clone().unwrap_or_default()))
        }
        (304 | 409 | 412, _) => says(Fate::Lapsed, doing),
        (501, _) => refused(ObjectError::Unconditional { doing, hint: "" }),
        // Of something on the way, which gave up before the store did.
        (502 | 504, _) => says(Fate::Silent, doing),
        (408 | 429 | 500.., _) => says(Fate::Failed, doing),
        (401 | 403, code) => {
            let reads = doing.verb == "read" && code == "AccessDenied";
            let hint = if reads {
                "; S3 also says so of an object that is not there to whom may not list the bucket"
            } else {
                ""
            };
            refused(ObjectError::Refused { doing, status, code: spaced, hint })
        }
        _ => says(Fate::Refused, doing),
    }
}

fn refused(error: ObjectError) -> Failure {
    Failure::new(Fate::Refused, error)
}

/// Its time is up.
pub(super) fn overdue(doing: Doing, seconds: f32) -> Failure {
    let source = Reason(format!("nothing came within {seconds:.1} s"));
    Failure::new(Fate::Silent, ObjectError::Silent { doing, source })
}
