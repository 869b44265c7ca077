//! Untrusted bytes become a Proposal here, or an error that says what was found and where. The only reader of free text.
