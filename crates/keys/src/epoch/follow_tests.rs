//! Several nodes, each with an epoch file of its own, on one database of keys.

use super::*;
use crate::KeyStore;
use crate::study::StudyPlace;
use crate::testing::{self, House, clock, line};
use std::fmt;
use std::sync::Mutex;
use yingdun_catalog::keyring::logs;
use yingdun_model::{PatientRef, StudyRef};

/// The other nodes of one, asked in this process for what their doors would give.
#[derive(Default)]
pub(super) struct Beside {
    answer: Mutex<Vec<KeyStore>>,
    /// Nodes that are said to serve and answer nobody.
    said: Mutex<Vec<String>>,
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside")
    }
}

impl EpochGivers for Beside {
    fn give(&self, epoch: u64) -> GivenEpoch<'_> {
        Box::pin(async move {
            let nodes = self.answer.lock().unwrap().clone();
            for node in nodes {
                if let Some(wrapped) = node.give_epoch(epoch).await.map_err(|error| error.to_string())? {
                    return Ok(wrapped);
                }
            }
            Err("nobody is there".to_owned())
        })
    }

    fn serving(&self, names: Vec<String>) -> ServingNodes<'_> {
        let nodes = self.answer.lock().unwrap().clone();
        let serves =
            nodes.into_iter().filter_map(|node| Some(node.0.keys.keks.epochs().node.as_ref()?.name.clone()));
        let serves = serves.chain(self.said.lock().unwrap().clone());
        let serving: Vec<String> = serves.filter(|name| names.contains(name)).collect();
        Box::pin(async move { Ok(serving) })
    }
}

/// Nodes `a` and `b` and those who answer them.
pub(super) struct Nodes {
    pub(super) house: House,
    beside: Arc<Beside>,
}

fn root() -> RootKey {
    testing::root(42)
}

impl Nodes {
    /// Both have the first epoch, as the second has a copy of the file of the first.
    pub(super) async fn new() -> (Self, [KeyStore; 2]) {
        let nodes = Self { house: House::new().await, beside: Arc::default() };
        let a = nodes.open("a").await.unwrap();
        std::fs::copy(nodes.file("a").path(), nodes.file("b").path()).unwrap();
        let b = nodes.open("b").await.unwrap();
        nodes.answer(&[&a, &b]);
        (nodes, [a, b])
    }

    pub(super) fn answer(&self, nodes: &[&KeyStore]) {
        *self.beside.answer.lock().unwrap() = nodes.iter().map(|node| (*node).clone()).collect();
    }

    /// These are said to serve, and answer nobody.
    pub(super) fn says_that_serve(&self, names: &[&str]) {
        self.answer(&[]);
        *self.beside.said.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }

    fn node(&self, name: &str) -> KeyNode {
        let others = Some(Arc::clone(&self.beside) as Arc<dyn EpochGivers>);
        KeyNode { institution: line().institution, name: name.to_owned(), others }
    }

    pub(super) async fn open(&self, name: &str) -> Result<KeyStore, KeysError> {
        let (database, file) = (self.house.database.clone(), self.file(name));
        KeyStore::open_on(database, root(), file, clock(), self.node(name)).await
    }

    /// The epochs alone, which nothing moves by itself.
    pub(super) async fn epochs(&self, name: &str) -> Result<Epochs, KeysError> {
        let (database, file) = (self.house.database.clone(), self.file(name));
        Epochs::open(database, file, &root(), clock(), Some(self.node(name))).await
    }

    pub(super) fn file(&self, name: &str) -> EpochFile {
        self.house.file_of(name)
    }

    pub(super) async fn told(&self, name: &str) -> (u64, u64) {
        let node = epoch_nodes::find(&self.house.database, &line().institution, name).await.unwrap().unwrap();
        let told = node.told.unwrap();
        (told.oldest, told.newest)
    }

    /// The keys of study and versions open at a node as they did, and nothing is left of epochs before.
    pub(super) async fn is_whole(&self, name: &str, store: &KeyStore, key: &[u8; 32], epoch: u64) {
        store.keep_up().await.unwrap();
        store.keep_up().await.unwrap();
        // It may wait for another one, which looks every three seconds.
        for _ in 0..100 {
            if self.told(name).await == (epoch, epoch) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        store.0.keys.keks.wiped();
        assert_eq!(study(store).await, *key, "{name}");
        assert_eq!(self.file(name).epochs().unwrap(), [epoch], "{name}");
        assert!(self.file(name).read().unwrap().contains(&Slot::Empty), "{name}");
        assert_eq!(self.told(name).await, (epoch, epoch), "{name}");
    }
}

pub(super) async fn study(store: &KeyStore) -> [u8; 32] {
    let (patient, study) = (PatientRef::from_bytes([2; 16]), StudyRef::from_bytes([3; 16]));
    let place = StudyPlace { line: line(), patient, study };
    *store.0.keys.find_or_create(&place).await.unwrap().key().expose_secret()
}

#[tokio::test]
async fn a_node_follows_into_the_epoch_of_another_and_keeps_nothing_of_the_one_before() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    assert_eq!(study(&b).await, key);
    let old = std::fs::read(nodes.file("b").path()).unwrap();
    let copies = keks::of_institution(&nodes.house.database, &line().institution).await.unwrap();
    assert_eq!(a.roll_epoch().await, Ok(2));
    assert_eq!(nodes.told("b").await, (1, 2), "it has the new one, before anything stood under that alone");
    assert_eq!(a.nodes_before(2).await.unwrap(), ["b"], "its file opens copies still");
    // An unwrap that needs the epoch fetches it at once.
    b.0.keys.keks.wiped();
    assert_eq!(study(&b).await, key);
    nodes.is_whole("b", &b, &key, 2).await;
    assert_eq!(a.nodes_before(2).await.unwrap(), Vec::<String>::new());
    // The thief with the file of b, the root key and old rows opens none of them.
    let left = std::fs::read(nodes.file("b").path()).unwrap();
    let Slot::Holds(1, wrapped) = &file_of(&old).read().unwrap()[0] else { panic!("{old:?}") };
    assert!(
        !left.windows(8).any(|window| window == &wrapped[..8]),
        "the old epoch is not in the file any more"
    );
    let thief = nodes.epochs("b").await.unwrap();
    for LineKek { line, kek } in &copies {
        let opened = thief.unwrap(&root(), line, kek).await.map(drop);
        assert_eq!(opened, Err(KeysError::EpochMissing { epoch: 1 }));
    }
    // Before it had followed, he did.
    let held = file_of(&old).read().unwrap();
    let (_, wrapped) = holding(&held).next().unwrap();
    let epoch = super::open(&root(), 1, wrapped).await.unwrap();
    for LineKek { line, kek } in &copies {
        assert!(epoch.unwrap(&place::kek(line, kek.version), &kek.wrapped).is_ok());
    }
}

fn file_of(bytes: &[u8]) -> EpochFile {
    let path = tempfile::tempdir().unwrap().keep().join("copy");
    let file = EpochFile::at(&path);
    drop(file.lock().unwrap());
    std::fs::write(path, bytes).unwrap();
    file
}

#[tokio::test]
async fn a_node_that_was_away_for_several_epochs_gets_the_newest_before_it_serves_or_says_whom_to_start() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    drop(b);
    nodes.answer(&[]);
    for epoch in 2..6 {
        assert_eq!(a.roll_epoch().await, Ok(epoch));
    }
    let before = std::fs::read(nodes.file("b").path()).unwrap();
    let refused = nodes.open("b").await.unwrap_err();
    let KeysError::EpochNotGiven { epoch: 5, holders, file, .. } = &refused else { panic!("{refused}") };
    assert_eq!((holders.as_str(), file.as_path()), ("`a`", nodes.file("b").path()));
    assert_eq!(std::fs::read(nodes.file("b").path()).unwrap(), before, "nothing was lost");
    assert_eq!(a.nodes_before(5).await.unwrap(), ["b"]);
    nodes.answer(&[&a]);
    let b = nodes.open("b").await.unwrap();
    nodes.is_whole("b", &b, &key, 5).await;
    // A backup of its file that is put back is followed over again, while it runs and at its next start.
    std::fs::write(nodes.file("b").path(), &before).unwrap();
    b.keep_up().await.unwrap();
    nodes.is_whole("b", &b, &key, 5).await;
    std::fs::write(nodes.file("b").path(), &before).unwrap();
    let b = nodes.open("b").await.unwrap();
    nodes.is_whole("b", &b, &key, 5).await;
    // As is a file that is gone.
    std::fs::remove_file(nodes.file("b").path()).unwrap();
    let b = nodes.open("b").await.unwrap();
    nodes.is_whole("b", &b, &key, 5).await;
    // Or the file of another node is copied over by hand.
    nodes.answer(&[]);
    std::fs::write(nodes.file("b").path(), before).unwrap();
    assert!(nodes.open("b").await.is_err());
    std::fs::copy(nodes.file("a").path(), nodes.file("b").path()).unwrap();
    let b = nodes.open("b").await.unwrap();
    nodes.is_whole("b", &b, &key, 5).await;
}

#[tokio::test]
async fn of_two_nodes_that_end_the_epoch_at_once_one_wins_and_the_other_follows() {
    for turn in 0..8 {
        let (nodes, [a, b]) = Nodes::new().await;
        let key = study(&a).await;
        let (first, second) = tokio::join!(a.roll_epoch(), b.roll_epoch());
        let ends = [first.unwrap(), second.unwrap()];
        let newest = *ends.iter().max().unwrap();
        assert!((2..=3).contains(&newest), "turn {turn}: {ends:?}");
        nodes.is_whole("a", &a, &key, newest).await;
        nodes.is_whole("b", &b, &key, newest).await;
    }
}

#[tokio::test]
async fn an_epoch_that_a_crash_left_unannounced_gives_way_to_that_of_another_node() {
    for epochs in 1..4 {
        let (nodes, [a, b]) = Nodes::new().await;
        let key = study(&a).await;
        drop(b);
        nodes.answer(&[&a]);
        let crashed = nodes.epochs("b").await.unwrap();
        let slots = crashed.lock().await.unwrap();
        crashed.begin(&root(), &slots, 2).await.unwrap();
        drop((crashed, slots));
        let mut newest = 1;
        for _ in 1..epochs {
            newest = a.roll_epoch().await.unwrap();
        }
        let b = nodes.open("b").await.unwrap();
        nodes.answer(&[&a, &b]);
        // Where nobody was faster, its own takes effect.
        newest = newest.max(2);
        nodes.is_whole("b", &b, &key, newest).await;
        nodes.is_whole("a", &a, &key, newest).await;
    }
}

#[tokio::test]
async fn a_crash_of_the_node_that_ends_an_epoch_is_ended_by_it_and_by_the_other_while_it_answers() {
    for taken in 0..=Step::ALL.len() {
        let (nodes, [a, b]) = Nodes::new().await;
        let key = study(&b).await;
        drop(a);
        let crashed = nodes.epochs("a").await.unwrap();
        let slots = crashed.lock().await.unwrap();
        crashed.begin(&root(), &slots, 2).await.unwrap();
        crashed.take(&root(), &slots, &Step::ALL[..taken]).await.unwrap();
        drop((crashed, slots));
        let a = nodes.open("a").await.unwrap();
        nodes.answer(&[&a, &b]);
        nodes.is_whole("a", &a, &key, 2).await;
        nodes.is_whole("b", &b, &key, 2).await;
    }
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_following_is_ended_by_the_next_start() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    drop(b);
    let before = std::fs::read(nodes.file("b").path()).unwrap();
    assert_eq!(a.roll_epoch().await, Ok(2));
    // Written and not overwritten; overwritten and not told; torn while it was written.
    let b = nodes.open("b").await.unwrap();
    let after = std::fs::read(nodes.file("b").path()).unwrap();
    drop(b);
    let both: Vec<u8> = before.iter().zip(&after).map(|(old, new)| old | new).collect();
    let torn: Vec<u8> =
        both.iter().enumerate().map(|(at, byte)| if at == 4100 { 0 } else { *byte }).collect();
    let proof = epochs::all(&nodes.house.database).await.unwrap().remove(0).1;
    for bytes in [both, after, torn] {
        std::fs::write(nodes.file("b").path(), bytes).unwrap();
        let told = ToldEpochs { oldest: 1, newest: 1, proof: proof.clone() };
        let tell = epoch_nodes::tell(&line().institution, "b", &told);
        nodes.house.database.execute(vec![tell]).await.unwrap();
        assert_eq!(a.nodes_before(2).await.unwrap(), ["b"]);
        let b = nodes.open("b").await.unwrap();
        nodes.is_whole("b", &b, &key, 2).await;
        assert_eq!(a.nodes_before(2).await.unwrap(), Vec::<String>::new());
    }
}

/// A node that gives something else than what is asked for.
#[derive(Debug)]
struct MockOfLies(Vec<u8>);

impl EpochGivers for MockOfLies {
    fn give(&self, _epoch: u64) -> GivenEpoch<'_> {
        Box::pin(async move { Ok(self.0.clone()) })
    }

    fn serving(&self, names: Vec<String>) -> ServingNodes<'_> {
        Box::pin(async move { Ok(names) })
    }
}

#[tokio::test]
async fn what_does_not_open_what_it_has_to_is_not_taken_from_anybody() {
    let (nodes, [a, b]) = Nodes::new().await;
    study(&a).await;
    drop(b);
    nodes.answer(&[&a]);
    a.roll_epoch().await.unwrap();
    let before = std::fs::read(nodes.file("b").path()).unwrap();
    let another = root().wrap(&place::epoch(2), &SealingKey::generate()).await.unwrap();
    let held = nodes.file("b").read().unwrap();
    let old = holding(&held).next().unwrap().1.to_vec();
    for lie in [Vec::new(), vec![7; 40], another, old] {
        let others = Some(Arc::new(MockOfLies(lie)) as Arc<dyn EpochGivers>);
        let node = KeyNode { others, ..nodes.node("b") };
        let (database, file) = (nodes.house.database.clone(), nodes.file("b"));
        let refused = KeyStore::open_on(database, root(), file, clock(), node).await.map(drop);
        assert!(matches!(refused, Err(KeysError::EpochNotGiven { epoch: 2, .. })), "{refused:?}");
        assert_eq!(std::fs::read(nodes.file("b").path()).unwrap(), before);
    }
    // Nobody is given an epoch that is over, or to come.
    for epoch in [0, 1, 3] {
        assert_eq!(a.give_epoch(epoch).await, Ok(None), "{epoch}");
    }
    // A file of somebody else is not written over.
    let node = nodes.node("b");
    std::fs::write(nodes.file("b").path(), &before).unwrap();
    let other = Nodes::new().await.0;
    let foreign = testing::root(9).wrap(&place::epoch(1), &SealingKey::generate()).await.unwrap();
    other.file("x").lock().unwrap().write(0, 1, &foreign).unwrap();
    std::fs::copy(other.file("x").path(), nodes.file("b").path()).unwrap();
    let (database, file) = (nodes.house.database.clone(), nodes.file("b"));
    let refused = KeyStore::open_on(database, root(), file, clock(), node).await.map(drop);
    assert_eq!(refused, Err(KeysError::OtherEpoch { epoch: 1 }));
    assert_eq!(nodes.file("b").epochs().unwrap(), [1]);
}

#[tokio::test]
async fn a_node_that_never_said_what_it_keeps_is_waited_for_until_it_does_or_is_forgotten() {
    let (nodes, [a, b]) = Nodes::new().await;
    let institution = line().institution;
    let enter = logs::insert(&institution, "c", clock().now());
    nodes.house.database.execute(vec![enter]).await.unwrap();
    let epoch = a.roll_epoch().await.unwrap();
    b.keep_up().await.unwrap();
    b.keep_up().await.unwrap();
    assert_eq!(a.nodes_before(epoch).await.unwrap(), ["c"]);
    assert_eq!(a.forget_node(&institution, "a").await, Err(KeysError::NoNode), "it is this one");
    assert_eq!(a.forget_node(&institution, "x").await, Err(KeysError::NoNode));
    a.forget_node(&institution, "c").await.unwrap();
    assert_eq!(a.forget_node(&institution, "c").await, Err(KeysError::NoNode), "it is forgotten");
    assert_eq!(a.nodes_before(epoch).await.unwrap(), Vec::<String>::new());
    // Who is there all the same counts again from its start on.
    let c = nodes.open("c").await.unwrap();
    assert_eq!(nodes.told("c").await, (epoch, epoch));
    assert_eq!(a.epoch_nodes().await.unwrap().1.iter().filter(|node| node.gone.is_some()).count(), 0);
    drop(c);
    a.roll_epoch().await.unwrap();
    assert!(a.nodes_before(epoch + 1).await.unwrap().contains(&"c".to_owned()));
}

#[tokio::test]
async fn the_root_key_is_not_moved_away_from_under_another_node() {
    let (nodes, [a, b]) = Nodes::new().await;
    let key = study(&a).await;
    let refused = a.move_root(&testing::root(43)).await;
    assert_eq!(refused, Err(KeysError::OtherNodes { others: "b".to_owned() }));
    nodes.is_whole("b", &b, &key, 1).await;
    drop(b);
    nodes.answer(&[&a]);
    a.forget_node(&line().institution, "b").await.unwrap();
    let moved = a.move_root(&testing::root(43)).await.unwrap();
    assert_eq!(moved.epoch, 2);
}

#[tokio::test]
async fn a_node_that_serves_is_not_forgotten_and_one_that_was_cut_off_stops_and_is_back_with_its_next_start()
{
    let (nodes, [a, b]) = Nodes::new().await;
    let (key, institution) = (study(&a).await, line().institution);
    let serves = Err(KeysError::NodeServes { name: "b".to_owned() });
    assert_eq!(a.other_node(&institution, "b").await.map(drop), serves, "a dry run says so too");
    assert_eq!(a.forget_node(&institution, "b").await, serves);
    // Cut off, it does not count as one that serves.
    nodes.answer(&[&a]);
    a.forget_node(&institution, "b").await.unwrap();
    let gone = Err(KeysError::Forgotten { name: "b".to_owned() });
    assert_eq!(b.keep_up().await, gone);
    assert_eq!(b.roll_epoch().await.map(drop), gone, "nor does it begin an epoch");
    let heard = tokio::time::timeout(std::time::Duration::from_secs(20), b.forgotten());
    heard.await.expect("its next look tells whoever serves");
    assert_eq!(a.roll_epoch().await, Ok(2));
    assert_eq!(a.nodes_before(2).await.unwrap(), Vec::<String>::new(), "nobody waits for it");
    assert_eq!(b.keep_up().await, gone, "it does not take that back while it runs");
    drop(b);
    let b = nodes.open("b").await.unwrap();
    nodes.answer(&[&a, &b]);
    nodes.is_whole("b", &b, &key, 2).await;
    assert!(a.epoch_nodes().await.unwrap().1.iter().all(|node| node.gone.is_none()));
    let alone = tokio::time::timeout(std::time::Duration::from_millis(100), b.forgotten()).await;
    assert!(alone.is_err(), "nobody said so since its start");
}
