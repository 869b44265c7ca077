//! The built-in bundle: the files of `policies/`, embedded in the program as they were at build.

/// Name of the built-in bundle in findings and digests. No bundle of a user may have it.
pub const NAME: &str = "builtin";

/// Path and text of every file, sorted by path.
pub const FILES: &[(&str, &str)] = &[
    ("blast_radius.rego", include_str!("../../policies/blast_radius.rego")),
    ("blast_radius_test.rego", include_str!("../../policies/blast_radius_test.rego")),
    ("destruction.rego", include_str!("../../policies/destruction.rego")),
    ("destruction_test.rego", include_str!("../../policies/destruction_test.rego")),
    ("fixtures_test.rego", include_str!("../../policies/fixtures_test.rego")),
    ("lib.rego", include_str!("../../policies/lib.rego")),
    ("lib_test.rego", include_str!("../../policies/lib_test.rego")),
    ("plan.rego", include_str!("../../policies/plan.rego")),
    ("plan_test.rego", include_str!("../../policies/plan_test.rego")),
    ("security.rego", include_str!("../../policies/security.rego")),
    ("security_test.rego", include_str!("../../policies/security_test.rego")),
    ("settings.json", include_str!("../../policies/settings.json")),
];
