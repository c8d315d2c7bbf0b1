//! What was promised, as conditions on the numbers of one run.

use super::{YINGDUN, peer_case};
use crate::case::ingest::case_name;
use crate::case::{Measured, Size};

/// A promise.
pub(super) struct Target {
    pub(super) what: String,
    case: String,
    metric: &'static str,
    bound: Bound,
}

/// What must hold.
enum Bound {
    /// At least this many times the peer's value.
    AtLeast(f64, &'static str),
    /// At most this many times the peer's value.
    AtMost(f64, &'static str),
    /// At most this value.
    Below(f64),
}

/// A promise beside what was measured.
pub(super) struct Verdict {
    pub(super) ours: f64,
    pub(super) theirs: Option<(&'static str, f64)>,
    /// Ours divided by theirs.
    pub(super) ratio: Option<f64>,
    pub(super) bound: String,
    pub(super) holds: bool,
}

impl Target {
    /// Judges; `None` when something of it was not measured in this run.
    pub(super) fn judge(&self, measured: &Measured) -> Option<Verdict> {
        let ours = measured.median(&self.case, YINGDUN, self.metric)?;
        let their = |peer| measured.median(&peer_case(&self.case), peer, self.metric);
        let (theirs, bound, holds) = match self.bound {
            Bound::AtLeast(factor, peer) => {
                let theirs = their(peer)?;
                (Some((peer, theirs)), format!("≥ {factor} ×"), ours >= factor * theirs)
            }
            Bound::AtMost(factor, peer) => {
                let theirs = their(peer)?;
                (Some((peer, theirs)), format!("≤ {factor:.3} ×"), ours <= factor * theirs)
            }
            Bound::Below(value) => (None, format!("≤ {value}"), ours <= value),
        };
        let ratio = theirs.map(|(_, theirs)| ours / theirs);
        Some(Verdict { ours, theirs, ratio, bound, holds })
    }

    pub(super) const fn metric(&self) -> &'static str {
        self.metric
    }
}

/// Every promise.
pub(super) fn targets(size: Size) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut add = |what: &str, case: String, metric, bound| {
        targets.push(Target { what: what.to_owned(), case, metric, bound });
    };
    let (plain, tls) = ("orthanc", "orthanc-tls");
    for (replicas, associations, factor) in [(3, 4, 1.5), (3, 1, 1.0), (1, 4, 3.0), (1, 1, 2.0)] {
        let what = format!("C-STORE over TLS, replicas: {replicas}, associations: {associations}");
        let case = case_name("ingest", replicas, associations);
        add(&what, case, "instances_per_s", Bound::AtLeast(factor, plain));
    }
    let ingest = case_name("ingest", 3, 4);
    add("Server CPU per GB ingested, 3 replicas", ingest.clone(), "cpu_s_per_gb", Bound::AtMost(1.0, tls));
    add("Peak RSS while ingesting", ingest, "rss_mb", Bound::Below(300.0));

    let series = format!("wado-series-of-{}", size.slices);
    for (clients, factor) in [("1-client-warm", 1.5), ("1-client-cold", 1.5), ("4-clients-warm", 1.0)] {
        let what = format!("WADO-RS series over HTTPS, {clients}");
        add(&what, format!("{series}-{clients}"), "mb_per_s", Bound::AtLeast(factor, tls));
    }
    for clients in ["1-client-warm", "1-client-cold", "4-clients-warm"] {
        let what = format!("The same against plain HTTP, {clients}");
        add(&what, format!("{series}-{clients}"), "mb_per_s", Bound::AtLeast(0.5, plain));
    }
    for what in ["instance", "frame"] {
        for clients in ["1-client", "16-clients"] {
            for (metric, factor) in [("p50_ms", 1.0 / 3.0), ("p99_ms", 0.5)] {
                let words = format!("Single {what} over HTTPS, {clients}");
                add(&words, format!("wado-{what}-{clients}"), metric, Bound::AtMost(factor, plain));
            }
        }
    }
    let enhanced = "wado-frame-of-enhanced-ct-105-mb-1-client".to_owned();
    add("One frame of a 105 MB enhanced CT", enhanced, "p50_ms", Bound::AtMost(0.02, plain));
    let metadata = format!("wado-metadata-series-of-{}-1-client", size.slices);
    add("Metadata of a series", metadata, "p50_ms", Bound::AtMost(0.05, plain));
    add("Peak RSS while retrieving", "retrieve-all-of-it".into(), "rss_mb", Bound::Below(300.0));

    for search in ["patient-id", "study-date-range", "name-prefix"] {
        let case = format!("query-{}-instances-{search}", size.searched_instances());
        add(&format!("QIDO-RS by {search}"), format!("{case}-1-client"), "p99_ms", Bound::Below(10.0));
        let many = format!("{case}-16-clients");
        add(&format!("QIDO-RS by {search}, 16 clients"), many, "requests_per_s", Bound::AtLeast(5.0, plain));
    }
    let permit = "permit-and-audit-of-a-frame";
    add("Added to a frame by permit and audit", permit.into(), "added_p95_ms", Bound::Below(10.0));
    add("The same, shared by the frames of a study", permit.into(), "amortised_ms", Bound::Below(0.2));
    targets
}
