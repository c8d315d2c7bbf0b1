//! Why a witness cannot work.

use std::io;
use std::path::{Path, PathBuf};

/// One sentence that says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// A file or folder of the witness.
    #[error("`{}` cannot be used: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Another process serves this witness.
    #[error("another process works in `{}`", .0.display())]
    Busy(PathBuf),
    /// There is a witness already.
    #[error("there is something in `{}` already; a witness is made in a new folder", .0.display())]
    Exists(PathBuf),
    /// What it remembers was changed or is gone. It is never begun anew: a witness that forgets lets a log forget.
    #[error("`{}` is not what this witness wrote: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The settings cannot be used.
    #[error("the settings `{}` cannot be used: {why}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The signing key can be read by others, or is none.
    #[error("`{}` is not the key of a witness for its owner alone (mode 0600)", .0.display())]
    Key(PathBuf),
    /// The name of a witness.
    #[error(
        "`{0}` cannot be the name of a witness: it holds no spaces and no plus signs, as in hospital.example/witness"
    )]
    Name(String),
    /// The clock of this machine was never set.
    #[error("the clock of this machine stands before 1970, so a cosignature could not say when")]
    Clock,
    /// The certificate cannot be used.
    #[error("the door of the witness: {0}")]
    Tls(#[from] yingdun_web::TlsConfigError),
    /// The address cannot be used.
    #[error("the door of the witness: {0}")]
    Listen(#[from] yingdun_web::ListenerError),
}

impl WitnessError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }
}
