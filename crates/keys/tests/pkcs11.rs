//! A real token of software (SoftHSM2) keeps the root key. Each test has a token and a process of its own, because a module is
//! configured by the environment and has one state per process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it goes wrong"
)]
#![allow(clippy::print_stderr, reason = "says why it was skipped")]

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::{AuthPin, Ulong};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::{Context, SealingKey};
use yingdun_keys::{
    EpochFile, KeyStore, KeysError, Pkcs11Root, Pkcs11Settings, RootError, RootKey, RootProvider, SecretName,
};
use yingdun_model::{InstitutionId, Secret, SystemClock};

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Set to `1` where a missing SoftHSM2 must fail the tests.
const REQUIRED: &str = "YINGDUN_REQUIRE_SOFTHSM";
const FOLDER: &str = "YINGDUN_TEST_TOKEN";
const PIN: &str = "0000-right";

/// Runs a test in a process of its own with a fresh token, labelled `house`.
fn with_token(test: &str, body: impl AsyncFnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body(Path::new(&folder)));
    }
    if !Path::new(MODULE).is_file() {
        assert!(std::env::var(REQUIRED).is_err(), "SoftHSM2 is not installed (Debian package softhsm2)");
        return eprintln!("skipped: SoftHSM2 is not installed (Debian package softhsm2)");
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    std::fs::write(&conf, format!("directories.tokendir = {}\n", folder.path().display())).unwrap();
    let init = ["--init-token", "--free", "--label", "house", "--so-pin", "0000-officer", "--pin", PIN];
    let made = Command::new("softhsm2-util").args(init).env("SOFTHSM2_CONF", &conf).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]).env("SOFTHSM2_CONF", &conf).env(FOLDER, folder.path());
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

fn settings() -> Pkcs11Settings {
    Pkcs11Settings {
        module: PathBuf::from(MODULE),
        token_label: "house".into(),
        key_label: "root".into(),
        pin: Secret::new(PIN.into()),
    }
}

fn place(name: &str) -> Context {
    Context::new("yingdun/test/v1").field(name)
}

/// The same module, as another part of the process would use it.
fn module() -> Pkcs11 {
    let module = Pkcs11::new(MODULE).unwrap();
    let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    module
}

fn session() -> Session {
    let module = module();
    let slot = module.get_slots_with_initialized_token().unwrap()[0];
    let session = module.open_rw_session(slot).unwrap();
    let _ = session.login(UserType::User, Some(&AuthPin::from(PIN.to_owned())));
    session
}

fn refusal<T>(answer: Result<T, RootError>) -> String {
    match answer {
        Err(RootError::Refused { cause, .. }) => cause,
        Err(other) => panic!("expected a refusal, came {other}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

#[test]
fn a_key_wrapped_by_the_token_comes_back_in_its_own_place_only() {
    with_token("a_key_wrapped_by_the_token_comes_back_in_its_own_place_only", async |_| {
        let (root, made) = Pkcs11Root::create(settings()).await.unwrap();
        assert!(made);
        let key = SealingKey::generate();
        let wrapped = root.wrap(&place("a"), &key).await.unwrap();
        assert_eq!(wrapped.len(), 61);
        assert_ne!(wrapped, root.wrap(&place("a"), &key).await.unwrap(), "a vector is never used twice");
        let back = root.unwrap(&place("a"), &wrapped).await.unwrap();
        assert_eq!(back.expose_secret(), key.expose_secret());
        assert!(matches!(root.unwrap(&place("b"), &wrapped).await, Err(RootError::WrongKey)));
        for len in 0..wrapped.len() {
            assert!(
                matches!(root.unwrap(&place("a"), &wrapped[..len]).await, Err(RootError::WrongKey)),
                "{len}"
            );
        }
        for byte in 0..wrapped.len() {
            let mut damaged = wrapped.clone();
            damaged[byte] ^= 1;
            let answer = root.unwrap(&place("a"), &damaged).await;
            assert!(matches!(answer, Err(RootError::WrongKey)), "byte {byte}: {answer:?}");
        }
    });
}

#[test]
fn the_key_that_is_made_cannot_be_read() {
    with_token("the_key_that_is_made_cannot_be_read", async |_| {
        Pkcs11Root::create(settings()).await.unwrap();
        let session = session();
        let found = session.find_objects(&[Attribute::Label(b"root".to_vec())]).unwrap();
        let asked = [AttributeType::Value, AttributeType::NeverExtractable, AttributeType::Sensitive];
        let attributes = session.get_attributes(found[0], &asked).unwrap();
        assert_eq!(attributes, [Attribute::NeverExtractable(true), Attribute::Sensitive(true)]);
        let (_, made) = Pkcs11Root::create(settings()).await.unwrap();
        assert!(!made, "a key that is there is taken");
    });
}

#[test]
fn a_session_that_is_lost_is_answered_by_a_new_log_in() {
    with_token("a_session_that_is_lost_is_answered_by_a_new_log_in", async |_| {
        let (root, _) = Pkcs11Root::create(settings()).await.unwrap();
        let wrapped = root.wrap(&place("a"), &SealingKey::generate()).await.unwrap();
        // All sessions of the process are gone with this, and the log-in.
        module().finalize().unwrap();
        root.unwrap(&place("a"), &wrapped).await.unwrap();
        session().logout().unwrap();
        root.unwrap(&place("a"), &wrapped).await.unwrap();
    });
}

#[test]
fn a_token_that_is_gone_is_out_of_reach_until_it_is_back() {
    with_token("a_token_that_is_gone_is_out_of_reach_until_it_is_back", async |folder| {
        let (root, _) = Pkcs11Root::create(settings()).await.unwrap();
        let wrapped = root.wrap(&place("a"), &SealingKey::generate()).await.unwrap();
        let token = std::fs::read_dir(folder).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap();
        let away = folder.with_extension("away");
        std::fs::rename(token.path(), &away).unwrap();
        module().finalize().unwrap();
        let answer = root.unwrap(&place("a"), &wrapped).await;
        assert!(matches!(answer, Err(RootError::Unreachable { .. })), "{answer:?}");
        std::fs::rename(&away, token.path()).unwrap();
        module().finalize().unwrap();
        root.unwrap(&place("a"), &wrapped).await.unwrap();
    });
}

#[test]
fn a_wrong_pin_is_given_once_by_this_process_and_never_by_the_next() {
    with_token("a_wrong_pin_is_given_once_by_this_process_and_never_by_the_next", async |_| {
        Pkcs11Root::create(settings()).await.unwrap();
        let token = || {
            let module = module();
            let slot = module.get_slots_with_initialized_token().unwrap()[0];
            module.get_token_info(slot).unwrap()
        };
        assert!(!token().user_pin_count_low());
        let wrong = Pkcs11Settings { pin: Secret::new("0000-wrong".into()), ..settings() };
        let cause = refusal(Pkcs11Root::open(wrong.clone()).await);
        assert!(cause.contains("PinIncorrect") && !cause.contains("wrong"), "{cause}");
        assert!(token().user_pin_count_low());
        // A process that starts anew, even with the right one, gives none: it cannot know.
        for again in [wrong, settings()] {
            let cause = refusal(Pkcs11Root::open(again).await);
            assert!(cause.contains("log in once"), "{cause}");
        }
        drop(session());
        assert!(!token().user_pin_count_low());
        Pkcs11Root::open(settings()).await.unwrap();
    });
}

#[test]
fn a_key_that_is_missing_ambiguous_short_or_may_leave_the_token_is_refused() {
    let name = "a_key_that_is_missing_ambiguous_short_or_may_leave_the_token_is_refused";
    with_token(name, async |_| {
        let make = |label: &str, bytes: u64, leaves: bool| {
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::ValueLen(Ulong::new(bytes)),
                Attribute::Label(label.as_bytes().to_vec()),
                Attribute::Token(true),
                Attribute::Sensitive(!leaves),
                Attribute::Extractable(leaves),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
            ];
            session().generate_key(&Mechanism::AesKeyGen, &template).unwrap();
        };
        make("short", 16, false);
        make("leaves", 32, true);
        make("twice", 32, false);
        make("twice", 32, false);
        for (label, said) in [
            ("none", "no secret key"),
            ("short", "not an AES-256 key"),
            ("leaves", "may leave the token"),
            ("twice", "2 secret keys"),
        ] {
            let cause =
                refusal(Pkcs11Root::open(Pkcs11Settings { key_label: label.into(), ..settings() }).await);
            assert!(cause.contains(said), "{label}: {cause}");
        }
        let elsewhere = Pkcs11Settings { token_label: "other".into(), ..settings() };
        assert!(matches!(Pkcs11Root::open(elsewhere).await, Err(RootError::Unreachable { .. })));
        let no_module = Pkcs11Settings { module: "/nonexistent.so".into(), ..settings() };
        assert!(matches!(Pkcs11Root::open(no_module).await, Err(RootError::Unreachable { .. })));
    });
}

#[test]
fn a_key_store_opens_with_the_key_that_it_was_made_with_and_no_other() {
    let name = "a_key_store_opens_with_the_key_that_it_was_made_with_and_no_other";
    with_token(name, async |folder| {
        let path = folder.join("keys.db");
        let institution = InstitutionId::new("renmin").unwrap();
        let open = async |root: RootKey| {
            let database = Database::open_sqlite(&path, DatabaseKind::Keys).await.unwrap();
            KeyStore::open(database, root, EpochFile::at(folder.join("epoch.key")), Arc::new(SystemClock))
                .await
        };
        let (root, _) = Pkcs11Root::create(settings()).await.unwrap();
        let store = open(RootKey::of(root)).await.unwrap();
        let secret = store.secret(&institution, SecretName::Token).await.unwrap();
        drop(store);
        let store = open(RootKey::of(Pkcs11Root::open(settings()).await.unwrap())).await.unwrap();
        let again = store.secret(&institution, SecretName::Token).await.unwrap();
        assert_eq!(secret.expose_secret(), again.expose_secret());
        let other = Pkcs11Settings { key_label: "other".into(), ..settings() };
        let (other, _) = Pkcs11Root::create(other).await.unwrap();
        assert!(matches!(open(RootKey::of(other)).await, Err(KeysError::WrongRoot)));
        assert!(matches!(open(RootKey::from(SealingKey::generate())).await, Err(KeysError::WrongRoot)));
    });
}
