//! Several stores of packs fill one catalogue, each from a node of its own.

use crate::house::{Engine, House, Open, institution};
use crate::stop;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use yingdun_archive::{Level, OpenError, StoredOutcome};
use yingdun_catalog::Statement;
use yingdun_catalog::catalogue::{self, counts, instances, remove};
use yingdun_catalog::keyring::KekLine;
use yingdun_catalog::keyring::destructions::{self, KeyIdentity};
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_dicom::tags;
use yingdun_model::Grade;
use yingdun_storage::StoreLocation;

/// Two nodes on one PostgreSQL; none where it is not installed.
async fn two_nodes() -> Option<([House; 2], [Open; 2])> {
    let servers = [0; 3].map(|_| yingdun_testkit::postgres_database());
    let [Some(a), Some(b), Some(c)] = servers else { return None };
    let one = House::new(Engine::Postgres(Arc::new([a, b, c])));
    let open = one.open().await;
    let other = one.beside();
    let beside = other.open().await;
    // It came to a catalogue of its own, and learns at its next start that it is not alone.
    stop(open).await;
    let open = one.open().await;
    Some(([one, other], [open, beside]))
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
