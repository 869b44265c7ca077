//! What `trust show`, `check` and `whoami` say; nothing is changed.

use serde_json::json;

use crate::cli::fault::Fault;
use crate::cli::keys;
use crate::cli::session::Session;
use crate::document::code::Code;
use crate::document::effect::Class;
use crate::document::ident::Label;
use crate::review::neutral::terminal;
use crate::trust::principal::Nature;
use crate::trust::root::TrustRoot;

pub(super) fn show(root: &TrustRoot, session: &mut Session<'_, '_>) {
    if session.json() {
        let stored: serde_json::Value = serde_json::from_slice(root.to_bytes()).unwrap_or_default();
        return session.print_json(&json!({"digest": root.digest(), "trust": stored}));
    }
    let mut text =
        format!("trust.json version {}, expires {}\n", root.version(), root.expires_at());
    for principal in root.principals() {
        let what = match principal.nature() {
            Nature::Person => "person".to_owned(),
            Nature::Machine { owner } => format!("machine of {owner}"),
        };
        let roles: Vec<_> = principal.roles().map(Label::as_str).collect();
        text.push_str(&format!("  {}  {what}: {}\n", principal.id(), roles.join(", ")));
        for key in principal.keys() {
            let revoked = if root.is_revoked_key(key) { "  REVOKED" } else { "" };
            text.push_str(&format!("    {}{revoked}\n", key.fingerprint()));
        }
    }
    for environment in root.environments() {
        text.push_str(&format!("  environment {environment}\n"));
        let entry = |class: &Class| {
            root.requirement(environment, *class).filter(|found| found.from_class == *class)
        };
        for requirement in Class::ALL.iter().filter_map(entry) {
            let needs: Vec<_> =
                requirement.demands.iter().map(|d| format!("{} × {}", d.count, d.role)).collect();
            let own = match requirement.requester_may_approve {
                true => "; the requester may approve (self-approved)",
                false => "",
            };
            let class = serde_json::to_value(requirement.from_class).unwrap_or_default();
            let class = class.as_str().unwrap_or_default();
            text.push_str(&format!("    from {class}: {}{own}\n", needs.join(" and ")));
        }
    }
    for id in root.revoked_approvals() {
        text.push_str(&format!("  revoked approval {id}\n"));
    }
    text.push_str(&format!("sha256 {}\n", root.digest()));
    session.print(&text);
}

pub(super) fn check(root: &TrustRoot, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let now = session.now();
    if root.is_expired(now) {
        return Err(Fault::new(
            Code::TrustInvalid,
            format!("trust.json version {} expired at {}", root.version(), root.expires_at()),
        )
        .hint(
            "`countersign trust renew` on the trusted side writes a version that holds for longer",
        ));
    }
    let days = root.expires_at().seconds_since(now) / 86_400;
    if session.json() {
        session.print_json(&json!({
            "version": root.version(), "digest": root.digest(), "expiresInDays": days,
        }));
    } else {
        session.print(&format!(
            "trust.json version {} loads; it expires in {days} days.\n",
            root.version()
        ));
    }
    Ok(Code::Ok)
}

pub(super) fn whoami(root: &TrustRoot, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let found = keys::candidates(session)?;
    let mut known = Vec::new();
    let mut text = String::new();
    for candidate in &found.candidates {
        let fingerprint = candidate.public.fingerprint();
        let place = candidate.place.to_string();
        let who = root.principal_of(&candidate.public);
        let line = match who {
            Some(principal) => {
                let roles: Vec<_> = principal.roles().map(Label::as_str).collect();
                format!("{} ({})", principal.id(), roles.join(", "))
            }
            None if root.is_revoked_key(&candidate.public) => "revoked".to_owned(),
            None => "nobody in trust.json".to_owned(),
        };
        text.push_str(&format!("{line}: {fingerprint}  {}\n", terminal(&place)));
        known.push(json!({
            "principal": who.map(|principal| principal.id()), "key": fingerprint, "place": place,
        }));
    }
    if session.json() {
        session.print_json(&known);
        return Ok(Code::Ok);
    }
    if known.is_empty() {
        text = format!("No Ed25519 key; looked at {}\n", found.looked.join("; "));
    }
    session.print(&text);
    Ok(Code::Ok)
}
