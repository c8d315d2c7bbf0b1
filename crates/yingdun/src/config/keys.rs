//! The section `[keys]`: where wrapped keys lie, who keeps the root key, what new studies are sealed with.

use super::finding::{Severity, readable_by_others};
use super::{DatabaseUrl, Finding, default_rotate_after_days};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use yingdun_crypto::Suite;
use yingdun_keys::{RootKind, Suites};
use yingdun_model::Grade;

/// The environment variable with the PIN of a token, where there is no file with it.
pub(crate) const PIN_VARIABLE: &str = "YINGDUN_PIN";

/// The longest that a key-encryption key may wrap, in days: two years, as NIST SP 800-57 part 1, table 1, gives a
/// key-wrapping key.
const ROTATE_AFTER_DAYS_MAX: u16 = 730;

/// The longest time between two backups of keys, or two rehearsals, that anybody may ask for: a year.
const BACKUP_DAYS_MAX: u16 = 366;

/// The longest that keys are used while the root key does not answer, in seconds: a day. Who needs longer needs another root.
const OUTAGE_S_MAX: u32 = 86_400;

/// The key room.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) database: DatabaseUrl,
    /// Who keeps the root key.
    #[serde(default)]
    pub(crate) root: RootKind,
    /// The sealed file with the root key, for `root = "file"`.
    pub(crate) root_file: Option<PathBuf>,
    /// A file with the passphrase of the root-key file, or a systemd credential; unset where shares open it.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The token, for `root = "pkcs11"`.
    pub(crate) pkcs11: Option<Pkcs11>,
    /// Where the epochs are kept; unset means `epoch.key` beside the root-key file, or in the folder `keys`.
    pub(crate) epoch_file: Option<PathBuf>,
    /// The engine, for `root = "transit"`.
    pub(crate) transit: Option<Transit>,
    /// What new studies are sealed with.
    #[serde(default)]
    pub(crate) suite: Suite,
    /// The same for single grades.
    #[serde(default)]
    pub(crate) suite_of_grade: BTreeMap<Grade, Suite>,
    /// Seconds for which keys in memory are used while the root key does not answer.
    #[serde(default = "default_outage_s")]
    pub(crate) outage_s: u32,
    /// Days after which a key-encryption key is replaced by its next version.
    #[serde(default = "default_rotate_after_days")]
    pub(crate) rotate_after_days: u16,
    /// Days after which `doctor` misses a newer backup of the keys; unset means that there is none to miss.
    pub(crate) backup_days: Option<u16>,
    /// The same for a rehearsal.
    pub(crate) rehearsal_days: Option<u16>,
}

/// A token that keeps the root key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pkcs11 {
    /// The library of the vendor.
    pub(crate) module: PathBuf,
    pub(crate) token_label: String,
    pub(crate) key_label: String,
    /// A file with the PIN, or a systemd credential; unset means the environment variable [`PIN_VARIABLE`].
    pub(crate) pin_file: Option<PathBuf>,
}

/// A transit engine of Vault or OpenBao that keeps the root key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transit {
    /// The server, as in `https://vault.example:8200`.
    pub(crate) address: String,
    #[serde(default = "default_transit_mount")]
    pub(crate) mount: String,
    pub(crate) key: String,
    /// A file with the token; read anew for each call.
    pub(crate) token_file: PathBuf,
    /// The authorities of the server's certificate.
    pub(crate) ca_file: PathBuf,
}

impl Keys {
    pub(crate) fn suites(&self) -> Suites {
        Suites { default: self.suite, of_grade: self.suite_of_grade.clone() }
    }

    /// Where the epochs are kept.
    pub(crate) fn epoch_file(&self) -> PathBuf {
        self.epoch_file.clone().unwrap_or_else(|| default_epoch_file(self.root_file.as_deref()))
    }

    /// The option that names where the root key is.
    pub(crate) const fn root_option(&self) -> &'static str {
        match self.root {
            RootKind::File => "keys.root_file",
            RootKind::Pkcs11 => "keys.pkcs11",
            RootKind::Transit => "keys.transit",
        }
    }

    /// Every file that the section names, or means when it names none.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.epoch_file.get_or_insert_with(|| default_epoch_file(self.root_file.as_deref()));
        let token = self.pkcs11.as_mut();
        let token = token.map(|token| [Some(&mut token.module), token.pin_file.as_mut()]);
        let transit = self.transit.as_mut();
        let transit = transit.map(|transit| [Some(&mut transit.token_file), Some(&mut transit.ca_file)]);
        [self.root_file.as_mut(), self.passphrase_file.as_mut(), self.epoch_file.as_mut()]
            .into_iter()
            .chain(token.into_iter().flatten())
            .chain(transit.into_iter().flatten())
            .flatten()
    }
}

/// Judges the section.
pub(super) fn check(keys: &Keys) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !(1..=ROTATE_AFTER_DAYS_MAX).contains(&keys.rotate_after_days) {
        findings.push(Finding {
            severity: Severity::Error,
            option: "keys.rotate_after_days",
            cause: format!("{} is not between 1 and {ROTATE_AFTER_DAYS_MAX}", keys.rotate_after_days),
            remedy: "set 90; there is no value for never",
        });
    }
    for (option, days) in
        [("keys.backup_days", keys.backup_days), ("keys.rehearsal_days", keys.rehearsal_days)]
    {
        if days.is_some_and(|days| !(1..=BACKUP_DAYS_MAX).contains(&days)) {
            findings.push(Finding {
                severity: Severity::Error,
                option,
                cause: format!("it is not between 1 and {BACKUP_DAYS_MAX}"),
                remedy: "set 1 for backups and 90 for rehearsals, or leave it out where a vault pulls the keys",
            });
        }
    }
    if keys.outage_s > OUTAGE_S_MAX {
        findings.push(Finding {
            severity: Severity::Error,
            option: "keys.outage_s",
            cause: format!("{} is more than {OUTAGE_S_MAX}", keys.outage_s),
            remedy: "set 300; keys stay in memory for so long when the root key was lost or taken away by force",
        });
    }
    match keys.root {
        RootKind::File => check_file(keys, &mut findings),
        RootKind::Pkcs11 => check_token(keys, &mut findings),
        RootKind::Transit => check_transit(keys, &mut findings),
    }
    findings
}

// === helpers ===

/// Where the documents of the engine mount it.
fn default_transit_mount() -> String {
    "transit".to_owned()
}

/// Five minutes: as long as a service is commonly restarted or failed over.
fn default_outage_s() -> u32 {
    300
}

fn default_epoch_file(root_file: Option<&Path>) -> PathBuf {
    root_file.unwrap_or(Path::new("keys/root.key")).with_file_name("epoch.key")
}

fn check_file(keys: &Keys, findings: &mut Vec<Finding>) {
    match &keys.root_file {
        Some(path) => {
            secret_file("keys.root_file", path, "run `yingdun init`, or name an existing file", findings)
        }
        None => findings.push(Finding {
            severity: Severity::Error,
            option: "keys.root_file",
            cause: "keys.root is `file`, and no file is named".into(),
            remedy: "name the root-key file that `yingdun init` made",
        }),
    }
    if let Some(path) = &keys.passphrase_file {
        secret_file(
            "keys.passphrase_file",
            path,
            "name the file with the passphrase of the root-key file",
            findings,
        );
    }
}

fn check_token(keys: &Keys, findings: &mut Vec<Finding>) {
    let Some(token) = &keys.pkcs11 else {
        return findings.push(Finding {
            severity: Severity::Error,
            option: "keys.pkcs11",
            cause: "keys.root is `pkcs11`, and there is no section [keys.pkcs11]".into(),
            remedy: "write one with module, token_label, key_label and pin_file",
        });
    };
    if !token.module.is_file() {
        findings.push(Finding {
            severity: Severity::Error,
            option: "keys.pkcs11.module",
            cause: format!("there is no file `{}`", token.module.display()),
            remedy: "install the library of the token's vendor, and name it",
        });
    }
    match &token.pin_file {
        Some(path) => {
            secret_file("keys.pkcs11.pin_file", path, "write the PIN of the user into it", findings)
        }
        None => findings.push(Finding {
            severity: Severity::Note,
            option: "keys.pkcs11.pin_file",
            cause: format!("the PIN is taken from the environment variable {PIN_VARIABLE}"),
            remedy: "prefer a file, or a systemd credential: an environment is easily printed",
        }),
    }
}

fn check_transit(keys: &Keys, findings: &mut Vec<Finding>) {
    let Some(transit) = &keys.transit else {
        return findings.push(Finding {
            severity: Severity::Error,
            option: "keys.transit",
            cause: "keys.root is `transit`, and there is no section [keys.transit]".into(),
            remedy: "write one with address, key, token_file and ca_file",
        });
    };
    if !transit.address.starts_with("https://") || transit.address.ends_with('/') {
        findings.push(Finding {
            severity: Severity::Error,
            option: "keys.transit.address",
            cause: format!("`{}` is not an https address without a slash at its end", transit.address),
            remedy: "write it as in https://vault.example:8200",
        });
    }
    if !transit.ca_file.is_file() {
        findings.push(Finding {
            severity: Severity::Error,
            option: "keys.transit.ca_file",
            cause: format!("there is no file `{}`", transit.ca_file.display()),
            remedy: "name a PEM file with the authority of the server's certificate",
        });
    }
    secret_file(
        "keys.transit.token_file",
        &transit.token_file,
        "let an agent write the token there",
        findings,
    );
}

fn secret_file(option: &'static str, path: &Path, missing: &'static str, findings: &mut Vec<Finding>) {
    let (cause, remedy) = if !path.is_file() {
        (format!("there is no file `{}`", path.display()), missing)
    } else if readable_by_others(path) {
        (format!("`{}` can be read by other accounts", path.display()), "chmod 600 it")
    } else {
        return;
    };
    findings.push(Finding { severity: Severity::Error, option, cause, remedy });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(section: &str) -> Vec<(&'static str, Severity)> {
        let keys = toml::from_str(&format!("database = \"sqlite:keys.db\"\n{section}")).unwrap();
        check(&keys).into_iter().map(|finding| (finding.option, finding.severity)).collect()
    }

    #[test]
    fn keys_are_replaced_within_two_years_and_there_is_no_never() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.key");
        crate::process::private::write_new(&file, b"", 0o600).unwrap();
        let after = |days: &str| options(&format!("root_file = {:?}\n{days}", file.display().to_string()));
        for days in ["0", "731", "65535"] {
            let found = after(&format!("rotate_after_days = {days}"));
            assert_eq!(found, [("keys.rotate_after_days", Severity::Error)], "{days}");
        }
        assert_eq!(after("outage_s = 86401"), [("keys.outage_s", Severity::Error)]);
        for days in ["", "outage_s = 0", "rotate_after_days = 1", "rotate_after_days = 730"] {
            assert_eq!(after(days), [], "{days}");
        }
    }

    #[test]
    fn a_root_key_without_a_place_is_an_error_that_names_it() {
        assert_eq!(options(""), [("keys.root_file", Severity::Error)]);
        assert_eq!(options("root = \"pkcs11\""), [("keys.pkcs11", Severity::Error)]);
        let token =
            "root = \"pkcs11\"\n[pkcs11]\nmodule = \"/none.so\"\ntoken_label = \"a\"\nkey_label = \"b\"\n";
        let missing = ("keys.pkcs11.module", Severity::Error);
        assert_eq!(options(token), [missing, ("keys.pkcs11.pin_file", Severity::Note)]);
        let pin = format!("{token}pin_file = \"/none\"");
        assert_eq!(options(&pin), [missing, ("keys.pkcs11.pin_file", Severity::Error)]);
    }

    #[test]
    fn an_engine_without_tls_without_its_authority_or_without_a_token_is_an_error() {
        assert_eq!(options("root = \"transit\""), [("keys.transit", Severity::Error)]);
        let engine = "root = \"transit\"\n[transit]\naddress = \"http://v/\"\nkey = \"k\"\ntoken_file = \"/none\"\nca_file = \"/none\"";
        let names = ["keys.transit.address", "keys.transit.ca_file", "keys.transit.token_file"];
        assert_eq!(options(engine), names.map(|name| (name, Severity::Error)));
    }

    #[test]
    fn a_pin_that_others_can_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        let found = |mode| {
            let _ = std::fs::remove_file(&file);
            crate::process::private::write_new(&file, b"1234", mode).unwrap();
            let path = format!("{:?}", file.display().to_string());
            options(&format!(
                "root = \"pkcs11\"\n[pkcs11]\nmodule = {path}\ntoken_label = \"a\"\nkey_label = \"b\"\npin_file = {path}"
            ))
        };
        assert_eq!(found(0o640), [("keys.pkcs11.pin_file", Severity::Error)]);
        assert_eq!(found(0o600), []);
    }
}
