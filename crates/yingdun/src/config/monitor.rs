//! How behaviour is watched. It always is; what can be set is how much is too much, and which patients are decoys.

use serde::Deserialize;
use std::path::PathBuf;

/// What the monitor goes by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Monitor {
    /// Limits, in TOML; unset means those of the program.
    pub(crate) limits_file: Option<PathBuf>,
    /// Patients who are nobody, one a line: the patient ID, and behind a tab its issuer.
    pub(crate) decoys_file: Option<PathBuf>,
}
