//! `certificate issue` and `certificate renew-server`: certificates of the installation's own authority.

use super::{CommandError, Verdict};
use crate::cli::CertificateCommand;
use crate::installation::{PKI_FOLDER, SERVER};
use crate::output::Output;
use crate::pki::{Authority, Identity};
use crate::process::private::make_directory;
use crate::wiring::read_certificate;
use serde_json::json;
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::sha256;

/// The longest name that becomes a file name and a common name (RFC 5280, ub-common-name).
const NAME_BYTES_MAX: usize = 64;

/// Issues a certificate, or renews the one of the server.
pub(super) fn certificate(command: CertificateCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        CertificateCommand::Issue { name, directory, host, out } => {
            issue(&name, &directory, &host, out, output)
        }
        CertificateCommand::RenewServer { directory } => renew_server(&directory, output),
    }
}

fn issue(
    name: &str,
    directory: &Path,
    hosts: &[String],
    out: Option<PathBuf>,
    output: Output,
) -> Result<Verdict, CommandError> {
    // The name becomes a file name: nothing in it may lead elsewhere.
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.chars().all(legal) {
        return Err(CommandError::Usage(format!(
            "a certificate is named by 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and inner `.`, got `{name}`"
        )));
    }
    let pki = directory.join(PKI_FOLDER);
    let folder = out.unwrap_or_else(|| pki.join("issued"));
    make_directory(&folder).map_err(|cause| CommandError::File { path: folder.clone(), cause })?;
    let authority = Authority::load(&pki)?;
    let identity =
        if hosts.is_empty() { authority.issue_client(name)? } else { authority.issue_server(name, hosts)? };
    identity.save(&folder, name)?;
    tell(&identity, &folder, name, output)
}

/// The names stay; key, serial number and time are new. The running server goes on with what it read at its start.
fn renew_server(directory: &Path, output: Output) -> Result<Verdict, CommandError> {
    let pki = directory.join(PKI_FOLDER);
    let present = pki.join(format!("{SERVER}.pem"));
    let facts = read_certificate(&present)?.ok_or(CommandError::Usage(format!(
        "`{}` holds no certificate that could be renewed",
        present.display()
    )))?;
    let identity = Authority::load(&pki)?.issue_server(facts.common_name(), &facts.names)?;
    identity.replace(&pki, SERVER)?;
    tell(&identity, &pki, SERVER, output)
}

fn tell(identity: &Identity, folder: &Path, name: &str, output: Output) -> Result<Verdict, CommandError> {
    let digest = hex::encode(sha256(&identity.certificate_der));
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    output.say(
        &json!({"certificate_file": certificate, "private_key_file": key, "sha256": digest}),
        |language| language.certificate_issued(certificate.display(), key.display(), &digest),
    )?;
    Ok(Verdict::Good)
}
