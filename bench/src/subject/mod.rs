//! What is measured: servers, each started fresh in an empty folder, each with its defaults.

pub(crate) mod filled;
pub(crate) mod nodes;
mod orthanc;
mod storescp;
mod yingdun;

use crate::failure::{Outcome, While};
use crate::load::http::HttpTarget;
use crate::load::sink::Sink;
use crate::load::store::DicomTarget;
use crate::pki::Pki;
use crate::process::Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
pub(crate) use yingdun::{CLIENT, PASSWORD, READER};
use yingdun_dimse::scu::{Destination, Settings};
use yingdun_model::AeTitle;

/// How our client calls itself.
const CALLING: &str = "BENCH";

/// A server that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Debian's Orthanc: SQLite, one plain copy. With TLS both DICOM and HTTP use it.
    Orthanc {
        /// Over TLS.
        tls: bool,
    },
    /// DCMTK's receiver: writes files, syncs nothing, knows no index.
    Storescp {
        /// Over TLS.
        tls: bool,
    },
    /// The receiver of dicom-rs, where it is installed: writes files, syncs nothing.
    DicomRs,
    /// This project: mutual TLS, sealed, audited.
    Yingdun {
        /// Copies.
        replicas: usize,
    },
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// Another server that it needs: the one that ends HTTPS in front of Orthanc.
    pub(crate) helper: Option<Server>,
    pub(crate) dicom: DicomTarget,
    pub(crate) http: Option<HttpTarget>,
    /// Where it sends what a C-MOVE to our title asks for; receivers send nothing.
    pub(crate) sink: Option<Sink>,
    /// A program that may store and export; only Yingdun knows such accounts.
    pub(crate) client: Option<Client>,
    /// Where it keeps its images.
    pub(crate) storage: PathBuf,
}

/// An account of a program, as an import or an export names it.
pub(crate) struct Client {
    /// The address, as its command line takes it.
    pub(crate) server: String,
    pub(crate) authority: PathBuf,
    pub(crate) secret: PathBuf,
    /// A token of this account.
    pub(crate) bearer: String,
}

/// What starting needs.
pub(crate) struct Environment {
    pub(crate) binary: PathBuf,
    pub(crate) pki: Pki,
    /// The folder in which each server gets one of its own.
    pub(crate) work: PathBuf,
    /// The catalogue to which Yingdun adds what it stores; none for an empty one.
    pub(crate) catalogue: Option<PathBuf>,
}

impl Subject {
    /// Its name in records and tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Orthanc { tls: false } => "orthanc",
            Self::Orthanc { tls: true } => "orthanc-tls",
            Self::Storescp { tls: false } => "dcmtk-storescp",
            Self::Storescp { tls: true } => "dcmtk-storescp-tls",
            Self::DicomRs => "dicom-rs-storescp",
            Self::Yingdun { .. } => "yingdun",
        }
    }

    /// Copies that it keeps.
    pub(crate) const fn replicas(self) -> usize {
        match self {
            Self::Yingdun { replicas } => replicas,
            _ => 1,
        }
    }

    /// Whether its program is installed.
    pub(crate) fn is_installed(self) -> bool {
        let program = match self {
            Self::Orthanc { .. } => orthanc::PROGRAM,
            Self::Storescp { .. } => storescp::DCMTK,
            Self::DicomRs => storescp::DICOM_RS,
            Self::Yingdun { .. } => return true,
        };
        is_installed(program)
    }

    /// Starts it in an empty folder of its own.
    pub(crate) async fn start(self, environment: &Environment) -> Outcome<Running> {
        let folder = self.folder(environment);
        if folder.exists() {
            fs::remove_dir_all(&folder).or_fail("emptying a folder")?;
        }
        fs::create_dir_all(&folder).or_fail("making a folder")?;
        match self {
            Self::Orthanc { tls } => orthanc::start(environment, &folder, tls, orthanc::Sync::Default).await,
            Self::Storescp { tls } => storescp::start_dcmtk(environment, &folder, tls),
            Self::DicomRs => storescp::start_dicom_rs(&folder),
            Self::Yingdun { replicas } => yingdun::start(environment, &folder, replicas, &[]).await,
        }
    }

    /// Starts Yingdun in an empty folder of this name, with settings above its configuration.
    pub(crate) async fn start_yingdun(
        environment: &Environment,
        name: &str,
        settings: &[(&str, String)],
    ) -> Outcome<Running> {
        let folder = environment.work.join(name);
        fs::create_dir_all(&folder).or_fail("making a folder")?;
        yingdun::start(environment, &folder, 3, settings).await
    }

    /// Starts it for loading many instances whose loading is not measured.
    pub(crate) async fn start_for_loading(self, environment: &Environment) -> Outcome<Running> {
        match self {
            Self::Orthanc { tls } => {
                let folder = self.folder(environment);
                fs::create_dir_all(&folder).or_fail("making a folder")?;
                orthanc::start(environment, &folder, tls, orthanc::Sync::Off).await
            }
            _ => self.start(environment).await,
        }
    }

    /// Goes from loading to measuring: with its defaults again.
    pub(crate) async fn loaded(self, environment: &Environment, running: Running) -> Outcome<Running> {
        match self {
            Self::Orthanc { tls } => {
                running.stop()?;
                orthanc::start(environment, &self.folder(environment), tls, orthanc::Sync::Default).await
            }
            _ => Ok(running),
        }
    }

    /// Removes everything that it wrote.
    pub(crate) fn remove(self, environment: &Environment) -> Outcome<()> {
        fs::remove_dir_all(self.folder(environment)).or_fail("removing a folder")
    }

    fn folder(self, environment: &Environment) -> PathBuf {
        environment.work.join(format!("{}-{}", self.name(), self.replicas()))
    }
}

impl Running {
    /// Ends it and what helped it.
    pub(crate) fn stop(self) -> Outcome<()> {
        if let Some(helper) = self.helper {
            helper.stop()?;
        }
        self.server.stop()
    }

    /// Bytes on disk below [`Running::storage`], as blocks that are really taken.
    pub(crate) fn disk_bytes(&self) -> Outcome<u64> {
        fn of(path: &Path) -> std::io::Result<u64> {
            use std::os::unix::fs::MetadataExt;
            let mut bytes = 0;
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                let about = entry.metadata()?;
                bytes += if about.is_dir() { of(&entry.path())? } else { about.blocks() * 512 };
            }
            Ok(bytes)
        }
        of(&self.storage).or_fail("measuring a folder")
    }
}

/// Whether a program can be started.
fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The destination of a DICOM server on this machine.
fn destination(title: &str, port: u16) -> Outcome<Destination> {
    format!("{title}@127.0.0.1:{port}").parse().or_fail("naming a destination")
}

/// The title of our client, and of the receiver to which objects are moved.
pub(crate) fn calling() -> Outcome<AeTitle> {
    AeTitle::new(CALLING).or_fail("naming ourselves")
}

/// How our client calls.
fn settings() -> Outcome<Settings> {
    Ok(Settings::new(calling()?))
}
