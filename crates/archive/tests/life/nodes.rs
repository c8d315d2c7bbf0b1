//! Several stores of packs fill one catalogue, each from a node of its own.

use crate::commitment::{reference, request};
use crate::compact::{compact, settle};
use crate::conflict::{STUDY, of_patient};
use crate::destroy::{destroy, done, only};
use crate::house::{Engine, House, Open, institution};
use crate::ups::{report, title, told};
use crate::{damage_at, quarantined_and_repaired, stop, until_repaired};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_archive::{
    Archive, ChannelEnd, CommitmentFailure, CommitmentReport, DestroyReason, DestructionState, KeyCareError,
    Level, NodeError, OpenError, OtherNodes, PACK_READ_BYTES_MAX, SopReference, SpanError, StoredOutcome,
    StudiesOf, SubscriptionTarget,
};
use yingdun_audit::Filter;
use yingdun_catalog::Statement;
use yingdun_catalog::catalogue::{self, counts, instances, remove};
use yingdun_catalog::keyring::KekLine;
use yingdun_catalog::keyring::destructions::{self, KeyIdentity};
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_dicom::tags;
use yingdun_keys::{EpochGivers, GivenEpoch, KeyNode, KeyStore, ServingNodes};
use yingdun_model::{Grade, StudyRef, Uid, WorkitemState};
use yingdun_storage::StoreLocation;

/// The other of two nodes, asked in this process for what its door would give.
#[derive(Debug, Default)]
struct Beside(Mutex<Option<Archive>>);

impl Beside {
    /// The archive there is, or goes.
    fn set(&self, archive: Option<&Archive>) {
        *self.0.lock().unwrap() = archive.cloned();
    }

    fn archive(&self, place: &StoreLocation) -> Result<Archive, NodeError> {
        let (address, cause) = ("https://beside".to_owned(), "it is stopped".to_owned());
        self.0.lock().unwrap().clone().ok_or(NodeError::Silent { store: place.store, address, cause })
    }
}

impl OtherNodes for Beside {
    fn read<'a>(
        &'a self,
        place: &'a StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> BoxFuture<'a, Result<Option<Bytes>, NodeError>> {
        Box::pin(async move {
            let span = self.archive(place)?.sealed_span(place, range, copy).await;
            span.map_err(|_| NodeError::Unreadable { store: place.store })
        })
    }

    fn is_sound<'a>(&'a self, place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, NodeError>> {
        Box::pin(async move { Ok(self.archive(place)?.is_sound(place).await.unwrap()) })
    }
}

/// What the other node gives of its epoch file, asked in this process.
#[derive(Debug, Default)]
struct KeysBeside(Mutex<Option<KeyStore>>);

impl EpochGivers for KeysBeside {
    fn give(&self, epoch: u64) -> GivenEpoch<'_> {
        Box::pin(async move {
            let store = self.0.lock().unwrap().clone().ok_or("it is stopped".to_owned())?;
            let given = store.give_epoch(epoch).await.map_err(|error| error.to_string())?;
            given.ok_or_else(|| "it has it not".to_owned())
        })
    }

    fn serving(&self, names: Vec<String>) -> ServingNodes<'_> {
        let is_there = self.0.lock().unwrap().is_some();
        Box::pin(async move { Ok(names.into_iter().filter(|_| is_there).collect()) })
    }
}

/// Two nodes with epoch files of their own, which give each other what they lack.
async fn two_with_epochs() -> Option<([House; 2], [Open; 2], [Arc<KeysBeside>; 2])> {
    let (mut houses, [one, other]) = two_nodes().await?;
    stop(one).await;
    stop(other).await;
    let beside = [0; 2].map(|_| Arc::new(KeysBeside::default()));
    for (at, house) in houses.iter_mut().enumerate() {
        let others = Some(Arc::clone(&beside[at]) as Arc<dyn EpochGivers>);
        house.key_node = Some(KeyNode { institution: institution(), name: format!("node-{at}"), others });
    }
    let nodes = [houses[0].open().await, houses[1].open().await];
    *beside[0].0.lock().unwrap() = Some(nodes[1].key_store.clone());
    *beside[1].0.lock().unwrap() = Some(nodes[0].key_store.clone());
    Some((houses, nodes, beside))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destruction_is_done_when_the_other_node_has_ended_the_epoch_as_well() {
    let Some((houses, [one, other], beside)) = two_with_epochs().await else { return };
    let (gone, kept) = (Study::new(345, Kind::Sr), Study::new(346, Kind::Sr));
    one.store(&gone.instance(0)).await.unwrap();
    other.store(&kept.instance(0)).await.unwrap();
    for node in [&one, &other] {
        node.archive.counts(&institution()).await.unwrap();
    }
    // It is stopped with the key of the first epoch in its file.
    *beside[0].0.lock().unwrap() = None;
    stop(other).await;
    let (asks, approves) = (one.security_officer().await, one.audit_officer().await);
    let asked = one.archive.request_destruction(&asks, &only(&gone), DestroyReason::Trial).await.unwrap();
    one.archive.approve_destruction(&approves, &asked.id).await.unwrap();
    let waits = async {
        loop {
            let record = one.archive.destruction(&asks, &asked.id).await.unwrap();
            if !record.waits_for.is_empty() {
                break record;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let record = tokio::time::timeout(Duration::from_secs(60), waits).await.unwrap();
    assert_eq!((record.state, record.waits_for), (DestructionState::Rolling, vec!["node-1".to_owned()]));
    assert_eq!(record.epoch, Some(2));
    let report = one.archive.key_report(&asks).await.unwrap();
    let keeps: Vec<&str> = report
        .nodes
        .iter()
        .filter(|node| node.keeps_before(report.epoch))
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(keeps, ["node-1"]);

    // It starts, has the epoch from the first node before it serves, and the destruction ends.
    let other = houses[1].open().await;
    let record = done(&one, &asks, &asked.id).await;
    assert_eq!((record.nodes, record.nodes_gone), (vec!["node-0".to_owned(), "node-1".to_owned()], vec![]));
    assert!(
        other.read_back(&kept.study, &kept.instance(0).sop_instance).await.unwrap()
            == kept.instance(0).data_set
    );
    other.store(&kept.instance(0)).await.unwrap();

    // While both serve, a second destruction needs no hand, whichever of them is first.
    *beside[0].0.lock().unwrap() = Some(other.key_store.clone());
    one.store(&gone.instance(0)).await.unwrap();
    let record = destroy(&other, &only(&gone)).await;
    assert!(record.epoch > Some(2) && record.nodes.len() == 2, "{record:?}");
    // One that is gone for good is waited for until an officer says so.
    *beside[0].0.lock().unwrap() = None;
    stop(other).await;
    one.store(&gone.instance(0)).await.unwrap();
    let asked = one.archive.request_destruction(&asks, &only(&gone), DestroyReason::Trial).await.unwrap();
    one.archive.approve_destruction(&approves, &asked.id).await.unwrap();
    let said = one.archive.forget_node(&asks, "node-1", true).await.unwrap();
    assert_eq!((said.name.as_str(), said.gone), ("node-1", None));
    assert!(one.archive.forget_node(&approves, "node-1", false).await.is_err(), "it is another office");
    assert!(matches!(one.archive.forget_node(&asks, "node-0", false).await, Err(KeyCareError::NoNode)));
    one.archive.forget_node(&asks, "node-1", false).await.unwrap();
    let record = done(&one, &asks, &asked.id).await;
    assert_eq!((record.nodes, record.nodes_gone), (vec!["node-0".to_owned()], vec!["node-1".to_owned()]));
    stop(one).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_that_comes_again_corrected_belongs_to_the_patient_that_it_names_at_whatever_node() {
    let Some((_houses, nodes, _beside)) = two_with_epochs().await else { return };
    let [one, other] = &nodes;
    // Both have it open, and so remember whose it is.
    one.store(&of_patient(1, "WRONG", "Wang^Hong", "")).await.unwrap();
    other.store(&of_patient(2, "WRONG", "Wang^Hong", "")).await.unwrap();
    assert_eq!(catalogued(&nodes).await, 2);
    let study = Uid::new(STUDY).unwrap();
    let reference = one.archive.study_reference(&institution(), &study).await.unwrap();
    let asks = one.security_officer().await;
    let subject = StudiesOf::Study(study.clone());
    let asked = one.archive.request_destruction(&asks, &subject, DestroyReason::Mistake).await.unwrap();
    one.archive.approve_destruction(&one.audit_officer().await, &asked.id).await.unwrap();
    // It comes again at once, to the node at which nobody destroyed anything.
    let corrected = of_patient(1, "RIGHT", "Li^Ming", "");
    let again = async {
        while other.store(&corrected).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    done(one, &asks, &asked.id).await;
    // An object that was taken before the keys went is gone with them.
    let again = async {
        while other.store(&corrected).await.is_err() || catalogued(&nodes).await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    let right = one.archive.patient_reference(&institution(), "", "RIGHT").await.unwrap();
    let (patient, _) = one.key_store.owner(&institution(), reference).await.unwrap().unwrap();
    assert_eq!(patient, right);
    for node in nodes {
        stop(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packs_of_the_other_node_with_a_destroyed_study_are_noted_there_and_compacted() {
    let Some((houses, nodes, _beside)) = two_with_epochs().await else { return };
    let kind = Kind::CtMatrix { slices: 3, matrix: 16 };
    let (gone, kept) = (Study::new(347, kind), Study::new(348, kind));
    for (number, node) in (0..).zip(&nodes) {
        node.store(&gone.instance(number)).await.unwrap();
    }
    assert_eq!(catalogued(&nodes).await, 2);
    let record = destroy(&nodes[0], &only(&gone)).await;
    let noted = Statement::new("SELECT count(*) FROM destruction_remains WHERE record LIKE '%leaf%'", vec![]);
    let is_noted = async {
        while nodes[0].keys.query(noted.clone()).await.unwrap()[0].get_i64(0) != Ok(1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is_noted).await.unwrap();
    // Whoever was free carried it out; the leaf of the other one says what became of its own packs.
    let of_study = record.studies[0].study;
    let noting = usize::from(reasons(&nodes[0], of_study).await.contains("destroy-study"));
    let (other, one) = (&nodes[noting], &nodes[1 - noting]);
    let described = u32::try_from(noting).unwrap();
    assert!(reasons(one, of_study).await.contains("destroy-study"));
    let noted = reasons(other, of_study).await;
    assert!(noted.contains("study-destroyed") && !noted.contains("destroy-study"), "{noted:?}");

    // The study comes again, to a node that has described it before, and another one; both live.
    let again = async {
        // It has the old key open for some seconds, and its sender is told to try again.
        for number in [described, 2] {
            while other.store(&gone.instance(number)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    other.store(&kept.instance(0)).await.unwrap();
    other.archive.counts(&institution()).await.unwrap();
    settle(&houses[noting], other).await;
    let told = compact(other, false).await;
    // What was turned away lies in a pack that is noted as well, and lives on.
    assert_eq!((told.dead_packs, told.removed_packs), (1, 1), "{told:?}");
    for (study, number) in [(&gone, described), (&gone, 2), (&kept, 0)] {
        let instance = study.instance(number);
        assert!(other.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
    }
    // A row that somebody wrote who has no keys makes nobody note anything.
    let forged = "INSERT INTO destruction (institution, id, state, record, requested_ms) \
         SELECT institution, 'forged', state, replace(record, id, 'forged'), requested_ms FROM destruction";
    one.keys.execute(vec![Statement::new(forged, vec![])]).await.unwrap();
    let seen = Statement::new(
        "SELECT count(*) FROM destruction_remains WHERE destruction = 'forged' AND record LIKE '%leaf%'",
        vec![],
    );
    let looked =
        Statement::new("SELECT count(*) FROM destruction_remains WHERE destruction = 'forged'", vec![]);
    let has_looked = async {
        while one.keys.query(looked.clone()).await.unwrap()[0].get_i64(0) != Ok(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), has_looked).await.unwrap();
    assert_eq!(one.keys.query(seen).await.unwrap()[0].get_i64(0), Ok(0));
    for node in nodes {
        stop(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_under_which_the_catalogue_is_emptied_says_so_and_passes_over_nothing() {
    for idle in [true, false] {
        let Some((houses, [one, other])) = two_nodes().await else { return };
        let studies = [349, 350, 351].map(|seed| Study::new(seed, Kind::Sr));
        one.store(&studies[0].instance(0)).await.unwrap();
        other.store(&studies[1].instance(0)).await.unwrap();
        for node in [&one, &other] {
            node.archive.counts(&institution()).await.unwrap();
        }
        stop(one).await;
        catalogue::wipe(&other.catalogue).await.unwrap();
        let one = houses[0].open().await;
        assert_eq!(one.recovered.records, 1);
        if !idle {
            // What arrives meets it at once; its row does not hide those before it.
            other.store(&studies[2].instance(0)).await.unwrap();
        }
        let said = tokio::time::timeout(Duration::from_secs(60), other.archive.catalogue_emptied()).await;
        assert!(said.is_ok(), "it was not noticed");
        let marks = Statement::new("SELECT count(*) FROM pack_watermark", vec![]);
        assert_eq!(one.catalogue.query(marks).await.unwrap()[0].get_i64(0), Ok(1), "the other has none");
        stop(other).await;
        let other = houses[1].open().await;
        assert_eq!(other.recovered.records, if idle { 1 } else { 2 });
        for study in &studies[1..if idle { 2 } else { 3 }] {
            let instance = study.instance(0);
            assert!(
                other.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set
            );
        }
        stop(one).await;
        stop(other).await;
    }
}

/// Two nodes on one PostgreSQL that do not know of each other; none where it is not installed.
pub(crate) async fn two_nodes() -> Option<([House; 2], [Open; 2])> {
    two_nodes_with([None, None]).await
}

/// Two nodes of which each reads what the other has.
async fn two_that_reach_each_other() -> Option<([House; 2], [Open; 2], [Arc<Beside>; 2])> {
    let beside = [0; 2].map(|_| Arc::new(Beside::default()));
    let others = beside.each_ref().map(|beside| Some(Arc::clone(beside) as Arc<dyn OtherNodes>));
    let (houses, nodes) = two_nodes_with(others).await?;
    beside[0].set(Some(&nodes[1].archive));
    beside[1].set(Some(&nodes[0].archive));
    Some((houses, nodes, beside))
}

async fn two_nodes_with(
    [first, second]: [Option<Arc<dyn OtherNodes>>; 2],
) -> Option<([House; 2], [Open; 2])> {
    let servers = [0; 3].map(|_| yingdun_testkit::postgres_database());
    let [Some(a), Some(b), Some(c)] = servers else { return None };
    let mut one = House::new(Engine::Postgres(Arc::new([a, b, c])));
    one.nodes = first;
    let open = one.open().await;
    let mut other = one.beside();
    other.nodes = second;
    let beside = other.open().await;
    // It came to a catalogue of its own, and learns at its next start that it is not alone.
    stop(open).await;
    let open = one.open().await;
    Some(([one, other], [open, beside]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_node_keeps_is_read_from_it_with_the_leaf_and_the_key_of_who_was_asked() {
    let Some((_houses, [one, other], _beside)) = two_that_reach_each_other().await else { return };
    let study = Study::new(330, Kind::Ct { slices: 2 });
    for instance in study.instances() {
        one.store(&instance).await.unwrap();
    }
    one.archive.counts(&institution()).await.unwrap();
    let (there, unwrapped) = (one.access_leaves().await, one.archive.key_unwraps());
    for instance in study.instances() {
        assert!(other.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
    }
    // One window.
    assert_eq!((other.access_leaves().await, other.archive.key_unwraps()), (1, 1), "promise I1");
    assert_eq!(
        (one.access_leaves().await, one.archive.key_unwraps()),
        (there, unwrapped),
        "it gave ciphertext"
    );
    // Who may not see the study there may not see it here.
    let stranger = other.doctor_of("nobody").await;
    let refused = other.archive.open_study(&stranger, &study.study, stranger.purpose()).await;
    assert!(matches!(refused, Err(OpenError::NotFound)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_copies_of_another_node_change_no_answer_and_are_repaired_there() {
    let Some((houses, [one, other], _beside)) = two_that_reach_each_other().await else { return };
    let study = Study::new(331, Kind::Ct { slices: 4 });
    for instance in study.instances() {
        one.store(&instance).await.unwrap();
    }
    one.archive.counts(&institution()).await.unwrap();
    let location = place(&one, &study).await.location;
    let first = one.archive.store().replicas_for(&location)[0];
    damage_at(&houses[0].replica(first.index()), location.offset + location.record_bytes() / 2);
    let read = async || {
        for instance in study.instances() {
            let back = other.read_back(&study.study, &instance.sop_instance).await.unwrap();
            assert!(back == instance.data_set);
        }
    };
    read().await;
    let met = async {
        while quarantined_and_repaired(&one) == [0, 0] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            // A doubt that came while another one was looked into was dropped.
            read().await;
        }
    };
    let met = tokio::time::timeout(std::time::Duration::from_secs(60), met).await;
    assert!(met.is_ok(), "nobody looked at the copy");
    until_repaired(&one, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_other_node_has_is_unavailable_while_it_is_away_and_not_damaged() {
    let Some((_houses, [one, other], beside)) = two_that_reach_each_other().await else { return };
    let study = Study::new(332, Kind::Sr);
    let instance = study.instance(0);
    one.store(&instance).await.unwrap();
    one.archive.counts(&institution()).await.unwrap();
    beside[1].set(None);
    let error = other.read_back(&study.study, &instance.sop_instance).await.unwrap_err();
    let OpenError::Unavailable(unavailable) = error else { panic!("{error}") };
    assert!(unavailable.to_string().contains("https://beside"), "{unavailable}");
    beside[1].set(Some(&one.archive));
    assert!(other.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_two_nodes_are_committed_in_one_transaction_by_either_of_them() {
    let Some((houses, nodes, beside)) = two_that_reach_each_other().await else { return };
    let studies = [333, 334].map(|seed| Study::new(seed, Kind::Ct { slices: 1 }));
    let mut references = Vec::new();
    for (node, study) in nodes.iter().zip(&studies) {
        node.store(&study.instance(0)).await.unwrap();
        node.archive.counts(&institution()).await.unwrap();
        references.push(reference(&study.instance(0)));
    }
    for (transaction, node) in (1..).zip(&nodes) {
        let report = commit(node, transaction, &references).await;
        assert_eq!((report.committed, report.failed), (references.clone(), vec![]));
    }
    // Nothing is left of a record there; what is left of too few copies would be repaired meanwhile.
    let location = place(&nodes[0], &studies[0]).await.location;
    for replica in 0..3 {
        damage_at(&houses[0].replica(replica), location.offset + location.record_bytes() / 2);
    }
    let report = commit(&nodes[1], 3, &references).await;
    assert_eq!(report.failed, [(references[0].clone(), CommitmentFailure::ProcessingFailure)]);
    // Nodes that cannot ask each other promise nothing and deny nothing.
    beside.iter().for_each(|beside| beside.set(None));
    let asked = nodes[0].archive.request_commitment(&nodes[0].gateway, request(4, references)).await;
    drop(asked.unwrap());
    let due = Statement::new("SELECT attempts FROM storage_commitment WHERE state = 'requested'", vec![]);
    let put_off = async {
        while nodes[0].catalogue.query(due.clone()).await.unwrap()[0].get_i64(0) == Ok(0) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let put_off = tokio::time::timeout(std::time::Duration::from_secs(60), put_off).await;
    assert!(put_off.is_ok(), "nobody looked");
}

/// Asks a node and takes the report, whichever of the nodes it is that looked.
async fn commit(node: &Open, transaction: u32, references: &[SopReference]) -> CommitmentReport {
    let asked = request(transaction, references.to_vec());
    let uid = asked.transaction.clone();
    drop(node.archive.request_commitment(&node.gateway, asked).await.unwrap());
    let report = async {
        loop {
            let due = node.archive.due_commitment_reports().await.unwrap();
            if let Some(report) = due.into_iter().find(|report| report.key.transaction == uid) {
                break report;
            }
        }
    };
    let report = tokio::time::timeout(std::time::Duration::from_secs(60), report).await.unwrap();
    node.archive.commitment_reported(&report).await.unwrap();
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_sent_to_both_nodes_are_kept_once_and_twice_only_where_the_first_is_not_known_whole() {
    let Some((_houses, [one, other], beside)) = two_that_reach_each_other().await else { return };
    let instance = Study::new(335, Kind::Sr).instance(0);
    assert_eq!(one.store(&instance).await.unwrap().outcome, StoredOutcome::New);
    one.archive.counts(&institution()).await.unwrap();
    assert_eq!(other.store(&instance).await.unwrap().outcome, StoredOutcome::Duplicate);
    beside[1].set(None);
    assert_eq!(other.store(&instance).await.unwrap().outcome, StoredOutcome::NewVersion(2));
    other.archive.counts(&institution()).await.unwrap();
    // Now the newest is there.
    assert_eq!(one.store(&instance).await.unwrap().outcome, StoredOutcome::Duplicate);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_nodes_are_given_nothing_but_bytes_of_records_that_were_acknowledged_here() {
    let Some((_houses, [one, other], _beside)) = two_that_reach_each_other().await else { return };
    let study = Study::new(336, Kind::Sr);
    one.store(&study.instance(0)).await.unwrap();
    one.archive.counts(&institution()).await.unwrap();
    let place = place(&one, &study).await;
    let record = place.location.record_bytes();
    let span = async |place: StoreLocation, range| one.archive.sealed_span(&place, range, 0).await;
    assert_eq!(span(place, 0..record).await.unwrap().unwrap().len() as u64, record);
    assert!(one.archive.sealed_span(&place, 0..8, 2).await.unwrap().is_some());
    assert!(one.archive.sealed_span(&place, 0..8, 3).await.unwrap().is_none(), "there are three copies");
    let elsewhere = |change: &dyn Fn(&mut StoreLocation)| {
        let mut place = place;
        change(&mut place);
        place
    };
    let end = one.archive.store().pack_extent(place.location.pack).unwrap().bytes;
    for wrong in [
        elsewhere(&|place| place.store = yingdun_model::StoreNumber::new(2).unwrap()),
        elsewhere(&|place| place.location.pack += 1),
        elsewhere(&|place| place.location.offset = end - record + 8),
        elsewhere(&|place| place.location.offset = u64::MAX),
        elsewhere(&|place| place.location.object_bytes += end),
    ] {
        assert!(matches!(span(wrong, 0..8).await, Err(SpanError::NotHere)), "{wrong:?}");
        assert!(matches!(one.archive.is_sound(&wrong).await, Err(SpanError::NotHere)), "{wrong:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "a peer may say so")]
    for range in [0..record + 1, 8..7, 0..PACK_READ_BYTES_MAX + 1] {
        assert!(matches!(span(place, range.clone()).await, Err(SpanError::NotHere)), "{range:?}");
    }
    // A place that somebody made up makes nobody think ill of a copy.
    let made_up = elsewhere(&|place| place.location.digest = [9; 32]);
    assert!(!one.archive.is_sound(&made_up).await.unwrap());
    assert_eq!(quarantined_and_repaired(&one), [0, 0]);
    drop(other);
}

/// Where the first record of a study lies.
async fn place(node: &Open, study: &Study) -> StoreLocation {
    let study = node.archive.study_reference(&institution(), &study.study).await.unwrap();
    let row = instances::of_study(&node.catalogue, &institution(), study).await.unwrap().remove(0);
    StoreLocation::from_bytes(&row.location).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_node_reads_its_own_packs_and_takes_what_the_other_has_for_absent_and_not_for_damaged() {
    let Some((houses, nodes)) = two_nodes().await else { return };
    let studies = [310, 311].map(|seed| Study::new(seed, Kind::Sr));
    for (node, study) in nodes.iter().zip(&studies) {
        node.store(&study.instance(0)).await.unwrap();
    }
    own_is_read_and_the_others_is_not_here(&nodes, &studies).await;

    let [one, other] = nodes;
    let database = one.catalogue.clone();
    stop(one).await;
    stop(other).await;
    // Each fills an empty catalogue with what it has.
    catalogue::wipe(&database).await.unwrap();
    let nodes = [houses[0].open().await, houses[1].open().await];
    assert_eq!(nodes.each_ref().map(|node| node.recovered.records), [1, 1]);
    own_is_read_and_the_others_is_not_here(&nodes, &studies).await;
    for node in nodes {
        stop(node).await;
    }
    for house in &houses {
        let node = house.open().await;
        assert_eq!(node.recovered.records, 0, "each has a watermark of its own");
        stop(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_two_nodes_receive_at_once_everything_acknowledged_is_there_in_a_version_of_its_own() {
    let Some((houses, nodes)) = two_nodes().await else { return };
    let (report, scan) =
        (Study::new(320, Kind::Sr), Study::new(321, Kind::CtMatrix { slices: 8, matrix: 16 }));
    // Every sender has the same report, each with a letter of its own, and the senders share the slices of a scan.
    let reports: Vec<Instance> = (b'a'..=b'j')
        .map(|letter| {
            let mut instance = report.instance(0);
            let at = instance.data_set.len() - 3;
            instance.data_set[at] = letter;
            instance
        })
        .collect();
    let slices: Vec<Instance> = scan.instances().collect();
    let sent = reports.iter().chain(&slices).enumerate();
    let stored = join_all(sent.map(|(sender, instance)| nodes[sender % 2].store(instance))).await;
    let outcomes: Vec<StoredOutcome> = stored.into_iter().map(|stored| stored.unwrap().outcome).collect();
    let (of_reports, of_slices) = outcomes.split_at(reports.len());
    assert!(of_slices.iter().all(|outcome| *outcome == StoredOutcome::New));
    let mut given: Vec<u32> = of_reports.iter().map(version).collect();
    given.sort_unstable();
    assert!(given.is_sorted_by(|one, next| one < next), "two have the same version: {given:?}");

    let live = everything(&nodes, [&report, &scan]).await;
    let versions: Vec<u32> = live.0.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, given);
    let contents: BTreeSet<&Vec<u8>> = live.0.iter().map(|(_, evidence)| evidence).collect();
    assert_eq!(contents.len(), reports.len(), "no content hides another");
    assert_eq!(counts(&nodes[0].catalogue, &institution()).await.unwrap().instances, 1 + 8);
    let claims = Statement::new("SELECT count(*) FROM version_claim", vec![]);
    assert_eq!(nodes[0].catalogue.query(claims).await.unwrap()[0].get_i64(0), Ok(0), "all are fulfilled");

    // From the packs of both comes the same, whichever is read first.
    let mut nodes = nodes;
    for first in [0, 1] {
        let database = nodes[0].catalogue.clone();
        for node in nodes {
            stop(node).await;
        }
        catalogue::wipe(&database).await.unwrap();
        let opened = [houses[first].open().await, houses[1 - first].open().await];
        nodes = if first == 0 {
            opened
        } else {
            let [other, one] = opened;
            [one, other]
        };
        assert_eq!(everything(&nodes, [&report, &scan]).await, live);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_destroys_another_neither_puts_back_nor_takes_under_the_same_key() {
    let Some((_houses, nodes)) = two_nodes().await else { return };
    let [one, other] = &nodes;
    let study = Study::new(330, Kind::CtMatrix { slices: 4, matrix: 16 });
    one.store(&study.instance(0)).await.unwrap();
    other.store(&study.instance(1)).await.unwrap();
    assert_eq!(catalogued(&nodes).await, 2);
    let select = Statement::new("SELECT study_ref, patient_ref, created_ms FROM study_key", vec![]);
    let key = one.keys.query(select).await.unwrap();
    let (reference, patient) = (key[0].get_reference(0).unwrap(), key[0].get_reference(1).unwrap());
    let line = KekLine { institution: institution(), grade: Grade::L4, suite: String::new() };
    let key = KeyIdentity { line, study: reference, patient, made: key[0].get_timestamp(2).unwrap() };

    // One has removed what the other still has on its way under the key, which it asked for a moment ago.
    let database = &one.catalogue;
    remove::remove(database, &institution(), reference, None, Some(key.made)).await.unwrap();
    other.store(&study.instance(2)).await.unwrap();
    assert_eq!(catalogued(&nodes).await, 0, "rows of a destroyed study are not put back");
    let unrelated = Study::new(331, Kind::Sr);
    other.store(&unrelated.instance(0)).await.unwrap();
    assert_eq!(catalogued(&nodes).await, 1, "what waits with them is applied");

    // The key is gone, which the other has in memory.
    one.keys.execute(destructions::shred(&key).into_iter().collect()).await.unwrap();
    let refused = other.store(&study.instance(3)).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(catalogued(&nodes).await, 1);
    for node in nodes {
        stop(node).await;
    }
}

/// Instances in the catalogue, when every node has caught up.
async fn catalogued(nodes: &[Open; 2]) -> i64 {
    for node in nodes {
        node.archive.counts(&institution()).await.unwrap();
    }
    let count = Statement::new("SELECT count(*) FROM instance", vec![]);
    nodes[0].catalogue.query(count).await.unwrap()[0].get_i64(0).unwrap()
}

/// Why each leaf of a study is in the log of a node.
async fn reasons(node: &Open, study: StudyRef) -> BTreeSet<String> {
    node.log.checkpoint().await.unwrap();
    let leaves = node.log.reader().search(Filter { study: Some(study), ..Filter::default() });
    leaves.map(|leaf| leaf.unwrap().leaf.reason.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_either_node_a_subscriber_is_told_once_and_in_order_also_when_connections_are_lost() {
    let Some((_houses, nodes)) = two_nodes().await else { return };
    let [here, there] = &nodes;
    let (watcher, all) = (title("WATCHER"), SubscriptionTarget::All);
    there.archive.subscribe_to_workitems(&there.ris, &watcher, &all, false).await.unwrap();
    let mut channel = here.archive.open_event_channel(&here.ris, watcher).await.unwrap();
    let mut expected = Vec::new();
    for round in 0..4 {
        for (number, node) in nodes.iter().enumerate() {
            let item = node.schedule(&format!("1.2.{round}.{number}"), "P1", "CT01", "20260301").await;
            nodes[1 - number].to(&item, "2.25.7", WorkitemState::InProgress).await.unwrap();
            expected.extend([
                report(&item, 1, "SCHEDULED"),
                report(&item, 5, ""),
                report(&item, 1, "IN PROGRESS"),
            ]);
        }
        // Those that read, those that write and those that listen, of both nodes.
        let lost = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        nodes[round % 2].catalogue.query(Statement::new(lost, vec![])).await.unwrap();
        for expected in expected.drain(..) {
            assert_eq!(told(&mut channel).await, expected);
        }
    }
    let quiet = tokio::time::timeout(Duration::from_secs(2), channel.next()).await;
    assert!(quiet.is_err(), "something was told twice: {quiet:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_has_one_channel_at_all_nodes_together() {
    let Some((_houses, [here, there])) = two_nodes().await else { return };
    let (watcher, all) = (title("WATCHER"), SubscriptionTarget::All);
    here.archive.subscribe_to_workitems(&here.ris, &watcher, &all, false).await.unwrap();
    let mut first = here.archive.open_event_channel(&here.ris, watcher.clone()).await.unwrap();
    let mut second = there.archive.open_event_channel(&there.ris, watcher.clone()).await.unwrap();
    assert_eq!(first.next().await, Err(ChannelEnd::Replaced));
    let item = here.schedule("1.2.1", "P1", "CT01", "20260301").await;
    assert_eq!(told(&mut second).await, report(&item, 1, "SCHEDULED"));
    here.archive.unsubscribe_from_workitems(&here.ris, &watcher, &all).await.unwrap();
    // Somebody else takes the title: what it is told is not for the channel that is still open.
    let other = here.technician("li").await;
    here.archive.subscribe_to_workitems(&other, &watcher, &all, true).await.unwrap();
    let ended = loop {
        match second.next().await {
            Ok(report) => assert!(!report.contains("SCHEDULED"), "that is for somebody else"),
            Err(end) => break end,
        }
    };
    assert_eq!(ended, ChannelEnd::Unsubscribed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_subscribes_to_all_while_another_node_creates_is_subscribed_to_all() {
    let Some((_houses, [here, there])) = two_nodes().await else { return };
    let creates = async {
        for number in 0..12 {
            here.schedule(&format!("1.2.{number}"), "P1", "CT01", "20260301").await;
        }
    };
    let subscribes = async {
        for number in 0..12 {
            let (title, all) = (title(&format!("T{number}")), SubscriptionTarget::All);
            there.archive.subscribe_to_workitems(&there.ris, &title, &all, false).await.unwrap();
        }
    };
    tokio::join!(creates, subscribes);
    let count = Statement::new("SELECT count(*) FROM ups_subscription", vec![]);
    assert_eq!(here.catalogue.query(count).await.unwrap()[0].get_i64(0), Ok(12 * 12));
}

const fn version(outcome: &StoredOutcome) -> u32 {
    match outcome {
        StoredOutcome::New => 1,
        StoredOutcome::NewVersion(version) => *version,
        StoredOutcome::Duplicate => 0,
    }
}

/// Versions of the instance of a report with the digests of their contents, each of which its node has whole; and all that a search
/// tells.
async fn everything(nodes: &[Open; 2], [report, scan]: [&Study; 2]) -> (Vec<(u32, Vec<u8>)>, String) {
    for node in nodes {
        // What a node has acknowledged is in the catalogue of all when it has caught up.
        node.archive.counts(&institution()).await.unwrap();
    }
    let database = &nodes[0].catalogue;
    let study = nodes[0].archive.study_reference(&institution(), &report.study).await.unwrap();
    let newest = instances::of_study(database, &institution(), study).await.unwrap().remove(0);
    let versions = instances::versions(database, &institution(), newest.reference).await.unwrap();
    let mut of_report = Vec::new();
    for row in versions {
        let StoreLocation { store, location } = StoreLocation::from_bytes(&row.location).unwrap();
        let packs = nodes[store.get() as usize - 1].archive.store();
        let replicas = packs.replicas_for(&location);
        assert_eq!(replicas.len(), 3);
        for replica in replicas {
            packs.verify_record(&location, replica).await.unwrap();
        }
        of_report.push((row.version, row.sealed.unwrap()));
    }
    let mut found = Vec::new();
    for study in [report, scan] {
        let uid = study.study.to_string();
        for level in [Level::Study, Level::Series, Level::Instance] {
            let named = [(tags::STUDY_INSTANCE_UID, uid.as_str())];
            found.push(crate::rows(&nodes[1], &nodes[1].gateway, level, &named).await);
        }
        found.push(
            crate::rows(&nodes[1], &nodes[1].gateway, Level::Study, &[(tags::PATIENT_ID, &study.patient.id)])
                .await,
        );
    }
    (of_report, serde_json::to_string_pretty(&found).unwrap())
}

async fn own_is_read_and_the_others_is_not_here(nodes: &[Open; 2], studies: &[Study; 2]) {
    for node in nodes {
        // What a node has acknowledged is in the catalogue of all when it has caught up.
        node.archive.counts(&institution()).await.unwrap();
    }
    for (here, node) in nodes.iter().enumerate() {
        for (at, study) in studies.iter().enumerate() {
            let instance = study.instance(0);
            match node.read_back(&study.study, &instance.sop_instance).await {
                Ok(back) => assert!(here == at && back == instance.data_set),
                Err(error) => {
                    assert!(here != at && matches!(error, OpenError::Unavailable(_)), "{error}");
                }
            }
        }
        let replicas = node.archive.store().status().replicas;
        assert!(replicas.iter().all(|replica| replica.quarantined == 0), "nothing of it is damaged");
    }
}
