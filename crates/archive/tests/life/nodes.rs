//! Several stores of packs fill one catalogue, each from a node of its own.

use crate::house::{Engine, House, Open, institution};
use crate::stop;
use std::sync::Arc;
use yingdun_archive::{OpenError, StoredOutcome};
use yingdun_catalog::catalogue::{self, counts};
use yingdun_catalog::{Database, Statement};
use yingdun_dicom::synthetic::{Kind, Study};

crate::on_both_engines! {
    a_catalogue_from_before_the_stores_had_numbers_goes_on
}

async fn a_catalogue_from_before_the_stores_had_numbers_goes_on(house: House) {
    let (old, new) = (Study::new(300, Kind::Sr), Study::new(301, Kind::Sr));
    let open = house.open().await;
    open.store(&old.instance(0)).await.unwrap();
    let database = open.catalogue.clone();
    stop(open).await;
    let open = house.open().await;
    stop(open).await;
    as_before_numbers(&database).await;
    drop(database);

    let open = house.open().await;
    assert_eq!(open.recovered.records, 0, "its watermark is the one that was written");
    assert_eq!(open.store(&old.instance(0)).await.unwrap().outcome, StoredOutcome::Duplicate);
    open.store(&new.instance(0)).await.unwrap();
    for study in [&old, &new] {
        let instance = study.instance(0);
        let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
        assert!(back == instance.data_set);
    }
    assert_eq!(counts(&open.catalogue, &institution()).await.unwrap().instances, 2);
}

/// Undoes the steps of the schema from the one on that numbers stores.
async fn as_before_numbers(database: &Database) {
    for sql in [
        "DROP TABLE event_feed",
        "DROP TABLE availability_told",
        "DROP INDEX pack_store_by_number",
        "DROP INDEX pack_store_by_id",
        "ALTER TABLE pack_store DROP COLUMN number",
        "DELETE FROM schema_migration WHERE version >= 12",
    ] {
        database.execute(vec![Statement::new(sql, vec![])]).await.unwrap();
    }
}

/// Two nodes on one PostgreSQL; none where it is not installed.
async fn two_nodes() -> Option<([House; 2], [Open; 2])> {
    let servers = [0; 3].map(|_| yingdun_testkit::postgres_database());
    let [Some(a), Some(b), Some(c)] = servers else { return None };
    let one = House::new(Engine::Postgres(Arc::new([a, b, c])));
    let open = one.open().await;
    let other = one.beside();
    let beside = other.open().await;
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
