//! Who may open: key hierarchy, sealed root key, key wrap, unwrap against a Permit.
