//! Nodes say which epochs their files hold, and stores where the remains of destroyed studies lie.

use crate::on_both_engines;
use yingdun_catalog::Database;
use yingdun_catalog::keyring::destructions::{self, Destruction};
use yingdun_catalog::keyring::epoch_nodes::{ToldEpochs, all, come_back, find, forget, tell, tell_store};
use yingdun_catalog::keyring::logs;
use yingdun_model::{InstitutionId, Timestamp};

on_both_engines! { Keys:
    a_node_is_listed_from_its_log_on_and_keeps_what_it_has_not_denied,
    a_destruction_is_not_noted_until_each_store_has_noted_it,
}

fn house() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

fn told(oldest: u64, newest: u64) -> ToldEpochs {
    ToldEpochs { oldest, newest, proof: vec![7; 40] }
}

async fn keeps(database: &Database, epoch: u64) -> Vec<String> {
    let nodes = all(database).await.unwrap();
    nodes.into_iter().filter(|node| node.keeps_before(epoch)).map(|node| node.name).collect()
}

async fn a_node_is_listed_from_its_log_on_and_keeps_what_it_has_not_denied(database: Database) {
    let now = Timestamp::from_ms(1);
    let enter = |name| logs::insert(&house(), name, now);
    database.execute(vec![enter("a")]).await.unwrap();
    database.execute(vec![enter("b")]).await.unwrap();
    assert_eq!(keeps(&database, 1).await, ["a", "b"], "nobody has said anything");
    let say = async |name: &str, told: &ToldEpochs| {
        database.execute(vec![tell(&house(), name, told)]).await.unwrap();
    };
    say("a", &told(1, 2)).await;
    // Before its log is entered.
    say("c", &told(2, 2)).await;
    assert_eq!(keeps(&database, 2).await, ["a", "b"]);
    say("a", &told(2, 2)).await;
    database.execute(vec![tell_store(&house(), "a", &[3; 16])]).await.unwrap();
    let a = find(&database, &house(), "a").await.unwrap().unwrap();
    assert_eq!((a.told, a.store, a.gone), (Some(told(2, 2)), Some([3; 16]), None));
    database.execute(vec![forget(&house(), "b", now)]).await.unwrap();
    assert_eq!(keeps(&database, 2).await, Vec::<String>::new());
    let b = find(&database, &house(), "b").await.unwrap().unwrap();
    assert_eq!((b.told, b.gone), (None, Some(now)));
    // It goes on all the same: what it tells does not take that back, and its next start does.
    say("b", &told(1, 1)).await;
    assert_eq!(keeps(&database, 2).await, Vec::<String>::new());
    let b = find(&database, &house(), "b").await.unwrap().unwrap();
    assert_eq!((b.told, b.gone), (Some(told(1, 1)), Some(now)));
    database.execute(vec![tell(&house(), "b", &told(1, 1)), come_back(&house(), "b")]).await.unwrap();
    assert_eq!(keeps(&database, 2).await, ["b"]);
    assert!(database.execute(vec![come_back(&house(), "x")]).await.is_err(), "it never was");
    assert_eq!(all(&database).await.unwrap().len(), 3);
}

async fn a_destruction_is_not_noted_until_each_store_has_noted_it(database: Database) {
    let one = Destruction { id: "d".into(), state: "rolling".into(), record: "{}".into() };
    database.execute(vec![destructions::insert(&house(), &one, Timestamp::from_ms(1))]).await.unwrap();
    let open = async |store: u8, states| {
        destructions::not_noted(&database, &house(), states, &[store; 16], 10).await.unwrap().len()
    };
    let states = ["rolling", "done"];
    assert_eq!((open(1, states).await, open(2, states).await), (1, 1));
    assert_eq!(open(1, ["approved", "done"]).await, 0);
    for record in ["first", "then"] {
        database.execute(vec![destructions::note_remains(&house(), "d", &[1; 16], record)]).await.unwrap();
    }
    assert_eq!((open(1, states).await, open(2, states).await), (0, 1));
    let noted = destructions::remains(&database, &house(), &[1; 16]).await.unwrap();
    assert_eq!(noted, [("d".to_owned(), "then".to_owned())]);
}
