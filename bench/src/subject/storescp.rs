//! Receivers that write files and nothing else: DCMTK's and dicom-rs'. Neither syncs, so what they acknowledge is
//! not durable; they show what a receiver costs without an archive behind it.

use super::{Environment, Running, destination, settings};
use crate::failure::{Outcome, While};
use crate::load::store::DicomTarget;
use crate::process::{Server, free_address};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) const DCMTK: &str = "storescp";
pub(super) const DICOM_RS: &str = "dicom-storescp";

/// Makes DCMTK, and Orthanc which is built on it, send small answers at once. Without it each C-STORE response waits
/// some 40 ms for a delayed acknowledgement of TCP, and a comparison would show nothing but that.
pub(super) const NO_DELAY: (&str, &str) = ("TCP_NODELAY", "1");

/// One process for each association, the longest PDUs that it takes, and otherwise its defaults.
pub(super) fn start_dcmtk(environment: &Environment, folder: &Path, tls: bool) -> Outcome<Running> {
    let address = free_address()?;
    let storage = storage(folder)?;
    let pki = &environment.pki;
    let mut command = Command::new(DCMTK);
    command.env(NO_DELAY.0, NO_DELAY.1);
    command.args(["--fork", "--max-pdu", "131072", "--output-directory"]).arg(&storage);
    if tls {
        command.arg("--enable-tls").arg(&pki.key).arg(&pki.certificate);
        command.arg("--null-passwd").arg("--add-cert-file").arg(&pki.authority);
    }
    command.arg(address.port().to_string());
    let mut server = Server::start(&mut command, &folder.join("log"))?;
    server.wait_for(address)?;
    let mut settings = settings()?;
    settings.tls = tls.then(|| pki.mutual.clone());
    let dicom = DicomTarget { destination: destination("STORESCP", address.port())?, settings };
    Ok(Running { server, helper: None, dicom, http: None, sink: None, client: None, storage })
}

/// Its defaults.
pub(super) fn start_dicom_rs(folder: &Path) -> Outcome<Running> {
    let address = free_address()?;
    let storage = storage(folder)?;
    let mut command = Command::new(DICOM_RS);
    command.arg("-o").arg(&storage).arg("-p").arg(address.port().to_string());
    let mut server = Server::start(&mut command, &folder.join("log"))?;
    server.wait_for(address)?;
    let dicom = DicomTarget { destination: destination("STORE-SCP", address.port())?, settings: settings()? };
    Ok(Running { server, helper: None, dicom, http: None, sink: None, client: None, storage })
}

fn storage(folder: &Path) -> Outcome<PathBuf> {
    let storage = folder.join("storage");
    fs::create_dir_all(&storage).or_fail("making a folder")?;
    Ok(storage)
}
