//! A root key that never leaves its token: PKCS#11 2.40 and later, by the module of the vendor.
//!
//! ```text
//! 1, 1 byte │ initialisation vector, 12 │ key and tag, 32 + 16: AES-256-GCM on the token, the place as additional data
//! ```
//!
//! Vectors are random; with the few keys that come here, 2^32 under one key (NIST SP 800-38D §8.3) are out of reach. A token that
//! chooses them itself may.
//!
//! Tokens lock themselves after a few wrong PINs, for good. So a PIN that was refused is not given again, neither by this process nor by
//! the next: one that starts looks at the marks that the token sets after a wrong PIN.

use super::{RootAnswer, RootError, RootKind, RootProvider};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::{AuthPin, Ulong};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use yingdun_crypto::{Context, SealingKey, random};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// How long a token may take: several times what a network HSM under load needs for a log-in.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);

/// The first byte of what is wrapped here.
const VERSION: u8 = 1;
const IV_BYTES: usize = 12;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const TAG_BITS: u64 = 128;
const WRAPPED_BYTES: usize = 1 + IV_BYTES + KEY_BYTES + TAG_BYTES;

/// Where the key is.
#[derive(Clone, Debug)]
pub struct Pkcs11Settings {
    /// The library of the vendor.
    pub module: PathBuf,
    /// The label of the token, which no other token of this machine has.
    pub token_label: String,
    /// The label of the AES-256 key, which no other secret key on the token has.
    pub key_label: String,
    /// The PIN of the user.
    pub pin: Secret<String>,
}

/// The key on the token. All work is done by one thread at a time, as one session is all that is needed.
pub struct Pkcs11Root {
    state: Arc<Mutex<State>>,
}

struct State {
    settings: Pkcs11Settings,
    module: Pkcs11,
    open: Option<Open>,
    pin: Pin,
}

/// A session that is logged in, and the key in it.
struct Open {
    session: Session,
    key: ObjectHandle,
}

/// What the token said of our PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pin {
    Untried,
    Right,
    Refused,
}

impl Pkcs11Root {
    /// Loads the module, logs in and finds the key.
    ///
    /// # Errors
    /// [`RootError::Unreachable`] when there is no such module or token, [`RootError::Refused`] when the PIN is wrong or the key is not
    /// what it should be: an AES-256 key, alone under its label, that cannot leave the token.
    pub async fn open(settings: Pkcs11Settings) -> Result<Self, RootError> {
        let root = Self::load(settings).await?;
        root.run(|state| state.with_key(|_| Ok(()))).await?;
        Ok(root)
    }

    /// The same for a new installation: makes the key if the token has none under this label. Says whether it did.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn create(settings: Pkcs11Settings) -> Result<(Self, bool), RootError> {
        let root = Self::load(settings).await?;
        let made = root.run(State::make_key).await?;
        root.run(|state| state.with_key(|_| Ok(()))).await?;
        Ok((root, made))
    }

    async fn load(settings: Pkcs11Settings) -> Result<Self, RootError> {
        let path = settings.module.clone();
        // The module runs code of its own when it is loaded.
        let loading = tokio::task::spawn_blocking(move || Pkcs11::new(&path));
        let loaded = in_time(loading).await?;
        let module = loaded.map_err(|error| {
            unreachable(format!("the module `{}` does not load: {error}", settings.module.display()))
        })?;
        let state = State { settings, module, open: None, pin: Pin::Untried };
        Ok(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// Does a piece of work on a thread that may wait. A token that hangs holds one thread and no more.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, RootError> + Send + 'static,
    ) -> Result<T, RootError> {
        let waiting = tokio::time::timeout(ANSWER_TIME_MAX, Arc::clone(&self.state).lock_owned());
        let mut state: OwnedMutexGuard<State> = waiting
            .await
            .map_err(|_| unreachable("the token is still at work on the request before".into()))?;
        in_time(tokio::task::spawn_blocking(move || work(&mut state))).await?
    }
}

impl RootProvider for Pkcs11Root {
    fn kind(&self) -> RootKind {
        RootKind::Pkcs11
    }

    fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>> {
        let (place, key) = (place.clone(), key.duplicate());
        Box::pin(self.run(move |state| state.with_key(|open| encrypt(open, &place, key.expose_secret()))))
    }

    fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey> {
        let (place, wrapped) = (place.clone(), wrapped.to_vec());
        Box::pin(self.run(move |state| state.unwrap(&place, &wrapped)))
    }
}

impl State {
    fn unwrap(&mut self, place: &Context, wrapped: &[u8]) -> Result<SealingKey, RootError> {
        let Some((&[VERSION], rest)) = wrapped.split_first_chunk::<1>() else {
            return Err(RootError::WrongKey);
        };
        if wrapped.len() != WRAPPED_BYTES {
            return Err(RootError::WrongKey);
        }
        let Some((iv, sealed)) = rest.split_first_chunk::<IV_BYTES>() else {
            return Err(RootError::WrongKey);
        };
        match self.with_key(|open| decrypt(open, place, *iv, sealed)) {
            // Some modules have no word of their own for a tag that does not fit. If the key works, it was that.
            Err(RootError::Unreachable { .. }) if self.with_key(works).is_ok() => Err(RootError::WrongKey),
            other => other,
        }
    }

    /// Does something with the key. What fails because the session is gone is tried once more after a new log-in.
    fn with_key<T>(&mut self, work: impl Fn(&Open) -> Result<T, Failure>) -> Result<T, RootError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.log_in()?,
        };
        let answer = match work(&open) {
            Err(Failure::Lost(cause)) => {
                tracing::warn!(cause, "the session with the token is gone: logging in anew");
                drop(open);
                let open = self.log_in()?;
                let answer = work(&open);
                self.open = Some(open);
                answer
            }
            answer => {
                self.open = Some(open);
                answer
            }
        };
        answer.map_err(|failure| match failure {
            Failure::Lost(cause) => unreachable(cause),
            Failure::Final(error) => error,
        })
    }

    fn log_in(&mut self) -> Result<Open, RootError> {
        let session = self.session(false)?;
        let key = self.find_key(&session)?;
        let Some(key) = key else {
            return Err(refused(format!(
                "the token has no secret key labelled `{}`",
                self.settings.key_label
            )));
        };
        check_key(&session, key)?;
        Ok(Open { session, key })
    }

    /// A session that is logged in.
    fn session(&mut self, writes: bool) -> Result<Session, RootError> {
        if self.pin == Pin::Refused {
            return Err(refused("the PIN was refused before, and is not tried again".into()));
        }
        match self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(unreachable(format!("the module does not start: {}", brief(&error)))),
        }
        let (slot, token) = self.find_token()?;
        if let Some(cause) = pin_at_risk(&token, self.pin) {
            return Err(refused(cause.to_owned()));
        }
        let mechanisms = self.module.get_mechanism_list(slot).map_err(|error| unreachable(brief(&error)))?;
        if !mechanisms.contains(&MechanismType::AES_GCM) {
            return Err(refused("the token offers no AES-GCM (CKM_AES_GCM)".into()));
        }
        let opened =
            if writes { self.module.open_rw_session(slot) } else { self.module.open_ro_session(slot) };
        let session = opened.map_err(|error| unreachable(brief(&error)))?;
        let pin = AuthPin::from(self.settings.pin.expose().clone());
        match session.login(UserType::User, Some(&pin)) {
            // Another session of this process is logged in, and so this one is.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => self.pin = Pin::Right,
            Err(error) if is_about_pin(&error) => {
                self.pin = Pin::Refused;
                return Err(refused(format!("the PIN is not taken: {}", brief(&error))));
            }
            Err(error) => return Err(unreachable(brief(&error))),
        }
        Ok(session)
    }

    fn find_token(&self) -> Result<(Slot, TokenInfo), RootError> {
        let failed = |error: Error| unreachable(brief(&error));
        let mut found = Vec::new();
        for slot in self.module.get_slots_with_token().map_err(failed)? {
            let Ok(token) = self.module.get_token_info(slot) else { continue };
            if token.label() == self.settings.token_label {
                found.push((slot, token));
            }
        }
        let label = &self.settings.token_label;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(unreachable(format!("no token labelled `{label}` is in any slot"))),
            (Some(_), others) => Err(refused(format!("{} tokens are labelled `{label}`", others + 1))),
        }
    }

    fn find_key(&self, session: &Session) -> Result<Option<ObjectHandle>, RootError> {
        let label = &self.settings.key_label;
        let template =
            [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.clone().into_bytes())];
        let found = session.find_objects(&template).map_err(|error| unreachable(brief(&error)))?;
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => Err(refused(format!("{} secret keys are labelled `{label}`", several.len()))),
        }
    }

    /// Makes the key unless it is there.
    fn make_key(&mut self) -> Result<bool, RootError> {
        let session = self.session(true)?;
        if self.find_key(&session)?.is_some() {
            return Ok(false);
        }
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(Ulong::new(KEY_BYTES as u64)),
            Attribute::Label(self.settings.key_label.clone().into_bytes()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Modifiable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        let made = session.generate_key(&Mechanism::AesKeyGen, &template);
        made.map_err(|error| refused(format!("the token makes no key: {}", brief(&error))))?;
        Ok(true)
    }
}

/// Why a piece of work failed.
enum Failure {
    /// With another session it may go well.
    Lost(String),
    /// It will not.
    Final(RootError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cause = brief(&error);
        let Error::Pkcs11(value, _) = error else { return Self::Final(refused(cause)) };
        match value {
            RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange => {
                Self::Final(RootError::WrongKey)
            }
            RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::KeyFunctionNotPermitted
            | RvError::KeyTypeInconsistent
            | RvError::KeySizeRange
            | RvError::ActionProhibited
            | RvError::FunctionNotSupported => Self::Final(refused(cause)),
            _ => Self::Lost(cause),
        }
    }
}

// === helpers ===

fn encrypt(open: &Open, place: &Context, key: &[u8; KEY_BYTES]) -> Result<Vec<u8>, Failure> {
    let mut iv: [u8; IV_BYTES] = random::array();
    // The token may write another vector there.
    let parameters = GcmParams::new(&mut iv, place.as_bytes(), Ulong::new(TAG_BITS))?;
    let sealed = open.session.encrypt(&Mechanism::AesGcm(parameters), open.key, key)?;
    if sealed.len() != KEY_BYTES + TAG_BYTES {
        return Err(Failure::Final(refused(format!("the token gave {} bytes for a key", sealed.len()))));
    }
    Ok([&[VERSION], iv.as_slice(), &sealed].concat())
}

fn decrypt(
    open: &Open,
    place: &Context,
    mut iv: [u8; IV_BYTES],
    sealed: &[u8],
) -> Result<SealingKey, Failure> {
    let parameters = GcmParams::new(&mut iv, place.as_bytes(), Ulong::new(TAG_BITS))?;
    let key = Zeroizing::new(open.session.decrypt(&Mechanism::AesGcm(parameters), open.key, sealed)?);
    let key: &[u8; KEY_BYTES] = key.as_slice().try_into().map_err(|_| Failure::Final(RootError::WrongKey))?;
    Ok(SealingKey::from_secret(&Secret::new(*key)))
}

/// Whether the key takes and gives back what is no secret.
fn works(open: &Open) -> Result<(), Failure> {
    let (place, value) = (Context::new("yingdun/root-probe/v1"), [0; KEY_BYTES]);
    let wrapped = encrypt(open, &place, &value)?;
    let rest = wrapped.split_first().map(|(_, rest)| rest).and_then(<[u8]>::split_first_chunk);
    let Some((iv, sealed)) = rest else { return Err(Failure::Final(RootError::WrongKey)) };
    decrypt(open, &place, *iv, sealed).map(|_| ())
}

fn check_key(session: &Session, key: ObjectHandle) -> Result<(), RootError> {
    let asked = [AttributeType::KeyType, AttributeType::ValueLen, AttributeType::Extractable];
    let attributes = session.get_attributes(key, &asked).map_err(|error| unreachable(brief(&error)))?;
    let is = |wanted: Attribute| attributes.contains(&wanted);
    if !is(Attribute::KeyType(KeyType::AES)) || !is(Attribute::ValueLen(Ulong::new(KEY_BYTES as u64))) {
        return Err(refused("the key is not an AES-256 key".into()));
    }
    if !is(Attribute::Extractable(false)) {
        return Err(refused("the key may leave the token; make one with CKA_EXTRACTABLE false".into()));
    }
    Ok(())
}

/// Why a log-in could cost the token, if it could.
fn pin_at_risk(token: &TokenInfo, pin: Pin) -> Option<&'static str> {
    if token.user_pin_locked() {
        return Some("the PIN is locked; the security officer of the token unlocks it");
    }
    // One that was right before in this process is not what was wrong.
    let wrong_since = token.user_pin_count_low() && pin != Pin::Right;
    (wrong_since || token.user_pin_final_try()).then_some(
        "a wrong PIN was given to the token since the last right one, so none is tried: correct it, and log in once with the \
         tool of the token",
    )
}

fn is_about_pin(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized
                | RvError::ArgumentsBad,
            _
        )
    )
}

async fn in_time<T>(work: tokio::task::JoinHandle<T>) -> Result<T, RootError> {
    match tokio::time::timeout(ANSWER_TIME_MAX, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(unreachable("the work was broken off".into())),
        Err(_) => {
            Err(unreachable(format!("the token did not answer within {} s", ANSWER_TIME_MAX.as_secs())))
        }
    }
}

/// What the token said, in the word of the standard.
fn brief(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => format!("{function:?} gave {value:?}"),
        other => other.to_string(),
    }
}

fn unreachable(cause: String) -> RootError {
    RootError::Unreachable { kind: RootKind::Pkcs11, cause }
}

fn refused(cause: String) -> RootError {
    RootError::Refused { kind: RootKind::Pkcs11, cause }
}
