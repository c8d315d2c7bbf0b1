//! The use cases: receive, find, open. The only room that joins catalogue, keys, storage, access and audit.
