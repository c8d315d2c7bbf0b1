//! Who will keep a root key, and what opens it: what the words of the command line mean together.

use super::{InstallError, KEYS_FOLDER, PASSPHRASE_FILE, absolute, share_folder, write_shares};
use crate::cli::{OpenerArgs, RootArg, RootArgs};
use crate::config::{self, Pkcs11, RootValues, Transit};
use crate::process::private::write_new;
use crate::wiring::{StartError, read_passphrase, token, transit};
use serde::Serialize;
use std::path::{Path, PathBuf};
use yingdun_keys::{Pkcs11Root, RootFile, RootKey};

/// Random bytes of a passphrase that nobody has to remember: as strong as the key that it protects.
const PASSPHRASE_BYTES: usize = 32;

/// The label of a key that was not given one.
const KEY_LABEL: &str = "yingdun-root";

/// Where the engine is mounted, unless it is said.
const TRANSIT_MOUNT: &str = "transit";

/// What will open the root key.
pub(crate) enum Opener {
    /// The PIN of a token.
    Pkcs11(Pkcs11),
    /// The token of a transit engine.
    Transit(Transit),
    /// A passphrase that is made here.
    OwnPassphrase,
    /// The passphrase in a file.
    Passphrase(PathBuf),
    /// Some of the shares that are written into a folder, one file each.
    Shares { count: u8, threshold: u8, folder: PathBuf },
    /// What opened it before: there is a root key already, and nothing is made.
    AsBefore,
}

/// A new root key, and what its keepers get.
pub(crate) struct NewRoot {
    pub(crate) key: RootKey,
    pub(crate) share_files: Vec<PathBuf>,
    pub(crate) token_key: Option<TokenKey>,
}

/// A root key on a token.
#[derive(Debug, Serialize)]
pub(crate) struct TokenKey {
    pub(crate) token_label: String,
    pub(crate) key_label: String,
    /// Whether it was made now; one that was there is taken.
    pub(crate) made: bool,
}

impl Opener {
    /// What the options say, taken together. Touches nothing.
    ///
    /// # Errors
    /// [`InstallError::Contradiction`] when some of them say otherwise than others, [`InstallError::SharesInside`].
    pub(crate) fn new(
        root: &RootArgs,
        opener: &OpenerArgs,
        installation: &Path,
    ) -> Result<Self, InstallError> {
        if let Some(contradiction) = contradiction(root, opener) {
            return Err(InstallError::Contradiction(contradiction));
        }
        if let Some(keeper) = elsewhere(root)? {
            return Ok(keeper);
        }
        Ok(match (opener.unseal_shares, opener.unseal_threshold, &opener.share_directory) {
            (Some(count), Some(threshold), Some(folder)) => {
                Self::Shares { count, threshold, folder: share_folder(folder, installation)? }
            }
            _ => match &opener.passphrase_file {
                Some(path) => Self::Passphrase(absolute(path)?),
                None => Self::OwnPassphrase,
            },
        })
    }

    /// What the configuration says of it; `shown` writes a path as it shall stand there.
    pub(crate) fn values(&self, root_file: String, shown: impl Fn(&Path) -> String) -> RootValues {
        let passphrase_file = match self {
            Self::Pkcs11(token) => {
                let pin_file = token.pin_file.as_deref().map(|path| PathBuf::from(shown(path)));
                return RootValues::Pkcs11(Pkcs11 { pin_file, ..token.clone() });
            }
            Self::Transit(transit) => {
                let (token_file, ca_file) = (shown(&transit.token_file), shown(&transit.ca_file));
                return RootValues::Transit(Transit {
                    token_file: token_file.into(),
                    ca_file: ca_file.into(),
                    ..transit.clone()
                });
            }
            Self::Shares { .. } | Self::AsBefore => None,
            Self::OwnPassphrase => Some(format!("{KEYS_FOLDER}/{PASSPHRASE_FILE}")),
            Self::Passphrase(path) => Some(shown(path)),
        };
        RootValues::File { root_file, passphrase_file }
    }
}

impl Opener {
    /// Makes the root key where the configuration says that it is to be, or takes the one that a token or server has.
    ///
    /// # Errors
    /// [`InstallError`]; a root-key file that exists is not overwritten.
    pub(crate) async fn make(&self, keys: &config::Keys) -> Result<NewRoot, InstallError> {
        let kept = |key, share_files| NewRoot { key, share_files, token_key: None };
        match self {
            Self::Pkcs11(Pkcs11 { token_label, key_label, .. }) => {
                let (root, made) = Pkcs11Root::create(token(keys)?).await.map_err(StartError::from)?;
                let (token_label, key_label) = (token_label.clone(), key_label.clone());
                let token_key = Some(TokenKey { token_label, key_label, made });
                Ok(NewRoot { key: RootKey::of(root), share_files: Vec::new(), token_key })
            }
            Self::Transit(_) => Ok(kept(transit(keys)?, Vec::new())),
            Self::Shares { count, threshold, folder } => {
                let made = RootFile::create_shared(&root_file(keys)?, *threshold, *count);
                let (root, shares) = made.map_err(StartError::from)?;
                Ok(kept(root, write_shares(folder, &shares)?))
            }
            Self::AsBefore => Err(StartError::Sealed.into()),
            Self::Passphrase(path) => Ok(kept(make_file(keys, path).await?, Vec::new())),
            Self::OwnPassphrase => {
                let path = keys.passphrase_file.clone().ok_or(StartError::NoPassphrase)?;
                let passphrase = hex::encode(yingdun_crypto::random::array::<PASSPHRASE_BYTES>());
                write_new(&path, format!("{passphrase}\n").as_bytes(), 0o600)
                    .map_err(|cause| InstallError::File { path: path.clone(), cause })?;
                Ok(kept(make_file(keys, &path).await?, Vec::new()))
            }
        }
    }
}

/// Where the configuration says that the root-key file is.
///
/// # Errors
/// [`StartError::NoRoot`].
pub(crate) fn root_file(keys: &config::Keys) -> Result<PathBuf, StartError> {
    keys.root_file.clone().ok_or(StartError::NoRoot { option: "keys.root_file" })
}

/// Why these options cannot be meant together; none when they can.
pub(crate) fn contradiction(root: &RootArgs, opener: &OpenerArgs) -> Option<String> {
    let kept_by = root.root;
    let given = [
        (RootArg::File, "--passphrase-file", opener.passphrase_file.is_some()),
        (RootArg::File, "--unseal-shares", opener.unseal_shares.is_some()),
        (RootArg::Pkcs11, "--pkcs11-module", root.pkcs11_module.is_some()),
        (RootArg::Pkcs11, "--pkcs11-token", root.pkcs11_token.is_some()),
        (RootArg::Pkcs11, "--pkcs11-key", root.pkcs11_key.is_some()),
        (RootArg::Pkcs11, "--pin-file", root.pin_file.is_some()),
        (RootArg::Transit, "--transit-address", root.transit_address.is_some()),
        (RootArg::Transit, "--transit-mount", root.transit_mount.is_some()),
        (RootArg::Transit, "--transit-key", root.transit_key.is_some()),
        (RootArg::Transit, "--transit-token-file", root.transit_token_file.is_some()),
        (RootArg::Transit, "--transit-ca-file", root.transit_ca_file.is_some()),
    ];
    let stray = given.into_iter().find(|(belongs_to, _, is_given)| *is_given && *belongs_to != kept_by);
    if let Some((belongs_to, option, _)) = stray {
        return Some(format!(
            "`{option}` goes with `--root {}`, and the root key is to be kept by `{}`: leave one of them out",
            belongs_to.as_str(),
            kept_by.as_str()
        ));
    }
    too_many_needed(opener)
}

/// Why shares cannot be made like this; none when they can.
pub(crate) fn too_many_needed(opener: &OpenerArgs) -> Option<String> {
    match (opener.unseal_threshold, opener.unseal_shares) {
        (Some(needed), Some(count)) if needed > count => Some(format!(
            "`--unseal-threshold {needed}` asks for more shares than the {count} of `--unseal-shares`"
        )),
        _ => None,
    }
}

// === helpers ===

async fn make_file(keys: &config::Keys, passphrase_file: &Path) -> Result<RootKey, InstallError> {
    let (path, passphrase) = (root_file(keys)?, read_passphrase(passphrase_file)?);
    // Deriving the key takes a moment of processor time.
    let made = tokio::task::spawn_blocking(move || RootFile::create(&path, &passphrase)).await;
    let made = made.map_err(|_| StartError::BrokenOff("the root-key file"))?;
    Ok(made.map_err(StartError::from)?)
}

/// What opens a root key that is not in a file of ours; none where it is.
fn elsewhere(args: &RootArgs) -> Result<Option<Opener>, InstallError> {
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    Ok(match (args.root, &args.pkcs11_module, &args.pkcs11_token) {
        (RootArg::Pkcs11, Some(module), Some(token)) => Some(Opener::Pkcs11(Pkcs11 {
            module: absolute(module)?,
            token_label: token.clone(),
            key_label: or(&args.pkcs11_key, KEY_LABEL),
            pin_file: args.pin_file.as_deref().map(absolute).transpose()?,
        })),
        (RootArg::Transit, ..) => {
            match (&args.transit_address, &args.transit_token_file, &args.transit_ca_file) {
                (Some(address), Some(token_file), Some(ca_file)) => Some(Opener::Transit(Transit {
                    address: address.clone(),
                    mount: or(&args.transit_mount, TRANSIT_MOUNT),
                    key: or(&args.transit_key, KEY_LABEL),
                    token_file: absolute(token_file)?,
                    ca_file: absolute(ca_file)?,
                })),
                _ => None,
            }
        }
        (RootArg::Pkcs11 | RootArg::File, ..) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_one_keeper_are_refused_beside_another() {
        let path = || Some(PathBuf::from("x"));
        let word = || Some("x".to_owned());
        let shares = OpenerArgs {
            unseal_shares: Some(3),
            unseal_threshold: Some(2),
            share_directory: path(),
            ..OpenerArgs::default()
        };
        let passphrase = OpenerArgs { passphrase_file: path(), ..OpenerArgs::default() };
        let kept_by = |root| RootArgs { root, ..RootArgs::default() };
        let refused = |root: &RootArgs, opener: &OpenerArgs, option: &str| {
            let said = contradiction(root, opener).unwrap_or_default();
            assert!(said.starts_with(&format!("`{option}`")), "{option}: {said}");
        };
        for keeper in [RootArg::Pkcs11, RootArg::Transit] {
            refused(&kept_by(keeper), &shares, "--unseal-shares");
            refused(&kept_by(keeper), &passphrase, "--passphrase-file");
        }
        let none = OpenerArgs::default();
        for keeper in [RootArg::File, RootArg::Transit] {
            refused(&RootArgs { pkcs11_module: path(), ..kept_by(keeper) }, &none, "--pkcs11-module");
            refused(&RootArgs { pkcs11_token: word(), ..kept_by(keeper) }, &none, "--pkcs11-token");
            refused(&RootArgs { pkcs11_key: word(), ..kept_by(keeper) }, &none, "--pkcs11-key");
            refused(&RootArgs { pin_file: path(), ..kept_by(keeper) }, &none, "--pin-file");
        }
        for keeper in [RootArg::File, RootArg::Pkcs11] {
            refused(&RootArgs { transit_address: word(), ..kept_by(keeper) }, &none, "--transit-address");
            refused(&RootArgs { transit_mount: word(), ..kept_by(keeper) }, &none, "--transit-mount");
            refused(&RootArgs { transit_key: word(), ..kept_by(keeper) }, &none, "--transit-key");
            refused(
                &RootArgs { transit_token_file: path(), ..kept_by(keeper) },
                &none,
                "--transit-token-file",
            );
            refused(&RootArgs { transit_ca_file: path(), ..kept_by(keeper) }, &none, "--transit-ca-file");
        }
        let unreachable = OpenerArgs { unseal_threshold: Some(4), ..shares.clone() };
        refused(&kept_by(RootArg::File), &unreachable, "--unseal-threshold 4");
        for opener in [&none, &shares, &passphrase] {
            assert_eq!(contradiction(&kept_by(RootArg::File), opener), None);
        }
    }
}
