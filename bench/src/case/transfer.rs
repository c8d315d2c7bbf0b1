//! Studies that leave as one zip archive, and folders of files that come in.

use super::ingest::turns;
use super::{Measured, Size};
use crate::data::{self, Images};
use crate::failure::{Failure, Outcome, While};
use crate::load::http::{Ask, HttpClient, HttpTarget, ask_all};
use crate::load::store::send;
use crate::machine::settle;
use crate::process;
use crate::subject::{CLIENT, Environment, Running, Subject};
use hyper::Method;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use yingdun_dicom::part10;

/// Who is asked.
const SUBJECTS: [Subject; 2] = [Subject::Orthanc { tls: false }, Subject::Yingdun { replicas: 3 }];
/// Files of one study in the folder that is imported.
const FILES_OF_STUDY: u32 = 20;
/// Connections of an import: what ours opens unless it is told otherwise.
const CONNECTIONS: usize = 4;

/// Measures exports, then one import.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    exports(environment, size, measured).await?;
    imports(environment, size, measured).await
}

async fn exports(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let studies = data::ct_studies(1, size.slices);
    let study = studies.first().or_fail("the study is missing")?;
    let mut ready = Vec::new();
    for subject in SUBJECTS {
        let running = subject.start(environment).await?;
        send(&running.dicom, &studies, 4).await?;
        let (target, path) = export_of(&running, study).await?;
        ready.push((subject, running, target, path));
    }
    settle()?;
    for round in 0..size.rounds {
        for at in turns(&SUBJECTS, round) {
            let Some((_, _, target, path)) = ready.iter().find(|(subject, ..)| *subject == at) else {
                continue;
            };
            // Some compress and some do not: what counts is how many bytes of the study left.
            let ask = Ask { path: path.clone(), accept: "application/zip", bytes_min: 1_000_000 };
            let load = ask_all(target, &Arc::new(vec![ask]), 1).await?;
            let per_second = study.bytes() as f64 / 1e6 / load.elapsed.as_secs_f64();
            let case = format!("zip-export-ct-of-{}", study.images.len());
            measured.add(&case, at.name(), "mb_per_s", per_second);
            measured.add(&case, at.name(), "zip_mb", load.bytes as f64 / 1e6);
            eprintln!("{case:<48} {:<20} {per_second:>8.1} MB/s", at.name());
        }
    }
    for (subject, running, ..) in ready {
        running.stop()?;
        subject.remove(environment)?;
    }
    settle()
}

/// Whom to ask for the archive of a study, and with which path.
async fn export_of(running: &Running, study: &Images) -> Outcome<(HttpTarget, String)> {
    let target = running.http.as_ref().or_fail("a subject has no DICOMweb")?;
    if let Some(client) = &running.client {
        let target = HttpTarget { bearer: Some(client.bearer.clone()), ..target.clone() };
        return Ok((target, format!("/dicom-web/studies/{}/media", study.study)));
    }
    let mut client = HttpClient::connect(target).await?;
    let (_, found) = client.send(Method::POST, "/tools/lookup", &[], study.study.to_string()).await?;
    let found: serde_json::Value = serde_json::from_slice(&found).or_fail("looking up a study")?;
    let path = found.pointer("/0/Path").and_then(serde_json::Value::as_str).or_fail("a study is missing")?;
    Ok((target.clone(), format!("{path}/archive")))
}

/// Both import the same folder into an empty archive, once: it is the length that makes it steady.
async fn imports(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let folder = environment.work.join("import");
    let files = Arc::new(write_files(&folder, size.imported)?);
    settle()?;
    let case = format!("import-{}-files", files.len());
    for subject in SUBJECTS {
        let running = subject.start(environment).await?;
        let elapsed = match &running.client {
            Some(_) => import_with_program(environment, &running, &folder, files.len())?,
            None => import_with_requests(&running, &files).await?,
        };
        let per_second = files.len() as f64 / elapsed.as_secs_f64();
        measured.add(&case, subject.name(), "files_per_s", per_second);
        measured.add(&case, subject.name(), "rss_mb", running.server.peak_rss_mb()?);
        eprintln!("{case:<48} {:<20} {per_second:>8.1} files/s", subject.name());
        running.stop()?;
        subject.remove(environment)?;
        settle()?;
    }
    fs::remove_dir_all(&folder).or_fail("removing a folder")
}

/// Small files, twenty in each folder.
fn write_files(folder: &Path, count: u32) -> Outcome<Vec<PathBuf>> {
    const WHAT: &str = "writing files";
    let mut files = Vec::new();
    for (number, study) in
        data::small_studies(u64::from(count / FILES_OF_STUDY), FILES_OF_STUDY).iter().enumerate()
    {
        let folder = folder.join(format!("{number:05}"));
        fs::create_dir_all(&folder).or_fail(WHAT)?;
        for (number, image) in study.images.iter().enumerate() {
            let object = &image.object;
            let mut file =
                part10::write_header(&object.sop_class, &object.sop_instance, &object.transfer_syntax, None);
            file.extend_from_slice(&image.data_set);
            let path = folder.join(format!("{number:03}.dcm"));
            fs::write(&path, file).or_fail(WHAT)?;
            files.push(path);
        }
    }
    Ok(files)
}

/// Yingdun's own program.
fn import_with_program(
    environment: &Environment,
    running: &Running,
    folder: &Path,
    files: usize,
) -> Outcome<Duration> {
    let client = running.client.as_ref().or_fail("no account may import")?;
    let mut command = Command::new(&environment.binary);
    command.args(["import", "--json", "--client-id", CLIENT, "--server", &client.server]);
    command.arg("--ca-file").arg(&client.authority).arg("--client-secret-file").arg(&client.secret);
    command.arg("--journal").arg(environment.work.join("import.journal")).arg(folder);
    let started = Instant::now();
    let told = process::run(&mut command)?;
    let elapsed = started.elapsed();
    let told: serde_json::Value = serde_json::from_str(&told).or_fail("reading what the import tells")?;
    match told.pointer("/tally/stored").and_then(serde_json::Value::as_u64) {
        Some(stored) if stored == files as u64 => Ok(elapsed),
        stored => Err(Failure::new(format!("expected {files} files to be stored, got {stored:?}"))),
    }
}

/// What Orthanc's own script for folders does, one POST for each file, from as many connections as ours opens.
async fn import_with_requests(running: &Running, files: &Arc<Vec<PathBuf>>) -> Outcome<Duration> {
    let target = running.http.as_ref().or_fail("a subject has no HTTP")?;
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = HttpClient::connect(target).await?;
        let (files, next) = (files.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let file = tokio::fs::read(path).await.or_fail(path.display())?;
                let (answer, _) = client.send(Method::POST, "/instances", &[], file).await?;
                if !answer.status().is_success() {
                    return Err(Failure::new(format!("POST /instances: {}", answer.status())));
                }
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        task.await.or_fail("a connection broke")??;
    }
    Ok(started.elapsed())
}
