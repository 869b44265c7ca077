//! Names what the API server says no with. Only what is known word for word gets a name that
//! something is decided on; an answer that is no refusal is none.

use serde_json::Value;

use super::answer::{Cause, Failure, Reason, Refused};
use super::field;
use super::send::{About, Heard};

/// How the refusal of another value for a field that cannot be changed ends. Anything else of code
/// 422 is invalid input, which a replacement would not mend.
const UNCHANGEABLE: [&str; 3] =
    ["field is immutable", "may not change once set", "cannot change roleRef"];
/// How the refusal of a change as such begins.
const FROZEN: [&str; 5] = [
    "field is immutable",
    "pod updates may not change fields other than ",
    "spec is immutable after creation",
    "spec.persistentvolumesource is immutable after creation",
    "may not be changed in an update",
];

/// The Status in an answer.
struct Status<'a> {
    code: u16,
    plural: &'a str,
    message: &'a str,
    reason: &'a str,
    kind: &'a str,
    causes: Vec<Cause>,
}

/// What an answer that is no success means.
pub(super) fn failure(about: &About, heard: Heard) -> Failure {
    let Heard { status: code, retry_after, warnings: _, body } = heard;
    let body = body.unwrap_or_default();
    let is_status = body.get("kind").and_then(Value::as_str) == Some("Status");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let details = body.get("details");
    let (message, said) = (text(body.get("message")), text(body.get("reason")));
    let kind = text(details.and_then(|details| details.get("kind")));
    let causes = details.and_then(|details| details.get("causes")).and_then(Value::as_array);
    let causes: Vec<Cause> = causes.map_or_else(Vec::new, |causes| {
        let cause = |cause: &Value| Cause {
            reason: text(cause.get("reason")),
            field: text(cause.get("field")),
            message: text(cause.get("message")),
        };
        causes.iter().map(cause).collect()
    });
    let plural = about.plural.as_str();
    let status = Status { code, plural, message: &message, reason: &said, kind: &kind, causes };
    let reason = match (is_status, code) {
        (true, _) => status.meaning(),
        // What is not even a path of the server, and one that is too busy, are told in plain text.
        (false, 404) => Some(Reason::KindAbsent),
        (false, 429) => Some(Reason::Busy),
        (false, 401) => Some(Reason::Unauthorized),
        (false, _) => None,
    };
    let Some(reason) = reason else {
        return about.unanswered(status.not_known());
    };
    let causes = status.causes;
    Failure::Refused(Box::new(Refused {
        verb: about.verb,
        what: about.what.clone(),
        status: code,
        reason_words: reason.words().to_owned(),
        reason,
        message,
        causes,
        retry_after,
    }))
}

impl Status<'_> {
    /// `None` if it does not say that nothing was done.
    fn meaning(&self) -> Option<Reason> {
        let says = |text: &str| self.message.contains(text);
        let webhook = self.message.starts_with("admission webhook ");
        if webhook && self.message.ends_with("does not support dry run") {
            return Some(Reason::NoDryRun);
        }
        // These come with code 500.
        let formless = ["failed to create typed patch object ", "failed to convert new object "];
        if formless.iter().any(|text| self.message.starts_with(text)) {
            return Some(Reason::Malformed);
        }
        let webhook = webhook && says("denied the request");
        let policy = says("ValidatingAdmissionPolicy '") && says("denied request");
        if webhook || policy {
            return Some(Reason::Denied);
        }
        match self.code {
            400 => Some(Reason::Malformed),
            401 => Some(Reason::Unauthorized),
            403 => Some(self.forbidden()),
            404 => Some(self.absent()),
            409 => Some(self.conflict()),
            410 => Some(Reason::Expired),
            422 => Some(self.invalid()),
            429 => Some(Reason::Busy),
            // A proxy gave up waiting.
            408 => None,
            402..500 => Some(Reason::Other),
            _ => None,
        }
    }

    fn forbidden(&self) -> Reason {
        let ending = self.causes.iter().any(|cause| cause.reason == "NamespaceTerminating");
        if ending || self.message.ends_with("because it is being terminated") {
            return Reason::NamespaceEnding;
        }
        let lacks = self.message.contains("User \"") && self.message.contains("\" cannot ");
        if lacks { Reason::Forbidden } else { Reason::Denied }
    }

    fn absent(&self) -> Reason {
        if self.message.contains("the server could not find the requested resource") {
            Reason::KindAbsent
        } else if self.kind == "namespaces" && self.plural != "namespaces" {
            Reason::NamespaceAbsent
        } else {
            Reason::Absent
        }
    }

    fn conflict(&self) -> Reason {
        let says = |text: &str| self.message.contains(text);
        let owned: Vec<_> = self
            .causes
            .iter()
            .filter(|cause| cause.reason == "FieldManagerConflict")
            .map(|cause| (cause.field.clone(), manager(&cause.message)))
            .collect();
        if !owned.is_empty() {
            return Reason::Conflict(owned);
        }
        if self.reason == "AlreadyExists" {
            return Reason::Exists;
        }
        if says("uid mismatch") || says("UID in precondition") || says("UID in the precondition") {
            return Reason::OtherObject;
        }
        if says("the object has been modified")
            || says("The object might have been modified")
            || says("ResourceVersion in precondition")
            || says("ResourceVersion in the precondition")
        {
            return Reason::Changed;
        }
        Reason::Other
    }

    fn invalid(&self) -> Reason {
        let tested = |path: &str| {
            let text = format!("testing value {path} failed");
            self.causes.iter().any(|cause| cause.message.contains(&text))
        };
        let uid =
            |cause: &Cause| cause.field == "metadata.uid" && cause.reason == "FieldValueInvalid";
        if self.causes.iter().any(uid) || tested("/metadata/uid") {
            return Reason::OtherObject;
        }
        if tested("/metadata/resourceVersion") {
            return Reason::Changed;
        }
        if !self.causes.is_empty() && self.causes.iter().all(immutable) {
            let fields = self.causes.iter().map(|cause| field::spelled(&cause.field));
            return Reason::Immutable(fields.collect());
        }
        Reason::Invalid
    }

    /// What an answer says that does not say what happened. Its message is left out: it may repeat
    /// what was sent.
    fn not_known(&self) -> String {
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() < 100
                && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.')
        };
        let mut text = format!("the server answered {}", self.code);
        if plain(self.reason) {
            text.push_str(&format!(" {}", self.reason));
        }
        let webhook = self.message.split_once("failed calling webhook \"");
        let name = webhook.and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        if let Some(name) = name.filter(|name| plain(name)) {
            text.push_str(&format!(", because webhook {name} could not be called"));
        }
        text
    }
}

/// Whether a cause says that a field cannot be changed, in words of the API server. Values that are
/// quoted before those are anybody's.
fn immutable(cause: &Cause) -> bool {
    match cause.reason.as_str() {
        "FieldValueInvalid" => {
            let rule = cause.message.rsplit_once("failed rule: ");
            UNCHANGEABLE.iter().any(|text| cause.message.ends_with(text))
                || rule.is_some_and(|(_, rule)| rule.contains("oldSelf"))
        }
        "FieldValueForbidden" => {
            let text = cause.message.strip_prefix("Forbidden: ").unwrap_or(&cause.message);
            let update = text.strip_prefix("updates to ").is_some_and(|what| {
                what.contains(" for fields other than ") || what.contains(" are forbidden")
            });
            update || FROZEN.iter().any(|frozen| text.starts_with(frozen))
        }
        _ => false,
    }
}

/// The manager's name out of `conflict with "kubectl" with subresource "scale" using apps/v1`.
fn manager(message: &str) -> String {
    let quoted = message.strip_prefix("conflict with ").unwrap_or(message);
    let mut names = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    match names.next() {
        Some(Ok(name)) => name,
        Some(Err(_)) | None => {
            let inner = quoted.split('"').nth(1);
            inner.unwrap_or(quoted).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(status: u16, body: Option<Value>) -> Failure {
        let about = About {
            verb: "patch",
            what: "ConfigMap shop/flags".to_owned(),
            plural: "configmaps".to_owned(),
        };
        failure(&about, Heard { status, body, ..Heard::default() })
    }

    fn status(code: u16, reason: &str, message: &str) -> Failure {
        heard(
            code,
            Some(json!({"kind": "Status", "reason": reason, "message": message, "code": code})),
        )
    }

    #[test]
    fn what_says_nothing_of_what_was_done_is_no_refusal() {
        for failure in [
            status(500, "", "etcdserver: request timed out"),
            status(504, "Timeout", "request did not complete within the allotted timeout"),
            status(503, "ServiceUnavailable", ""),
            status(408, "Timeout", ""),
            heard(502, None),
            heard(500, Some(json!("text"))),
            // Of something on the way, which is no API server.
            heard(403, None),
            heard(400, Some(json!({"kind": "Other", "message": "no"}))),
            heard(301, None),
            heard(101, None),
        ] {
            assert_eq!(failure.reason(), None, "{failure}");
            assert!(failure.to_string().contains("the server answered "), "{failure}");
        }
    }

    #[test]
    fn what_answers_in_plain_text_is_known_by_its_code() {
        for (code, reason) in
            [(404, Reason::KindAbsent), (429, Reason::Busy), (401, Reason::Unauthorized)]
        {
            assert_eq!(heard(code, None).reason(), Some(&reason), "{code}");
        }
    }

    #[test]
    fn what_a_webhook_says_is_an_admission_rule_whatever_its_code() {
        let denied = "admission webhook \"a.example.invalid\" denied the request: no";
        for code in [400, 403, 409, 418, 422, 429, 500, 503] {
            assert_eq!(status(code, "", denied).reason(), Some(&Reason::Denied), "{code}");
        }
        let old = "admission webhook \"a.example.invalid\" does not support dry run";
        assert_eq!(status(400, "BadRequest", old).reason(), Some(&Reason::NoDryRun));
        let lost = status(
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"a.example.invalid\": failed to call \
             webhook: Post \"https://b:canary@c/\": EOF",
        );
        assert_eq!(
            lost.to_string(),
            "patch ConfigMap shop/flags: the server answered 500 InternalError, because webhook \
             a.example.invalid could not be called"
        );
    }

    #[test]
    fn a_value_that_speaks_like_the_server_decides_nothing() {
        let quoting =
            |text: &str| format!("ConfigMap \"x\" is invalid: data: Invalid value: {text:?}: no");
        for text in [
            "admission webhook \"a\" does not support dry run",
            "failed to create typed patch object (a): b",
            "field is immutable",
            "uid mismatch",
        ] {
            let failure = status(422, "Invalid", &quoting(text));
            assert_eq!(failure.reason(), Some(&Reason::Invalid), "{text}");
        }
        let cause = |reason: &str, message: &str| Cause {
            reason: reason.to_owned(),
            field: "data".to_owned(),
            message: message.to_owned(),
        };
        for (reason, message, expected) in [
            ("FieldValueInvalid", "Invalid value: \"a\": field is immutable", true),
            ("FieldValueInvalid", "Invalid value: \"field is immutable\": no", false),
            ("FieldValueRequired", "field is immutable", false),
            ("FieldValueInvalid", "Invalid value: \"object\": failed rule: self == oldSelf", true),
            ("FieldValueForbidden", "Forbidden: updates to provisioner are forbidden.", true),
            ("FieldValueForbidden", "Forbidden: not here: updates to a are forbidden", false),
        ] {
            assert_eq!(immutable(&cause(reason, message)), expected, "{message}");
        }
    }

    #[test]
    fn a_manager_is_named_whatever_stands_in_its_name() {
        for (message, name) in [
            (r#"conflict with "kubectl""#, "kubectl"),
            (r#"conflict with "kubectl" using apps/v1"#, "kubectl"),
            (
                r#"conflict with "a b" with subresource "scale" using apps/v1 at 2026-01-01T00:00:00Z"#,
                "a b",
            ),
            (r#"conflict with "say \"hi\"" using v1"#, r#"say "hi""#),
            (r#"conflict with "\x07" using v1"#, r"\x07"),
            ("conflict with nobody", "nobody"),
        ] {
            assert_eq!(manager(message), name, "{message}");
        }
    }
}
