//! A new epoch is on the disk of one node alone for a moment. That disk may be lost then.

use super::follow_tests::{Nodes, study};
use super::*;
use crate::testing::{self, clock, line};
use std::time::Duration;
use yingdun_catalog::keyring::logs;

fn root() -> RootKey {
    testing::root(42)
}

impl Nodes {
    /// How many versions stand under an epoch.
    async fn under(&self, epoch: u64) -> usize {
        let all = keks::of_institution(&self.house.database, &line().institution).await.unwrap();
        all.iter().filter(|kek| kek.kek.epoch == epoch).count()
    }

    async fn known(&self) -> Vec<u64> {
        epochs::all(&self.house.database).await.unwrap().into_iter().map(|(epoch, _)| epoch).collect()
    }

    /// The disk of a node breaks, and nobody answers for it any more.
    fn lose(&self, name: &str) {
        std::fs::remove_file(self.file(name).path()).unwrap();
    }
}

#[tokio::test]
async fn nothing_stands_under_an_epoch_before_another_node_has_it() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    // Who looks meanwhile finds nothing under the epoch unless the other one has it too.
    let rolled = async { a.roll_epoch().await.unwrap() };
    let looks = async {
        loop {
            let (under, told) = (nodes.under(2).await, nodes.told("b").await);
            // Asked after: it may have come in between.
            assert!(under == 0 || told.1 == 2 || nodes.told("b").await.1 == 2, "{under} stand under it");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let epoch = tokio::select! { epoch = rolled => epoch, () = looks => unreachable!("it looks for ever") };
    assert_eq!(epoch, 2);
    assert_ne!(nodes.under(2).await, 0);
    // The disk of the one that began it is lost at this moment.
    drop(a);
    nodes.lose("a");
    nodes.answer(&[&b]);
    nodes.is_whole("b", &b, &key, 2).await;
    assert_eq!(b.roll_epoch().await, Ok(3));
}

#[tokio::test]
async fn an_announced_epoch_that_was_lost_with_its_disk_is_taken_back_by_who_is_left() {
    for serves in [true, false] {
        let (nodes, [a, b]) = Nodes::new().await;
        let key = study(&a).await;
        drop(a);
        nodes.answer(&[]);
        let lost = nodes.epochs("a").await.unwrap();
        let slots = lost.lock().await.unwrap();
        lost.begin(&root(), &slots, 2).await.unwrap();
        lost.take(&root(), &slots, &[Step::Announce]).await.unwrap();
        drop((lost, slots));
        let kept = std::fs::read(nodes.file("a").path()).unwrap();
        nodes.lose("a");
        assert_eq!((nodes.known().await, nodes.under(2).await), (vec![1, 2], 0));
        let b = if serves {
            b
        } else {
            drop(b);
            nodes.open("b").await.unwrap()
        };
        // A node that serves asks again after a while at the earliest.
        for _ in 0..40 {
            if nodes.known().await == [1] {
                break;
            }
            let _ = b.keep_up().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        nodes.is_whole("b", &b, &key, 1).await;
        assert_eq!(nodes.known().await, [1]);
        // It ends the epoch itself, and is not led by what the lost one told of another of that number.
        assert_eq!(b.roll_epoch().await, Ok(2));
        nodes.is_whole("b", &b, &key, 2).await;
        // Should the disk be found again, what it began gives way.
        nodes.answer(&[&b]);
        std::fs::write(nodes.file("a").path(), kept).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(nodes.file("a").path(), mode).unwrap();
        let a = nodes.open("a").await.unwrap();
        nodes.is_whole("a", &a, &key, 2).await;
        nodes.is_whole("b", &b, &key, 2).await;
    }
}

#[tokio::test]
async fn a_start_after_a_crash_leaves_the_epoch_announced_until_another_node_has_it() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    drop(a);
    // The door of `a` is closed as long as it is stopped, and while it starts.
    nodes.answer(&[&b]);
    let crashed = nodes.epochs("a").await.unwrap();
    let slots = crashed.lock().await.unwrap();
    crashed.begin(&root(), &slots, 2).await.unwrap();
    drop((crashed, slots));
    let a = nodes.open("a").await.unwrap();
    assert_eq!((nodes.known().await, nodes.under(2).await), (vec![1, 2], 0));
    a.0.keys.keks.wiped();
    assert_eq!(study(&a).await, key, "it serves meanwhile");
    assert_eq!(nodes.told("b").await, (1, 1));
    nodes.answer(&[&a, &b]);
    // Each looks every three seconds.
    for _ in 0..100 {
        if nodes.known().await == [2] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    nodes.is_whole("a", &a, &key, 2).await;
    nodes.is_whole("b", &b, &key, 2).await;
}

#[tokio::test]
async fn a_node_that_serves_and_never_comes_is_not_waited_for_for_ever_and_one_that_is_gone_not_at_all() {
    let (nodes, [a, b]) = Nodes::new().await;
    let institution = line().institution;
    drop(b);
    // By its name it serves, and it never looks.
    let silent = nodes.epochs("b").await.unwrap();
    let enter = logs::insert(&institution, "c", clock().now());
    nodes.house.database.execute(vec![enter]).await.unwrap();
    nodes.says_that_serve(&["b", "c"]);
    let (epochs, root) = (a.0.keys.keks.epochs(), root());
    let slots = epochs.lock().await.unwrap();
    epochs.begin(&root, &slots, 2).await.unwrap();
    epochs.take(&root, &slots, &[Step::Announce]).await.unwrap();
    assert!(!epochs.may_go_on().await.unwrap());
    epochs.waits_since_long_ago(2);
    assert!(epochs.may_go_on().await.unwrap(), "it was waited for long enough");
    assert!(epochs.may_go_on().await.unwrap(), "it is not waited for again");
    // What is looked at before the change, and within it, is the same wait.
    let settled =
        tokio::time::timeout(Duration::from_secs(20), epochs.settle_unless_waited_for(&root, &slots));
    settled.await.expect("it is not waited for twice").unwrap();
    assert_eq!(nodes.known().await, [2]);
    epochs.begin(&root, &slots, 3).await.unwrap();
    epochs.take(&root, &slots, &[Step::Announce]).await.unwrap();
    assert!(!epochs.may_go_on().await.unwrap(), "the next one is waited for anew");
    nodes.says_that_serve(&[]);
    assert!(epochs.may_go_on().await.unwrap(), "nobody is there");
    for name in ["b", "c"] {
        a.forget_node(&institution, name).await.unwrap();
    }
    nodes.says_that_serve(&["b", "c"]);
    assert!(epochs.may_go_on().await.unwrap(), "they are gone");
    drop(silent);
}
