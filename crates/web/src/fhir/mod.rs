//! FHIR R4 over HTTP: what other programs of a hospital ask in their own words. Reading only.

pub(crate) mod audit_event;
