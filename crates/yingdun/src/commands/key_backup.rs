//! `keys backup`, `keys verify-backup`, `keys rehearse`, `keys recover`: the keys of an archive in one sealed file, apart from its images, and
//! the proof that they come back from it.
//!
//! A backup is made beside an archive that serves. A rehearsal opens the backup in a folder of its own, and of the archive, which is stopped,
//! only the audit log, for its leaf. A recovery writes where nothing is.

use super::reseal::{give_shares, open_file};
use super::root::open;
use super::{CommandError, Verdict};
use crate::cli::{BackupOpenerArgs, KeysBackupArgs, RecoverArgs, RehearseArgs, VerifyBackupArgs};
use crate::config::{Config, DatabaseUrl, Keys};
use crate::installation::{AUDIT_KEY_FILE, rfc3339, share_folder, too_many_needed, write_shares};
use crate::output::Output;
use crate::process::private::{make_directory, write_new};
use crate::wiring::{Foundation, StartError, hold, read_passphrase};
use serde::Serialize;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_audit::{Reader, ReasonCode};
use yingdun_catalog::{Database, DatabaseKind, DumpError, NewDatabase};
use yingdun_crypto::random;
use yingdun_crypto::sign::{NoteSigner, NoteVerifier, SigningKey};
use yingdun_keys::{
    BackupAbout, BackupError, EpochFile, KeyStore, KeysBackup, LogKey, RootKind, RootMoved, RootOpener,
    SealedBackup,
};
use yingdun_model::{Clock, SystemClock, Timestamp};

/// How often rows and epoch file are read again when the epoch ended between them. It ends when something is destroyed.
const ATTEMPTS_MAX: u32 = 5;

/// The longest epoch file or root-key file that is taken, in bytes: several times what they have.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// What is in a backup, and what came of it.
#[derive(Serialize)]
struct Report {
    file: PathBuf,
    institution: String,
    root: RootKind,
    /// RFC 3339.
    made: String,
    studies: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    share_files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<Opened>,
}

/// What a rehearsal opened.
#[derive(Serialize)]
struct Opened {
    secrets: u64,
    key_encryption_keys: u64,
    study_keys: u64,
    epoch: u64,
}

/// What is noted down beside the epoch file, so that `doctor` can miss it.
#[derive(Clone, Copy)]
pub(super) enum Noted {
    Backup,
    Rehearsal,
}

impl Noted {
    /// When it was done last; none where that was never noted.
    pub(super) fn last(self, keys: &Keys) -> Option<Timestamp> {
        let text = std::fs::read_to_string(self.file(keys)).ok()?;
        let noted: jiff::Timestamp = text.trim().parse().ok()?;
        Some(Timestamp::from_ms(noted.as_millisecond()))
    }

    fn file(self, keys: &Keys) -> PathBuf {
        keys.epoch_file().with_file_name(match self {
            Self::Backup => "last-backup",
            Self::Rehearsal => "last-rehearsal",
        })
    }
}

/// Writes a backup of the keys, beside an archive that serves.
pub(super) async fn backup(args: KeysBackupArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.archive.config.config)?;
    if let Some(refusal) = too_many_needed(&args.opener) {
        return Err(CommandError::Usage(refusal));
    }
    let folder = args.archive.config.config.parent().filter(|folder| !folder.as_os_str().is_empty());
    let shares = match (&args.opener.passphrase_file, &args.opener.share_directory) {
        (None, None) => {
            let refusal = "name what is to open the backup: --passphrase-file, or --unseal-shares";
            return Err(CommandError::Usage(refusal.into()));
        }
        (_, shares) => shares.as_deref(),
    };
    let shares = shares.map(|shares| share_folder(shares, folder.unwrap_or(Path::new(".")))).transpose()?;
    let root = open(&config.keys, &config, &args.archive.share_file).await?;
    let rows = database(&config).await?;
    let store = KeyStore::open_secrets(rows.clone(), root, Arc::new(SystemClock)).await;
    let store = store.map_err(StartError::from)?;
    let signing = store.log_key(&config.institution.id, &config.audit.origin, LogKey::Ed25519).await;
    let signing = SigningKey::from(&signing.map_err(StartError::from)?);
    let named = |error| CommandError::Usage(format!("the name of the audit log is not legal: {error}"));
    let verifier = NoteVerifier::new(&config.audit.origin, signing.verifying_key()).map_err(named)?;
    let signer = NoteSigner::new(&config.audit.origin, signing).map_err(named)?;
    let leaves = leaves(&config, &verifier)?;
    let (rows, epochs) = consistent(&rows, &config).await?;
    let studies = store.status(&config.institution.id).await.map_err(StartError::from)?.studies;
    let root_file = match (config.keys.root, &config.keys.root_file) {
        (RootKind::File, Some(path)) => read_small(path)?,
        _ => Vec::new(),
    };
    let about = BackupAbout {
        institution: config.institution.id.to_string(),
        root: config.keys.root,
        keeper: keeper(&config.keys),
        leaves,
        studies,
        made_ms: SystemClock.now().as_ms(),
    };
    let backup = KeysBackup { about, rows, epochs, root_file };
    let (bytes, made) =
        match (&args.opener.passphrase_file, args.opener.unseal_threshold, args.opener.unseal_shares) {
            (Some(file), ..) => (backup.sealed_by_passphrase(&read_passphrase(file)?, &signer)?, Vec::new()),
            (None, threshold, count) => {
                backup.sealed_by_shares(threshold.unwrap_or_default(), count.unwrap_or_default(), &signer)?
            }
        };
    let failed = |cause| CommandError::File { path: args.file.clone(), cause };
    write_new(&args.file, &bytes, 0o600).map_err(failed)?;
    let written = SealedBackup::read(&args.file)?;
    written.verify(&verifier)?;
    let share_files = shares.map(|folder| write_shares(&folder, &made)).transpose()?.unwrap_or_default();
    note_down(&config.keys, Noted::Backup)?;
    let report = Report { share_files, ..report(&args.file, &backup.about) };
    output.say(&report, |language| {
        let mut text = language.keys_backed_up(report.file.display(), report.studies);
        if !report.share_files.is_empty() {
            let files: Vec<String> =
                report.share_files.iter().map(|file| file.display().to_string()).collect();
            text.push_str(&format!("\n{}", language.backup_shares_written(files.join(", "))));
        }
        text
    })?;
    Ok(Verdict::Good)
}

/// Verifies the signature of a backup; and opens it, where what opens it is given.
pub(super) fn verify(args: &VerifyBackupArgs, output: Output) -> Result<Verdict, CommandError> {
    let sealed = SealedBackup::read(&args.file)?;
    sealed.verify(&public_key(&args.public_key)?)?;
    if args.opener.backup_passphrase_file.is_none() && args.opener.backup_share_file.is_empty() {
        output.say(&serde_json::json!({ "file": args.file, "signed": true }), |language| {
            language.backup_signed(args.file.display())
        })?;
        return Ok(Verdict::Good);
    }
    let backup = unsealed(&sealed, &args.opener)?;
    let report = report(&args.file, &backup.about);
    output.say(&report, |language| {
        language.backup_opens(report.file.display(), &report.made, report.studies, report.root)
    })?;
    Ok(Verdict::Good)
}

/// Proves that the keys of a backup open, in a folder of its own, and writes a leaf that they do.
pub(super) async fn rehearse(args: RehearseArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.archive.config.config)?;
    let _hold = hold(&config).await?;
    let foundation =
        Foundation::open(&config, open(&config.keys, &config, &args.archive.share_file).await?).await?;
    let done = rehearsed(&args, &config, &foundation).await;
    foundation.close().await;
    let report = done?;
    output.say(&report, |language| {
        let opened = report.opened.as_ref();
        let (secrets, keks) = opened.map_or((0, 0), |opened| (opened.secrets, opened.key_encryption_keys));
        let study_keys = opened.map_or(0, |opened| opened.study_keys);
        language.keys_rehearsed(
            report.file.display(),
            &report.made,
            secrets,
            keks,
            study_keys,
            report.studies,
        )
    })?;
    Ok(Verdict::Good)
}

/// Writes the keys of a backup to where an installation has lost them.
pub(super) async fn recover(args: RecoverArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    let sealed = SealedBackup::read(&args.file)?;
    let verifier = public_key(&public_key_file(&args.config.config))?;
    sealed.verify(&verifier)?;
    let backup = unsealed(&sealed, &args.opener)?;
    if backup.about.institution != config.institution.id.as_str() {
        let (of, here) = (&backup.about.institution, &config.institution.id);
        return Err(CommandError::Usage(format!(
            "the backup is of the institution `{of}`, this is `{here}`"
        )));
    }
    if backup.about.root != config.keys.root {
        return Err(CommandError::Usage(format!(
            "the root key of the backup is kept by `{}`, and that of the configuration by `{}`: write [keys] as it was when the backup was \
             made",
            backup.about.root, config.keys.root
        )));
    }
    // What was destroyed after the backup is in the log, and destroyed again at the next start.
    let there = leaves(&config, &verifier)?;
    if there < backup.about.leaves {
        return Err(CommandError::Usage(format!(
            "the audit log has {there} leaves, and had {} when the backup was made: bring back the newest log first, as it says what was \
             destroyed since",
            backup.about.leaves
        )));
    }
    let database = new_database(&config);
    let root_file = config.keys.root_file.clone().filter(|_| config.keys.root == RootKind::File);
    let epochs = config.keys.epoch_file();
    if let Some(path) = [Some(&epochs), root_file.as_ref()].into_iter().flatten().find(|path| path.exists()) {
        return Err(CommandError::Usage(format!(
            "`{}` is there already, and is never overwritten: put it aside",
            path.display()
        )));
    }
    let target = database.clone();
    with_new(move || target.check(DatabaseKind::Keys)).await?;
    if !args.dry_run {
        put(&backup, database, &epochs, root_file.as_deref()).await?;
    }
    let report = report(&args.file, &backup.about);
    output.say(&report, |language| match args.dry_run {
        true => language.would_recover_keys(report.file.display(), &report.made, report.studies),
        false => language.keys_recovered(report.file.display(), &report.made, report.studies),
    })?;
    Ok(Verdict::Good)
}

// === helpers ===

fn note_down(keys: &Keys, noted: Noted) -> Result<(), CommandError> {
    let path = noted.file(keys);
    // It is a reminder and no evidence: one that a crash tears is missed, and noted again.
    let written = std::fs::write(&path, format!("{}\n", rfc3339(SystemClock.now())));
    written.map_err(|cause| CommandError::File { path, cause })
}

async fn rehearsed(args: &RehearseArgs, config: &Config, live: &Foundation) -> Result<Report, CommandError> {
    let sealed = SealedBackup::read(&args.file)?;
    let signing = live.keys.log_key(&live.institution, &config.audit.origin, LogKey::Ed25519).await;
    let signing = signing.map_err(StartError::from)?;
    let named = |error| CommandError::Usage(format!("the name of the audit log is not legal: {error}"));
    let verifier = NoteVerifier::new(&config.audit.origin, SigningKey::from(&signing).verifying_key());
    sealed.verify(&verifier.map_err(named)?)?;
    let backup = unsealed(&sealed, &args.opener)?;
    let folder =
        config.keys.epoch_file().with_file_name(format!(".rehearsal-{}", hex::encode(random::array::<8>())));
    let unwritten = |cause| CommandError::File { path: folder.clone(), cause };
    make_directory(&folder).map_err(unwritten)?;
    let opened = opened_in(&folder, &backup, config, args).await;
    std::fs::remove_dir_all(&folder).map_err(unwritten)?;
    let opened = opened?;
    live.must_record(const { ReasonCode::new("key-backup-rehearsed") }).await?;
    note_down(&config.keys, Noted::Rehearsal)?;
    Ok(Report { opened: Some(opened), ..report(&args.file, &backup.about) })
}

/// Opens everything that hangs on the root key, and keys of studies, from the files of a backup alone.
async fn opened_in(
    folder: &Path,
    backup: &KeysBackup,
    config: &Config,
    args: &RehearseArgs,
) -> Result<Opened, CommandError> {
    let (rows, epochs, root_file) =
        (folder.join("keys.db"), folder.join("epoch.key"), folder.join("root.key"));
    let root = match backup.about.root {
        RootKind::File => {
            put(backup, NewDatabase::Sqlite(rows.clone()), &epochs, Some(&root_file)).await?;
            open_file(&config.keys, &root_file, &args.archive.share_file)?.root()
        }
        RootKind::Pkcs11 | RootKind::Transit => {
            put(backup, NewDatabase::Sqlite(rows.clone()), &epochs, None).await?;
            open(&config.keys, config, &[]).await?
        }
    };
    let failed = |cause| StartError::Database { what: "key", cause };
    let database = Database::open_sqlite(&rows, DatabaseKind::Keys).await.map_err(failed)?;
    let store = KeyStore::open(database, root, EpochFile::at(epochs), Arc::new(SystemClock)).await;
    let store = store.map_err(StartError::from)?;
    let RootMoved { secrets, keks, epoch } = store.hangs_on_root().await.map_err(StartError::from)?;
    let study_keys = store.opens_studies(&config.institution.id, args.study_keys).await;
    Ok(Opened {
        secrets,
        key_encryption_keys: keks,
        study_keys: study_keys.map_err(StartError::from)?,
        epoch,
    })
}

/// Writes the files of a backup to where none are. The rows come last: with them it is whole.
async fn put(
    backup: &KeysBackup,
    database: NewDatabase,
    epochs: &Path,
    root_file: Option<&Path>,
) -> Result<(), CommandError> {
    let write = |path: &Path, bytes: &[u8]| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = make_directory(folder).and_then(|()| write_new(path, bytes, 0o600));
        written.map_err(|cause| CommandError::File { path: path.to_owned(), cause })
    };
    if let Some(path) = root_file {
        write(path, &backup.root_file)?;
    }
    write(epochs, &backup.epochs)?;
    if let NewDatabase::Sqlite(path) = &database {
        let folder = path.parent().unwrap_or(Path::new("."));
        make_directory(folder).map_err(|cause| CommandError::File { path: folder.to_owned(), cause })?;
    }
    let rows = backup.rows.clone();
    with_new(move || database.load(DatabaseKind::Keys, Cursor::new(rows))).await?;
    Ok(())
}

/// Rows and epoch file that belong together: the file is the same before and after the rows.
async fn consistent(database: &Database, config: &Config) -> Result<(Vec<u8>, Vec<u8>), CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Usage(format!("the key database: {error}"));
    for _ in 0..ATTEMPTS_MAX {
        let before = read_small(&config.keys.epoch_file())?;
        let mut dump = database.dump();
        let mut rows = Vec::new();
        while let Some(piece) = dump.next().await.map_err(|error| failed(&error))? {
            rows.extend_from_slice(&piece);
            if rows.len() as u64 > yingdun_keys::BACKUP_BYTES_MAX {
                return Err(BackupError::Size { bytes: rows.len() as u64 }.into());
            }
        }
        if read_small(&config.keys.epoch_file())? == before {
            return Ok((rows, before));
        }
    }
    Err(CommandError::Usage(
        "the epoch file changed all the time: try again when nothing is being destroyed".into(),
    ))
}

pub(super) async fn database(config: &Config) -> Result<Database, CommandError> {
    let inspected = match &config.keys.database {
        DatabaseUrl::Sqlite(path) => Database::inspect_sqlite(path, DatabaseKind::Keys).await,
        DatabaseUrl::Postgres(address) => Database::inspect_postgres(address, DatabaseKind::Keys).await,
    };
    let inspected = inspected.map_err(|cause| StartError::Database { what: "key", cause })?;
    match inspected.pending_steps {
        0 => Ok(inspected.database),
        _ => Err(CommandError::Usage(
            "the schema of the key database is behind this program: start the archive with it first".into(),
        )),
    }
}

fn new_database(config: &Config) -> NewDatabase {
    match &config.keys.database {
        DatabaseUrl::Sqlite(path) => NewDatabase::Sqlite(path.clone()),
        DatabaseUrl::Postgres(address) => NewDatabase::Postgres(address.clone()),
    }
}

/// Something that is done with a database that is not there yet, apart from the threads that serve others.
async fn with_new<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DumpError> + Send + 'static,
) -> Result<T, CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Usage(format!("the key database: {error}"));
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?;
    done.map_err(|error| failed(&error))
}

/// How many leaves the audit log has.
fn leaves(config: &Config, verifier: &NoteVerifier) -> Result<u64, CommandError> {
    Ok(Reader::of_directory(&config.audit.directory, verifier)?.size())
}

fn unsealed(sealed: &SealedBackup, opener: &BackupOpenerArgs) -> Result<KeysBackup, CommandError> {
    match sealed.opener()? {
        RootOpener::Passphrase => {
            let file = opener.backup_passphrase_file.as_ref().ok_or_else(|| {
                CommandError::Usage(
                    "a passphrase opens the backup: name its file with --backup-passphrase-file".into(),
                )
            })?;
            Ok(sealed.open(&read_passphrase(file)?)?)
        }
        RootOpener::Shares(mut unsealing) => {
            let refusal = give_shares(&mut unsealing, &opener.backup_share_file, "--backup-share-file")?;
            sealed.open_by_shares(&unsealing)?.ok_or(CommandError::Usage(refusal))
        }
    }
}

fn keeper(keys: &Keys) -> String {
    match (keys.root, &keys.pkcs11, &keys.transit) {
        (RootKind::Pkcs11, Some(token), _) => {
            format!("key `{}` on token `{}`", token.key_label, token.token_label)
        }
        (RootKind::Transit, _, Some(engine)) => format!("key `{}` at {}", engine.key, engine.address),
        _ => String::new(),
    }
}

fn report(file: &Path, about: &BackupAbout) -> Report {
    Report {
        file: file.to_owned(),
        institution: about.institution.clone(),
        root: about.root,
        made: rfc3339(Timestamp::from_ms(about.made_ms)),
        studies: about.studies,
        share_files: Vec::new(),
        opened: None,
    }
}

fn read_small(path: &Path) -> Result<Vec<u8>, CommandError> {
    let failed = |cause| CommandError::File { path: path.to_owned(), cause };
    let bytes = path.metadata().map_err(failed)?.len();
    if bytes > KEY_FILE_BYTES_MAX {
        return Err(failed(io::Error::other(format!(
            "{bytes} bytes, at most {KEY_FILE_BYTES_MAX} are expected"
        ))));
    }
    std::fs::read(path).map_err(failed)
}

/// The public key of the audit log that was handed out, beside the configuration.
fn public_key_file(config: &Path) -> PathBuf {
    config.with_file_name(AUDIT_KEY_FILE)
}

fn public_key(path: &Path) -> Result<NoteVerifier, CommandError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| CommandError::File { path: path.to_owned(), cause })?;
    NoteVerifier::parse(text.trim()).map_err(|cause| CommandError::PublicKey { path: path.to_owned(), cause })
}
