//! An approval counts only for one plan, under one policy, in its window, by one enrolled person.

use countersign::document::code::Code;
use countersign::document::statement::Decision;
use countersign::document::ident::Digest;

use crate::support::apply::{label, now};
use crate::support::project::{Project, key_of};

#[test]
fn two_good_approvals_apply_the_plan_once() {
    let project = Project::approved();
    project.works(&["verify", "plans/change", "--trusted", ".", "--live"]);
    project.apply().must(Code::Ok);
    let flags = std::fs::read_to_string(project.file("manifests/shop/flags.yaml")).unwrap();
    assert!(flags.contains("beta: \"on\"   # the new checkout"), "{flags}");
    project.refuses(Code::ApprovalInvalid, "is spent");
}
