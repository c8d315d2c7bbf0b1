//! Second factors: getting one, proving it once, losing it, and what is asked of whom.

use crate::house::{House, PASSWORD, REMOTE, actor, home, login_of, secret, unhurried};
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, CodeExchange, CodeRequest, NewClient, Peer, Reason, Refusal, Session, SignInError,
    SignInRules, Stage,
};
use yingdun_catalog::identity::{people, second_factors};
use yingdun_crypto::one_time_code::{self, SECRET_BYTES, STEP_MS};
use yingdun_model::{Action, Grade, Role, Secret};

crate::on_both_engines!(
    a_person_gets_a_second_factor_and_signs_in_with_both,
    what_was_begun_waits_a_quarter_of_an_hour_and_for_no_new_password,
    a_session_that_waits_for_its_second_factor_opens_nothing,
    a_session_that_was_opened_beside_an_enrolment_waits_for_the_code,
    a_code_works_once_at_whatever_node,
    codes_of_the_step_before_and_after_are_taken_and_no_other,
    wrong_codes_are_counted_with_wrong_passwords_and_a_right_password_forgets_none,
    no_new_password_forgets_wrong_codes,
    a_code_forgets_what_failed_at_strange_places_only_when_it_comes_from_one,
    a_recovery_code_works_once_and_new_ones_end_the_old,
    a_role_that_demands_it_is_not_activated_before_there_is_one,
    one_removes_the_own_second_factor_with_a_code,
    two_officers_are_needed_to_take_an_account_over,
    sensitive_studies_open_after_a_fresh_code_where_that_is_asked_for,
    what_was_proved_on_our_page_counts_for_the_program,
    a_login_link_is_worth_a_password,
    what_is_kept_of_a_second_factor_is_no_secret_and_opens_nowhere_else,
);

const ELSEWHERE: Peer =
    Peer { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9)), tls: true };

/// The app of a person.
struct App(Secret<[u8; SECRET_BYTES]>);

impl App {
    fn read(base32: &Secret<String>) -> Self {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: String =
            base32.expose().chars().map(|c| format!("{:05b}", alphabet.find(c).unwrap())).collect();
        let bytes: Vec<u8> = bits
            .as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect();
        Self(Secret::new(bytes.try_into().unwrap()))
    }

    /// What it shows so many steps from now.
    fn shows(&self, house: &House, apart: i64) -> Secret<String> {
        let code = one_time_code::code(&self.0, one_time_code::step_at(house.now()) + apart);
        secret(std::str::from_utf8(&code).unwrap())
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

/// Gives the person of a session a second factor; the step of its first code is over then.
async fn enrol(house: &House, access: &Access, session: &Session) -> (App, Vec<Secret<String>>) {
    let begun = access.begin_second_factor(session, secret(PASSWORD)).await.unwrap();
    let app = App::read(&begun.secret);
    let codes = access.confirm_second_factor(session, &app.shows(house, 0)).await.unwrap().0;
    house.clock.advance(step());
    (app, codes)
}

fn step() -> Duration {
    Duration::from_millis(STEP_MS as u64)
}

/// A person with a second factor, signed in whole.
pub(crate) async fn outsider(house: &House, name: &str, role: Role) -> Session {
    house.person_with_password(name, role).await;
    let first = house.login(name, PASSWORD, None).await.unwrap();
    enrol(house, &house.access, &first.session).await;
    house.access.bearer(first.token.expose(), REMOTE).await.unwrap()
}

/// A person with a password and a second factor.
async fn wang(house: &House, role: Role) -> (App, Vec<Secret<String>>) {
    house.person_with_password("wang", role).await;
    let first = house.login("wang", PASSWORD, None).await.unwrap().session;
    enrol(house, &house.access, &first).await
}

async fn a_person_gets_a_second_factor_and_signs_in_with_both(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let first = house.login("wang", PASSWORD, None).await.unwrap();
    let other = house.login("wang", PASSWORD, None).await.unwrap();
    assert_eq!((first.session.stage(), first.session.methods()), (Stage::Whole, vec!["pwd"]));
    assert!(refused(house.access.begin_second_factor(&first.session, secret("a wrong password")).await));
    let code = secret("123456");
    let early = house.access.confirm_second_factor(&first.session, &code).await;
    assert!(matches!(early, Err(SignInError::NoSecondFactor)));

    let begun = house.access.begin_second_factor(&first.session, secret(PASSWORD)).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-begun");
    let app = App::read(&begun.secret);
    assert!(begun.uri.expose().starts_with("otpauth://totp/Yingdun%20renmin:wang?secret="));
    assert!(begun.uri.expose().contains(begun.secret.expose().as_str()));
    assert!(refused(house.access.confirm_second_factor(&first.session, &app.shows(&house, 5)).await));
    assert!(
        house.login("wang", PASSWORD, None).await.unwrap().session.stage() == Stage::Whole,
        "a factor that was not confirmed locks nobody out"
    );
    let codes = house.access.confirm_second_factor(&first.session, &app.shows(&house, 0)).await.unwrap().0;
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-enrolled");
    assert_eq!(codes.len(), 10);
    assert!(refused(house.access.bearer(other.token.expose(), REMOTE).await), "other sessions end");
    let again = house.access.bearer(first.token.expose(), REMOTE).await.unwrap();
    assert_eq!(again.methods(), ["pwd", "otp", "mfa"]);
    let twice = house.access.begin_second_factor(&again, secret(PASSWORD)).await;
    assert!(matches!(twice, Err(SignInError::SecondFactorExists)));

    house.clock.advance(step());
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-awaited");
    assert_eq!((half.session.stage(), half.expires_in), (Stage::Prove, Duration::from_secs(900)));
    let strong_until = house.access.prove_second_factor(&half.session, &app.shows(&house, 0)).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-proved");
    assert_eq!(strong_until, house.now().after(Duration::from_secs(3600)));
    let whole = house.access.bearer(half.token.expose(), REMOTE).await.unwrap();
    assert_eq!((whole.stage(), whole.methods()), (Stage::Whole, vec!["pwd", "otp", "mfa"]));
    assert_eq!(
        whole.expires(),
        house.now().after(Duration::from_secs(8 * 3600)),
        "it lasts a shift from here on"
    );
}

async fn what_was_begun_waits_a_quarter_of_an_hour_and_for_no_new_password(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let session = house.login("wang", PASSWORD, None).await.unwrap().session;
    let other = "another password";
    let begin = async |session: &Session, password| {
        App::read(&house.access.begin_second_factor(session, secret(password)).await.unwrap().secret)
    };
    let gone = async |session: &Session, app: &App| {
        let outcome = house.access.confirm_second_factor(session, &app.shows(&house, 0)).await;
        matches!(outcome, Err(SignInError::NoSecondFactor))
    };
    let app = begin(&session, PASSWORD).await;
    house.clock.advance(Duration::from_secs(15 * 60));
    assert!(gone(&session, &app).await, "too late");

    let app = begin(&session, PASSWORD).await;
    house.access.change_password(&session, secret(PASSWORD), secret(other)).await.unwrap();
    assert!(gone(&session, &app).await, "it was begun with the old password");

    let app = begin(&session, other).await;
    let link = house.access.invite_again(&house.system_officer, &actor("wang")).await.unwrap();
    house.access.accept_invitation(link.token.expose(), secret(PASSWORD), REMOTE).await.unwrap();
    let session = house.login("wang", PASSWORD, None).await.unwrap().session;
    assert!(gone(&session, &app).await, "nor by an invitation");

    let app = begin(&session, PASSWORD).await;
    house.clock.advance(Duration::from_secs(15 * 60) - Duration::from_millis(1));
    assert!(house.access.confirm_second_factor(&session, &app.shows(&house, 0)).await.is_ok());
}

async fn a_session_that_waits_for_its_second_factor_opens_nothing(house: House) {
    wang(&house, Role::Radiologist).await;
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    let bearer = house.access.bearer(half.token.expose(), REMOTE).await;
    assert!(matches!(bearer, Err(SignInError::SecondFactorNeeded)));
    let in_part = house.access.bearer_in_part(half.token.expose(), REMOTE).await.unwrap();
    assert_eq!(in_part.stage(), Stage::Prove);
    // Whoever gets hold of such a session inside the program gets no further with it.
    let study = house.study(1, Grade::L4);
    let view = house.access.authorise(&in_part, Action::View, study).await;
    assert!(matches!(view, Err(Refusal::Denied { reason: Reason::SignInNotFinished, .. })));
    let request = CodeRequest {
        client_id: actor("viewer"),
        redirect_uri: "https://viewer.example/".into(),
        challenge: "A".repeat(43),
    };
    assert!(refused(house.access.issue_code(&in_part, &request).await));
    house.clock.advance(Duration::from_secs(900));
    assert!(
        refused(house.access.bearer_in_part(half.token.expose(), REMOTE).await),
        "it waits a quarter of an hour"
    );
}

async fn a_session_that_was_opened_beside_an_enrolment_waits_for_the_code(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let client = NewClient {
        client_id: actor("viewer"),
        confidential: false,
        redirect_uris: vec!["https://viewer.example/".into()],
    };
    house.access.create_client(&house.system_officer, &client).await.unwrap();
    let late = house.login("wang", PASSWORD, None).await.unwrap();
    // The verifier and the challenge of RFC 7636 appendix B.
    let request = CodeRequest {
        client_id: actor("viewer"),
        redirect_uri: "https://viewer.example/".into(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
    };
    let code = house.access.issue_code(&late.session, &request).await.unwrap();
    let begun = house.access.begin_second_factor(&late.session, secret(PASSWORD)).await.unwrap();
    let app = App::read(&begun.secret);
    // As if its row had come after the others were ended.
    let row = second_factors::find(&house.identity, &home(), &actor("wang")).await.unwrap().unwrap();
    let confirm = second_factors::confirm(&home(), &actor("wang"), &row.sealed, 1, house.now());
    house.identity.execute(vec![confirm]).await.unwrap();

    let bearer = house.access.bearer(late.token.expose(), REMOTE).await;
    assert!(matches!(bearer, Err(SignInError::SecondFactorNeeded)), "{bearer:?}");
    let view = house.access.authorise(&late.session, Action::View, house.study(1, Grade::L4)).await;
    assert_eq!(view.unwrap_err().reason(), Some(Reason::SignInNotFinished));
    let exchange = CodeExchange {
        client_id: actor("viewer"),
        client_secret: None,
        code,
        redirect_uri: request.redirect_uri,
        verifier: secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        peer: REMOTE,
    };
    assert!(refused(house.access.exchange_code(exchange).await));
    house.access.prove_second_factor(&late.session, &app.shows(&house, 0)).await.unwrap();
    assert!(house.access.bearer(late.token.expose(), REMOTE).await.is_ok());
}

async fn a_code_works_once_at_whatever_node(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let nodes = [house.access.clone(), house.node(unhurried()), house.node(unhurried())];
    let code = app.shows(&house, 0);
    let half = house.login("wang", PASSWORD, None).await.unwrap().session;
    let tries = nodes.each_ref().map(|node| node.prove_second_factor(&half, &code));
    let [one, two, three] = tries;
    let (one, two, three) = tokio::join!(one, two, three);
    let right = [one, two, three].iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(right, 1);
    assert!(house.leaves().iter().any(|leaf| leaf.reason.as_str() == "replayed-one-time-code"));
    // Nor does a code of an earlier step that nobody used.
    assert!(refused(house.access.prove_second_factor(&half, &app.shows(&house, -1)).await));
    house.clock.advance(step());
    assert!(house.access.prove_second_factor(&half, &app.shows(&house, 0)).await.is_ok());
}

async fn codes_of_the_step_before_and_after_are_taken_and_no_other(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    for (apart, taken) in [(-2, false), (2, false), (-1, true), (1, true)] {
        house.clock.advance(step() * 4);
        let half = house.login("wang", PASSWORD, None).await.unwrap().session;
        let outcome = house.access.prove_second_factor(&half, &app.shows(&house, apart)).await;
        assert_eq!(outcome.is_ok(), taken, "{apart}");
    }
}

async fn wrong_codes_are_counted_with_wrong_passwords_and_a_right_password_forgets_none(house: House) {
    let (app, codes) = wang(&house, Role::Radiologist).await;
    let wrong = secret("ABCD-EFGH-IJKL-MNOP");
    for _ in 0..4 {
        let half = house.login("wang", PASSWORD, None).await.unwrap().session;
        assert!(refused(house.access.prove_second_factor(&half, &wrong).await));
        assert_eq!(house.last_leaf(), "authentication refused wrong-one-time-code");
    }
    let half = house.login("wang", PASSWORD, None).await.unwrap().session;
    assert!(refused(house.access.prove_second_factor(&half, &wrong).await));
    assert!(
        refused(house.access.prove_second_factor(&half, &app.shows(&house, 0)).await),
        "the sixth is not looked at"
    );
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    assert!(
        refused(house.access.prove_second_factor(&half, codes.first().unwrap()).await),
        "nor is a recovery code"
    );
    assert!(refused(house.login("wang", PASSWORD, None).await), "and no password either");
    house.clock.advance(Duration::from_secs(15 * 60));
    let half = house.login("wang", PASSWORD, None).await.unwrap().session;
    assert!(house.access.prove_second_factor(&half, &app.shows(&house, 0)).await.is_ok());
    for _ in 0..20 {
        assert!(
            house.login("wang", PASSWORD, None).await.is_ok(),
            "sign-ins that nobody finishes stop nobody"
        );
    }
}

async fn no_new_password_forgets_wrong_codes(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    house.access.prove_second_factor(&half.session, &app.shows(&house, 0)).await.unwrap();
    let whole = house.access.bearer(half.token.expose(), REMOTE).await.unwrap();
    let wrong = secret("ABCD-EFGH-IJKL-MNOP");
    // Who has a whole session and the password, and changes it between guesses.
    for _ in 0..4 {
        assert!(refused(house.access.prove_second_factor(&whole, &wrong).await));
    }
    let other = "another password";
    house.access.change_password(&whole, secret(PASSWORD), secret(other)).await.unwrap();
    assert!(refused(house.access.prove_second_factor(&whole, &wrong).await));
    assert!(refused(house.access.prove_second_factor(&whole, &wrong).await));
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    // The officer who sends invitations, from elsewhere.
    let invite = async || {
        let link = house.access.invite_again(&house.system_officer, &actor("wang")).await.unwrap();
        house.access.accept_invitation(link.token.expose(), secret(other), ELSEWHERE).await.unwrap();
    };
    invite().await;
    let half = house.login_from(ELSEWHERE, "wang", other, None).await.unwrap().session;
    for _ in 0..5 {
        assert!(refused(house.access.prove_second_factor(&half, &wrong).await));
    }
    invite().await;
    assert!(refused(house.login_from(ELSEWHERE, "wang", other, None).await));
    let strangers = people::find(&house.identity, &home(), &actor("wang")).await.unwrap().unwrap();
    assert!(strangers.strange_failures >= 5, "{strangers:?}");
}

async fn a_code_forgets_what_failed_at_strange_places_only_when_it_comes_from_one(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let strange = async || {
        people::find(&house.identity, &home(), &actor("wang")).await.unwrap().unwrap().strange_failures
    };
    for _ in 0..3 {
        assert!(refused(house.login_from(ELSEWHERE, "wang", "a wrong password", None).await));
    }
    let first = house.login("wang", PASSWORD, None).await.unwrap().session;
    let (app, _) = enrol(&house, &house.access, &first).await;
    assert_eq!(strange().await, 3, "it was enrolled at the usual desk");
    house.access.prove_second_factor(&first, &app.shows(&house, 0)).await.unwrap();
    assert_eq!(strange().await, 3, "and proved there");
    house.clock.advance(step());
    let half = house.login_from(ELSEWHERE, "wang", PASSWORD, None).await.unwrap().session;
    house.access.prove_second_factor(&half, &app.shows(&house, 0)).await.unwrap();
    assert_eq!(strange().await, 0);
}

async fn a_recovery_code_works_once_and_new_ones_end_the_old(house: House) {
    let (app, codes) = wang(&house, Role::Radiologist).await;
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    let typed = secret(&codes.get(3).unwrap().expose().to_lowercase().replace('-', " "));
    assert!(house.access.prove_second_factor(&half.session, &typed).await.is_ok());
    let words: Vec<String> =
        house.leaves().iter().rev().take(2).map(|leaf| leaf.reason.to_string()).collect();
    assert_eq!(words, ["second-factor-proved", "recovery-code-used"]);
    let whole = house.access.bearer(half.token.expose(), REMOTE).await.unwrap();
    assert_eq!(house.access.second_factor(&whole).await.unwrap().recovery_codes_left, 9);
    assert!(refused(house.access.prove_second_factor(&whole, codes.get(3).unwrap()).await));
    assert_eq!(house.last_leaf(), "authentication refused replayed-one-time-code");

    let fresh = house.access.renew_recovery_codes(&whole, &app.shows(&house, 0)).await.unwrap().0;
    assert_eq!(house.access.second_factor(&whole).await.unwrap().recovery_codes_left, 10);
    assert!(refused(house.access.prove_second_factor(&whole, codes.get(4).unwrap()).await));
    assert!(house.access.prove_second_factor(&whole, fresh.first().unwrap()).await.is_ok());
}

async fn a_role_that_demands_it_is_not_activated_before_there_is_one(house: House) {
    let rules = SignInRules { second_factor_for: BTreeSet::from([Role::SystemAdministrator]), ..unhurried() };
    let node = house.node(rules);
    house.person_with_password("wang", Role::SystemAdministrator).await;
    house.person_with_password("li", Role::Clinician).await;
    let li = node.login(login_of("li", PASSWORD, None, REMOTE)).await.unwrap().session;
    assert_eq!(li.stage(), Stage::Whole);
    let first = node.login(login_of("wang", PASSWORD, None, REMOTE)).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-to-be-enrolled");
    assert_eq!(first.session.stage(), Stage::Enrol);
    assert!(node.second_factor(&first.session).await.unwrap().required);
    let people = node.people(&first.session).await;
    assert!(matches!(
        people,
        Err(AdminError::Refused(Refusal::Denied { reason: Reason::SignInNotFinished, .. }))
    ));
    let (app, _) = enrol(&house, &node, &first.session).await;
    let officer = node.bearer(first.token.expose(), REMOTE).await.unwrap();
    assert!(node.people(&officer).await.is_ok());
    // Whoever removes it is at the beginning again.
    node.remove_second_factor(&officer, &app.shows(&house, 0)).await.unwrap();
    assert!(matches!(node.bearer(first.token.expose(), REMOTE).await, Err(SignInError::SecondFactorNeeded)));
    enrol(&house, &node, &officer).await;
    assert!(node.bearer(first.token.expose(), REMOTE).await.is_ok());
}

async fn one_removes_the_own_second_factor_with_a_code(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let one = house.login("wang", PASSWORD, None).await.unwrap();
    let other = house.login("wang", PASSWORD, None).await.unwrap();
    house.access.prove_second_factor(&one.session, &app.shows(&house, 0)).await.unwrap();
    house.clock.advance(step());
    let session = house.access.bearer(one.token.expose(), REMOTE).await.unwrap();
    assert!(refused(house.access.remove_second_factor(&session, &app.shows(&house, 7)).await));
    house.access.remove_second_factor(&session, &app.shows(&house, 0)).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted second-factor-removed");
    assert!(refused(house.access.bearer_in_part(other.token.expose(), REMOTE).await));
    assert_eq!(house.access.bearer(one.token.expose(), REMOTE).await.unwrap().methods(), ["pwd"]);
    let state = house.access.second_factor(&session).await.unwrap();
    assert_eq!((state.confirmed, state.recovery_codes_left), (None, 0));
    let gone = house.access.prove_second_factor(&session, &app.shows(&house, 0)).await;
    assert!(matches!(gone, Err(SignInError::NoSecondFactor)));
    assert_eq!(house.login("wang", PASSWORD, None).await.unwrap().session.stage(), Stage::Whole);
}

async fn two_officers_are_needed_to_take_an_account_over(house: House) {
    let (_, codes) = wang(&house, Role::Radiologist).await;
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    let wang = actor("wang");
    for stranger in [&house.system_officer, &house.audit_officer] {
        let refused = house.access.reset_second_factor(stranger, &wang).await;
        assert!(matches!(refused, Err(AdminError::Refused(_))));
    }
    // A new password does not lift the second factor.
    let link = house.access.invite_again(&house.system_officer, &wang).await.unwrap();
    house.access.accept_invitation(link.token.expose(), secret("another password"), REMOTE).await.unwrap();
    assert_eq!(house.login("wang", "another password", None).await.unwrap().session.stage(), Stage::Prove);

    assert!(house.access.second_factor_holders(&house.security_officer).await.unwrap().contains(&wang));
    house.access.reset_second_factor(&house.security_officer, &wang).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded reset-second-factor");
    assert!(refused(house.access.bearer_in_part(half.token.expose(), REMOTE).await));
    assert!(house.access.second_factor_holders(&house.security_officer).await.unwrap().is_empty());
    let whole = house.login("wang", "another password", None).await.unwrap().session;
    assert_eq!(whole.stage(), Stage::Whole);
    assert!(matches!(
        house.access.prove_second_factor(&whole, codes.first().unwrap()).await,
        Err(SignInError::NoSecondFactor)
    ));
    let again = house.access.reset_second_factor(&house.security_officer, &wang).await;
    assert!(matches!(again, Err(AdminError::NotFound)));
    let own = house.access.reset_second_factor(&house.security_officer, &actor("sec")).await;
    assert!(matches!(own, Err(AdminError::OwnSecondFactor)));
}

async fn sensitive_studies_open_after_a_fresh_code_where_that_is_asked_for(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let node = house.node(SignInRules { step_up: true, strong: Duration::from_secs(600), ..unhurried() });
    let signed_in = node.login(login_of("wang", PASSWORD, None, REMOTE)).await.unwrap();
    node.prove_second_factor(&signed_in.session, &app.shows(&house, 0)).await.unwrap();
    let session = node.bearer(signed_in.token.expose(), REMOTE).await.unwrap();
    let view = async |grade| node.authorise(&session, Action::View, house.study(1, grade)).await;
    let permit = view(Grade::L4S).await.unwrap();
    house.clock.advance(Duration::from_millis(599_999));
    assert!(view(Grade::L4S).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(view(Grade::L4).await.is_ok(), "what is not sensitive asks for nothing");
    assert_eq!(view(Grade::L4S).await.unwrap_err().reason(), Some(Reason::SecondFactorNeeded));
    assert_eq!(house.last_leaf(), "access refused second-factor-needed");
    assert!(node.renew(&session, &permit).await.is_err());
    let listed = node.decide(&session, Action::List, &house.study(1, Grade::L4S)).await.unwrap();
    assert!(listed.permitted, "a list says for what a code is needed");
    assert_eq!(
        view(Grade::L5).await.unwrap_err().reason(),
        Some(Reason::SpecialCareNeedsCareRelation),
        "a code is not asked for where it would not help"
    );
    node.prove_second_factor(&session, &app.shows(&house, 0)).await.unwrap();
    assert!(view(Grade::L4S).await.is_ok());
    // Who has no second factor is asked for one as well, and has none to give.
    let bare = house.signed_in("li", Role::Chief).await.session;
    let refused = node.authorise(&bare, Action::Export, house.study(1, Grade::L4S)).await;
    assert_eq!(refused.unwrap_err().reason(), Some(Reason::SecondFactorNeeded));
}

async fn what_was_proved_on_our_page_counts_for_the_program(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let client = NewClient {
        client_id: actor("viewer"),
        confidential: false,
        redirect_uris: vec!["https://viewer.example/".into()],
    };
    house.access.create_client(&house.system_officer, &client).await.unwrap();
    let half = house.login("wang", PASSWORD, None).await.unwrap();
    house.access.prove_second_factor(&half.session, &app.shows(&house, 0)).await.unwrap();
    let page = house.access.bearer(half.token.expose(), REMOTE).await.unwrap();
    // The verifier and the challenge of RFC 7636 appendix B.
    let request = CodeRequest {
        client_id: actor("viewer"),
        redirect_uri: "https://viewer.example/".into(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
    };
    let code = house.access.issue_code(&page, &request).await.unwrap();
    let exchange = CodeExchange {
        client_id: actor("viewer"),
        client_secret: None,
        code,
        redirect_uri: request.redirect_uri,
        verifier: secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        peer: REMOTE,
    };
    let program = house.access.exchange_code(exchange).await.unwrap().session;
    assert_eq!((program.stage(), program.methods()), (Stage::Whole, vec!["pwd", "otp", "mfa"]));
    assert_eq!(program.proved(), page.proved());
}

async fn a_login_link_is_worth_a_password(house: House) {
    let (app, _) = wang(&house, Role::Radiologist).await;
    let system = house.access.system_session();
    let link = house.access.create_login_link(&system, &actor("wang"), Role::Radiologist).await.unwrap();
    let half = house.access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap();
    assert_eq!(half.session.stage(), Stage::Prove);
    house.access.prove_second_factor(&half.session, &app.shows(&house, 0)).await.unwrap();
    assert_eq!(house.access.bearer(half.token.expose(), REMOTE).await.unwrap().methods(), ["otp", "mfa"]);
}

async fn what_is_kept_of_a_second_factor_is_no_secret_and_opens_nowhere_else(house: House) {
    let (app, codes) = wang(&house, Role::Radiologist).await;
    house.person_with_password("li", Role::Radiologist).await;
    let row = second_factors::find(&house.identity, &home(), &actor("wang")).await.unwrap().unwrap();
    assert!(!row.sealed.windows(SECRET_BYTES).any(|window| window == app.0.expose()));
    // Moved to another account it does not open.
    let steal = second_factors::begin(&home(), &actor("li"), &row.sealed, house.now());
    let confirm = second_factors::confirm(&home(), &actor("li"), &row.sealed, 1, house.now());
    house.identity.execute(vec![steal, confirm]).await.unwrap();
    let li = house.login("li", PASSWORD, None).await.unwrap().session;
    let damaged = house.access.prove_second_factor(&li, &app.shows(&house, 0)).await;
    assert!(matches!(damaged, Err(SignInError::SecondFactorDamaged)));
    assert!(refused(house.access.prove_second_factor(&li, codes.first().unwrap()).await));
}
