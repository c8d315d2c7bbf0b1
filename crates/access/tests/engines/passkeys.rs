//! Passkeys: having one made, proving it once, whose it may be, and what only one of two factors never opens.

use crate::house::{House, PASSWORD, REMOTE, actor, home, login_of, secret, unhurried};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::{
    Access, CodeExchange, CodeRequest, Factor, NewClient, NewPasskey, PasskeyError, PasskeyProof,
    PasskeyQuestion, RelyingParty, Session, SignInError, SignInRules, SignedIn, Stage,
};
use yingdun_catalog::identity::{passkeys, second_factors};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::one_time_code;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{Role, Secret};

crate::on_both_engines!(
    a_person_has_a_passkey_made_and_signs_in_with_both,
    an_answer_counts_once_at_whatever_node,
    an_answer_belongs_to_its_session_its_question_and_its_minutes,
    a_passkey_that_was_copied_is_refused,
    a_credential_belongs_to_one_account,
    a_password_alone_gets_round_no_passkey,
    wrong_answers_are_counted_like_wrong_codes,
    the_last_passkey_of_a_role_that_demands_one_is_removed_for_another_one,
    a_role_that_demands_a_passkey_takes_no_code,
    a_code_for_another_role_changes_no_passkey,
    a_passkey_that_came_meanwhile_is_not_got_round,
    what_the_page_proved_changes_no_factor_by_a_program,
    an_officer_resets_every_factor,
    what_is_kept_of_a_passkey_opens_nowhere_else,
    without_an_address_with_a_name_there_are_none,
);

const ORIGIN: &str = "https://archive.example:8443";

/// An authenticator of a person.
struct Key {
    id: Vec<u8>,
    key: SigningKey,
    count: u32,
    /// Whether it counts.
    counts: bool,
}

impl Key {
    fn new(seed: u8) -> Self {
        Self {
            id: vec![seed; 24],
            key: SigningKey::from_seed(&Secret::new([seed; 32])),
            count: 0,
            counts: true,
        }
    }

    fn client(ceremony: &str, asked: &PasskeyQuestion) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(asked.challenge);
        format!(
            r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#
        )
        .into_bytes()
    }

    fn says(&mut self, flags: u8, asked: &PasskeyQuestion) -> Vec<u8> {
        self.count += u32::from(self.counts);
        let mut data = sha256(asked.party.id().as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn makes(&mut self, asked: &PasskeyQuestion) -> NewPasskey {
        assert!(asked.person.is_some());
        let mut data = self.says(0x45, asked);
        data.extend([0; 16]);
        data.extend([0, 24]);
        data.extend(&self.id);
        // {1: 1 (OKP), 3: -8 (EdDSA), -1: 6 (Ed25519), -2: x}
        data.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
        data.extend(self.key.verifying_key().as_bytes());
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        attestation.push(data.len() as u8);
        attestation.extend(data);
        NewPasskey {
            name: " 办公室电脑 ".into(),
            client: Self::client("webauthn.create", asked),
            attestation,
        }
    }

    fn signs(&mut self, asked: &PasskeyQuestion) -> PasskeyProof {
        assert!(asked.person.is_none());
        let (client, authenticator) = (Self::client("webauthn.get", asked), self.says(0x05, asked));
        let message = [&authenticator[..], &sha256(&client)].concat();
        let signature = self.key.sign(&message).to_vec();
        PasskeyProof { credential: self.id.clone(), client, authenticator, signature, user_handle: None }
    }
}

fn rules() -> SignInRules {
    SignInRules { relying_party: Some(RelyingParty::of_address(ORIGIN).unwrap()), ..unhurried() }
}

fn demanding() -> SignInRules {
    SignInRules { passkey_for: BTreeSet::from([Role::Radiologist]), ..rules() }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

fn is<T: std::fmt::Debug>(outcome: Result<T, SignInError>, why: PasskeyError) -> bool {
    matches!(outcome, Err(SignInError::Passkey(error)) if error == why)
}

async fn login(node: &Access, name: &str) -> SignedIn {
    node.login(login_of(name, PASSWORD, None, REMOTE)).await.unwrap()
}

/// Has a first passkey made in a session.
async fn first(node: &Access, session: &Session, seed: u8) -> Key {
    let mut key = Key::new(seed);
    let asked = node.begin_passkey(session, secret(PASSWORD)).await.unwrap();
    let made = key.makes(&asked);
    assert_eq!(node.confirm_passkey(session, &made).await.unwrap().unwrap().0.len(), 10);
    key
}

/// A radiologist with a passkey.
async fn wang(house: &House, node: &Access) -> Key {
    house.person_with_password("wang", Role::Radiologist).await;
    first(node, &login(node, "wang").await.session, 1).await
}

async fn prove(node: &Access, session: &Session, key: &mut Key) {
    let asked = node.ask_for_passkey(session).await.unwrap();
    node.prove_passkey(session, &key.signs(&asked)).await.unwrap();
}

/// What a secret of an app shows now.
fn shows(house: &House, base32: &Secret<String>) -> Secret<String> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String =
        base32.expose().chars().map(|c| format!("{:05b}", alphabet.find(c).unwrap())).collect();
    let bytes = bits.as_bytes().chunks(8);
    let bytes: Vec<u8> =
        bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()).collect();
    let key = Secret::new(bytes.try_into().unwrap());
    let code = one_time_code::code(&key, one_time_code::step_at(house.now()));
    secret(std::str::from_utf8(&code).unwrap())
}

async fn a_person_has_a_passkey_made_and_signs_in_with_both(house: House) {
    let node = house.node(rules());
    house.person_with_password("wang", Role::Radiologist).await;
    let other = login(&node, "wang").await;
    let one = login(&node, "wang").await;
    assert!(refused(node.begin_passkey(&one.session, secret("a wrong password")).await));
    let mut key = first(&node, &one.session, 1).await;
    assert_eq!(house.last_leaf(), "authentication permitted passkey-registered");
    assert!(refused(node.bearer_in_part(other.token.expose(), REMOTE).await), "every other session ends");
    let whole = node.bearer(one.token.expose(), REMOTE).await.unwrap();
    assert_eq!((whole.methods(), whole.proved_by()), (vec!["pwd", "pop", "mfa"], Some(Factor::Passkey)));
    let views = node.own_passkeys(&whole).await.unwrap();
    assert_eq!((views.len(), views[0].name.as_str(), views[0].last_used), (1, "办公室电脑", None));
    let state = node.second_factor(&whole).await.unwrap();
    assert_eq!((state.passkeys, state.confirmed, state.recovery_codes_left), (1, None, 10));
    assert!(node.second_factor_holders(&house.security_officer).await.unwrap().contains(&actor("wang")));

    let half = login(&node, "wang").await;
    assert_eq!(half.session.stage(), Stage::Prove);
    assert!(matches!(node.bearer(half.token.expose(), REMOTE).await, Err(SignInError::SecondFactorNeeded)));
    prove(&node, &half.session, &mut key).await;
    assert_eq!(house.last_leaf(), "authentication permitted passkey-proved");
    let whole = node.bearer(half.token.expose(), REMOTE).await.unwrap();
    assert_eq!(whole.methods(), ["pwd", "pop", "mfa"]);
    assert!(node.second_factor(&whole).await.unwrap().strong_until.is_some());
    assert_eq!(node.own_passkeys(&whole).await.unwrap()[0].last_used, Some(house.now()));
}

async fn an_answer_counts_once_at_whatever_node(house: House) {
    let (one, other) = (house.node(rules()), house.node(rules()));
    let mut key = wang(&house, &one).await;
    // Also one that does not count: then the challenge alone decides.
    for counts in [true, false] {
        key.counts = counts;
        if !counts {
            let found = passkeys::of_account(&house.identity, &home(), &actor("wang")).await.unwrap();
            let reset = passkeys::use_passkey(&home(), &actor("wang"), &found[0], 0, house.now());
            house.identity.execute(vec![reset]).await.unwrap();
            key.count = 0;
        }
        let half = login(&one, "wang").await.session;
        let asked = one.ask_for_passkey(&half).await.unwrap();
        let proof = key.signs(&asked);
        let (left, right) =
            tokio::join!(one.prove_passkey(&half, &proof), other.prove_passkey(&half, &proof));
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        assert!(refused(one.prove_passkey(&half, &proof).await), "a replay");
    }
}

async fn an_answer_belongs_to_its_session_its_question_and_its_minutes(house: House) {
    let node = house.node(rules());
    let mut key = wang(&house, &node).await;
    let (one, other) = (login(&node, "wang").await.session, login(&node, "wang").await.session);
    let asked = node.ask_for_passkey(&one).await.unwrap();
    // Of another session.
    node.ask_for_passkey(&other).await.unwrap();
    assert!(refused(node.prove_passkey(&other, &key.signs(&asked)).await));
    assert_eq!(house.last_leaf(), "authentication refused passkey-other-challenge");
    // Of a question that another one took the place of.
    let newer = node.ask_for_passkey(&one).await.unwrap();
    assert!(refused(node.prove_passkey(&one, &key.signs(&asked)).await));
    // Too late.
    house.clock.advance(Duration::from_secs(5 * 60));
    assert!(refused(node.prove_passkey(&one, &key.signs(&newer)).await));
    assert_eq!(house.last_leaf(), "authentication refused passkey-not-asked");
    // Of another kind: a session that is asked for a new passkey takes no proof.
    prove(&node, &one, &mut key).await;
    let asked = node.begin_passkey(&one, secret("")).await.unwrap();
    let as_proof = PasskeyQuestion { person: None, ..asked };
    assert!(refused(node.prove_passkey(&one, &key.signs(&as_proof)).await));
    assert_eq!(house.last_leaf(), "authentication refused passkey-not-asked");
}

async fn a_passkey_that_was_copied_is_refused(house: House) {
    let node = house.node(rules());
    let mut key = wang(&house, &node).await;
    let half = login(&node, "wang").await.session;
    prove(&node, &half, &mut key).await;
    for count in [0, key.count - 1] {
        let asked = node.ask_for_passkey(&half).await.unwrap();
        key.count = count;
        assert!(refused(node.prove_passkey(&half, &key.signs(&asked)).await));
        assert_eq!(house.last_leaf(), "authentication refused passkey-copied");
    }
    key.count = 100;
    prove(&node, &half, &mut key).await;
}

async fn a_credential_belongs_to_one_account(house: House) {
    let node = house.node(rules());
    let mut key = wang(&house, &node).await;
    house.person_with_password("li", Role::Radiologist).await;
    let li = login(&node, "li").await.session;
    let asked = node.begin_passkey(&li, secret(PASSWORD)).await.unwrap();
    assert!(is(node.confirm_passkey(&li, &key.makes(&asked)).await, PasskeyError::Taken));
    assert_eq!(node.second_factor(&li).await.unwrap().passkeys, 0);
    let mut own = first(&node, &li, 2).await;
    // Somebody else's, though it answers the question.
    let half = login(&node, "li").await.session;
    let asked = node.ask_for_passkey(&half).await.unwrap();
    assert!(refused(node.prove_passkey(&half, &key.signs(&asked)).await));
    assert_eq!(house.last_leaf(), "authentication refused unknown-passkey");
    // The own name with the signature of somebody else; and the own one for somebody else.
    let foreign = PasskeyProof { credential: own.id.clone(), ..key.signs(&asked) };
    assert!(refused(node.prove_passkey(&half, &foreign).await));
    assert_eq!(house.last_leaf(), "authentication refused passkey-wrong-signature");
    let foreign = PasskeyProof { user_handle: Some(vec![1; 32]), ..own.signs(&asked) };
    assert!(refused(node.prove_passkey(&half, &foreign).await));
    assert!(node.prove_passkey(&half, &own.signs(&asked)).await.is_ok());
}

async fn a_password_alone_gets_round_no_passkey(house: House) {
    let node = house.node(rules());
    house.person_with_password("wang", Role::Radiologist).await;
    // A thief of the password begins an app while there is no factor yet.
    let thief = login(&node, "wang").await.session;
    let begun = node.begin_second_factor(&thief, secret(PASSWORD)).await.unwrap();
    let owner = login(&node, "wang").await.session;
    let mut key = first(&node, &owner, 1).await;
    let half = login(&node, "wang").await.session;
    let code = shows(&house, &begun.secret);
    assert!(matches!(node.confirm_second_factor(&half, &code).await, Err(SignInError::NoSecondFactor)));
    assert!(refused(node.prove_second_factor(&half, &code).await));
    // Neither an app nor a passkey is had for it now, nor is one removed.
    assert!(is(node.begin_second_factor(&half, secret(PASSWORD)).await, PasskeyError::NotFresh));
    assert!(is(node.begin_passkey(&half, secret(PASSWORD)).await, PasskeyError::NotFresh));
    let reference = node.own_passkeys(&owner).await.unwrap()[0].reference.clone();
    assert!(is(node.remove_passkey(&half, &reference).await, PasskeyError::NotFresh));
    // What was proved opens it for five minutes, and no longer.
    prove(&node, &half, &mut key).await;
    let begun = node.begin_second_factor(&half, secret("")).await.unwrap();
    house.clock.advance(Duration::from_secs(5 * 60));
    assert!(is(node.begin_passkey(&half, secret(PASSWORD)).await, PasskeyError::NotFresh));
    let late = node.confirm_second_factor(&half, &shows(&house, &begun.secret)).await;
    assert!(is(late, PasskeyError::NotFresh));
    prove(&node, &half, &mut key).await;
    assert!(node.confirm_second_factor(&half, &shows(&house, &begun.secret)).await.is_ok());
    // With both there, either finishes a sign-in.
    let half = login(&node, "wang").await.session;
    house.clock.advance(Duration::from_secs(30));
    assert!(node.prove_second_factor(&half, &shows(&house, &begun.secret)).await.is_ok());
}

async fn wrong_answers_are_counted_like_wrong_codes(house: House) {
    let node = house.node(rules());
    let mut key = wang(&house, &node).await;
    let half = login(&node, "wang").await.session;
    let asked = node.ask_for_passkey(&half).await.unwrap();
    for _ in 0..5 {
        let wrong = PasskeyProof { signature: vec![0; 64], ..key.signs(&asked) };
        assert!(refused(node.prove_passkey(&half, &wrong).await));
    }
    assert!(refused(node.prove_passkey(&half, &key.signs(&asked)).await));
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    house.clock.advance(Duration::from_secs(60 * 60));
    let half = login(&node, "wang").await.session;
    prove(&node, &half, &mut key).await;
}

async fn the_last_passkey_of_a_role_that_demands_one_is_removed_for_another_one(house: House) {
    let node = house.node(demanding());
    house.person_with_password("wang", Role::Radiologist).await;
    let one = login(&node, "wang").await;
    assert_eq!(one.session.stage(), Stage::Enrol);
    let mut key = first(&node, &one.session, 1).await;
    let asked = node.begin_passkey(&one.session, secret("")).await.unwrap();
    assert_eq!(asked.credentials, [key.id.clone()]);
    let second = Key::new(2).makes(&asked);
    assert!(node.confirm_passkey(&one.session, &second).await.unwrap().is_none(), "codes are there already");
    let session = node.bearer(one.token.expose(), REMOTE).await.unwrap();
    let views = node.own_passkeys(&session).await.unwrap();
    assert_eq!(views.len(), 2);
    house.clock.advance(Duration::from_secs(5 * 60));
    assert!(is(node.remove_passkey(&session, &views[1].reference).await, PasskeyError::NotFresh));
    prove(&node, &session, &mut key).await;
    assert!(is(node.remove_passkey(&session, "0123456789abcdef").await, PasskeyError::Unknown));
    let other = login(&node, "wang").await;
    node.remove_passkey(&session, &views[1].reference).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted passkey-removed");
    assert!(refused(node.bearer_in_part(other.token.expose(), REMOTE).await));
    assert!(node.bearer(one.token.expose(), REMOTE).await.is_ok(), "one is left");
    node.remove_passkey(&session, &views[0].reference).await.unwrap();
    assert!(matches!(node.bearer(one.token.expose(), REMOTE).await, Err(SignInError::SecondFactorNeeded)));
    let session = node.bearer_in_part(one.token.expose(), REMOTE).await.unwrap();
    assert_eq!((session.stage(), session.proved()), (Stage::Enrol, None));
    assert_eq!(node.second_factor(&session).await.unwrap().recovery_codes_left, 0);
    first(&node, &session, 3).await;
    assert!(node.bearer(one.token.expose(), REMOTE).await.is_ok());
}

async fn a_role_that_demands_a_passkey_takes_no_code(house: House) {
    let (lenient, node) = (house.node(rules()), house.node(demanding()));
    house.person_with_password("wang", Role::Radiologist).await;
    let before = login(&lenient, "wang").await;
    let begun = lenient.begin_second_factor(&before.session, secret(PASSWORD)).await.unwrap();
    let codes =
        lenient.confirm_second_factor(&before.session, &shows(&house, &begun.secret)).await.unwrap().0;
    assert!(lenient.bearer(before.token.expose(), REMOTE).await.is_ok());
    // What was whole before it was demanded is whole no more.
    assert!(matches!(node.bearer(before.token.expose(), REMOTE).await, Err(SignInError::SecondFactorNeeded)));
    let half = login(&node, "wang").await;
    assert_eq!(half.session.stage(), Stage::Prove);
    assert!(is(node.begin_passkey(&half.session, secret(PASSWORD)).await, PasskeyError::NotFresh));
    node.prove_second_factor(&half.session, &codes[0]).await.unwrap();
    let session = node.bearer_in_part(half.token.expose(), REMOTE).await.unwrap();
    assert_eq!(session.stage(), Stage::Enrol, "the code was right, and is not enough");
    assert!(matches!(node.bearer(half.token.expose(), REMOTE).await, Err(SignInError::SecondFactorNeeded)));
    let mut key = Key::new(1);
    let asked = node.begin_passkey(&session, secret("")).await.unwrap();
    node.confirm_passkey(&session, &key.makes(&asked)).await.unwrap();
    assert!(node.bearer(half.token.expose(), REMOTE).await.is_ok());
    let half = login(&node, "wang").await;
    assert!(is(node.prove_second_factor(&half.session, &codes[1]).await, PasskeyError::Demanded));
    prove(&node, &half.session, &mut key).await;
    assert!(node.bearer(half.token.expose(), REMOTE).await.is_ok());
}

async fn a_code_for_another_role_changes_no_passkey(house: House) {
    let node = house.node(demanding());
    let mut key = wang(&house, &node).await;
    house.access.give_role(&house.security_officer, &actor("wang"), Role::Clinician).await.unwrap();
    let sign_in = async |role| {
        let login = login_of("wang", PASSWORD, Some(role), REMOTE);
        node.login(login).await.unwrap()
    };
    // An app beside the passkey is no step down from what was proved.
    let owner = sign_in(Role::Radiologist).await;
    prove(&node, &owner.session, &mut key).await;
    let begun = node.begin_second_factor(&owner.session, secret("")).await.unwrap();
    let codes = node.confirm_second_factor(&owner.session, &shows(&house, &begun.secret)).await.unwrap().0;
    let owner = node.bearer(owner.token.expose(), REMOTE).await.unwrap();
    assert_eq!((owner.stage(), owner.proved_by()), (Stage::Whole, Some(Factor::Passkey)));
    // Who has password and a code is a clinician with them, and gets no further.
    let thief = sign_in(Role::Clinician).await;
    node.prove_second_factor(&thief.session, &codes[0]).await.unwrap();
    let thief = node.bearer(thief.token.expose(), REMOTE).await.unwrap();
    let reference = node.own_passkeys(&thief).await.unwrap()[0].reference.clone();
    assert!(is(node.begin_passkey(&thief, secret(PASSWORD)).await, PasskeyError::NotFresh));
    assert!(is(node.remove_passkey(&thief, &reference).await, PasskeyError::NotFresh));
    prove(&node, &thief, &mut key).await;
    assert!(node.begin_passkey(&thief, secret("")).await.is_ok(), "with the passkey it is the owner");
}

async fn a_passkey_that_came_meanwhile_is_not_got_round(house: House) {
    let (lenient, node) = (house.node(rules()), house.node(demanding()));
    house.person_with_password("wang", Role::Radiologist).await;
    let first = login(&lenient, "wang").await.session;
    let begun = lenient.begin_second_factor(&first, secret(PASSWORD)).await.unwrap();
    let codes = lenient.confirm_second_factor(&first, &shows(&house, &begun.secret)).await.unwrap().0;
    let [thief, owner] = [login(&node, "wang").await.session, login(&node, "wang").await.session];
    node.prove_second_factor(&thief, &codes[0]).await.unwrap();
    node.prove_second_factor(&owner, &codes[1]).await.unwrap();
    let asked = node.begin_passkey(&thief, secret("")).await.unwrap();
    let of_owner = node.begin_passkey(&owner, secret("")).await.unwrap();
    node.confirm_passkey(&owner, &Key::new(1).makes(&of_owner)).await.unwrap();
    assert!(is(node.confirm_passkey(&thief, &Key::new(2).makes(&asked)).await, PasskeyError::NotFresh));
    assert_eq!(node.own_passkeys(&owner).await.unwrap().len(), 1);
}

async fn what_the_page_proved_changes_no_factor_by_a_program(house: House) {
    let node = house.node(rules());
    let mut key = wang(&house, &node).await;
    let redirect = "https://viewer.example/callback".to_owned();
    let new =
        NewClient { client_id: actor("viewer"), confidential: false, redirect_uris: vec![redirect.clone()] };
    house.access.create_client(&house.system_officer, &new).await.unwrap();
    let page = login(&node, "wang").await;
    prove(&node, &page.session, &mut key).await;
    let page = node.bearer(page.token.expose(), REMOTE).await.unwrap();
    let verifier = "v".repeat(43);
    let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    let request = CodeRequest { client_id: actor("viewer"), redirect_uri: redirect.clone(), challenge };
    let code = node.issue_code(&page, &request).await.unwrap();
    let exchange = CodeExchange {
        client_id: actor("viewer"),
        client_secret: None,
        code,
        redirect_uri: redirect,
        verifier: secret(&verifier),
        peer: REMOTE,
    };
    let program = node.exchange_code(exchange).await.unwrap().session;
    assert!(program.proved().is_some(), "it opens what is sensitive");
    let reference = node.own_passkeys(&page).await.unwrap()[0].reference.clone();
    assert!(is(node.begin_passkey(&program, secret(PASSWORD)).await, PasskeyError::NotFresh));
    assert!(is(node.begin_second_factor(&program, secret(PASSWORD)).await, PasskeyError::NotFresh));
    assert!(is(node.remove_passkey(&program, &reference).await, PasskeyError::NotFresh));
    assert!(node.begin_passkey(&page, secret("")).await.is_ok(), "where it was proved it counts");
    house.clock.advance(Duration::from_secs(1));
    prove(&node, &program, &mut key).await;
    assert!(node.begin_passkey(&program, secret("")).await.is_ok(), "proved in it, it counts");
}

async fn an_officer_resets_every_factor(house: House) {
    let node = house.node(rules());
    wang(&house, &node).await;
    let half = login(&node, "wang").await;
    node.reset_second_factor(&house.security_officer, &actor("wang")).await.unwrap();
    assert!(refused(node.bearer_in_part(half.token.expose(), REMOTE).await));
    assert!(passkeys::of_account(&house.identity, &home(), &actor("wang")).await.unwrap().is_empty());
    assert_eq!(second_factors::codes_left(&house.identity, &home(), &actor("wang")).await.unwrap(), 0);
    let whole = login(&node, "wang").await.session;
    assert_eq!(whole.stage(), Stage::Whole);
    first(&node, &whole, 1).await;
}

async fn what_is_kept_of_a_passkey_opens_nowhere_else(house: House) {
    let node = house.node(rules());
    let key = wang(&house, &node).await;
    house.person_with_password("li", Role::Radiologist).await;
    let li = login(&node, "li").await.session;
    let found = passkeys::of_account(&house.identity, &home(), &actor("wang")).await.unwrap().pop().unwrap();
    for needle in [&key.id[..], key.key.verifying_key().as_bytes(), "办公室电脑".as_bytes()] {
        assert!(!found.sealed.windows(needle.len()).any(|window| window == needle));
    }
    // Moved to another account.
    let changes = vec![
        passkeys::remove(&home(), &actor("wang"), &found.credential_hash),
        passkeys::insert(&home(), &actor("li"), &found),
    ];
    house.identity.execute(changes).await.unwrap();
    assert!(matches!(node.own_passkeys(&li).await, Err(SignInError::SecondFactorDamaged)));
}

async fn without_an_address_with_a_name_there_are_none(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let session = house.login("wang", PASSWORD, None).await.unwrap().session;
    assert!(!house.access.offers_passkeys());
    assert!(is(house.access.begin_passkey(&session, secret(PASSWORD)).await, PasskeyError::Off));
    assert!(is(house.access.ask_for_passkey(&session).await, PasskeyError::Off));
}
