//! `setup-link`: a new address for the first hour of a stopped archive, where the old one was lost, opened elsewhere, or has expired.

use super::root::open;
use super::{CommandError, Verdict};
use crate::cli::ArchiveArgs;
use crate::config::Config;
use crate::installation::{InstallError, SetupAddress};
use crate::output::{Output, shell_word};
use crate::wiring::{Foundation, hold};

/// Makes the address, and prints it once.
pub(super) async fn setup_link(args: &ArchiveArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    let _hold = hold(&config).await?;
    let key = open(&config.keys, &config, &args.share_file).await?;
    // An archive that runs is refused here.
    let foundation = Foundation::open(&config, key).await?;
    let offered = foundation.access.offer_setup(&foundation.access.system_session()).await;
    foundation.close().await;
    let (token, expires) = offered.map_err(InstallError::Setup)?;
    let setup = SetupAddress::new(&config, &token, expires);
    output.say(&setup, |language| {
        format!(
            "{}\n{}",
            language.setup_link(&setup.url),
            language.next_serve(shell_word(&args.config.config))
        )
    })?;
    Ok(Verdict::Good)
}
