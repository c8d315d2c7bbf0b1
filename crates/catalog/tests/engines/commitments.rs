//! Storage commitment: kept once, due when it says, and ended for good.

use crate::on_both_engines;
use crate::records::institution;
use yingdun_catalog::catalogue::commitments::{self, Commitment, CommitmentKey, CommitmentState};
use yingdun_catalog::{CatalogError, Database, Statement};
use yingdun_model::{AeTitle, Timestamp, Uid};

on_both_engines!(Catalogue:
    a_transaction_goes_from_requested_over_verified_to_reported,
    a_transaction_of_the_same_peer_and_number_is_kept_once,
    what_is_due_comes_in_the_order_of_waiting_and_not_before_its_time,
    only_ended_transactions_are_forgotten,
);

fn key(transaction: u32) -> CommitmentKey {
    CommitmentKey {
        institution: institution("renmin"),
        peer: AeTitle::new("CT01").unwrap(),
        called: AeTitle::new("YINGDUN").unwrap(),
        transaction: Uid::new(&format!("1.2.{transaction}")).unwrap(),
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

async fn run(database: &Database, statement: Statement) -> u64 {
    database.execute(vec![statement]).await.unwrap()[0]
}

async fn find(database: &Database, transaction: u32) -> Option<Commitment> {
    commitments::find(database, &key(transaction)).await.unwrap()
}

async fn due(database: &Database, state: CommitmentState, now: i64) -> Vec<CommitmentKey> {
    let due = commitments::due(database, state, at(now), 10).await.unwrap();
    due.into_iter().map(|one| one.key).collect()
}

async fn a_transaction_goes_from_requested_over_verified_to_reported(database: Database) {
    run(&database, commitments::insert(&key(1), b"asked".to_vec(), at(10))).await;
    assert!(find(&database, 1).await.unwrap().state.is_open());
    // Nothing is reported before it is known.
    assert_eq!(run(&database, commitments::end(&key(1), CommitmentState::Reported, at(11))).await, 0);

    run(&database, commitments::verified(&key(1), b"found".to_vec(), at(20))).await;
    run(&database, commitments::put_off(&key(1), CommitmentState::Verified, 1, at(30))).await;
    let expected = Commitment {
        key: key(1),
        requested: b"asked".to_vec(),
        state: CommitmentState::Verified,
        result: Some(b"found".to_vec()),
        attempts: 1,
        due: at(30),
    };
    assert_eq!(find(&database, 1).await, Some(expected));
    let twice = commitments::verified(&key(1), Vec::new(), at(20));
    assert!(matches!(database.execute(vec![twice]).await, Err(CatalogError::UnexpectedRows { .. })));

    assert_eq!(run(&database, commitments::end(&key(1), CommitmentState::Reported, at(31))).await, 1);
    assert!(!find(&database, 1).await.unwrap().state.is_open());

    run(&database, commitments::begin_again(&key(1), at(40))).await;
    let again = find(&database, 1).await.unwrap();
    assert_eq!((again.state, again.result, again.attempts), (CommitmentState::Requested, None, 0));
}

async fn a_transaction_of_the_same_peer_and_number_is_kept_once(database: Database) {
    run(&database, commitments::insert(&key(1), b"asked".to_vec(), at(10))).await;
    let again = commitments::insert(&key(1), b"other".to_vec(), at(11));
    assert!(matches!(database.execute(vec![again]).await, Err(CatalogError::Constraint(_))));
    let other_peer = CommitmentKey { peer: AeTitle::new("MR01").unwrap(), ..key(1) };
    run(&database, commitments::insert(&other_peer, b"other".to_vec(), at(12))).await;
    let count = async |peer: &str| {
        let peer = AeTitle::new(peer).unwrap();
        commitments::open_count(&database, &institution("renmin"), &peer).await.unwrap()
    };
    assert_eq!((count("CT01").await, count("MR01").await, count("US01").await), (1, 1, 0));
}

async fn what_is_due_comes_in_the_order_of_waiting_and_not_before_its_time(database: Database) {
    for (transaction, due) in [(1, 30), (2, 10), (3, 20), (4, 99)] {
        run(&database, commitments::insert(&key(transaction), Vec::new(), at(due))).await;
    }
    assert_eq!(due(&database, CommitmentState::Requested, 30).await, [key(2), key(3), key(1)]);
    run(&database, commitments::verified(&key(2), Vec::new(), at(50))).await;
    assert_eq!(due(&database, CommitmentState::Verified, 49).await, []);
    assert_eq!(due(&database, CommitmentState::Verified, 50).await, [key(2)]);
}

async fn only_ended_transactions_are_forgotten(database: Database) {
    for transaction in [1, 2, 3] {
        run(&database, commitments::insert(&key(transaction), Vec::new(), at(10))).await;
    }
    for (transaction, ended) in [(2, 100), (3, 200)] {
        run(&database, commitments::verified(&key(transaction), Vec::new(), at(20))).await;
        run(&database, commitments::end(&key(transaction), CommitmentState::Abandoned, at(ended))).await;
    }
    assert_eq!(run(&database, commitments::forget_ended(at(200))).await, 1);
    let left = [find(&database, 1).await, find(&database, 2).await, find(&database, 3).await];
    assert_eq!(left.map(|one| one.is_some()), [true, false, true]);
}
