//! The table of exit codes is a promise to scripts.

use countersign::document::code::Code;

/// Code, string, in the order of the documented table.
const TABLE: &str = "\
0 ok
1 error
2 changes_present
10 policy_denied
11 approval_required
12 approval_invalid
13 plan_stale
14 plan_integrity
15 lock_held
16 not_applyable
17 trust_invalid
18 ledger_unusable
20 apply_failed_clean
21 apply_partial
22 applied_not_ready
23 rolled_back
25 indeterminate
64 usage
130 interrupted
";

#[test]
fn the_codes_are_those_of_the_documented_table() {
    let line = |code: &Code| format!("{} {}\n", code.number(), code.name());
    let found: String = Code::ALL.iter().map(line).collect();
    assert_eq!(found, TABLE);
}
