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
    /// At least this value.
    Over(f64),
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
            Bound::Over(value) => (None, format!("≥ {value}"), ours >= value),
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

    for (words, work) in [("CT", "ingest"), ("MR", "ingest-mr")] {
        let what = format!("Stored bytes of native {words} for each byte sent, one copy");
        add(&what, case_name(work, 1, 4), "disk_mb_per_mb_sent", Bound::Below(0.5));
    }
    for (words, kind) in [("CT", "ct"), ("MR", "mr")] {
        let case = format!("transform-of-{kind}-1-core");
        let what = format!("Transform of {words}, one core");
        add(&format!("{what}, in"), case.clone(), "pack_mb_per_s", Bound::Over(300.0));
        add(&format!("{what}, out"), case, "unpack_mb_per_s", Bound::Over(500.0));
    }

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
    let described = format!("wado-metadata-series-of-{}-1-client", size.described);
    add(&format!("Metadata of a series of {}", size.described), described, "p95_ms", Bound::Below(50.0));
    let rendered = "rendered-512-to-1024-jpeg".to_owned();
    add("A rendered JPEG, 512² to 1024², CPU of the server", rendered, "cpu_ms", Bound::Below(10.0));
    add("Peak RSS while retrieving", "retrieve-all-of-it".into(), "rss_mb", Bound::Below(300.0));

    for (words, verb) in [("C-GET", "c-get"), ("C-MOVE", "c-move")] {
        let case = format!("{verb}-ct-of-{}-1-association", size.slices);
        let what = format!("{words} of a CT study over TLS, 1 association");
        add(&what, case.clone(), "mb_per_s", Bound::AtLeast(1.5, plain));
        add(&what, case, "mb_per_s", Bound::AtLeast(2.0, tls));
    }
    let frame = "frame-of-large-object-1-client";
    add("One frame of an object of 5 GB, at random", frame.into(), "p99_ms", Bound::Below(30.0));
    add("The same, growth of RSS", frame.into(), "growth_mb", Bound::Below(32.0));
    let pulled = "large-object-8-clients".to_owned();
    add("Peak RSS while 8 clients pull 5 GB each", pulled, "rss_mb", Bound::Below(512.0));

    let export = format!("zip-export-ct-of-{}", size.slices);
    add("Zip export of a CT study", export, "mb_per_s", Bound::AtLeast(20.0, plain));
    let import = format!("import-{}-files", size.imported / 20 * 20);
    add(
        &format!("Import of a folder of {} small files", size.imported),
        import,
        "files_per_s",
        Bound::AtLeast(3.0, plain),
    );

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
