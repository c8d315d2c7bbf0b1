//! `init` and `up`: an installation, and an installation that serves.

use super::serve::serve_with;
use super::{CommandError, Verdict, serve};
use crate::cli::InitArgs;
use crate::installation::{Installed, Plan, TokenKey};
use crate::messages::Language;
use crate::output::{Output, shell_word};
use serde_json::json;

/// Makes an installation.
pub(super) async fn init(args: &InitArgs, output: Output) -> Result<Verdict, CommandError> {
    let plan = Plan::new(args)?;
    if args.dry_run {
        let paths = plan.paths();
        output.say(&json!({"dry_run": true, "would_make": paths}), |language| {
            let mut text = language.would_make(args.directory.display());
            for path in &paths {
                text.push_str(&format!("\n  {}", path.display()));
            }
            text
        })?;
        return Ok(Verdict::Good);
    }
    let installed = plan.install().await?;
    output.say(&installed, |language| {
        format!(
            "{}\n{}{}\n{}",
            language.installed(
                installed.config.display(),
                installed.ca_file.display(),
                installed.audit_public_key_file.display()
            ),
            root_key(language, &installed),
            invitations(language, &installed, ""),
            language.next_serve(shell_word(&installed.config))
        )
    })?;
    Ok(Verdict::Good)
}

/// Makes an installation where there is none, and serves it. With JSON, one document per line: the installation,
/// if it was made, and then the ready line.
pub(super) async fn up(args: &InitArgs, output: Output) -> Result<Verdict, CommandError> {
    let plan = Plan::new(args)?;
    let path = plan.config_path();
    if path.exists() || args.dry_run {
        return if args.dry_run { init(args, output).await } else { serve::serve(&path, output).await };
    }
    let installed = plan.install().await?;
    if output.is_json() {
        output.say(&installed, |_| String::new())?;
    }
    serve_with(&path, output, |addresses| {
        // Links that lack their beginning get it now that the port is known.
        let links = installed.invitations.iter().map(|invitation| &invitation.url);
        let relative =
            links.chain(installed.setup.iter().map(|setup| &setup.url)).all(|url| url.starts_with('/'));
        let base = if relative { addresses.web.as_str() } else { "" };
        output.line(&invitations(output.language(), &installed, base))
    })
    .await
}

/// Where the shares are, or the key on the token, as a line; nothing where a passphrase opens the root key.
fn root_key(language: Language, installed: &Installed) -> String {
    if let Some(TokenKey { token_label, key_label, made }) = &installed.token_key {
        return match made {
            true => language.token_key_made(token_label, key_label),
            false => language.token_key_taken(token_label, key_label),
        } + "\n";
    }
    if installed.share_files.is_empty() {
        return String::new();
    }
    let files: Vec<String> = installed.share_files.iter().map(|path| path.display().to_string()).collect();
    language.shares_written(files.join(", ")) + "\n"
}

fn invitations(language: Language, installed: &Installed, base: &str) -> String {
    if let Some(setup) = &installed.setup {
        return language.setup_link(format!("{base}{}", setup.url));
    }
    let mut text = language.invitations_follow();
    for invitation in &installed.invitations {
        let link = format!("{base}{}", invitation.url);
        text.push('\n');
        text.push_str(&language.invitation(invitation.role, &invitation.name, link));
    }
    text
}
