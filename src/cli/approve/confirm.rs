//! What an approver must have read before anything is signed: the whole page, the names of what is
//! destroyed, and the digest. A wrong answer signs nothing.

use super::{ApproveArgs, Desk};
use crate::cli::fault::Fault;
use crate::cli::keys::Person;
use crate::cli::session::Session;
use crate::cli::status::shown;
use crate::document::code::Code;
use crate::document::effect::Class;
use crate::review;

/// Shows the whole plan, and refuses to go on if not all of it could be shown.
pub(super) fn show(
    desk: &Desk,
    person: &Person,
    session: &mut Session<'_, '_>,
) -> Result<(), Fault> {
    let rendered = shown(&desk.examined, None, |page| review::terminal(page, session.style()));
    signing(person, session);
    if session.json() {
        // It is read before it is signed, also by who asked for quiet.
        session.tell(&rendered.text);
    } else {
        session.print(&rendered.text);
    }
    if rendered.whole {
        let gravest = shown(&desk.examined, None, |page| review::gravest(page, session.style()));
        session.tell(&gravest);
        return Ok(());
    }
    Err(Fault::new(Code::Error, "not all of the plan could be shown, so nobody can approve it")
        .hint("the page says where something is left out; propose smaller texts, and plan again"))
}

/// Names the key that signs: by default it was found, not given.
pub(super) fn signing(person: &Person, session: &mut Session<'_, '_>) {
    let Person { principal, fingerprint, place, signer: _ } = person;
    let place = review::neutral::terminal(place);
    session.note(&format!("Signing as {principal} with key {fingerprint} ({place})."));
    warn_of_a_forwarded_agent(person, session);
}

/// Whoever is root where one is logged in can have a forwarded agent sign whatever they like, and
/// what is shown here is shown by that machine.
fn warn_of_a_forwarded_agent(person: &Person, session: &mut Session<'_, '_>) {
    let agent = person.signer.is_some() && person.place.starts_with("agent:");
    if agent && session.variable("SSH_CONNECTION").is_some() {
        session.tell(
            "warning: you are logged in over SSH and an agent signs. If it is forwarded, this machine can have it sign anything: sign where you sit, or name a key file with --key.\n",
        );
    }
}

/// Asks for what a person must have read: the names of what is destroyed, and the digest.
pub(super) fn confirm(
    args: &ApproveArgs,
    desk: &Desk,
    session: &mut Session<'_, '_>,
) -> Result<(), Fault> {
    let plan = desk.examined.plan();
    let changes = &plan.document().effect.changes;
    let has = |class: Class| changes.iter().filter(move |change| change.class == class);
    if let Some(digest) = args.digest {
        if digest != plan.digest() {
            return Err(Fault::new(
                Code::ApprovalInvalid,
                "--digest is not the digest of this plan",
            )
            .because(format!("the plan is {}", plan.digest()))
            .hint("read the plan again: it is not the one you meant"));
        }
        for class in [Class::DataLoss, Class::Outage] {
            if has(class).next().is_some() && !args.acknowledge.contains(&class) {
                let word = serde_json::to_value(class).unwrap_or_default();
                let word = word.as_str().unwrap_or_default().to_owned();
                return Err(Fault::new(
                    Code::Error,
                    format!(
                        "the plan has changes of class {word}, and --acknowledge does not name it"
                    ),
                )
                .hint(format!("if that is wanted: `--acknowledge {word}`")));
            }
        }
        return Ok(());
    }
    let lost: Vec<_> = has(Class::DataLoss).collect();
    if lost.len() > 3 {
        let answer = session.ask(
            &format!("{} objects lose data. Type that number to go on:", lost.len()),
            "--digest and --acknowledge data-loss",
        )?;
        same(&answer, &lost.len().to_string())?;
    } else {
        for change in &lost {
            let answer = session.ask(
                &format!(
                    "{} {} loses data. Type its name to go on:",
                    change.resource.kind,
                    review::neutral::terminal(&change.resource.name)
                ),
                "--digest and --acknowledge data-loss",
            )?;
            same(&answer, &change.resource.name)?;
        }
    }
    let start: String = plan.digest().to_string().chars().take(8).collect();
    let answer =
        session.ask("Type the first 8 digits of the plan's digest to sign:", "--digest HEX")?;
    same(&answer, &start)
}

fn same(answer: &str, wanted: &str) -> Result<(), Fault> {
    if answer == wanted {
        return Ok(());
    }
    Err(Fault::new(Code::Error, "declined: nothing was signed")
        .because(format!("the answer was {answer:?}, not {wanted:?}")))
}
