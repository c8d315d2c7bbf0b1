//! The words of the command line. One file per group of commands; what each does is in `commands`.

mod audit;
mod bulk;
mod consents;
mod departments;
mod destroy;
mod device;
mod dicom;
mod disc;
mod grants;
mod installation;
mod interfaces;
mod keys;
mod leaks;
mod maintenance;
mod monitor;
mod nodes;
mod outside;
mod people;
mod policy;
mod programs;
mod sign_in;
mod storage;
mod vault;
mod witness;
mod workflow;

pub(crate) use audit::{AuditCommand, AuditForm, LogArgs, WitnessedArgs};
pub(crate) use bulk::{ExportArgs, ImportArgs, MigrateArgs, MigrationSource, RetrievalArg};
pub(crate) use consents::{ConsentArgs, ConsentCommand, ConsentWord, FormWord, GiverWord};
pub(crate) use departments::{DepartmentCommand, DissentArgs, DissentCommand, MemberArgs};
pub(crate) use destroy::{DestroyCommand, DestroyTarget, HoldCommand};
pub(crate) use device::{
    ClientCommand, CommitmentCommand, DeviceCommand, DeviceLevel, DeviceWay, JobCommand,
};
pub(crate) use dicom::{
    CallingArgs, CommitArgs, EchoArgs, FindArgs, GetArgs, IdentifierArgs, ModelArg, MoveArgs, StoreArgs,
};
pub(crate) use disc::{
    DiscCommand, DiscRecoverArgs, DiscRestoreArgs, DiscSizeArgs, DiscVerifyArgs, DiscWriteArgs, MountedArgs,
};
pub(crate) use grants::{BreakGlassCommand, GrantCommand};
pub(crate) use installation::{
    CertificateCommand, ConfigArgs, DatabasesArgs, DemoArgs, DoctorArgs, InitArgs, OpenerArgs, PlacesArgs,
    RootArg, RootArgs,
};
pub(crate) use interfaces::InterfacesArgs;
pub(crate) use keys::{
    ArchiveArgs, BackupOpenerArgs, DestroyRootFileArgs, KeyWorkCommand, KeysBackupArgs, KeysCommand,
    MoveRootArgs, RecoverArgs, RehearseArgs, ResealArgs, UnsealArgs, VerifyBackupArgs,
};
pub(crate) use leaks::LeakCommand;
pub(crate) use maintenance::MaintenanceCommand;
pub(crate) use monitor::{AlertCommand, MonitorCommand, ReplayArgs};
pub(crate) use nodes::{JoinArgs, NodesCommand};
pub(crate) use outside::{ConsultationCommand, PatientAccountCommand};
pub(crate) use people::{CareArgs, CareRelationCommand, InvitationCommand, PersonCommand, RoleCommand};
pub(crate) use policy::{AccessCommand, PolicyCommand};
pub(crate) use programs::CredentialCommand;
pub(crate) use sign_in::{
    AdminArgs, CodeArgs, IdentityArgs, LoginArgs, PasswordArgs, SecondFactorCommand, ServerArgs,
    SessionCommand,
};
pub(crate) use storage::{CompactCommand, ReplicaCommand, RestoreArgs, ScrubArgs};
pub(crate) use vault::{VaultCommand, VaultInitArgs, VaultRehearseArgs, VaultRestoreArgs};
pub(crate) use witness::{WitnessCommand, WitnessInitArgs};
pub(crate) use workflow::{EventsArgs, MppsCommand, MppsEndArgs, WorklistCommand};

use clap::{Parser, Subcommand};

/// Yingdun (影盾): a protected archive for medical images.
#[derive(Debug, Parser)]
#[command(name = "yingdun", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print one JSON document on standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole archive on this machine with made-up studies
    Demo(DemoArgs),
    /// Make an installation: configuration, certificates, keys, databases, three invitations
    Init(InitArgs),
    /// Make an installation if there is none, then serve it
    Up(InitArgs),
    /// Make a new address at which the three officers are named in a browser, while the server is stopped; the old one dies
    SetupLink(ArchiveArgs),
    /// Serve until SIGTERM or SIGINT
    Serve(ConfigArgs),
    /// The nodes of an installation that has several
    #[command(subcommand)]
    Nodes(NodesCommand),
    /// Judge a configuration file without starting anything
    CheckConfig(ConfigArgs),
    /// Every way into this archive, with its owner, class, authentication and encryption; and how the doors speak TLS
    Interfaces(InterfacesArgs),
    /// Judge the machine around a configuration: replicas, keys, certificates, databases, log, ports
    Doctor(DoctorArgs),
    /// Certificates of the installation's own authority
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Verify a DICOM connection (C-ECHO), or say at which step it fails, why, and what to do
    Echo(EchoArgs),
    /// Send DICOM files (C-STORE)
    Store(StoreArgs),
    /// Ask whether the objects of DICOM files are kept (storage commitment)
    Commit(CommitArgs),
    /// Import folders, media with a DICOMDIR, zip and tar archives into a running archive
    Import(ImportArgs),
    /// Ask for patients, studies, series, instances or the steps of a modality worklist (C-FIND)
    Find(FindArgs),
    /// Fetch objects over the same connection (C-GET)
    Get(GetArgs),
    /// Have objects sent to a device that the peer knows (C-MOVE)
    Move(MoveArgs),
    /// Take studies out of a running archive as a medium: one zip archive with a DICOMDIR
    Export(ExportArgs),
    /// Move the studies of another archive into a running one (DICOMweb or DIMSE), and compare both
    Migrate(MigrateArgs),
    /// Sign in and keep the token in a file
    Login(LoginArgs),
    /// Change the own password; every other session ends
    Password(PasswordArgs),
    /// The own second factor: set it up, prove it, replace its recovery codes, remove it; and reset that of somebody who lost it
    #[command(subcommand)]
    SecondFactor(SecondFactorCommand),
    /// Sessions: the own ones, and those of others (system administrator)
    #[command(subcommand)]
    Session(SessionCommand),
    /// People (system administrator)
    #[command(subcommand)]
    Person(PersonCommand),
    /// Invitations (system administrator makes them, the invited person accepts)
    #[command(subcommand)]
    Invitation(InvitationCommand),
    /// Roles (security administrator)
    #[command(subcommand)]
    Role(RoleCommand),
    /// Care relations (security administrator)
    #[command(subcommand)]
    CareRelation(CareRelationCommand),
    /// Departments: which there are, who belongs to them, and of which devices and studies are (security administrator)
    #[command(subcommand)]
    Department(DepartmentCommand),
    /// Dissents of patients, and seals: against whom their studies are closed (security administrator)
    #[command(subcommand)]
    Dissent(DissentCommand),
    /// Consents of patients to research and to sharing: what is open because they agreed (security administrator)
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Devices (system administrator; scopes: security administrator)
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Long work that one has asked the archive for
    #[command(subcommand)]
    Job(JobCommand),
    /// What devices say of what one has asked them to keep
    #[command(subcommand)]
    Commitment(CommitmentCommand),
    /// Service clients (system administrator; scopes: security administrator)
    #[command(subcommand)]
    Client(ClientCommand),
    /// Give one share to an archive that starts sealed
    Unseal(UnsealArgs),
    /// Close a running archive and wipe its keys; it waits for shares then (security administrator)
    Seal {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Key-encryption keys: versions, rotation, wrapping again (security administrator)
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Destruction of studies and patients: one officer asks, another approves, and nobody opens them again
    #[command(subcommand)]
    Destroy(DestroyCommand),
    /// Legal holds: what nothing may destroy until two officers let go of it
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Timed grants: what one person opens to another, for 24 hours at most
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Consultations: a study that is assigned to a remote expert, and closes with the report
    #[command(subcommand)]
    Consultation(ConsultationCommand),
    /// Accounts of patients: bound to one record, which they see, and who looked at it
    #[command(subcommand)]
    PatientAccount(PatientAccountCommand),
    /// Maintenance sessions of vendors: one officer opens, another approves, and it ends at its second
    #[command(subcommand)]
    Maintenance(MaintenanceCommand),
    /// Broken glass: one patient in an emergency, and the review that follows
    #[command(subcommand)]
    BreakGlass(BreakGlassCommand),
    /// Behaviour: replay a log through the monitor; alerts, and lifting what it stopped
    #[command(subcommand)]
    Monitor(MonitorCommand),
    /// Rules of the institution beside those of the program: one officer proposes, two others approve, and they only forbid
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Rights: which of them nobody uses
    #[command(subcommand)]
    Access(AccessCommand),
    /// The modality worklist (technician, or a service client with the scope `worklist`)
    #[command(subcommand)]
    Worklist(WorklistCommand),
    /// Performed procedure steps: report them to a peer as a modality does, and read what was reported to an archive
    #[command(subcommand)]
    Mpps(MppsCommand),
    /// What happened to studies, behind a number: which have received nothing for a while
    Events(EventsArgs),
    /// Studies that somebody has to look at: of several patients, or with one accession number
    Conflicts {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print the DICOM conformance statement of this program (PS3.2), in Markdown
    Conformance,
    /// Check every byte of every replica: how far that is and what was found; --now begins (system administrator)
    Scrub(ScrubArgs),
    /// Replicas: how they stand, and changing a disk while the archive runs (system administrator)
    #[command(subcommand)]
    Replica(ReplicaCommand),
    /// The room of destroyed studies: packs in which nothing else lies are removed (system administrator)
    #[command(subcommand)]
    Compact(CompactCommand),
    /// A vault on another host: pull snapshots of an archive, keep them from everybody there, make an archive of one again
    #[command(subcommand)]
    Vault(VaultCommand),
    /// A witness on another host: remember what audit logs have signed, and cosign nothing that does not continue it
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// The audit log: online (audit administrator), or offline with nothing but its files and its public key
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Pictures that were found outside: whose opening their mark is of (audit administrator)
    #[command(subcommand)]
    Leak(LeakCommand),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
