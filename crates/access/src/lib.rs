//! Who may do what: authentication, sessions, Cedar decisions. Makes Permits.
