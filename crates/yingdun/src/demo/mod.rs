//! `demo`: the whole archive on this machine, shown and measured, with made-up studies.
//!
//! Nothing is mocked: a real installation in a folder of its own, real ports on loopback, real certificates, people
//! created by the officers. Each stage *tries* what it claims and fails when it is not so; `--check` makes a smoke
//! test of it.

mod board;
mod collect;
mod destroy;
mod error;
mod folder;
mod grants;
mod house;
mod keys;
mod ledger;
mod people;
mod search;
mod store;
mod studies;
mod view;
mod watch;

pub(crate) use error::DemoError;

use crate::cli::DemoArgs;
use crate::commands::{CommandError, Verdict};
use crate::installation::{AUDIT_KEY_FILE, CA_FILE, PKI_FOLDER};
use crate::output::{Output, shell_word};
use crate::process::signals::StopSignals;
use board::{Board, Stage};
use folder::Folder;
use house::House;
use studies::{Sample, Scale};

/// Runs the stages; then, unless it is only a check, serves until Ctrl-C.
pub(crate) async fn run(args: &DemoArgs, output: Output) -> Result<Verdict, CommandError> {
    let mut signals = StopSignals::catch()?;
    let folder = Folder::new(args.directory.as_deref()).map_err(DemoError::from)?;
    output.line(&output.language().demo_title(folder.path().display()))?;
    let scale = if args.check { Scale::Check } else { Scale::Show };
    let mut board = Board::new(output);
    tokio::select! {
        shown = show(&folder, scale, &mut board) => {
            let house = shown?;
            if args.check {
                board.finish(None, Vec::new())?;
            } else {
                let url = house.login_link().await?;
                board.finish(Some(url), next_commands(&folder, &house))?;
                signals.wait().await;
            }
            house.system.stop().await;
            Ok(Verdict::of(board.passed()))
        }
        () = signals.wait() => Ok(Verdict::Bad),
    }
}

/// Makes the installation and goes through the stages.
async fn show(folder: &Folder, scale: Scale, board: &mut Board) -> Result<House, DemoError> {
    let making = tokio::task::spawn_blocking(move || studies::make(scale));
    let house = House::build(folder.path()).await?;
    let samples = making.await.map_err(std::io::Error::other)?;
    house.people.take_care(&house.system, &samples).await?;
    let language = board.language();
    board.record(Stage::Collect, collect::collect(&house, &samples, language).await)?;
    board.record(Stage::Store, store::store(&house, &samples, language).await)?;
    board.record(Stage::Use, view::view(&house, &samples, language).await)?;
    board.record(Stage::Grants, grants::grants(&house, &samples, language).await)?;
    board.record(Stage::Watch, watch::watch(&house, language).await)?;
    board.record(Stage::Keys, keys::keys(&house, &samples, language).await)?;
    board.record(Stage::Destroy, destroy::destroy(&house, &samples, folder.path(), language).await)?;
    board.record(Stage::Audit, ledger::audit(&house, folder.path(), language).await)?;
    Ok(house)
}

/// Three things that a person can try while the demonstration serves.
fn next_commands(folder: &Folder, house: &House) -> Vec<String> {
    let program = std::env::current_exe().map_or_else(|_| "yingdun".into(), |path| shell_word(&path));
    let at = |name: &str| shell_word(&folder.path().join(name));
    let ca = at(&format!("{PKI_FOLDER}/{CA_FILE}"));
    let addresses = house.system.addresses();
    let mut commands = Vec::new();
    if let Some(dicom) = addresses.dicom_tls {
        let (certificate, key) = (&house.device.certificate, &house.device.private_key);
        let (certificate, key) = (shell_word(certificate), shell_word(key));
        commands.push(format!(
            "{program} echo YINGDUN@{dicom} --calling {} --ca-file {ca} --certificate-file {certificate} \
             --private-key-file {key}",
            house::DEVICE
        ));
    }
    commands.push(format!(
        "curl --cacert {ca} -H 'Authorization: Bearer {}' '{}/dicom-web/studies?limit=5'",
        house.people.doctor.token.expose(),
        addresses.web
    ));
    commands.push(format!("{program} audit verify {} --public-key {}", at("audit"), at(AUDIT_KEY_FILE)));
    commands
}

/// Whether something holds that a stage claims.
fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(DemoError::NotSo(otherwise())) }
}

/// Every instance with its study.
fn instances(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &yingdun_dicom::synthetic::Instance)> {
    samples.iter().flat_map(|sample| sample.instances.iter().map(move |instance| (sample, instance)))
}
