//! The root key of an installation, from whoever the configuration says keeps it.

use super::error::StartError;
use super::transit::TransitRoot;
use crate::config::{self, Config, PIN_VARIABLE};
use std::path::Path;
use yingdun_keys::{Pkcs11Root, Pkcs11Settings, RootFile, RootKey, RootKind, RootOpener, Unsealing};
use yingdun_model::Secret;

/// The root key of an installation, or what it waits for.
pub(crate) enum Root {
    Open(RootKey),
    Sealed(Unsealing),
}

/// Opens the root key, or says which shares it waits for.
///
/// # Errors
/// [`StartError`] when the root-key file or the passphrase is missing or wrong, or the token does not answer or refuses.
pub(crate) async fn root(config: &Config) -> Result<Root, StartError> {
    match config.keys.root {
        RootKind::File => of_file(&config.keys).await,
        RootKind::Pkcs11 => Ok(Root::Open(RootKey::of(Pkcs11Root::open(token(&config.keys)?).await?))),
        RootKind::Transit => Ok(Root::Open(transit(&config.keys)?)),
    }
}

/// The token that the configuration names, with its PIN.
///
/// # Errors
/// [`StartError::NoRoot`], [`StartError::NoPin`], and those of [`read_passphrase`].
pub(crate) fn token(keys: &config::Keys) -> Result<Pkcs11Settings, StartError> {
    let token = keys.pkcs11.as_ref().ok_or(StartError::NoRoot { option: "keys.pkcs11" })?;
    let pin = match &token.pin_file {
        Some(path) => read_passphrase(path)?,
        None => std::env::var(PIN_VARIABLE).map(Secret::new).map_err(|_| StartError::NoPin)?,
    };
    Ok(Pkcs11Settings {
        module: token.module.clone(),
        token_label: token.token_label.clone(),
        key_label: token.key_label.clone(),
        pin,
    })
}

/// The root key in the engine that the configuration names, which is not asked yet.
///
/// # Errors
/// [`StartError::NoRoot`], [`StartError::Root`].
pub(crate) fn transit(keys: &config::Keys) -> Result<RootKey, StartError> {
    let transit = keys.transit.as_ref().ok_or(StartError::NoRoot { option: "keys.transit" })?;
    Ok(RootKey::of(TransitRoot::new(transit.clone())?))
}

/// The passphrase or PIN in a file, without the line break that editors leave at its end.
///
/// # Errors
/// [`StartError::File`], [`StartError::EmptyPassphrase`].
pub(crate) fn read_passphrase(path: &Path) -> Result<Secret<String>, StartError> {
    let mut text =
        std::fs::read_to_string(path).map_err(|cause| StartError::File { path: path.to_owned(), cause })?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() {
        return Err(StartError::EmptyPassphrase(path.to_owned()));
    }
    Ok(Secret::new(text))
}

async fn of_file(keys: &config::Keys) -> Result<Root, StartError> {
    let path = keys.root_file.clone().ok_or(StartError::NoRoot { option: "keys.root_file" })?;
    match RootFile::opener(&path)? {
        RootOpener::Shares(unsealing) => Ok(Root::Sealed(unsealing)),
        RootOpener::Passphrase => {
            let passphrase = read_passphrase(keys.passphrase_file.as_ref().ok_or(StartError::NoPassphrase)?)?;
            // Deriving the key takes a moment of processor time.
            let opening = tokio::task::spawn_blocking(move || RootFile::open(&path, &passphrase)).await;
            Ok(Root::Open(opening.map_err(|_| StartError::BrokenOff("the root-key file"))??))
        }
    }
}
