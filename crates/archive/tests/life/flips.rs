//! A flip of any byte of a pack, with no second copy to fall back on: what is served is right, or nothing is.
//!
//! Every byte is flipped, none is sampled. What is read in the ordinary way notices every byte of the metadata and of
//! the object that an image consists of. The other bytes of a record (header, descriptor, padding) and the pack header
//! are read only by a scan, a restart or a check of the whole record, and that check notices each of them.

use crate::house::{Engine, House, Open, collect, institution};
use crate::{files, stop};
use std::os::unix::fs::FileExt;
use yingdun_archive::OpenError;
use yingdun_crypto::HEADER_BYTES;
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_model::Uid;
use yingdun_storage::PackPosition;

/// What an archive serves of one instance: file, metadata, first frame.
type Served = [Result<Vec<u8>, OpenError>; 3];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flip_of_any_byte_of_the_only_copy_is_noticed_and_nothing_wrong_is_served() {
    let house = House::with_replicas(Engine::Sqlite, 1);
    let study = Study::new(90, Kind::CtMatrix { slices: 1, matrix: 16 });
    let instance = study.instance(0);
    let open = house.open().await;
    open.store(&instance).await.unwrap();
    stop(open).await;
    let open = house.open().await; // the pack is sealed
    let right = serve(&open, &study.study, &instance.sop_instance).await.map(Result::unwrap);
    assert!(right[0] == instance.data_set);

    let store = open.archive.store();
    let location = store.scan(PackPosition::START).next().await.unwrap().unwrap().location;
    let replica = store.replicas_for(&location)[0];
    let [pack] = files(&house.replica(0).join("packs")).try_into().unwrap();
    let good = std::fs::read(&pack).unwrap();
    // The salt and the commitment in front of the object were read when it was first opened, and its key is still held.
    let chunks_of_object = location.object_range().start + HEADER_BYTES as u64..location.object_range().end;
    assert_eq!(location.end(), good.len() as u64, "the pack holds this record and nothing else");
    let file = std::fs::File::options().write(true).open(&pack).unwrap();
    let mut unnoticed = Vec::new();
    for (at, byte) in (0..).zip(&good) {
        file.write_all_at(&[byte ^ 1 << (at % 8)], at).unwrap();
        let served = serve(&open, &study.study, &instance.sop_instance).await;
        let mut refused = false;
        for (what, (served, right)) in served.into_iter().zip(&right).enumerate() {
            match served {
                Ok(served) => assert!(served == *right, "byte {at}: answer {what} is wrong"),
                Err(_) => refused = true,
            }
        }
        let in_record = at.checked_sub(location.offset);
        let is_read = in_record
            .is_some_and(|at| location.metadata_range().contains(&at) || chunks_of_object.contains(&at));
        assert_eq!(refused, is_read, "byte {at}");
        if store.verify_record(&location, replica).await.is_ok() {
            unnoticed.push(at);
        }
        file.write_all_at(&[*byte], at).unwrap();
    }
    assert!(unnoticed.is_empty(), "a check of the record passed over {unnoticed:?}");
    let again = serve(&open, &study.study, &instance.sop_instance).await.map(Result::unwrap);
    assert!(again == right, "what was put back is served again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_on_a_flip_of_the_only_copy_serves_nothing_wrong() {
    /// Each place is a start of the whole archive: every fifth byte of the two headers, and every 97th behind them.
    const HEADERS: u64 = 72 + 224;
    let house = House::with_replicas(Engine::Sqlite, 1);
    let study = Study::new(91, Kind::CtMatrix { slices: 1, matrix: 16 });
    let instance = study.instance(0);
    let open = house.open().await;
    open.store(&instance).await.unwrap();
    let right = serve(&open, &study.study, &instance.sop_instance).await.map(Result::unwrap);
    stop(open).await;
    let [pack] = files(&house.replica(0).join("packs")).try_into().unwrap();
    let good = std::fs::read(&pack).unwrap();
    for at in (0..good.len() as u64).filter(|at| (*at < HEADERS && at % 5 == 0) || at % 97 == 0) {
        let mut bad = good.clone();
        bad[usize::try_from(at).unwrap()] ^= 1 << (at % 8);
        std::fs::write(&pack, bad).unwrap();
        // A catalogue that was lost as well is made from the damaged pack.
        let lost = at % 2 == 0;
        if lost {
            house.lose_catalogue();
        }
        let open = house.open().await;
        let served = serve(&open, &study.study, &instance.sop_instance).await;
        for (what, (served, right)) in served.into_iter().zip(&right).enumerate() {
            assert!(
                served.as_ref().map_or(true, |served| served == right),
                "byte {at}: answer {what} is wrong"
            );
        }
        assert!(open.archive.counts(&institution()).await.unwrap().instances <= 1);
        stop(open).await;
        std::fs::write(&pack, &good).unwrap();
        if lost {
            house.lose_catalogue();
            stop(house.open().await).await;
        }
    }
}

async fn serve(open: &Open, study: &Uid, instance: &Uid) -> Served {
    [
        open.read_back(study, instance).await,
        metadata(open, study, instance).await,
        first_frame(open, study, instance).await,
    ]
}

pub(crate) async fn metadata(open: &Open, study: &Uid, instance: &Uid) -> Result<Vec<u8>, OpenError> {
    let open = open.archive.open_study(&open.gateway, study, open.gateway.purpose()).await?;
    let entry = open.instances(None, Some(instance)).await?.into_iter().next().ok_or(OpenError::NotFound)?;
    Ok(open.metadata(&entry, "/base").await?.to_vec())
}

pub(crate) async fn first_frame(open: &Open, study: &Uid, instance: &Uid) -> Result<Vec<u8>, OpenError> {
    let open = open.archive.open_study(&open.gateway, study, open.gateway.purpose()).await?;
    let entry = open.instances(None, Some(instance)).await?.into_iter().next().ok_or(OpenError::NotFound)?;
    let frame = open.frames(&entry, &[1]).await?.into_iter().next().ok_or(OpenError::NotFound)?;
    collect(frame.stream).await
}
