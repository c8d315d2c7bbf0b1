//! What whoever watches asks before something opens: a reason is kept, holds for one person and one patient, and is judged by another person.

use crate::house::{House, PASSWORD, patient};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_access::{
    Access, Asks, Given, HeldStep, Help, Noticed, Opening, Reason, Refusal, Session, StatedError, Watch,
    Watched,
};
use yingdun_model::{Action, ActorId, ActorKind, Grade, InstitutionId, ReviewVerdict, Role, StatedReason};

crate::on_both_engines!(
    a_reason_opens_one_patient_for_one_person_until_the_shift_ends,
    who_reviews_is_another_person_and_what_was_no_reason_holds_no_longer,
    what_is_asked_is_a_refusal_with_a_word_of_its_own,
    a_step_is_a_row_that_stops_nothing_and_every_node_learns,
);

const WORDS: &str = "asked by the ward";

/// Asks the same of everything that is not explained by the person.
#[derive(Debug)]
struct Asking {
    asks: Asks,
    held: Mutex<Vec<HeldStep>>,
}

impl Asking {
    fn new(asks: Asks) -> Arc<Self> {
        Arc::new(Self { asks, held: Mutex::default() })
    }
}

impl Watch for Asking {
    fn opening(&self, opening: &Opening<'_>) -> Watched {
        if opening.is_stated || opening.tie.is_some() {
            return Watched::default();
        }
        let noticed = Noticed {
            code: "monitor-step",
            step: "ask-reason",
            measure: Some("patients"),
            counted: 2,
            at_most: 1,
            within_minutes: 60,
            stops: None,
            holds_until: Some(opening.now.after(Duration::from_secs(60))),
        };
        Watched { asks: Some(self.asks), noticed: vec![noticed], ..Watched::default() }
    }

    fn given(&self, _: &Given<'_>) -> Watched {
        Watched::default()
    }

    fn hold(&self, steps: &[HeldStep]) {
        *self.held.lock().unwrap() = steps.to_vec();
    }

    fn forgive(&self, _: &InstitutionId, _: &ActorId, _: ActorKind) {}
}

async fn open(access: &Access, session: &Session, house: &House, number: u8) -> Result<(), Refusal> {
    access.authorise(session, Action::View, house.study(number, Grade::L4)).await.map(drop)
}

fn reason_of(outcome: Result<(), Refusal>) -> Option<Reason> {
    outcome.err().and_then(|refusal| refusal.reason())
}

async fn a_reason_opens_one_patient_for_one_person_until_the_shift_ends(house: House) {
    let access = house.watched(Asking::new(Asks::Reason));
    house.person_with_password("chen", Role::Chief).await;
    let chief = house.login("chen", PASSWORD, None).await.unwrap().session;
    let other = house.signed_in("zhou", Role::Chief).await.session;
    assert_eq!(reason_of(open(&access, &chief, &house, 1).await), Some(Reason::ReasonRequired));
    for words in ["", " ", &"x".repeat(501)] {
        let refused = access.state_reason(&chief, patient(1), StatedReason::Other, words).await;
        assert!(matches!(refused, Err(StatedError::Words)));
    }
    let stated = access.state_reason(&chief, patient(1), StatedReason::AskedForOpinion, WORDS).await.unwrap();
    assert_eq!((stated.words.as_deref(), stated.holds), (Some(WORDS), true));
    assert!(open(&access, &chief, &house, 1).await.is_ok());
    let leaf = house.leaves().pop().unwrap();
    assert_eq!(leaf.counts.get("stated"), Some(stated.row.number), "the opening names what it rests on");
    assert_eq!(reason_of(open(&access, &chief, &house, 2).await), Some(Reason::ReasonRequired));
    assert_eq!(reason_of(open(&access, &other, &house, 1).await), Some(Reason::ReasonRequired));
    house.treats("chen", 3, Duration::from_secs(60)).await;
    assert!(open(&access, &chief, &house, 3).await.is_ok(), "care explains, whatever right it rests on");
    house.clock.advance(Duration::from_secs(8 * 3600) - Duration::from_millis(1));
    let again = house.login("chen", PASSWORD, Some(Role::Chief)).await.unwrap().session;
    assert!(open(&access, &again, &house, 1).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(reason_of(open(&access, &again, &house, 1).await), Some(Reason::ReasonRequired));
}

async fn who_reviews_is_another_person_and_what_was_no_reason_holds_no_longer(house: House) {
    let access = house.watched(Asking::new(Asks::Reason));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let security = &house.security_officer;
    let stated = access.state_reason(&chief, patient(1), StatedReason::Teaching, WORDS).await.unwrap();
    let number = stated.row.number;
    assert!(access.stated_reasons(&chief, false).await.is_err());
    assert!(access.review_stated_reason(&chief, number, ReviewVerdict::Justified, WORDS).await.is_err());
    let none = access.review_stated_reason(security, 4711, ReviewVerdict::Justified, WORDS).await;
    assert!(matches!(none, Err(StatedError::NotFound)));
    // An officer has reasons of a person like anybody, and does not judge them.
    let own = access.state_reason(security, patient(1), StatedReason::Quality, WORDS).await.unwrap();
    let own = access.review_stated_reason(security, own.row.number, ReviewVerdict::Justified, WORDS).await;
    assert!(matches!(own, Err(StatedError::SamePerson)));
    assert!(open(&access, &chief, &house, 1).await.is_ok());
    let judged = access
        .review_stated_reason(security, number, ReviewVerdict::NotJustified, "no lecture")
        .await
        .unwrap();
    assert_eq!((judged.review_words.as_deref(), judged.holds), (Some("no lecture"), false));
    assert_eq!(reason_of(open(&access, &chief, &house, 1).await), Some(Reason::ReasonRequired));
    let again = access.review_stated_reason(security, number, ReviewVerdict::Justified, WORDS).await;
    assert!(matches!(again, Err(StatedError::State)));
    let new = access.stated_reasons(security, true).await.unwrap();
    assert!(new.iter().all(|stated| stated.row.number != number));
}

async fn what_is_asked_is_a_refusal_with_a_word_of_its_own(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    for (asks, reason, help) in [
        (Asks::Reason, Reason::ReasonRequired, Help::GiveReason),
        (Asks::Proof, Reason::SecondFactorNeeded, Help::ProveSecondFactor),
        (Asks::Wait { seconds: 7 }, Reason::SlowedDown, Help::Wait { seconds: 7 }),
    ] {
        let access = house.watched(Asking::new(asks));
        let refused = open(&access, &chief, &house, 1).await;
        assert!(
            matches!(&refused, Err(Refusal::Denied { reason: came, help: helps }) if (*came, *helps) == (reason, help))
        );
        assert_eq!(house.last_leaf(), format!("access refused {reason}"));
    }
}

async fn a_step_is_a_row_that_stops_nothing_and_every_node_learns(house: House) {
    let (watch, elsewhere) = (Asking::new(Asks::Reason), Asking::new(Asks::Reason));
    let (here, there) = (house.watched(watch), house.watched(elsewhere.clone()));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let security = &house.security_officer;
    assert!(here.own_notice(&chief).await.unwrap().is_none());
    assert!(open(&here, &chief, &house, 1).await.is_err());
    assert_eq!(there.follow_stops().await.unwrap(), 0, "it waits for nobody");
    let held = elsewhere.held.lock().unwrap().clone();
    assert_eq!(held.iter().map(|held| held.step.as_str()).collect::<Vec<_>>(), ["ask-reason"]);
    let study = house.study(1, Grade::L4);
    assert!(there.decide(&chief, Action::View, &study).await.unwrap().permitted, "it stops nothing");
    let notice = there.own_notice(&chief).await.unwrap().unwrap();
    assert_eq!((notice.step.as_str(), notice.counted, notice.stops), ("ask-reason", 2, None));
    there.lift_stop(security, notice.number).await.unwrap();
    assert!(here.own_notice(&chief).await.unwrap().is_none());
    there.follow_stops().await.unwrap();
    assert!(elsewhere.held.lock().unwrap().is_empty());
    assert!(open(&here, &chief, &house, 2).await.is_err());
    house.clock.advance(Duration::from_secs(60));
    assert!(here.own_notice(&chief).await.unwrap().is_none(), "it ends by itself");
}
