//! Passwords: hashed with Argon2id (RFC 9106), off the async threads, a few at a time.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use yingdun_model::Secret;

/// Memory of one hash in KiB: 19 MiB with two passes and one lane is the least that OWASP recommends today.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many passwords are tried at the same time: bounds the memory to 4 × 19 MiB, and keeps a flood of log-ins
/// from taking every core.
const CONCURRENT_MAX: usize = 4;
/// How many may wait for their turn: about two seconds of work. More are turned away at once.
const WAITING_MAX: usize = 64;

/// The shortest password, in characters. Length protects; rules about kinds of characters do not.
pub(crate) const CHARACTERS_MIN: usize = 12;
/// The longest password, in bytes: hashing must not become a way to waste work.
pub(crate) const BYTES_MAX: usize = 256;

/// Tries and makes password hashes.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

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
        self.in_turn(self.queue()?, move || {
            let hash = hasher()?.hash_password(password.expose().as_bytes());
            Ok(hash.map_err(|_| PasswordError::Failed)?.to_string())
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
        self.in_turn(queued, move || match phc {
            Some(phc) => Ok(hasher()?.verify_password(password.expose().as_bytes(), phc.as_str()).is_ok()),
            None => {
                let mut nothing = [0_u8; 32];
                let work = hasher()?.hash_password_into(password.expose().as_bytes(), &[0; 16], &mut nothing);
                work.map(|()| false).map_err(|_| PasswordError::Failed)
            }
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        _queued: Queued,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        // The turn moves into the work: a caller who goes away must not free it while the work still runs.
        let running = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        running.await.map_err(|_| PasswordError::Failed)?
    }
}

/// Whether a new password is long enough and not too long.
pub(crate) fn acceptable(password: &Secret<String>) -> bool {
    let text = password.expose();
    text.len() <= BYTES_MAX && text.chars().count() >= CHARACTERS_MIN
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
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
