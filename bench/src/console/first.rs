//! From opening a study, and from signing in, to its first picture: ours, and OHIF on the same server with the same study, by turns.

use super::browser::drive;
use super::peer::Peer;
use super::table::About;
use super::{OURS, PEER, Size, record};
use crate::case::Measured;
use crate::data;
use crate::failure::{Outcome, While};
use crate::load::store::send;
use crate::machine::settle;
use crate::subject::{Environment, PASSWORD, READER, Subject};
use serde_json::{Value, json};

pub(super) const SIGN_IN: &str = "console-sign-in-to-first-picture";
pub(super) const COLD: &str = "console-open-to-first-picture-cold";
pub(super) const WARM: &str = "console-open-to-first-picture-warm";
pub(super) const TOOLS_COLD: &str = "console-open-to-tools-cold";
pub(super) const TOOLS_WARM: &str = "console-open-to-tools-warm";

pub(super) async fn run(
    environment: &Environment,
    size: Size,
    measured: &mut Measured,
    about: &mut About,
) -> Outcome<()> {
    let studies = data::ct_studies(1, size.slices);
    let study = studies.first().or_fail("there is no study")?.study.clone();
    let running = Subject::start_yingdun(environment, "console", &[]).await?;
    send(&running.dicom, &studies, 4).await?;
    settle()?;
    let target = running.http.clone().or_fail("there is no DICOMweb")?;
    let session = target.bearer.clone().or_fail("nobody is signed in")?;
    let peer = match Peer::start(target.clone()).await {
        Ok(peer) => Some(peer),
        Err(why) => {
            eprintln!("OHIF is left out: {why}");
            None
        }
    };
    let address =
        peer.as_ref().map(|peer| format!("http://{}/viewer?StudyInstanceUIDs={study}", peer.address));
    let told = drive(json!({
        "task": "first-picture",
        "web": format!("https://{}", target.address),
        "session": session,
        "name": READER,
        "password": PASSWORD,
        "study": study.as_str(),
        "peer": address,
        "runs": size.runs,
    }))
    .await?;
    record(measured, SIGN_IN, OURS, &told, "sign_in");
    for (case, ours, theirs) in [(COLD, "cold", "peer_cold"), (WARM, "warm", "peer_warm")] {
        record(measured, case, OURS, &told, ours);
        record(measured, case, PEER, &told, theirs);
    }
    record(measured, TOOLS_COLD, OURS, &told, "tools_cold");
    record(measured, TOOLS_WARM, OURS, &told, "tools_warm");
    for (subject, name) in [(OURS, "bytes"), (PEER, "peer_bytes")] {
        if let Some(bytes) = told.pointer(&format!("/{name}/0")).and_then(Value::as_f64) {
            measured.add(COLD, subject, "fetched_mb", bytes / 1e6);
        }
    }
    about.chromium = told.get("chromium").and_then(Value::as_str).map(str::to_owned);
    about.peer = peer.map(|peer| peer.version);
    running.stop()
}
