//! One file per command: what was asked becomes calls to the rooms, and their answers become words.

mod admin;
mod audit;
mod bundle;
mod certificate;
mod check_config;
mod commit;
mod doctor;
mod error;
mod export;
mod import;
mod init;
mod interfaces;
mod key_backup;
mod logs;
mod migrate;
mod monitor;
mod mpps;
mod nodes;
mod policy;
mod progress;
mod reconcile;
mod render;
mod reseal;
mod restore;
mod retrieve;
mod root;
mod scu;
mod serve;
mod setup_link;
mod stamped;
mod vault;
mod witness;
mod witnessed;

pub(crate) use error::CommandError;

use crate::cli::{Command, IdentityArgs, KeysCommand, ServerArgs};
use crate::config::LogFormat;
use crate::output::Output;
use crate::process::logging;
use yingdun_model::Secret;
use yingdun_transfer::link::{Identity, Link, line_of};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything is as it should be.
    Good,
    /// The command did its work, and something is not as it should be.
    Bad,
}

impl Verdict {
    /// Good when this holds.
    pub(crate) const fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, output: Output) -> Result<Verdict, CommandError> {
    match &command {
        // These start the log that their configuration describes.
        Command::Serve(_) | Command::Up(_) => {}
        Command::Demo(_) => logging::start(LogFormat::Text, "error")?,
        _ => logging::start(LogFormat::Text, "warn")?,
    }
    match command {
        Command::Demo(args) => crate::demo::run(&args, output).await,
        Command::Init(args) => init::init(&args, output).await,
        Command::Up(args) => init::up(&args, output).await,
        Command::SetupLink(args) => setup_link::setup_link(&args, output).await,
        Command::Serve(args) => serve::serve(&args.config, output).await,
        Command::Nodes(command) => nodes::nodes(command, output).await,
        Command::CheckConfig(args) => check_config::check_config(&args.config, output),
        Command::Interfaces(args) => interfaces::interfaces(&args, output),
        Command::Doctor(args) => doctor::doctor(&args.config.config, args.cluster, output).await,
        Command::Certificate(command) => certificate::certificate(command, output),
        Command::Echo(args) => scu::echo(args, output).await,
        Command::Store(args) => scu::store(args, output).await,
        Command::Commit(args) => commit::commit(args, output).await,
        Command::Find(args) => retrieve::find(args, output).await,
        Command::Get(args) => retrieve::get(args, output).await,
        Command::Move(args) => retrieve::move_to(args, output).await,
        Command::Import(args) => import::import(args, output).await,
        Command::Export(args) => export::export(args, output).await,
        Command::Migrate(args) => migrate::migrate(args, output).await,
        Command::Login(args) => admin::login(args, output).await,
        Command::Password(args) => admin::change_password(args, output).await,
        Command::SecondFactor(command) => admin::second_factor(command, output).await,
        Command::Session(command) => admin::session(command, output).await,
        Command::Person(command) => admin::person(command, output).await,
        Command::Invitation(command) => admin::invitation(command, output).await,
        Command::Role(command) => admin::role(command, output).await,
        Command::CareRelation(command) => admin::care_relation(command, output).await,
        Command::Device(command) => admin::device(command, output).await,
        Command::Job(command) => admin::job(command, output).await,
        Command::Commitment(command) => admin::commitment(command, output).await,
        Command::Client(command) => admin::client(command, output).await,
        Command::Unseal(args) => admin::unseal(args, output).await,
        Command::Seal { admin } => admin::seal(&admin, output).await,
        Command::Keys(KeysCommand::Reseal(args)) => reseal::reseal(args, output).await,
        Command::Keys(KeysCommand::MoveRoot(args)) => root::move_root(*args, output).await,
        Command::Keys(KeysCommand::Backup(args)) => key_backup::backup(*args, output).await,
        Command::Keys(KeysCommand::VerifyBackup(args)) => key_backup::verify(&args, output),
        Command::Keys(KeysCommand::Rehearse(args)) => key_backup::rehearse(args, output).await,
        Command::Keys(KeysCommand::Recover(args)) => key_backup::recover(args, output).await,
        Command::Keys(KeysCommand::DestroyRootFile(args)) => root::destroy_file(args, output).await,
        Command::Keys(KeysCommand::Server(command)) => admin::keys(command, output).await,
        Command::Destroy(command) => admin::destroy(command, output).await,
        Command::Hold(command) => admin::hold(command, output).await,
        Command::Department(command) => admin::department(command, output).await,
        Command::Dissent(command) => admin::dissent(command, output).await,
        Command::Consent(command) => admin::consent(command, output).await,
        Command::Grant(command) => admin::grant(command, output).await,
        Command::Maintenance(command) => admin::maintenance(command, output).await,
        Command::Consultation(command) => admin::consultation(command, output).await,
        Command::PatientAccount(command) => admin::patient_account(command, output).await,
        Command::BreakGlass(command) => admin::break_glass(command, output).await,
        Command::Access(command) => admin::access(command, output).await,
        Command::Policy(command) => admin::policy(command, output).await,
        Command::Monitor(command) => monitor::monitor(command, output).await,
        Command::Worklist(command) => admin::worklist(command, output).await,
        Command::Mpps(command) => mpps::mpps(command, output).await,
        Command::Events(args) => admin::events(args, output).await,
        Command::Conflicts { admin } => admin::conflicts(&admin, output).await,
        Command::Conformance => conformance(output),
        Command::Scrub(args) => admin::scrub(args, output).await,
        Command::Replica(command) => admin::replica(command, output).await,
        Command::Compact(command) => admin::compact(command, output).await,
        Command::Vault(command) => vault::vault(command, output).await,
        Command::Witness(command) => witness::witness(command, output).await,
        Command::Audit(command) => audit::audit(command, output).await,
        Command::Leak(command) => admin::leak(command, output).await,
    }
}

fn conformance(output: Output) -> Result<Verdict, CommandError> {
    let statement = crate::conformance::statement();
    output.say(&serde_json::json!({ "media_type": "text/markdown", "text": statement }), |_| {
        statement.trim_end().to_owned()
    })?;
    Ok(Verdict::Good)
}

/// Signs in at a server for a transfer.
async fn link(server: &ServerArgs, who: &IdentityArgs) -> Result<Link, CommandError> {
    let identity = match (&who.client_id, &who.client_secret_file, &who.token_file, &who.token) {
        (Some(id), Some(file), _, _) => Identity::Client { id: id.clone(), secret: line_of(file)? },
        (_, _, Some(file), _) => Identity::File(file.clone()),
        (_, _, None, Some(token)) => Identity::Fixed(Secret::new(token.clone())),
        (_, _, None, None) => {
            return Err(CommandError::Usage(
                "no token: name --client-id with --client-secret-file, or --token-file, or set YINGDUN_TOKEN"
                    .to_owned(),
            ));
        }
    };
    server_link(server, identity).await
}

/// Signs in at a server as somebody.
async fn server_link(server: &ServerArgs, identity: Identity) -> Result<Link, CommandError> {
    let (client, base) = admin::https_client(server)?;
    Ok(Link::connect(client, base, identity).await?)
}
