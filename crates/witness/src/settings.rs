//! The settings of a witness: `witness.toml` in its folder.

use crate::WitnessError;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use yingdun_audit::Tree;
use yingdun_crypto::sign::NoteVerifier;

const FILE: &str = "witness.toml";

/// The longest file, in bytes.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// Logs that one witness watches: the institutions of a region. Each costs one checkpoint of memory.
const LOGS_MAX: usize = 256;

/// How a witness is set up. Paths are taken from its folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it is called in its cosignatures, best a schema-less URL such as `hospital.example/witness`.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate of its door, and what leads to its root, in PEM.
    pub certificate_file: PathBuf,
    /// The private key of that certificate.
    pub private_key_file: PathBuf,
    /// The public keys (C2SP vkey) of the logs that it watches, handed over by people.
    pub logs: Vec<String>,
    /// A file with the bearer token that may read `/metrics`; unset means nobody.
    pub metrics_token_file: Option<PathBuf>,
}

impl Settings {
    /// Reads the settings of a witness.
    ///
    /// # Errors
    /// [`WitnessError::Settings`] says what is wrong.
    pub fn read(folder: &Path) -> Result<Self, WitnessError> {
        let path = folder.join(FILE);
        let text = files_text(&path)?;
        let wrong = |why: String| WitnessError::Settings { path: path.clone(), why };
        let mut settings: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        for file in [&mut settings.certificate_file, &mut settings.private_key_file]
            .into_iter()
            .chain(&mut settings.metrics_token_file)
        {
            *file = folder.join(file.as_path());
        }
        settings.verifiers().map_err(wrong)?;
        Ok(settings)
    }

    /// Whether a log is among those that it watches. It is known by its key: two institutions may call theirs alike.
    #[must_use]
    pub fn watches(&self, log: &NoteVerifier) -> bool {
        self.verifiers().unwrap_or_default().iter().any(|watched| watched.key() == log.key())
    }

    /// The keys of the logs.
    pub(crate) fn verifiers(&self) -> Result<Vec<NoteVerifier>, String> {
        if self.logs.len() > LOGS_MAX {
            return Err(format!("a witness watches at most {LOGS_MAX} logs, here are {}", self.logs.len()));
        }
        let mut verifiers: Vec<NoteVerifier> = Vec::with_capacity(self.logs.len());
        for log in &self.logs {
            let verifier = NoteVerifier::parse(log.trim()).map_err(|error| format!("`{log}`: {error}"))?;
            if Tree::of(&verifier) != Tree::Sha256 {
                return Err(format!(
                    "`{log}` is the key of an SM3 tree; its SHA-256 tree has the same leaves"
                ));
            }
            if verifiers.iter().any(|other| other.name() == verifier.name()) {
                return Err(format!("two logs are called `{}`", verifier.name()));
            }
            verifiers.push(verifier);
        }
        Ok(verifiers)
    }

    /// The file, for a person to read and to change.
    pub(crate) fn text(&self) -> String {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| quote(&path.display().to_string());
        let logs: String = self.logs.iter().map(|log| format!("    {},\n", quote(log))).collect();
        let token = match &self.metrics_token_file {
            Some(file) => format!("metrics_token_file = {}", path(file)),
            None => "# metrics_token_file = \"metrics-token\"".to_owned(),
        };
        format!(
            r#"# A witness of audit logs. Relative paths are taken from the folder of this file; changes count from the next start.

# What it is called in its cosignatures. Part of its public key: it cannot be changed later.
name = {name}
# Where it listens (HTTPS), and the certificate that it shows.
listen = "{listen}"
certificate_file = {certificate}
private_key_file = {key}
# The logs that it watches: their public keys (`audit.vkey`), handed over by people who know each other.
logs = [
{logs}]
# A file with a bearer token for Prometheus. Unset: nobody reads /metrics.
{token}
"#,
            name = quote(&self.name),
            listen = self.listen,
            certificate = path(&self.certificate_file),
            key = path(&self.private_key_file),
        )
    }

    /// The path of the file.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }
}

fn files_text(path: &Path) -> Result<String, WitnessError> {
    let missing = || WitnessError::Settings {
        path: path.to_owned(),
        why: "there is no such file; `yingdun witness init` writes one".to_owned(),
    };
    crate::files::read(path, FILE_BYTES_MAX)?.ok_or_else(missing)
}
