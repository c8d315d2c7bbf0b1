//! Questions for storage commitment: put once, answered once, recognised late, forgotten when they are over.

use crate::on_both_engines;
use crate::records::institution;
use yingdun_catalog::catalogue::commitment_requests::{
    self as requests, CommitmentQuestion, CommitmentRequestKey, CommitmentRequestState as State,
};
use yingdun_catalog::{Database, Statement};
use yingdun_model::{AeTitle, Timestamp, Uid};

on_both_engines!(Catalogue:
    a_question_is_put_by_one_and_answered_once,
    what_is_over_is_found_by_its_owner_until_it_is_forgotten,
);

const NOW: i64 = 1_700_000_000_000;

fn question(number: u32, owner: &str) -> CommitmentQuestion {
    CommitmentQuestion {
        key: CommitmentRequestKey {
            institution: institution("renmin"),
            transaction: Uid::new(&format!("2.25.{number}")).unwrap(),
        },
        device: AeTitle::new("PACS2").unwrap(),
        calling: AeTitle::new("YINGDUN").unwrap(),
        owner: owner.to_owned(),
        requested: vec![1, 2, 3],
        state: State::Asking,
        result: None,
        fault: None,
        attempts: 0,
        began: Timestamp::from_ms(NOW + i64::from(number)),
        due: Timestamp::from_ms(NOW + i64::from(number)),
    }
}

async fn change(database: &Database, statement: Statement) -> u64 {
    database.execute(vec![statement]).await.unwrap()[0]
}

async fn a_question_is_put_by_one_and_answered_once(database: Database) {
    let asked = question(1, "person/wang");
    assert_eq!(change(&database, requests::insert(&asked)).await, 1);
    assert!(database.execute(vec![requests::insert(&asked)]).await.is_err(), "the transaction is used");
    let at = |ms: i64| Timestamp::from_ms(NOW + ms);
    assert_eq!(requests::due(&database, State::Asking, at(0), 10).await.unwrap(), []);
    let due = requests::due(&database, State::Asking, at(1), 10).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&asked));
    // Of two that saw it one takes it.
    assert_eq!(change(&database, requests::claim(&due[0], at(60_000))).await, 1);
    assert_eq!(change(&database, requests::claim(&due[0], at(60_000))).await, 0);
    assert_eq!(change(&database, requests::put_off(&asked.key, 2, at(5), "nobody is there")).await, 1);
    let again = requests::find(&database, &asked.key).await.unwrap().unwrap();
    assert_eq!((again.attempts, again.fault.as_deref(), again.due), (2, Some("nobody is there"), at(5)));
    assert_eq!(change(&database, requests::acknowledged(&asked.key, at(9))).await, 1);
    assert_eq!(change(&database, requests::end(&asked.key, State::Unanswered, "too late", at(9))).await, 1);
    // Late is not too late; twice is once.
    assert_eq!(change(&database, requests::answered(&asked.key, vec![7], at(10))).await, 1);
    assert_eq!(change(&database, requests::answered(&asked.key, vec![8], at(11))).await, 0);
    assert_eq!(change(&database, requests::acknowledged(&asked.key, at(12))).await, 0);
    let answered = requests::find(&database, &asked.key).await.unwrap().unwrap();
    assert_eq!((answered.state, answered.result, answered.fault), (State::Answered, Some(vec![7]), None));
}

async fn what_is_over_is_found_by_its_owner_until_it_is_forgotten(database: Database) {
    for number in 1..=3 {
        change(&database, requests::insert(&question(number, "person/wang"))).await;
    }
    change(&database, requests::insert(&question(4, "service/wang"))).await;
    let here = institution("renmin");
    let own = requests::of_owner(&database, &here, "person/wang", 2).await.unwrap();
    assert_eq!(own.iter().map(|one| one.began.as_ms() - NOW).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(requests::open_count(&database, &here, "person/wang").await.unwrap(), 3);
    let over = Timestamp::from_ms(NOW + 100);
    change(&database, requests::end(&own[0].key, State::Failed, "refused", over)).await;
    assert_eq!(requests::open_count(&database, &here, "person/wang").await.unwrap(), 2);
    assert_eq!(change(&database, requests::forget_ended(over)).await, 0);
    assert_eq!(change(&database, requests::forget_ended(Timestamp::from_ms(NOW + 101))).await, 1);
    assert!(requests::find(&database, &own[0].key).await.unwrap().is_none());
    assert!(requests::find(&database, &own[1].key).await.unwrap().is_some(), "what is open stays");
}
