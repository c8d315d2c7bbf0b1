//! What became durable and could not be acknowledged comes into the catalogue without a restart, and the watermark goes on.

use crate::house::{House, Open, institution};
use crate::nodes::two_nodes;
use crate::stop;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use yingdun_access::session_leaf;
use yingdun_archive::{IngestError, StoredOutcome};
use yingdun_audit::{AuditError, Disk, EventKind, Filter, Outcome, ReasonCode};
use yingdun_catalog::Statement;
use yingdun_dicom::synthetic::{Kind, Study};

crate::on_both_engines! {
    a_record_whose_leaf_found_no_room_gets_leaf_and_row_when_there_is_room
    a_damaged_older_row_holds_up_its_own_record_and_no_other
}

const TIME_MAX: Duration = Duration::from_secs(60);

/// The instances of the catalogue, and how many records the store would replay after a crash.
async fn stands(open: &Open) -> (i64, u64) {
    let count = Statement::new("SELECT count(*) FROM instance", vec![]);
    let rows = open.catalogue.query(count).await.unwrap()[0].get_i64(0).unwrap();
    let store = open.archive.store();
    let mut scan = store.scan(store.replay_from());
    let mut waits = 0;
    while scan.next().await.unwrap().is_some() {
        waits += 1;
    }
    (rows, waits)
}

async fn until_it_stands(open: &Open, wanted: (i64, u64)) {
    let is_so = async {
        while stands(open).await != wanted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let is_so = tokio::time::timeout(TIME_MAX, is_so).await;
    assert!(is_so.is_ok(), "wanted {wanted:?}, it stands at {:?}", stands(open).await);
}

/// How many leaves say that something was stored.
async fn stored_leaves(open: &Open) -> usize {
    open.log.checkpoint().await.unwrap();
    let stored =
        Filter { kinds: vec![EventKind::Stored], outcome: Some(Outcome::Succeeded), ..Filter::default() };
    open.log.reader().search(stored).count()
}

/// A disk that gets longer as long as it may.
#[derive(Debug, Default)]
struct MockDiskThatFills(AtomicBool);

impl MockDiskThatFills {
    /// From now on the log takes nothing more.
    async fn fill(&self, open: &Open) {
        self.0.store(true, Ordering::SeqCst);
        let leaf = session_leaf(&open.system, ReasonCode::new("fills-the-log"));
        for number in [256, 1] {
            // What has its room already takes some more.
            let refused = loop {
                if let Err(error) = open.log.append(vec![leaf.clone(); number]).await {
                    break error;
                }
            };
            assert!(matches!(refused, AuditError::OutOfSpace { .. }), "{refused}");
        }
    }

    fn has_room(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Disk for MockDiskThatFills {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let is_longer = offset + bytes.len() as u64 > file.metadata()?.len();
        if is_longer && self.0.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.write_all_at(bytes, offset)
    }
}

async fn a_record_whose_leaf_found_no_room_gets_leaf_and_row_when_there_is_room(mut house: House) {
    let disk = Arc::new(MockDiskThatFills::default());
    house.audit_disk = Some(Arc::clone(&disk) as Arc<dyn Disk>);
    let open = house.open().await;
    let study = Study::new(380, Kind::CtMatrix { slices: 4, matrix: 16 });
    open.store(&study.instance(0)).await.unwrap();
    until_it_stands(&open, (1, 0)).await;
    disk.fill(&open).await;
    let refused = open.store(&study.instance(1)).await;
    assert!(matches!(refused, Err(IngestError::Unavailable(_))), "{refused:?}");
    assert_eq!(stands(&open).await, (1, 1), "it is durable and nobody was told so");
    disk.has_room();
    until_it_stands(&open, (2, 0)).await;
    assert_eq!(stored_leaves(&open).await, 2);
    assert_eq!(open.store(&study.instance(1)).await.unwrap().outcome, StoredOutcome::Duplicate);
    let instance = study.instance(1);
    assert!(open.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);

    // What still waits when it stops is replayed.
    disk.fill(&open).await;
    open.store(&study.instance(2)).await.unwrap_err();
    disk.has_room();
    stop(open).await;
    let open = house.open().await;
    // The watermark of a batch is the one before it, so the newest that was applied is among them.
    assert!((1..=2).contains(&open.recovered.records), "{:?}", open.recovered);
    assert_eq!(stands(&open).await, (3, 0));
}

async fn a_damaged_older_row_holds_up_its_own_record_and_no_other(mut house: House) {
    let disk = Arc::new(MockDiskThatFills::default());
    house.audit_disk = Some(Arc::clone(&disk) as Arc<dyn Disk>);
    let open = house.open().await;
    let study = Study::new(382, Kind::CtMatrix { slices: 2, matrix: 16 });
    open.store(&study.instance(0)).await.unwrap();
    until_it_stands(&open, (1, 0)).await;
    disk.fill(&open).await;
    let mut other_content = study.instance(0);
    *other_content.data_set.last_mut().unwrap() ^= 1;
    for waits in [&other_content, &study.instance(1)] {
        open.store(waits).await.unwrap_err();
    }
    assert_eq!(stands(&open).await, (1, 2));
    let locations = async || {
        let rows =
            open.catalogue.query(Statement::new("SELECT location FROM instance", vec![])).await.unwrap();
        rows.iter().map(|row| row.get_bytes(0).unwrap().to_vec()).collect::<Vec<_>>()
    };
    let set_first = async |from: &[u8], to: &[u8]| {
        let text = "UPDATE instance SET location = $1 WHERE location = $2";
        open.catalogue.execute(vec![Statement::new(text, vec![to.into(), from.into()]).expecting(1)]).await
    };
    let right = locations().await[0].clone();
    set_first(&right, &[0]).await.unwrap();
    disk.has_room();
    let comes = async {
        while stands(&open).await.0 != 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(TIME_MAX, comes).await.unwrap();
    assert_eq!(stands(&open).await.1, 2, "the one in front of it waits");
    set_first(&[0], &right).await.unwrap();
    until_it_stands(&open, (3, 0)).await;
    assert_eq!(stored_leaves(&open).await, 3);
    stop(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_which_the_key_could_not_be_asked_for_gets_its_row() {
    let Some((_houses, [one, other])) = two_nodes().await else { return };
    let study = Study::new(381, Kind::CtMatrix { slices: 4, matrix: 16 });
    one.store(&study.instance(0)).await.unwrap();
    one.archive.counts(&institution()).await.unwrap();
    let rename = |from: &str, to: &str| {
        let text: &'static str = Box::leak(format!("ALTER TABLE {from} RENAME TO {to}").into_boxed_str());
        one.keys.execute(vec![Statement::new(text, vec![])])
    };
    // The window is open, so the key is asked for only when the record is durable.
    rename("study_key", "study_key_away").await.unwrap();
    let refused = one.store(&study.instance(1)).await;
    rename("study_key_away", "study_key").await.unwrap();
    assert!(matches!(refused, Err(IngestError::Unavailable(_))), "{refused:?}");
    until_it_stands(&one, (2, 0)).await;
    assert_eq!(stored_leaves(&one).await, 2);
    assert_eq!(one.store(&study.instance(1)).await.unwrap().outcome, StoredOutcome::Duplicate);
    stop(one).await;
    stop(other).await;
}
