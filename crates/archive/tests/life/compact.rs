//! The room of destroyed studies is given back, and what lives is what it was: in its packs, and in a catalogue that is read anew
//! from them.

use crate::destroy::{destroy, only};
use crate::house::{House, Open, collect};
use crate::{Engine, rows, stop};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use yingdun_archive::{Compaction, CompactionState, Level, OpenError};
use yingdun_audit::{Filter, Outcome};
use yingdun_catalog::{Statement, catalogue};
use yingdun_crypto::digest;
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_storage::StoreLocation;

crate::on_both_engines! {
    a_row_that_says_of_a_living_study_that_it_was_destroyed_removes_nothing
    packs_in_which_nothing_lives_are_removed_and_all_others_stay_as_they_are
    a_study_that_came_again_lives_and_so_does_one_whose_key_is_only_missing
    what_lives_in_a_pack_that_is_mostly_dead_goes_on_in_another_and_nothing_is_said_otherwise
}

/// For what goes on by itself, on a loaded machine.
const TIME_MAX: Duration = Duration::from_secs(60);

fn study(seed: u64) -> Study {
    Study::new(seed, Kind::CtMatrix { slices: 2, matrix: 16 })
}

async fn store(open: &Open, studies: &[&Study]) {
    for study in studies {
        for number in 0..2 {
            open.store(&study.instance(number)).await.unwrap();
        }
    }
}

async fn opens(open: &Open, study: &Study) {
    for number in 0..2 {
        let instance = study.instance(number);
        assert!(open.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
    }
}

/// Ends the pack that is written, and waits until it is sealed everywhere.
pub(crate) async fn settle(house: &House, open: &Open) {
    let _ = open.archive.store().end_pack();
    let is_open = |replica| {
        let mut entries =
            std::fs::read_dir(house.replica(replica).join("packs")).unwrap().map(Result::unwrap);
        entries.any(|entry| entry.path().extension().is_some_and(|form| form == "open"))
    };
    let begun = Instant::now();
    while (0..3).any(is_open) {
        assert!(begun.elapsed() < TIME_MAX, "the pack is never sealed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every sealed pack of a replica, with the digest of its bytes.
fn packs(house: &House, replica: usize) -> Vec<(String, [u8; 32])> {
    let entries = std::fs::read_dir(house.replica(replica).join("packs")).unwrap().map(Result::unwrap);
    let sealed = entries.filter(|entry| entry.path().extension().is_some_and(|form| form == "pack"));
    let mut packs: Vec<_> = sealed
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), digest::sha256(&bytes))
        })
        .collect();
    packs.sort();
    packs
}

fn names(packs: &[(String, [u8; 32])]) -> BTreeSet<&str> {
    packs.iter().map(|(name, _)| name.as_str()).collect()
}

/// A compaction that rewrites nothing.
pub(crate) async fn compact(open: &Open, dry_run: bool) -> Compaction {
    compact_from(open, dry_run, 100).await
}

/// A compaction that rewrites packs of which so many percent are dead.
async fn compact_from(open: &Open, dry_run: bool, dead_percent: u8) -> Compaction {
    open.archive.begin_compaction(dry_run, Some(dead_percent)).unwrap();
    let told = until_it_rests(open).await;
    assert_eq!((told.failure.as_deref(), told.dry_run), (None, dry_run));
    told
}

async fn until_it_rests(open: &Open) -> Compaction {
    let begun = Instant::now();
    loop {
        let told = open.archive.compaction();
        if told.state == CompactionState::Resting {
            return told;
        }
        assert!(begun.elapsed() < TIME_MAX, "the compaction does not end: {told:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that searches say, at every level.
async fn said(open: &Open) -> Vec<Vec<Map<String, Value>>> {
    let mut said = Vec::new();
    for level in [Level::Study, Level::Series, Level::Instance] {
        let mut found = rows(open, &open.gateway, level, &[]).await;
        found.sort_by_key(|row| serde_json::to_string(row).unwrap());
        said.push(found);
    }
    said
}

/// The places that rows name: of each instance, and of the newest record of each study.
async fn places(open: &Open) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut places = Vec::new();
    for sql in [
        "SELECT instance_ref, location FROM instance ORDER BY instance_ref, version",
        "SELECT study_ref, location FROM study_arrival ORDER BY study_ref",
    ] {
        let rows = open.catalogue.query(Statement::new(sql, vec![])).await.unwrap();
        places.extend(
            rows.iter().map(|row| (row.get_bytes(0).unwrap().to_vec(), row.get_bytes(1).unwrap().to_vec())),
        );
    }
    places
}

fn packs_named(places: &[(Vec<u8>, Vec<u8>)]) -> BTreeSet<String> {
    let named = places.iter().map(|(_, place)| StoreLocation::from_bytes(place).unwrap().location.pack);
    named.map(|pack| format!("{pack:016x}.pack")).collect()
}

async fn rebuilt(house: &House, open: Open) -> Open {
    let database = open.catalogue.clone();
    stop(open).await;
    catalogue::wipe(&database).await.unwrap();
    drop(database);
    house.open().await
}

async fn leaves(open: &Open, reason: &str) -> usize {
    open.log.checkpoint().await.unwrap();
    let leaves = open.log.reader().search(Filter::default());
    let says = |leaf: &yingdun_audit::Leaf| leaf.reason.as_str() == reason && leaf.outcome != Outcome::Failed;
    leaves.filter(|leaf| says(&leaf.as_ref().unwrap().leaf)).count()
}

async fn packs_in_which_nothing_lives_are_removed_and_all_others_stay_as_they_are(house: House) {
    let open = house.open().await;
    let [gone, too, mixed, kept, newest] = [400, 401, 402, 403, 404].map(study);
    store(&open, &[&gone, &too]).await;
    settle(&house, &open).await;
    store(&open, &[&mixed, &kept]).await;
    settle(&house, &open).await;
    assert_eq!(compact(&open, false).await.packs_seen, 0, "nothing was destroyed");
    for study in [&gone, &mixed] {
        destroy(&open, &only(study)).await;
    }
    store(&open, &[&newest]).await;
    let found = compact(&open, false).await;
    assert_eq!(
        (found.packs_seen, found.dead_packs, found.removed_packs),
        (2, 0, 0),
        "one of the first lives"
    );
    destroy(&open, &only(&too)).await;
    settle(&house, &open).await;

    let before = packs(&house, 0);
    let planned = compact(&open, true).await;
    assert_eq!((planned.dead_packs, planned.removed_packs), (1, 0));
    assert!(planned.dead_bytes > planned.dead_packs_bytes, "a part of the mixed pack is dead too");
    assert_eq!((names(&packs(&house, 0)), leaves(&open, "pack-removal").await), (names(&before), 0));
    assert!(open.archive.begin_compaction(false, Some(0)).is_err(), "no share");
    assert!(open.archive.begin_compaction(false, Some(100)).is_ok());
    assert!(open.archive.begin_compaction(false, None).is_err(), "one at a time");
    let done = until_it_rests(&open).await;
    assert_eq!((done.removed_packs, done.kept.len()), (1, 0));
    assert_eq!((leaves(&open, "pack-removal").await, leaves(&open, "pack-removed").await), (1, 1));
    for replica in 0..3 {
        let after = packs(&house, replica);
        assert_eq!(after, before[1..], "the first pack is gone and no byte of the others changed");
    }
    for study in [&kept, &newest] {
        opens(&open, study).await;
    }
    assert_eq!(compact(&open, false).await.dead_packs, 0, "nothing is left to do");

    let before = said(&open).await;
    let open = rebuilt(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.without_key), (6, 2));
    assert_eq!(said(&open).await, before);
    for study in [&kept, &newest] {
        opens(&open, study).await;
    }
    for study in [&gone, &too, &mixed] {
        let back = open.read_back(&study.study, &study.instance(0).sop_instance).await;
        assert!(matches!(back, Err(OpenError::NotFound)), "{back:?}");
    }
}

async fn what_lives_in_a_pack_that_is_mostly_dead_goes_on_in_another_and_nothing_is_said_otherwise(
    house: House,
) {
    let open = house.open().await;
    let [gone, too, kept, second, newest] = [430, 431, 432, 433, 434].map(study);
    open.store(&kept.instance(0)).await.unwrap();
    store(&open, &[&gone, &too]).await;
    open.store(&kept.instance(1)).await.unwrap();
    settle(&house, &open).await;
    store(&open, &[&second]).await;
    settle(&house, &open).await;
    for study in [&gone, &too] {
        destroy(&open, &only(study)).await;
    }
    store(&open, &[&newest]).await;
    settle(&house, &open).await;
    let (told, were, before) = (said(&open).await, places(&open).await, packs(&house, 0));

    let planned = compact_from(&open, true, 60).await;
    assert_eq!((planned.dead_packs, planned.sparse_packs, planned.removed_packs), (0, 1, 0));
    assert_eq!((planned.sparse_packs_bytes, packs(&house, 0)), (planned.dead_bytes, before.clone()));
    assert_eq!(compact_from(&open, false, 80).await.sparse_packs, 0, "two in six live");
    // Somebody reads while it goes on.
    let viewer = open.archive.open_study(&open.gateway, &kept.study, open.gateway.purpose()).await.unwrap();
    let entries = viewer.instances(None, None).await.unwrap();
    let done = compact_from(&open, false, 60).await;
    assert_eq!((done.sparse_packs, done.rewritten_packs, done.removed_packs, done.kept.len()), (1, 1, 1, 0));
    assert_eq!(done.removed_bytes, planned.sparse_packs_bytes);
    for reason in ["pack-rewritten", "pack-removal", "pack-removed"] {
        assert_eq!(leaves(&open, reason).await, 1, "{reason}");
    }
    for entry in &entries {
        let (length, stream) = viewer.part10(entry).await.unwrap();
        assert_eq!(collect(stream).await.unwrap().len() as u64, length, "by its old place");
    }
    drop((viewer, entries));
    let (now, after) = (places(&open).await, packs(&house, 0));
    assert_eq!(after.len(), before.len());
    assert!(after[0].0 > before[0].0 && after[0].0 < before[1].0 && after[1..] == before[1..]);
    assert_eq!(packs_named(&now), after.iter().map(|(name, _)| name.clone()).collect());
    assert!((1..3).all(|replica| packs(&house, replica) == after));
    assert_eq!(said(&open).await, told);
    opens(&open, &kept).await;
    // Another node that has read the catalogue before asks for the old places.
    let mut asked = 0;
    for ((_, was), (_, is)) in were.iter().zip(&now).filter(|(was, is)| was != is) {
        let [was, is] = [was, is].map(|place| StoreLocation::from_bytes(place).unwrap());
        let range = is.location.object_range();
        let given = open.archive.sealed_span(&was, range.clone(), 0).await.unwrap();
        assert_eq!(given, open.archive.sealed_span(&is, range, 0).await.unwrap());
        assert!(open.archive.is_sound(&was).await.unwrap(), "it is whole where it lies now");
        asked += 1;
        // Of another record, or one that was never here, it gives nothing.
        let mut other = was;
        other.location.digest[0] ^= 1;
        assert!(open.archive.sealed_span(&other, 0..1, 0).await.is_err());
    }
    assert!(asked >= 2, "{asked} records were moved");
    assert_eq!(compact_from(&open, false, 60).await.sparse_packs, 0, "nothing is left to do");

    // A catalogue that came back from a copy names places that are gone; what lies there is still found.
    for (reference, place) in &were {
        for sql in [
            "UPDATE instance SET location = $1 WHERE instance_ref = $2",
            "UPDATE study_arrival SET location = $1 WHERE study_ref = $2",
        ] {
            let values = vec![place.as_slice().into(), reference.as_slice().into()];
            open.catalogue.execute(vec![Statement::new(sql, values)]).await.unwrap();
        }
    }
    assert_eq!(places(&open).await, were);
    for study in [&kept, &second, &newest] {
        opens(&open, study).await;
    }
    let open = rebuilt(&house, open).await;
    assert_eq!((open.recovered.records, open.recovered.without_key, open.recovered.unreadable), (6, 0, 0));
    assert_eq!(said(&open).await, told);
    assert_eq!(places(&open).await[..6], now[..6]);
    for study in [&kept, &second, &newest] {
        opens(&open, study).await;
    }
}

async fn a_study_that_came_again_lives_and_so_does_one_whose_key_is_only_missing(house: House) {
    let open = house.open().await;
    let [again, lost, newest] = [410, 411, 412].map(study);
    store(&open, &[&again]).await;
    destroy(&open, &only(&again)).await;
    store(&open, &[&again]).await;
    settle(&house, &open).await;
    store(&open, &[&lost]).await;
    settle(&house, &open).await;
    store(&open, &[&newest]).await;
    // An older copy of the key database was brought back, which does not know the study yet.
    let reference = open.archive.study_reference(&crate::institution(), &lost.study).await.unwrap();
    let forget = Statement::new("DELETE FROM study_key WHERE study_ref = $1", vec![reference.into()]);
    open.keys.execute(vec![forget]).await.unwrap();
    settle(&house, &open).await;
    let before = packs(&house, 0);
    let done = compact(&open, false).await;
    assert_eq!((done.packs_seen, done.removed_packs), (1, 1), "only what lay there before it was destroyed");
    assert_eq!(packs(&house, 0), before[1..]);
    let open = rebuilt(&house, open).await;
    opens(&open, &again).await;
    opens(&open, &newest).await;
    assert_eq!(open.recovered.without_key, 2, "its records wait for the copy of the keys that has theirs");
}

async fn a_row_that_says_of_a_living_study_that_it_was_destroyed_removes_nothing(house: House) {
    let open = house.open().await;
    let [gone, kept, newest] = [420, 421, 422].map(study);
    store(&open, &[&gone]).await;
    settle(&house, &open).await;
    store(&open, &[&kept]).await;
    let record = destroy(&open, &only(&gone)).await;
    store(&open, &[&newest]).await;
    settle(&house, &open).await;
    let before = packs(&house, 0);
    let living = open.archive.study_reference(&crate::institution(), &kept.study).await.unwrap();
    let mut forged = record.clone();
    forged.studies[0].study = living;
    let remains = forged.remains.as_mut().unwrap();
    remains.packs.extend(before.iter().map(|(name, _)| name.trim_end_matches(".pack").to_owned()));
    remains.below = Some("00ffffffffffffff".to_owned());
    let sql = "UPDATE destruction SET record = $1 WHERE id = $2";
    let text = serde_json::to_string(&forged).unwrap();
    let forge = Statement::new(sql, vec![text.as_str().into(), forged.id.as_str().into()]);
    open.keys.execute(vec![forge]).await.unwrap();
    let done = compact(&open, false).await;
    assert_eq!((done.packs_seen, done.dead_bytes, done.removed_packs), (3, 0, 0));
    assert_eq!(packs(&house, 0), before);
    opens(&open, &kept).await;
}

/// Studies of every shape, mixed over packs in every way: what a catalogue that is read anew says does not change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuilt_catalogue_says_the_same_before_and_after_a_compaction() {
    for seed in 0..2_u64 {
        let house = House::new(Engine::Sqlite);
        let open = house.open().await;
        let studies: Vec<Study> = (0..6).map(|number| study(500 + 10 * seed + number)).collect();
        // A xorshift generator, so that a failing case comes again.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1) | 1;
        let mut roll = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut waiting: Vec<(usize, u32)> = (0..6).flat_map(|study| [(study, 0), (study, 1)]).collect();
        while !waiting.is_empty() {
            let place = usize::try_from(roll(waiting.len() as u64)).unwrap();
            let (study, number) = waiting.swap_remove(place);
            open.store(&studies[study].instance(number)).await.unwrap();
            if roll(2) == 0 {
                let _ = open.archive.store().end_pack();
            }
        }
        for study in &studies[..4] {
            destroy(&open, &only(study)).await;
        }
        store(&open, &[&study(590 + seed)]).await;
        let open = rebuilt(&house, open).await;
        let (told, before) = (said(&open).await, open.recovered.records);
        let done = compact(&open, false).await;
        let open = rebuilt(&house, open).await;
        assert_eq!(said(&open).await, told, "seed {seed}");
        assert!((open.recovered.records < before) == (done.removed_packs > 0), "seed {seed}");
        assert_eq!(open.recovered.unreadable, 0);
        for study in &studies[4..] {
            opens(&open, study).await;
        }
    }
}

/// Stored, in a new version, destroyed, compacted, broken off, read anew from the packs, in any order: what is said and what opens is
/// what a list of what was done says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_done_before_a_rewriting_loses_and_changes_nothing_that_lives() {
    let mut rewritten = 0;
    for seed in 0..4_u64 {
        let house = House::new(Engine::Sqlite);
        let mut open = house.open().await;
        let studies: Vec<Study> = (0..6).map(|number| study(600 + 10 * seed + number)).collect();
        let mut living: BTreeMap<usize, BTreeMap<u32, Vec<u8>>> = BTreeMap::new();
        // A xorshift generator, so that a failing case comes again.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 77) | 1;
        let mut roll = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        for _ in 0..24 {
            let (number, slice) = (roll(studies.len()), u32::try_from(roll(2)).unwrap());
            match roll(10) {
                0..=5 => {
                    let instance =
                        version(&studies[number].instance(slice), u8::try_from(roll(250)).unwrap());
                    open.store(&instance).await.unwrap();
                    living.entry(number).or_default().insert(slice, instance.data_set);
                    if roll(4) == 0 {
                        let _ = open.archive.store().end_pack();
                    }
                }
                6 if living.contains_key(&number) => {
                    destroy(&open, &only(&studies[number])).await;
                    living.remove(&number);
                }
                7 | 8 => {
                    let told = said(&open).await;
                    let percent = u8::try_from(1 + roll(60)).unwrap();
                    open.archive.begin_compaction(false, Some(percent)).unwrap();
                    if roll(2) == 0 {
                        // It is broken off wherever it is by then.
                        tokio::time::sleep(Duration::from_millis(roll(40) as u64)).await;
                        stop(open).await;
                        open = house.open().await;
                    } else {
                        rewritten += until_it_rests(&open).await.rewritten_packs;
                    }
                    assert_eq!(said(&open).await, told, "seed {seed}");
                }
                _ => {
                    let told = said(&open).await;
                    open = rebuilt(&house, open).await;
                    assert_eq!(said(&open).await, told, "seed {seed}");
                }
            }
            for (number, slices) in &living {
                for (slice, data_set) in slices {
                    let instance = studies[*number].instance(*slice);
                    let back = open.read_back(&studies[*number].study, &instance.sop_instance).await.unwrap();
                    assert!(back == *data_set, "seed {seed}, study {number}");
                }
            }
        }
        assert_eq!(open.recovered.unreadable, 0);
        stop(open).await;
    }
    assert!(rewritten > 0, "no history came to a rewriting");
}

/// The same instance with another last byte of its pixels.
fn version(of: &Instance, last: u8) -> Instance {
    let mut instance = of.clone();
    *instance.data_set.last_mut().unwrap() = last;
    instance
}
