//! The witness: logs that it watches, what it has seen of each, and its signature.

use crate::judge::{Judgement, is_fork, judge};
use crate::remember::Memory;
use crate::wire::Request;
use crate::{Settings, WitnessError, files};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use yingdun_audit::Checkpoint;
use yingdun_crypto::sign::{CosignatureVerifier, Cosigner, Note, NoteError, NoteVerifier, SigningKey};
use yingdun_model::{Clock, Secret};
use zeroize::Zeroizing;

/// The longest key file, in bytes: 64 hexadecimal digits and a newline.
const KEY_FILE_BYTES_MAX: usize = 65;

/// A witness that serves.
#[derive(Debug)]
pub struct Witness {
    cosigner: Cosigner,
    logs: BTreeMap<String, Log>,
    clock: Arc<dyn Clock>,
    /// Keeps other processes out.
    _lock: File,
}

/// A log that is watched.
#[derive(Debug)]
struct Log {
    verifier: NoteVerifier,
    memory: Memory,
    /// The newest checkpoint that was seen, as it is on the disk. Held while one is judged and written down: one at a time.
    latest: Mutex<Option<Checkpoint>>,
}

/// What a witness answers (C2SP tlog-witness, "add-checkpoint").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: the signature line.
    Cosigned(String),
    /// 400: the request is none.
    Malformed(String),
    /// 403: the log has not signed this.
    Unsigned,
    /// 404: nobody told this witness to watch such a log.
    Unknown,
    /// 409: the size that was seen last.
    Conflict(u64),
    /// 422: it is not shown to continue what was seen.
    Inconsistent,
}

/// What a witness knows of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// The log.
    pub origin: String,
    /// Leaves of the newest head that was seen; none before the first.
    pub size: Option<u64>,
    /// Its root, in hexadecimal digits.
    pub root: Option<String>,
    /// Leaves of the newest head that was cosigned: those that were seen, but for one that a stop came in between.
    pub cosigned_size: Option<u64>,
    /// When, in seconds after 1970.
    pub cosigned_s: Option<u64>,
    /// Whether the log has signed two heads of one size.
    pub forked: bool,
}

impl Witness {
    /// Makes the folder of a witness with a new key, and returns its public key (C2SP vkey).
    ///
    /// # Errors
    /// [`WitnessError::Exists`] when there is something; [`WitnessError::Settings`] and [`WitnessError::Name`].
    pub fn create(folder: &Path, settings: &Settings) -> Result<String, WitnessError> {
        let wrong = |why| WitnessError::Settings { path: Settings::path(folder), why };
        settings.verifiers().map_err(wrong)?;
        let key = SigningKey::generate();
        let digits = Zeroizing::new(format!("{}\n", hex::encode(key.seed().expose())));
        let cosigner = cosigner(&settings.name, key)?;
        files::make_folder(folder)?;
        let mut entries = std::fs::read_dir(folder).map_err(WitnessError::file(folder))?;
        if entries.next().is_some() {
            return Err(WitnessError::Exists(folder.to_owned()));
        }
        files::write_new(&key_file(folder), digits.as_bytes())?;
        // Last: without it there is no witness.
        files::write_new(&Settings::path(folder), settings.text().as_bytes())?;
        Ok(cosigner.verifier().to_string())
    }

    /// Opens a witness: nobody else works in its folder, and what it remembers of each log is signed by that log.
    ///
    /// # Errors
    /// [`WitnessError`]; what was damaged is never begun anew.
    pub fn open(folder: &Path, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let cosigner = cosigner(&settings.name, read_key(folder)?)?;
        let lock = files::lock(folder)?;
        let wrong = |why| WitnessError::Settings { path: Settings::path(folder), why };
        let mut logs = BTreeMap::new();
        for verifier in settings.verifiers().map_err(wrong)? {
            let memory = Memory::of(folder, verifier.name());
            memory.make()?;
            let latest = Mutex::new(memory.latest(&verifier)?);
            logs.insert(verifier.name().to_owned(), Log { verifier, memory, latest });
        }
        Ok(Self { cosigner, logs, clock, _lock: lock })
    }

    /// What others need to verify its cosignatures.
    #[must_use]
    pub const fn verifier(&self) -> &CosignatureVerifier {
        self.cosigner.verifier()
    }

    /// What others need to verify the cosignatures of the witness in a folder, also while it serves.
    ///
    /// # Errors
    /// [`WitnessError::Key`] and [`WitnessError::Name`].
    pub fn verifier_in(folder: &Path, settings: &Settings) -> Result<CosignatureVerifier, WitnessError> {
        Ok(cosigner(&settings.name, read_key(folder)?)?.verifier().clone())
    }

    /// Judges a checkpoint, remembers it on the disk, and then cosigns it. Blocks on the disk; requests for one log wait for
    /// each other.
    ///
    /// # Errors
    /// [`WitnessError::File`] and [`WitnessError::Clock`]: then nothing was signed.
    pub fn add_checkpoint(&self, body: &str) -> Result<Answer, WitnessError> {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(why) => return Ok(Answer::Malformed(why.to_string())),
        };
        let origin = request.checkpoint.split('\n').next().unwrap_or_default();
        let Some(log) = self.logs.get(origin) else { return Ok(Answer::Unknown) };
        // Lines of others are dropped: what is kept has a bound.
        let note = match log.verifier.alone(&request.checkpoint) {
            Ok(note) => note,
            Err(NoteError::NotSigned | NoteError::BadSignature) => return Ok(Answer::Unsigned),
            Err(error) => return Ok(Answer::Malformed(error.to_string())),
        };
        let new = match Checkpoint::verify(&log.verifier, &note) {
            Ok(new) => new,
            Err(why) => return Ok(Answer::Malformed(why)),
        };
        let mut latest = log.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if is_fork(latest.as_ref(), &new) {
            tracing::error!(
                origin,
                size = new.size(),
                "this log has signed two heads of one size: it forked"
            );
            metrics::counter!("yingdun_witness_forks_total").increment(1);
            log.memory.keep_fork(&note)?;
        }
        match judge(latest.as_ref(), request.old, &new, &request.proof) {
            Judgement::Cosign => {}
            Judgement::Malformed(why) => return Ok(Answer::Malformed(why.to_owned())),
            Judgement::Conflict(size) => return Ok(Answer::Conflict(size)),
            Judgement::Inconsistent => {
                tracing::warn!(
                    origin,
                    size = new.size(),
                    "a head was sent that is not shown to continue what was seen"
                );
                return Ok(Answer::Inconsistent);
            }
        }
        let time_s = u64::try_from(self.clock.now().as_ms() / 1000).ok().filter(|time_s| *time_s > 0);
        let time_s = time_s.ok_or(WitnessError::Clock)?;
        // First the memory, then the signature: what was signed is never forgotten.
        if latest.as_ref().map(Checkpoint::size) != Some(new.size()) {
            log.memory.see(&note)?;
        }
        metrics::gauge!("yingdun_witness_log_size", "origin" => origin.to_owned()).set(new.size() as f64);
        *latest = Some(new);
        let text = Note::parse(&note).map(|note| note.text().to_owned());
        let line = text.and_then(|text| self.cosigner.cosign(&text, time_s));
        // INVARIANT: the text was verified as that of a note, and the time lies after 1970.
        let Ok(line) = line else { return Ok(Answer::Malformed("it cannot be signed".to_owned())) };
        log.memory.keep_cosigned(&format!("{note}{line}"))?;
        Ok(Answer::Cosigned(line))
    }

    /// The newest cosigned checkpoint of the log whose origin has this SHA-256, in lower-case hexadecimal digits. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// [`WitnessError::File`].
    pub fn newest(&self, origin_hash: &str) -> Result<Option<String>, WitnessError> {
        let hash = |origin: &str| hex::encode(yingdun_crypto::digest::sha256(origin.as_bytes()));
        match self.logs.iter().find(|(origin, _)| hash(origin) == origin_hash) {
            Some((_, log)) => log.memory.cosigned(),
            None => Ok(None),
        }
    }

    /// What a witness knows, and its public key: read from its folder, also while it serves.
    ///
    /// # Errors
    /// [`WitnessError`]
    pub fn look(folder: &Path, settings: &Settings) -> Result<(String, Vec<Watched>), WitnessError> {
        let own = Self::verifier_in(folder, settings)?;
        let wrong = |why| WitnessError::Settings { path: Settings::path(folder), why };
        let mut watched = Vec::new();
        for verifier in settings.verifiers().map_err(wrong)? {
            let memory = Memory::of(folder, verifier.name());
            let seen = memory.latest(&verifier)?;
            let cosigned = memory.cosigned()?;
            let size = |note: &String| Checkpoint::verify(&verifier, note).ok().map(|seen| seen.size());
            let time = |note: &String| Note::parse(note).and_then(|note| own.verify(&note)).ok().flatten();
            watched.push(Watched {
                origin: verifier.name().to_owned(),
                size: seen.as_ref().map(Checkpoint::size),
                root: seen.as_ref().map(|seen| hex::encode(seen.root())),
                cosigned_size: cosigned.as_ref().and_then(size),
                cosigned_s: cosigned.as_ref().and_then(time),
                forked: memory.forked()?.is_some(),
            });
        }
        Ok((own.to_string(), watched))
    }
}

fn cosigner(name: &str, key: SigningKey) -> Result<Cosigner, WitnessError> {
    Cosigner::new(name, key).map_err(|_| WitnessError::Name(name.to_owned()))
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("witness.key")
}

fn read_key(folder: &Path) -> Result<SigningKey, WitnessError> {
    let path = key_file(folder);
    let metadata = path.metadata().map_err(WitnessError::file(&path))?;
    let none = || WitnessError::Key(path.clone());
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(none());
    }
    let digits = Zeroizing::new(files::read(&path, KEY_FILE_BYTES_MAX)?.ok_or_else(none)?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits.trim_end(), seed.as_mut_slice()).map_err(|_| none())?;
    Ok(SigningKey::from_seed(&Secret::new(*seed)))
}
