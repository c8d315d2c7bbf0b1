//! What a maintenance session opens to a technician of a company.

use crate::word_enum;

word_enum! {
    /// A part of the state of the system. Nothing of a patient is in any of them.
    MaintenanceScope, "scope of a maintenance session" {
        /// Whether each part works: replicas, databases, audit log, certificates.
        Health => "health",
        /// All metrics, among them the counters of associations and of each DICOM service.
        Metrics => "metrics",
        /// How it is set up, without secrets: doors, versions of TLS, interfaces, limits.
        Configuration => "configuration",
    }
}
