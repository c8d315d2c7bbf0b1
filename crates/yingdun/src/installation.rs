//! Makes an installation: folders, certificates, root key, databases, replicas, audit log, three officers.
//!
//! The configuration file is written last: where there is one, there is a whole installation. Nothing that exists
//! is overwritten.

mod restore;
mod root;

pub(crate) use root::{Opener, TokenKey, root_file, too_many_needed};

use root::NewRoot;

use crate::cli::{InitArgs, PlacesArgs};
use crate::config::{Config, ConfigError, TemplateValues, render};
use crate::pki::{Authority, PkiError};
use crate::process::private::{make_directory, write_new};
use crate::wiring::{Foundation, StartError, store_config};
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_access::{AdminError, Officers, OneTimeLink};
use yingdun_keys::Share;
use yingdun_model::{ActorId, Role, Secret, Timestamp};
use yingdun_storage::{LogEvents, RealDisk, Store};

/// Names of files and folders in an installation.
pub(crate) const CONFIG_FILE: &str = "yingdun.toml";
/// The public key of the audit log.
pub(crate) const AUDIT_KEY_FILE: &str = "audit.vkey";
/// Certificates and their keys.
pub(crate) const PKI_FOLDER: &str = "pki";
/// The authority's certificate, in [`PKI_FOLDER`].
pub(crate) const CA_FILE: &str = "ca.pem";
/// The name of the server's certificate and key, in [`PKI_FOLDER`].
pub(crate) const SERVER: &str = "server";
const KEYS_FOLDER: &str = "keys";
const ROOT_FILE: &str = "root.key";
const PASSPHRASE_FILE: &str = "passphrase";
const DATABASE_FOLDER: &str = "db";

/// The login names of the three officers, in the order system, security, audit.
const OFFICERS: [&str; 3] = ["system-admin", "security-admin", "audit-admin"];

/// What was made. It is printed once and by nothing else: its links let people in.
#[derive(Serialize)]
pub(crate) struct Installed {
    pub(crate) config: PathBuf,
    pub(crate) ca_file: PathBuf,
    pub(crate) audit_public_key_file: PathBuf,
    /// One file for each share of the key that opens the root-key file; none where a passphrase does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) share_files: Vec<PathBuf>,
    /// The key on a token; none where the root key is in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_key: Option<TokenKey>,
    pub(crate) invitations: Vec<Invitation>,
    /// The address at which the officers are named in a browser, in the place of the invitations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) setup: Option<SetupAddress>,
}

/// The address of the first hour. It is shown once.
#[derive(Serialize)]
pub(crate) struct SetupAddress {
    /// The address; only its path when the port is chosen at each start.
    pub(crate) url: String,
    /// RFC 3339.
    pub(crate) expires: String,
}

impl SetupAddress {
    pub(crate) fn new(config: &Config, token: &Secret<String>, expires: Timestamp) -> Self {
        let base = config.web.public_url.as_deref().unwrap_or_default();
        Self { url: format!("{base}/setup/{}", token.expose()), expires: rfc3339(expires) }
    }
}

/// How an officer gets in.
#[derive(Serialize)]
pub(crate) struct Invitation {
    pub(crate) role: &'static str,
    pub(crate) name: String,
    /// The link; only its path when the port is chosen at each start.
    pub(crate) url: String,
    pub(crate) token: String,
    /// RFC 3339.
    pub(crate) expires: String,
}

/// Why there is no installation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("there is an installation in `{}` already; it is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("`{}` cannot be made: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error(
        "`{}` lies in the installation; shares are handed to their keepers from a medium of their own",
        .0.display()
    )]
    SharesInside(PathBuf),
    #[error("{0}")]
    Contradiction(String),
    #[error("one of the names is not legal: {0}")]
    Name(String),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Vault(#[from] yingdun_vault::VaultError),
    #[error("the officers cannot be invited: {0}")]
    Officers(#[from] AdminError),
    #[error("there is no address to set up from: {0}")]
    Setup(AdminError),
}

/// An installation that is to be made.
pub(crate) struct Plan {
    directory: PathBuf,
    institution: String,
    hosts: Vec<String>,
    replicas: Vec<PathBuf>,
    config_text: String,
    config: Config,
    opener: Opener,
    setup_link: bool,
}

/// An audit log that goes on in a new installation.
pub(crate) struct KeptLog {
    /// Its name in signed checkpoints.
    pub(crate) origin: String,
    /// Whether it has its SM3 tree, without which it is not opened then.
    pub(crate) sm3_tree: bool,
}

impl Plan {
    /// Works out every path and option, and touches nothing.
    ///
    /// # Errors
    /// [`InstallError`] when the options do not make a configuration.
    pub(crate) fn new(args: &InitArgs) -> Result<Self, InstallError> {
        let directory = absolute(&args.directory)?;
        let opener = Opener::new(&args.root, &args.opener, &directory)?;
        Self::with(args, opener, None)
    }

    /// The same, with what will open the root key, and the audit log that there is already.
    fn with(args: &InitArgs, opener: Opener, log: Option<KeptLog>) -> Result<Self, InstallError> {
        let directory = absolute(&args.directory)?;
        let replicas = if args.places.replica.is_empty() {
            ["replica-a", "replica-b", "replica-c"].map(|name| directory.join(name)).to_vec()
        } else {
            args.places.replica.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?
        };
        let named = named_hosts(&args.places);
        let mut hosts = named.clone();
        hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        hosts.extend(
            [args.places.web_listen, args.places.dicom_tls_listen].map(|address| address.ip().to_string()),
        );
        // An address that stands for all addresses is nobody's name.
        hosts.retain(|host| host != "0.0.0.0" && host != "::");
        hosts.sort_unstable();
        hosts.dedup();
        let shown = |path: &Path| path.strip_prefix(&directory).unwrap_or(path).display().to_string();
        let values = TemplateValues {
            institution: args.institution.to_string(),
            replica_directories: replicas.iter().map(|path| shown(path)).collect(),
            dicom_tls_listen: args.places.dicom_tls_listen,
            dicom_plain_listen: args.places.dicom_plain_listen,
            web_listen: args.places.web_listen,
            public_url: public_url(&named, args.places.web_listen),
            root: opener.values(format!("{KEYS_FOLDER}/{ROOT_FILE}"), shown),
            databases: [
                args.databases.catalogue_url.clone(),
                args.databases.keys_url.clone(),
                args.databases.identity_url.clone(),
            ],
            sm3_tree: log.as_ref().is_some_and(|log| log.sm3_tree),
            audit_origin: log.map_or_else(|| format!("{}/audit", args.institution), |log| log.origin),
        };
        let config_text = render(&values);
        let config = Config::of_text(&config_text, &directory.join(CONFIG_FILE))?;
        Ok(Self {
            directory,
            institution: args.institution.to_string(),
            hosts,
            replicas,
            config_text,
            config,
            opener,
            setup_link: args.setup_link,
        })
    }

    /// The configuration file that will be written.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.directory.join(CONFIG_FILE)
    }

    /// Every file and folder that will be made, for `--dry-run`.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let (pki, keys) = (self.pki(), self.directory.join(KEYS_FOLDER));
        let mut paths = vec![self.config_path(), self.directory.join(AUDIT_KEY_FILE)];
        paths.extend(["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| pki.join(name)));
        paths.extend(self.config.keys.root_file.clone());
        match &self.opener {
            Opener::Pkcs11(_) | Opener::Transit(_) | Opener::AsBefore => {}
            Opener::OwnPassphrase => paths.push(keys.join(PASSPHRASE_FILE)),
            Opener::Passphrase(_) => {}
            Opener::Shares { count, folder, .. } => {
                paths.extend((1..=*count).map(|number| folder.join(share_file(number))));
            }
        }
        paths.push(self.directory.join(DATABASE_FOLDER));
        paths.push(self.config.audit.directory.clone());
        paths.extend(self.replicas.iter().cloned());
        paths
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`InstallError::Exists`] before anything is touched; after any other error what was made so far stays,
    /// for a person to look at.
    pub(crate) async fn install(self) -> Result<Installed, InstallError> {
        self.check_new()?;
        for folder in [PKI_FOLDER, KEYS_FOLDER, DATABASE_FOLDER] {
            let path = self.directory.join(folder);
            make_directory(&path).map_err(|cause| InstallError::File { path, cause })?;
        }
        self.make_certificates()?;
        let NewRoot { key, share_files, token_key } = self.opener.make(&self.config.keys).await?;

        let foundation = Foundation::found(&self.config, key).await?;
        let entry = enter(&foundation, self.setup_link).await;
        let public_key = format!("{}\n", foundation.audit.verifier());
        foundation.close().await;
        let entry = entry?;
        let store = Store::open(store_config(&self.config)?, Arc::new(RealDisk), Arc::new(LogEvents)).await;
        store.map_err(StartError::from)?.close().await;

        let key_path = self.directory.join(AUDIT_KEY_FILE);
        self.write(&key_path, public_key.as_bytes(), 0o644)?;
        self.write(&self.config_path(), self.config_text.as_bytes(), 0o600)?;
        let base = self.config.web.public_url.clone().unwrap_or_default();
        let (links, setup) = match entry {
            Entry::Invitations(links) => (Some(links), None),
            Entry::Setup(token, expires) => (None, Some(SetupAddress::new(&self.config, &token, expires))),
        };
        let invitations = Role::OFFICERS
            .iter()
            .zip(links.into_iter().flatten())
            .map(|(role, link)| Invitation {
                role: role.as_str(),
                name: link.actor.to_string(),
                url: format!("{base}/enrol/{}", link.token.expose()),
                token: link.token.expose().clone(),
                expires: rfc3339(link.expires),
            })
            .collect();
        Ok(Installed {
            config: self.config_path(),
            ca_file: self.pki().join(CA_FILE),
            audit_public_key_file: key_path,
            share_files,
            token_key,
            invitations,
            setup,
        })
    }

    /// Nothing that exists is written over.
    fn check_new(&self) -> Result<(), InstallError> {
        let exists = [self.config_path(), self.pki().join("ca.key")];
        if exists.iter().chain(&self.config.keys.root_file).any(|path| path.exists()) {
            return Err(InstallError::Exists(self.directory.clone()));
        }
        Ok(())
    }

    fn make_certificates(&self) -> Result<(), InstallError> {
        let authority = Authority::create(&format!("Yingdun CA {}", self.institution))?;
        authority.save(&self.pki())?;
        let server = authority.issue_server(&format!("Yingdun {}", self.institution), &self.hosts)?;
        Ok(server.save(&self.pki(), SERVER)?)
    }

    fn pki(&self) -> PathBuf {
        self.directory.join(PKI_FOLDER)
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), InstallError> {
        write_new(path, bytes, mode).map_err(|cause| InstallError::File { path: path.to_owned(), cause })
    }
}

/// The folder for shares, which is not in that of the installation.
///
/// # Errors
/// [`InstallError::SharesInside`].
pub(crate) fn share_folder(folder: &Path, installation: &Path) -> Result<PathBuf, InstallError> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|cause| InstallError::File { path: path.to_owned(), cause })
    };
    let folder = absolute(folder)?;
    if folder.starts_with(absolute(installation)?) {
        Err(InstallError::SharesInside(folder))
    } else {
        Ok(folder)
    }
}

/// Writes each share into a file of its own, durably; none is overwritten.
///
/// # Errors
/// [`InstallError::File`].
pub(crate) fn write_shares(folder: &Path, shares: &[Share]) -> Result<Vec<PathBuf>, InstallError> {
    make_directory(folder).map_err(|cause| InstallError::File { path: folder.to_owned(), cause })?;
    let mut files = Vec::with_capacity(shares.len());
    for share in shares {
        let path = folder.join(share_file(share.number()));
        let text = share.to_text();
        write_new(&path, text.expose().as_bytes(), 0o600)
            .map_err(|cause| InstallError::File { path: path.clone(), cause })?;
        files.push(path);
    }
    Ok(files)
}

/// A moment for people and programs: RFC 3339 in UTC.
pub(crate) fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.as_ms()).map_or_else(|_| moment.to_string(), |at| at.to_string())
}

// === helpers ===

fn absolute(path: &Path) -> Result<PathBuf, InstallError> {
    std::path::absolute(path).map_err(|cause| InstallError::File { path: path.to_owned(), cause })
}

/// The name of the file of a share.
fn share_file(number: u8) -> String {
    format!("share-{number}.txt")
}

/// The names that were given; without any, an archive that listens on all addresses goes by the name of its machine.
fn named_hosts(places: &PlacesArgs) -> Vec<String> {
    let everywhere = [places.web_listen, places.dicom_tls_listen].iter().any(|at| at.ip().is_unspecified());
    if places.host.is_empty() && everywhere {
        return vec![rustix::system::uname().nodename().to_string_lossy().into_owned()];
    }
    places.host.clone()
}

/// The address that people use: the first name, else the address on which the door listens; none when only a start
/// will tell the port.
fn public_url(hosts: &[String], listen: SocketAddr) -> Option<String> {
    let host = hosts.first().cloned().unwrap_or_else(|| listen.ip().to_string());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    match listen.port() {
        0 => None,
        443 => Some(format!("https://{host}")),
        port => Some(format!("https://{host}:{port}")),
    }
}

/// How the officers come to their accounts.
enum Entry {
    /// Three links, for accounts of fixed names.
    Invitations([OneTimeLink; 3]),
    /// One address, at which they are named; and until when.
    Setup(Secret<String>, Timestamp),
}

async fn enter(foundation: &Foundation, setup_link: bool) -> Result<Entry, InstallError> {
    if !setup_link {
        return Ok(Entry::Invitations(found(foundation).await?));
    }
    let offered = foundation.access.offer_setup(&foundation.access.system_session()).await;
    let (token, expires) = offered.map_err(InstallError::Setup)?;
    Ok(Entry::Setup(token, expires))
}

async fn found(foundation: &Foundation) -> Result<[OneTimeLink; 3], InstallError> {
    let [system, security, audit] =
        OFFICERS.map(|name| ActorId::new(name).ok_or_else(|| InstallError::Name(name.to_owned())));
    let officers = Officers { system: system?, security: security?, audit: audit? };
    Ok(foundation.access.found(&foundation.access.system_session(), &officers).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_an_address_with_the_first_name_and_without_what_is_usual() {
        let url = |hosts: &[&str], listen: &str| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            public_url(&hosts, listen.parse().unwrap())
        };
        assert_eq!(url(&[], "127.0.0.1:8443").as_deref(), Some("https://127.0.0.1:8443"));
        assert_eq!(url(&["pacs.example", "pacs"], "0.0.0.0:443").as_deref(), Some("https://pacs.example"));
        assert_eq!(url(&[], "[::1]:8443").as_deref(), Some("https://[::1]:8443"));
        assert_eq!(url(&["pacs.example"], "127.0.0.1:0"), None);
    }
}
