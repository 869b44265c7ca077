//! The trusted configuration, countersign.toml: environments, targets, scopes, secrets, limits.
