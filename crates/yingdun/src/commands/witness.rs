//! `witness`: what another institution remembers of an audit log.

use super::{CommandError, Verdict};
use crate::cli::{WitnessCommand, WitnessInitArgs};
use crate::installation::rfc3339;
use crate::messages::Language;
use crate::output::Output;
use crate::process::notify::ServiceManager;
use crate::process::signals::StopSignals;
use crate::wiring::StartError;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use yingdun_gateway::Gateway;
use yingdun_model::{SystemClock, Timestamp};
use yingdun_witness::{Door, Settings, Watched, Witness};

/// How often the collector of metrics tidies up what nobody has asked for.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Runs a command of a witness.
pub(super) async fn witness(command: WitnessCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        WitnessCommand::Init(args) => init(&args, output),
        WitnessCommand::Serve { witness } => serve(&witness.directory, output).await,
        WitnessCommand::Show { witness } => show(&witness.directory, output),
    }
}

fn init(args: &WitnessInitArgs, output: Output) -> Result<Verdict, CommandError> {
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|cause| CommandError::File { path: path.clone(), cause })?;
        Ok::<_, CommandError>(text.trim().to_owned())
    };
    let settings = Settings {
        name: args.name.clone(),
        listen: args.listen,
        certificate_file: std::path::absolute(&args.certificate_file)?,
        private_key_file: std::path::absolute(&args.private_key_file)?,
        logs: args.logs.iter().map(read).collect::<Result<_, _>>()?,
        metrics_token_file: None,
    };
    let folder = std::path::absolute(&args.witness.directory)?;
    let key = Witness::create(&folder, &settings)?;
    let document = json!({"directory": folder, "public_key": key, "logs": settings.logs});
    output.say(&document, |language| language.witness_made(folder.display(), &key))?;
    Ok(Verdict::Good)
}

async fn serve(folder: &Path, output: Output) -> Result<Verdict, CommandError> {
    let mut signals = StopSignals::catch()?;
    let settings = Settings::read(folder)?;
    // First of all: what is counted before is lost.
    let collector = PrometheusBuilder::new().install_recorder().map_err(std::io::Error::other)?;
    let witness = Witness::open(folder, &settings, Arc::new(SystemClock))?;
    let key = witness.verifier().to_string();
    let rendering = collector.clone();
    // It has no configuration of zones and rates: those that are usual.
    let gateway = Gateway::new(yingdun_gateway::Settings::default()).map_err(StartError::from)?;
    let door = Door::open(witness, &settings, Arc::new(move || rendering.render()), gateway).await?;
    let address = door.address();
    output.say(&json!({"ready": true, "address": address, "public_key": key}), |language| {
        language.witness_serving(address, settings.logs.len(), &key)
    })?;
    let manager = ServiceManager::find();
    manager.ready();
    let upkeep = async {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            collector.run_upkeep();
        }
    };
    let stop = async {
        tokio::select! {
            () = signals.wait() => {}
            () = manager.feed_watchdog() => {}
            () = upkeep => {}
        }
        manager.stopping();
    };
    door.serve(stop).await;
    Ok(Verdict::Good)
}

fn show(folder: &Path, output: Output) -> Result<Verdict, CommandError> {
    let settings = Settings::read(folder)?;
    let (key, watched) = Witness::look(folder, &settings)?;
    let forked = watched.iter().any(|log| log.forked);
    output.say(&json!({"name": settings.name, "public_key": key, "logs": watched}), |language| {
        let lines = watched.iter().map(|log| line(language, log));
        [language.witness_key(&key)].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::of(!forked))
}

fn line(language: Language, log: &Watched) -> String {
    let mut text = match (log.cosigned_size, log.cosigned_s) {
        (Some(size), Some(time_s)) => language.witness_has_seen(&log.origin, size, at(time_s)),
        _ => language.witness_waits(&log.origin),
    };
    if log.forked {
        text.push('\n');
        text.push_str(&language.witness_fork(&log.origin));
    }
    text
}

/// A time of a cosignature for people.
pub(super) fn at(time_s: u64) -> String {
    rfc3339(Timestamp::from_ms(i64::try_from(time_s).unwrap_or(i64::MAX).saturating_mul(1000)))
}
