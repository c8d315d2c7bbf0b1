//! demo
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {}
pub(crate) async fn run(
    _: &crate::cli::DemoArgs,
    _: crate::output::Output,
) -> Result<crate::commands::Verdict, crate::commands::CommandError> {
    Ok(crate::commands::Verdict::Bad)
}
