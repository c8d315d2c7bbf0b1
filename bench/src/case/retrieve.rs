//! WADO-RS: series, instances, frames, metadata.

use super::ingest::turns;
use super::{Measured, Size};
use crate::data::{self, Images, Random};
use crate::failure::{Outcome, While};
use crate::load::Load;
use crate::load::http::{Ask, HttpClient, HttpTarget, ask_all};
use crate::load::store::send;
use crate::machine::{can_drop_caches, drop_caches, settle};
use crate::subject::{Environment, Running, Subject};
use std::sync::Arc;

/// Who is asked: all hold the same studies and run at the same time; only one is asked at a time.
const SUBJECTS: [Subject; 3] =
    [Subject::Orthanc { tls: false }, Subject::Orthanc { tls: true }, Subject::Yingdun { replicas: 3 }];

/// Media type of instances, in whatever transfer syntax they are stored.
pub(crate) const INSTANCES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
/// Media type of frames of native pixels.
pub(super) const FRAMES: &str = "multipart/related; type=\"application/octet-stream\"";
/// Media type of metadata.
const JSON: &str = "application/dicom+json";
/// Bytes of one frame.
const FRAME_BYTES: u64 = 512 * 512 * 2;
/// Requests for the one frame of the enhanced CT and for metadata: they take Orthanc long.
const SLOW_REQUESTS: usize = 10;
/// Requests for metadata where they are quick.
const MANY_REQUESTS: usize = 60;
/// Clients of the measurements under load.
const MANY: usize = 16;

/// A subject that holds the studies.
struct Ready {
    subject: Subject,
    running: Running,
}

impl Ready {
    fn target(&self) -> Outcome<&HttpTarget> {
        self.running.http.as_ref().or_fail("a subject has no DICOMweb")
    }
}

/// Measures all retrievals.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let series = data::ct_studies(2, size.slices);
    let enhanced = Arc::new(vec![data::enhanced_ct()]);
    let described = data::described_series(size.described);
    let mut ready = Vec::new();
    for subject in SUBJECTS {
        let running = subject.start(environment).await?;
        if running.http.is_none() {
            eprintln!("{} is left out: nginx is not installed (apt-get install nginx-light)", subject.name());
            continue;
        }
        send(&running.dicom, &series, 4).await?;
        send(&running.dicom, &enhanced, 1).await?;
        send(&running.dicom, &described, 4).await?;
        running.server.reset_peak_rss()?;
        ready.push(Ready { subject, running });
    }
    settle()?;
    let (Some(first), Some(other)) = (series.first(), series.get(1)) else { return Ok(()) };
    let enhanced = enhanced.first().or_fail("the enhanced CT is missing")?;
    let described = described.first().or_fail("the described series is missing")?;

    for round in 0..size.rounds {
        for at in turns(&SUBJECTS, round) {
            let Some(one) = ready.iter().find(|ready| ready.subject == at) else { continue };
            whole_series(one, first, other, measured).await?;
            many_small(one, first, size, measured).await?;
            slow_ones(one, [first, described], enhanced, measured).await?;
            if let Subject::Yingdun { .. } = one.subject {
                rendered(one, first, size, measured).await?;
            }
        }
    }
    for Ready { subject, running } in ready {
        measured.add("retrieve-all-of-it", subject.name(), "rss_mb", running.server.peak_rss_mb()?);
        running.stop()?;
        subject.remove(environment)?;
    }
    settle()
}

/// One series: warm, from four clients, and with a cold page cache.
async fn whole_series(one: &Ready, series: &Images, other: &Images, measured: &mut Measured) -> Outcome<()> {
    let (target, name) = (one.target()?, one.subject.name());
    let slices = series.images.len();
    let ask = Ask { path: series_path(series), accept: INSTANCES, bytes_min: series.bytes() };
    let times = |count: usize| Arc::new(vec![ask.clone(); count]);
    ask_all(target, &times(1), 1).await?;

    let cpu = one.running.server.cpu_s()?;
    let load = ask_all(target, &times(3), 1).await?;
    let cpu = one.running.server.cpu_s()? - cpu;
    let case = format!("wado-series-of-{slices}-1-client-warm");
    measured.add(&case, name, "mb_per_s", load.mb_per_s());
    if one.running.helper.is_none() {
        measured.add(&case, name, "cpu_s_per_gb", cpu / (load.bytes as f64 / 1e9));
    }
    say(&case, name, "MB/s", load.mb_per_s());

    let load = ask_all(target, &times(8), 4).await?;
    let case = format!("wado-series-of-{slices}-4-clients-warm");
    measured.add(&case, name, "mb_per_s", load.mb_per_s());
    say(&case, name, "MB/s", load.mb_per_s());

    if can_drop_caches() {
        // The other series in between takes the place of the first one in caches of the server's own.
        let between = Ask { path: series_path(other), accept: INSTANCES, bytes_min: other.bytes() };
        ask_all(target, &Arc::new(vec![between]), 1).await?;
        drop_caches()?;
        let load = ask_all(target, &times(1), 1).await?;
        let case = format!("wado-series-of-{slices}-1-client-cold");
        measured.add(&case, name, "mb_per_s", load.mb_per_s());
        say(&case, name, "MB/s", load.mb_per_s());
    }
    Ok(())
}

/// Single instances and single frames, of one client and of many.
async fn many_small(one: &Ready, series: &Images, size: Size, measured: &mut Measured) -> Outcome<()> {
    let (target, name) = (one.target()?, one.subject.name());
    let mut random = Random::new(size.requests as u64);
    for (what, accept, suffix) in [("instance", INSTANCES, ""), ("frame", FRAMES, "/frames/1")] {
        for clients in [1, MANY] {
            let count = if clients == 1 { size.requests } else { size.requests * 4 };
            let mut asks = Vec::new();
            for _ in 0..count {
                let image = random.pick(&series.images).or_fail("a series is empty")?;
                let path = instance_path(series, image.object.sop_instance.as_str());
                asks.push(Ask { path: format!("{path}{suffix}"), accept, bytes_min: FRAME_BYTES });
            }
            let load = ask_all(target, &Arc::new(asks), clients).await?;
            let plural = if clients == 1 { "" } else { "s" };
            latencies(&format!("wado-{what}-{clients}-client{plural}"), name, &load, measured);
        }
    }
    Ok(())
}

/// One frame of a large object, and the metadata of whole series.
async fn slow_ones(
    one: &Ready,
    described: [&Images; 2],
    enhanced: &Images,
    measured: &mut Measured,
) -> Outcome<()> {
    let (target, name) = (one.target()?, one.subject.name());
    let object = enhanced.images.first().or_fail("the enhanced CT is missing")?;
    let path = instance_path(enhanced, object.object.sop_instance.as_str());
    let frames = (1..=SLOW_REQUESTS).map(|number| Ask {
        path: format!("{path}/frames/{}", number * 17),
        accept: FRAMES,
        bytes_min: FRAME_BYTES,
    });
    let load = ask_all(target, &Arc::new(frames.collect()), 1).await?;
    latencies("wado-frame-of-enhanced-ct-105-mb-1-client", name, &load, measured);

    for series in described {
        let slices = series.images.len();
        let path = format!("{}/metadata", series_path(series));
        // An instance has at the least some ten attributes.
        let ask = Ask { path, accept: JSON, bytes_min: slices as u64 * 500 };
        // What takes little time is asked for often enough to have a tail.
        let requests = if let Subject::Yingdun { .. } = one.subject { MANY_REQUESTS } else { SLOW_REQUESTS };
        let load = ask_all(target, &Arc::new(vec![ask; requests]), 1).await?;
        let case = format!("wado-metadata-series-of-{slices}-1-client");
        latencies(&case, name, &load, measured);
        measured.add(&case, name, "p95_ms", load.latencies.percentile_ms(0.95));
    }
    Ok(())
}

/// Pictures of the whole series, each scaled to twice its size: what they cost the server.
async fn rendered(one: &Ready, series: &Images, size: Size, measured: &mut Measured) -> Outcome<()> {
    const CASE: &str = "rendered-512-to-1024-jpeg";
    let pictures = series.images.iter().cycle().take(size.requests).map(|image| Ask {
        path: format!(
            "{}/rendered?viewport=1024,1024",
            instance_path(series, image.object.sop_instance.as_str())
        ),
        accept: "image/jpeg",
        bytes_min: 20_000,
    });
    let asks = Arc::new(pictures.collect());
    let cpu = one.running.server.cpu_s()?;
    let load = ask_all(one.target()?, &asks, 1).await?;
    let cpu = one.running.server.cpu_s()? - cpu;
    latencies(CASE, one.subject.name(), &load, measured);
    measured.add(CASE, one.subject.name(), "cpu_ms", cpu * 1e3 / asks.len() as f64);
    Ok(())
}

/// Reads one answer that nobody measures, e.g. to compare the subjects.
pub(crate) async fn text(target: &HttpTarget, path: &str) -> Outcome<serde_json::Value> {
    let (status, body) = HttpClient::connect(target).await?.text(path, JSON).await?;
    // No match is answered with 204 by some (PS3.18 up to 2019), with an empty list by others.
    if status.as_u16() == 204 {
        return Ok(serde_json::Value::Array(Vec::new()));
    }
    serde_json::from_slice(&body).or_fail(format!("GET {path}: {status}"))
}

/// Records what requests took.
pub(super) fn latencies(case: &str, subject: &'static str, load: &Load, measured: &mut Measured) {
    measured.add(case, subject, "p50_ms", load.latencies.percentile_ms(0.5));
    measured.add(case, subject, "p99_ms", load.latencies.percentile_ms(0.99));
    measured.add(case, subject, "requests_per_s", load.requests_per_s());
    say(case, subject, "ms p50", load.latencies.percentile_ms(0.5));
}

fn say(case: &str, subject: &str, unit: &str, value: f64) {
    eprintln!("{case:<48} {subject:<20} {value:>8.1} {unit}");
}

pub(crate) fn series_path(series: &Images) -> String {
    format!("/dicom-web/studies/{}/series/{}", series.study, series.series)
}

pub(super) fn instance_path(series: &Images, instance: &str) -> String {
    format!("{}/instances/{instance}", series_path(series))
}
