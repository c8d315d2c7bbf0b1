//! `certificate issue`: a certificate of the installation's own authority.

use super::{CommandError, Verdict};
use crate::cli::CertificateCommand;
use crate::installation::PKI_FOLDER;
use crate::output::Output;
use crate::pki::Authority;
use crate::process::private::make_directory;
use serde_json::json;
use yingdun_crypto::digest::sha256;

/// The longest name that becomes a file name and a common name (RFC 5280, ub-common-name).
const NAME_BYTES_MAX: usize = 64;

/// Issues and writes a certificate and its key.
pub(super) fn certificate(command: CertificateCommand, output: Output) -> Result<Verdict, CommandError> {
    let CertificateCommand::Issue { name, directory, out } = command;
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
    let identity = Authority::load(&pki)?.issue_client(&name)?;
    identity.save(&folder, &name)?;
    let digest = hex::encode(sha256(&identity.certificate_der));
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    output.say(
        &json!({"certificate_file": certificate, "private_key_file": key, "sha256": digest}),
        |language| language.certificate_issued(certificate.display(), key.display(), &digest),
    )?;
    Ok(Verdict::Good)
}
