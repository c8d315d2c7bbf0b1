//! Passwords: hashed with Argon2id (RFC 9106), off the async threads, a few at a time.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use yingdun_crypto::random;
use yingdun_model::Secret;

/// Memory of one hash in KiB: 19 MiB with two passes and one lane is the least that OWASP recommends today.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The most passes that a stored hash may ask for.
const PASSES_MAX: u32 = 8;
/// Bytes of the salt of a new hash (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;

/// How many passwords are tried at the same time: bounds the memory to 4 × 19 MiB, and keeps a flood of log-ins
/// from taking every core.
const CONCURRENT_MAX: usize = 4;
/// How many may wait for their turn: about two seconds of work. More are turned away at once.
const WAITING_MAX: usize = 64;

/// The shortest password, in characters. Length protects; rules about kinds of characters do not.
pub const CHARACTERS_MIN: usize = 12;
/// The longest password, in bytes: hashing must not become a way to waste work.
pub(crate) const BYTES_MAX: usize = 256;

/// Tries and makes password hashes.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    memory: Memory,
}

/// The memory of hashes that are done, wiped, for those that come: at most as much as the turns take. Given back to
/// the allocator, it would stay with each thread that ever hashed a password.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

/// A place in the queue, given back when dropped.
pub(crate) struct Queued {
    _place: OwnedSemaphorePermit,
}

/// Why a password was not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("too many log-ins at the same time")]
    Busy,
    #[error("the password hash cannot be computed")]
    Failed,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            queue: Arc::new(Semaphore::new(CONCURRENT_MAX + WAITING_MAX)),
            memory: Memory::default(),
        }
    }

    /// A place in the queue. Whoever counts attempts takes one first: an attempt that finds no place was none.
    pub(crate) fn queue(&self) -> Result<Queued, PasswordError> {
        Arc::clone(&self.queue)
            .try_acquire_owned()
            .map(|place| Queued { _place: place })
            .map_err(|_| PasswordError::Busy)
    }

    /// The hash of a new password, as a PHC string with its salt and parameters.
    pub(crate) async fn hash(&self, password: Secret<String>) -> Result<String, PasswordError> {
        self.in_turn(self.queue()?, move |memory| {
            let salt = random::array::<SALT_BYTES>();
            Ok(hashed(&password, &salt, Version::V0x13, usual()?, memory)?.to_string())
        })
        .await
    }

    /// Whether a password is the one behind a hash. Without a hash (an unknown name, a person who has set none) the
    /// same work is done and the answer is no, so that time does not tell who exists.
    pub(crate) async fn verify(
        &self,
        queued: Queued,
        password: Secret<String>,
        phc: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.in_turn(queued, move |memory| match phc {
            Some(phc) => Ok(fits(&password, &phc, memory).unwrap_or(false)),
            None => hashed(&password, &[0; SALT_BYTES], Version::V0x13, usual()?, memory).map(|_| false),
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        _queued: Queued,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let memory = self.memory.clone();
        // The turn moves into the work: a caller who goes away must not free it while the work still runs.
        let running = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            memory.lend(work)
        });
        running.await.map_err(|_| PasswordError::Failed)?
    }
}

/// Whether a new password is long enough and not too long.
pub(crate) fn acceptable(password: &Secret<String>) -> bool {
    let text = password.expose();
    text.len() <= BYTES_MAX && text.chars().count() >= CHARACTERS_MIN
}

impl Memory {
    /// Lends what is there, or new memory.
    fn lend<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = free().pop().unwrap_or_default();
        let outcome = work(&mut blocks);
        blocks.fill(Block::new());
        free().push(blocks);
        outcome
    }
}

fn usual() -> Result<Params, PasswordError> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Failed)
}

/// Whether a password is the one behind a PHC string, by the parameters in it.
fn fits(password: &Secret<String>, phc: &str, memory: &mut Vec<Block>) -> Result<bool, PasswordError> {
    let expected = PasswordHash::new(phc).map_err(|_| PasswordError::Failed)?;
    let (Some(salt), Some(_)) = (&expected.salt, &expected.hash) else { return Err(PasswordError::Failed) };
    if expected.algorithm != Algorithm::Argon2id.ident() {
        return Err(PasswordError::Failed);
    }
    let version = expected.version.map_or(Ok(Version::default()), Version::try_from);
    let version = version.map_err(|_| PasswordError::Failed)?;
    let params = Params::try_from(&expected).map_err(|_| PasswordError::Failed)?;
    // Whoever writes to the database must not be able to make a log-in take all memory.
    if params.m_cost() > MEMORY_KIB || params.t_cost() > PASSES_MAX || params.p_cost() > LANES {
        return Err(PasswordError::Failed);
    }
    // Compared in constant time: `Output` knows no other way.
    Ok(hashed(password, salt, version, params, memory)?.hash == expected.hash)
}

fn hashed(
    password: &Secret<String>,
    salt: &[u8],
    version: Version,
    params: Params,
    memory: &mut Vec<Block>,
) -> Result<PasswordHash, PasswordError> {
    let failed = |_| PasswordError::Failed;
    memory.resize(params.block_count(), Block::new());
    let mut output = [0; Output::MAX_LENGTH];
    let bytes = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let output = output.get_mut(..bytes).ok_or(PasswordError::Failed)?;
    let described = ParamsString::try_from(&params).map_err(|_| PasswordError::Failed)?;
    let hasher = Argon2::new(Algorithm::Argon2id, version, params);
    hasher
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, memory)
        .map_err(failed)?;
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(version.into()),
        params: described,
        salt: Some(Salt::new(salt).map_err(|_| PasswordError::Failed)?),
        hash: Some(Output::new(output).map_err(|_| PasswordError::Failed)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_same_password_fits_its_hash() {
        let passwords = Passwords::new();
        let queued = || passwords.queue().unwrap();
        let phc = passwords.hash(secret("正确的马电池订书钉！")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(
            passwords.verify(queued(), secret("正确的马电池订书钉！"), Some(phc.clone())).await,
            Ok(true)
        );
        assert_eq!(passwords.verify(queued(), secret("正确的马电池订书钉"), Some(phc)).await, Ok(false));
        assert_eq!(passwords.verify(queued(), secret("anything"), None).await, Ok(false));
        assert_eq!(passwords.verify(queued(), secret("anything"), Some("damaged".into())).await, Ok(false));
    }

    #[tokio::test]
    async fn hashes_are_those_of_the_library_both_ways() {
        use argon2::{PasswordHasher, PasswordVerifier};
        let passwords = Passwords::new();
        let library = Argon2::new(Algorithm::Argon2id, Version::V0x13, usual().unwrap());
        let ours = passwords.hash(secret("twelve chars")).await.unwrap();
        assert!(library.verify_password(b"twelve chars", ours.as_str()).is_ok());
        // Made when less memory was thought enough.
        let earlier = Argon2::from(Params::new(1024, 3, 1, None).unwrap());
        for library in [library, earlier] {
            let theirs = library.hash_password(b"twelve chars").unwrap().to_string();
            let fits = async |text| {
                passwords.verify(passwords.queue().unwrap(), secret(text), Some(theirs.clone())).await
            };
            assert_eq!(
                (fits("twelve chars").await, fits("twelve char").await),
                (Ok(true), Ok(false)),
                "{theirs}"
            );
        }
    }

    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_more_work_than_ours() {
        use argon2::PasswordHasher;
        let passwords = Passwords::new();
        for params in [Params::new(MEMORY_KIB * 2, 1, 1, None), Params::new(64, PASSES_MAX + 1, 1, None)] {
            let costly = Argon2::from(params.unwrap()).hash_password(b"twelve chars").unwrap().to_string();
            let tried =
                passwords.verify(passwords.queue().unwrap(), secret("twelve chars"), Some(costly)).await;
            assert_eq!(tried, Ok(false));
        }
    }

    #[tokio::test]
    async fn memory_is_wiped_and_used_again() {
        let passwords = Passwords::new();
        for _ in 0..3 {
            passwords.hash(secret("twelve chars")).await.unwrap();
        }
        let free = passwords.memory.0.lock().unwrap();
        assert_eq!(free.iter().map(Vec::len).collect::<Vec<_>>(), [MEMORY_KIB as usize]);
        let words = free[0].iter().flat_map(|block| AsRef::<[u64]>::as_ref(block).iter());
        assert!(words.copied().all(|word| word == 0));
    }

    #[tokio::test]
    async fn a_full_queue_turns_away_at_once_and_empties_again() {
        let passwords = Passwords::new();
        let waiting: Vec<Queued> = std::iter::from_fn(|| passwords.queue().ok()).collect();
        assert_eq!(waiting.len(), CONCURRENT_MAX + WAITING_MAX);
        assert_eq!(passwords.hash(secret("twelve chars")).await, Err(PasswordError::Busy));
        drop(waiting);
        assert!(passwords.hash(secret("twelve chars")).await.is_ok());
    }

    #[test]
    fn a_password_has_a_least_and_a_greatest_length() {
        assert!(!acceptable(&secret("elevenchars")));
        assert!(acceptable(&secret("twelve chars")));
        assert!(acceptable(&secret("十二个汉字也是十二个字符")));
        assert!(!acceptable(&secret(&"x".repeat(257))));
    }
}
