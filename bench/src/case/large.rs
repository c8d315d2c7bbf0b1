//! One object of five gigabytes: single frames of it, and many clients that pull all of it at once. What counts is
//! how much memory the server takes.

use super::retrieve::{FRAMES, INSTANCES, instance_path, latencies};
use super::{Measured, Size};
use crate::data::{self, Random};
use crate::failure::{Outcome, While};
use crate::load::http::{Ask, HttpTarget, ask_all};
use crate::load::store::send_streamed;
use crate::machine::{can_drop_caches, drop_caches, settle};
use crate::subject::{Environment, Running, Subject};
use std::sync::Arc;

/// Who is asked. One copy: three of five gigabytes would only take three times as long to write.
const SUBJECT: Subject = Subject::Yingdun { replicas: 1 };
/// Requests for a frame in one round.
const REQUESTS: usize = 400;
/// Clients that pull the object.
const CLIENTS: usize = 8;
/// Bytes of one frame.
const FRAME_BYTES: u64 = 512 * 512 * 2;

/// Measures frames, then the whole.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let (object, images) = data::streamed_enhanced_ct(size.large_frames);
    let bytes = object.total_bytes();
    let instance = object.sop_instance.to_string();
    let running = SUBJECT.start(environment).await?;
    running.server.reset_peak_rss()?;
    let sent = send_streamed(&running.dicom, object).await?;
    settle()?;
    let target = running.http.as_ref().or_fail("a subject has no DICOMweb")?;
    let path = instance_path(&images, &instance);
    let mut add = |case: &str, metric, value| measured.add(case, SUBJECT.name(), metric, value);
    add("large-object-store", "mb_per_s", bytes as f64 / 1e6 / sent.as_secs_f64());
    add("large-object-store", "rss_mb", running.server.peak_rss_mb()?);
    for _ in 0..size.rounds {
        frames(&running, target, &path, size, measured).await?;
    }
    pulls(&running, target, &path, bytes, measured).await?;
    running.stop()?;
    SUBJECT.remove(environment)?;
    settle()
}

/// Frames at random: nothing of them is in the page cache where it can be dropped, and what was read may be later.
async fn frames(
    running: &Running,
    target: &HttpTarget,
    path: &str,
    size: Size,
    measured: &mut Measured,
) -> Outcome<()> {
    const CASE: &str = "frame-of-large-object-1-client";
    let mut random = Random::new(u64::from(size.large_frames));
    let numbers: Vec<u32> = (1..=size.large_frames).collect();
    let mut asks = Vec::new();
    for _ in 0..REQUESTS {
        let number = random.pick(&numbers).or_fail("an object has no frames")?;
        let path = format!("{path}/frames/{number}");
        asks.push(Ask { path, accept: FRAMES, bytes_min: FRAME_BYTES });
    }
    if can_drop_caches() {
        drop_caches()?;
    }
    running.server.reset_peak_rss()?;
    let before = running.server.peak_rss_mb()?;
    let load = ask_all(target, &Arc::new(asks), 1).await?;
    latencies(CASE, SUBJECT.name(), &load, measured);
    let after = running.server.peak_rss_mb()?;
    measured.add(CASE, SUBJECT.name(), "growth_mb", after - before);
    measured.add(CASE, SUBJECT.name(), "rss_mb", after);
    Ok(())
}

/// Everybody pulls all of it at the same time.
async fn pulls(
    running: &Running,
    target: &HttpTarget,
    path: &str,
    bytes: u64,
    measured: &mut Measured,
) -> Outcome<()> {
    const CASE: &str = "large-object-8-clients";
    let ask = Ask { path: path.to_owned(), accept: INSTANCES, bytes_min: bytes };
    running.server.reset_peak_rss()?;
    let load = ask_all(target, &Arc::new(vec![ask; CLIENTS]), CLIENTS).await?;
    measured.add(CASE, SUBJECT.name(), "mb_per_s", load.mb_per_s());
    measured.add(CASE, SUBJECT.name(), "rss_mb", running.server.peak_rss_mb()?);
    eprintln!(
        "{CASE:<48} {:<20} {:>8.1} MB/s, RSS {:.0} MB",
        SUBJECT.name(),
        load.mb_per_s(),
        running.server.peak_rss_mb()?
    );
    Ok(())
}
