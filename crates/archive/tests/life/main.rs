//! The life of an instance: received, kept on three replicas, found, opened, and never lost or mistaken.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it goes wrong")]

mod altered;
mod commitment;
mod compact;
mod conflict;
mod destroy;
mod elsewhere;
mod flips;
mod hold;
mod house;
mod jobs;
mod keys;
mod nodes;
mod performed;
mod recovery;
mod search;
mod unsettled;
mod ups;
mod watched;
mod worklist;

use bytes::Bytes;
use house::{Engine, House, Open, collect, institution};
use serde_json::{Map, Value};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;
use yingdun_access::Session;
use yingdun_archive::{FindRequest, Include, IngestError, Level, OpenError, StoredOutcome};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::query::Matching;
use yingdun_dicom::scan::scan;
use yingdun_dicom::synthetic::{EnhancedCt, Instance, Kind, Study};
use yingdun_dicom::{Tag, Vr, tags, transfer_syntax, write};
use yingdun_model::Uid;
use yingdun_pixels::{Coding, ImageAttributes, decode};

macro_rules! on_both_engines {
    ($($behaviour:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::$behaviour(crate::House::new(crate::Engine::Sqlite)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let servers = [0; 3].map(|_| yingdun_testkit::postgres_database());
                let [Some(a), Some(b), Some(c)] = servers else { return };
                super::$behaviour(crate::House::new(crate::Engine::Postgres([a, b, c].into()))).await;
            })+
        }
    };
}

pub(crate) use on_both_engines;

on_both_engines! {
    what_was_sent_comes_back_bit_for_bit
    the_same_bytes_again_are_one_instance_and_other_bytes_are_a_new_version
    what_is_acknowledged_is_found_at_once
    a_restart_replays_what_the_catalogue_did_not_take
}

async fn what_was_sent_comes_back_bit_for_bit(house: House) {
    let open = house.open().await;
    for (seed, kind) in (11..).zip([Kind::Ct { slices: 2 }, Kind::Cr, Kind::Us { frames: 3 }, Kind::Sr]) {
        let study = Study::new(seed, kind);
        for instance in study.instances() {
            let stored = open.store(&instance).await.unwrap();
            assert_eq!(stored.outcome, StoredOutcome::New);
            let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
            assert!(back == instance.data_set, "the data set of a {kind:?} is not what was sent");
        }
    }
    assert_eq!(open.archive.key_unwraps(), open.access_leaves().await, "promise I1");
}

async fn the_same_bytes_again_are_one_instance_and_other_bytes_are_a_new_version(house: House) {
    let open = house.open().await;
    let study = Study::new(12, Kind::Sr);
    let first = study.instance(0);
    assert_eq!(open.store(&first).await.unwrap().outcome, StoredOutcome::New);
    assert_eq!(open.store(&first).await.unwrap().outcome, StoredOutcome::Duplicate);

    let mut second = first.clone();
    // One letter of the text near the end.
    let at = second.data_set.len() - 3;
    second.data_set[at] ^= 1;
    assert_eq!(open.store(&second).await.unwrap().outcome, StoredOutcome::NewVersion(2));
    assert!(open.read_back(&study.study, &first.sop_instance).await.unwrap() == second.data_set);

    let twice = tokio::join!(open.store(&first), open.store(&first));
    let outcomes = [twice.0.unwrap().outcome, twice.1.unwrap().outcome];
    assert!(
        outcomes.contains(&StoredOutcome::NewVersion(3)) && outcomes.contains(&StoredOutcome::Duplicate),
        "{outcomes:?}"
    );
}

async fn what_is_acknowledged_is_found_at_once(house: House) {
    let open = house.open().await;
    for seed in 20..26 {
        let study = Study::new(seed, Kind::CtMatrix { slices: 2, matrix: 32 });
        for instance in study.instances() {
            open.store(&instance).await.unwrap();
        }
        let name = study.patient.name.clone();
        let surname: String = name.chars().take_while(|c| *c != '^').collect();
        for (tag, value) in [
            (tags::STUDY_INSTANCE_UID, study.study.to_string()),
            (tags::PATIENT_ID, study.patient.id.clone()),
            (tags::ACCESSION_NUMBER, study.accession_number.clone()),
            (tags::PATIENT_NAME, format!("{surname}*")),
            (tags::PATIENT_NAME, format!("*{}", &name.split('=').next().unwrap()[1..])),
            (tags::STUDY_DATE, study.date.clone()),
            (tags::STUDY_DATE, format!("{}-", study.date)),
        ] {
            let found = find(&open, Level::Study, &[(tag, &value)]).await;
            assert!(found.contains(&study.study.to_string()), "{tag} = {value} did not find the study");
        }
        let nothing = find(&open, Level::Study, &[(tags::PATIENT_ID, "nobody")]).await;
        assert!(nothing.is_empty());
        let uid = study.study.to_string();
        assert_eq!(find(&open, Level::Series, &[(tags::STUDY_INSTANCE_UID, &uid)]).await.len(), 1);
        assert_eq!(find(&open, Level::Instance, &[(tags::STUDY_INSTANCE_UID, &uid)]).await.len(), 2);
    }
}

async fn a_restart_replays_what_the_catalogue_did_not_take(house: House) {
    let studies: Vec<Study> = (30..33).map(|seed| Study::new(seed, Kind::Sr)).collect();
    {
        let open = house.open().await;
        for study in &studies {
            open.store(&study.instance(0)).await.unwrap();
        }
        stop(open).await;
    }
    house.lose_catalogue();
    let open = house.open().await;
    // How many come again depends on where the watermark stood; coming again changes nothing.
    assert!(open.recovered.records <= 3);
    assert_eq!(open.recovered.unreadable, 0);
    for study in &studies {
        let back = open.read_back(&study.study, &study.instance(0).sop_instance).await.unwrap();
        assert!(back == study.instance(0).data_set);
    }
    assert_eq!(open.archive.counts(&institution()).await.unwrap().instances, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_catalogue_is_rebuilt_from_packs_and_keys() {
    let house = House::new(Engine::Sqlite);
    let study = Study::new(34, Kind::Ct { slices: 1 });
    {
        let open = house.open().await;
        open.store(&study.instance(0)).await.unwrap();
        stop(open).await;
    }
    house.lose_catalogue();
    let open = house.open().await;
    assert_eq!(open.recovered.records, 1);
    stop(open).await;
    let open = house.open().await;
    assert_eq!(open.recovered.records, 0, "what was replayed once is not replayed again");
    assert!(
        open.read_back(&study.study, &study.instance(0).sop_instance).await.unwrap()
            == study.instance(0).data_set
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_streams_in_and_each_frame_is_read_without_the_rest() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let enhanced = EnhancedCt::new(40, 40);
    let instance = Instance {
        sop_class: enhanced.sop_class.clone(),
        sop_instance: enhanced.sop_instance.clone(),
        transfer_syntax: enhanced.transfer_syntax.clone(),
        data_set: EnhancedCt::new(40, 40).flatten().collect(),
    };
    assert!(instance.data_set.len() > 20_000_000);
    open.store_in_pieces(&instance, 130_000).await.unwrap();
    assert!(open.read_back(&enhanced.study, &instance.sop_instance).await.unwrap() == instance.data_set);

    let opened =
        open.archive.open_study(&open.gateway, &enhanced.study, open.gateway.purpose()).await.unwrap();
    let entry = opened.instances(None, None).await.unwrap().remove(0);
    assert_eq!(entry.number_of_frames, 40);
    let frame_bytes = 512 * 512 * 2;
    let pixels = instance.data_set.len() - 40 * frame_bytes;
    for frame in opened.frames(&entry, &[1, 17, 40]).await.unwrap().into_iter().zip([0, 16, 39]) {
        let (frame, index) = frame;
        let start = pixels + index * frame_bytes;
        assert!(collect(frame.stream).await.unwrap() == instance.data_set[start..start + frame_bytes]);
    }
    assert!(matches!(opened.frames(&entry, &[41]).await, Err(OpenError::NotFound)));

    let image = opened.image(&entry, 17).await.unwrap();
    let start = pixels + 16 * frame_bytes;
    assert!(image.bytes == instance.data_set[start..start + frame_bytes]);
    assert_eq!(image.data_set.u32(tags::ROWS), Some(512));
    assert_eq!(image.data_set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len(), 40);
    assert!(matches!(opened.image(&entry, 41).await, Err(OpenError::NotFound)));

    let jpeg_ls = Uid::new("1.2.840.10008.1.2.4.80").unwrap();
    let coded = opened.transcoded_frame(&entry, 17, &jpeg_ls).await.unwrap();
    let attributes = ImageAttributes::of(&image.data_set).unwrap();
    assert!(decode(Coding::JpegLs, &attributes, &coded).unwrap().bytes == image.bytes);
    assert!(coded.len() < frame_bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_had_in_another_transfer_syntax_and_comes_back_from_there_bit_for_bit() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let [explicit, implicit, jpeg_ls, mpeg] =
        ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.100"]
            .map(|uid| Uid::new(uid).unwrap());
    for (seed, kind) in (60..).zip([Kind::Ct { slices: 1 }, Kind::Us { frames: 3 }, Kind::Sr]) {
        let study = Study::new(seed, kind);
        let mut sent = study.instance(0);
        if kind != Kind::Sr {
            // Something stands behind the pixels.
            sent.data_set.extend_from_slice(b"\xe1\x7f\x10\0LO\x04\0MINE");
        }
        open.store(&sent).await.unwrap();
        let opened =
            open.archive.open_study(&open.gateway, &study.study, open.gateway.purpose()).await.unwrap();
        let entry = opened.instances(None, None).await.unwrap().remove(0);
        let refused = opened.transcoded(&entry, &mpeg).await.map(drop);
        assert!(matches!(refused, Err(OpenError::NotConvertible { .. })));
        let through = if kind == Kind::Sr { &implicit } else { &jpeg_ls };
        let data_set = collect(opened.transcoded(&entry, through).await.unwrap()).await.unwrap();
        let renamed = Uid::new(&format!("{}.9", sent.sop_instance)).unwrap();
        let coded = Instance {
            data_set: with_text(&data_set, through, tags::SOP_INSTANCE_UID, renamed.as_str()),
            transfer_syntax: through.clone(),
            sop_instance: renamed,
            ..sent.clone()
        };
        open.store(&coded).await.unwrap();
        let opened =
            open.archive.open_study(&open.gateway, &study.study, open.gateway.purpose()).await.unwrap();
        let entry = opened.instances(None, Some(&coded.sop_instance)).await.unwrap().remove(0);
        let back = collect(opened.transcoded(&entry, &explicit).await.unwrap()).await.unwrap();
        let back = with_text(&back, &explicit, tags::SOP_INSTANCE_UID, sent.sop_instance.as_str());
        assert!(back == sent.data_set, "{kind:?}");
    }
}

/// The same data set with another text.
fn with_text(bytes: &[u8], syntax: &Uid, tag: Tag, text: &str) -> Vec<u8> {
    let lookup = transfer_syntax::lookup(syntax);
    let scanned = scan(bytes, lookup, Limits::default()).unwrap();
    let pixels = scanned.data_set.elements().iter().find(|element| element.tag == tags::PIXEL_DATA);
    let before: DataSet = scanned
        .data_set
        .elements()
        .iter()
        .filter(|element| element.tag < tags::PIXEL_DATA)
        .cloned()
        .collect();
    let kept = write::data_set(&before, lookup.encoding);
    let mut changed = before.clone();
    changed.put_text(tag, Vr::UI, text);
    let mut out = write::data_set(&changed, lookup.encoding);
    if pixels.is_some() {
        out.extend_from_slice(&bytes[kept.len()..]);
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_for_which_no_memory_is_left_are_stored_as_large_ones() {
    let mut house = House::new(Engine::Sqlite);
    // Two slices are held; the others, of senders that all stop in the middle, are not.
    house.limits.held_bytes_max = 1 << 20;
    let open = house.open().await;
    let study = Study::new(41, Kind::Ct { slices: 5 });
    let instances: Vec<Instance> = study.instances().collect();
    let mut arriving = Vec::new();
    for instance in &instances {
        let mut incoming = open.receive(instance);
        for piece in instance.data_set[..500_000].chunks(60_000) {
            incoming.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        arriving.push(incoming);
    }
    for (instance, mut incoming) in instances.iter().zip(arriving).rev() {
        incoming.write(Bytes::copy_from_slice(&instance.data_set[500_000..])).await.unwrap();
        assert_eq!(incoming.finish().await.unwrap().outcome, StoredOutcome::New);
    }
    for instance in &instances {
        assert!(open.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
    }
    assert_eq!(open.archive.store().status().packs, 4, "three have packs of their own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_on_any_one_replica_changes_no_answer_and_is_repaired_where_it_is_met() {
    let study = Study::new(50, Kind::Ct { slices: 4 });
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    for instance in study.instances() {
        open.store(&instance).await.unwrap();
    }
    let mut met = 0;
    for number in 0..3 {
        damage(&house.replica(number));
        for instance in study.instances() {
            let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
            assert!(back == instance.data_set);
        }
        let [quarantined, repaired] = quarantined_and_repaired(&open);
        if quarantined + repaired > met {
            met += 1;
            until_repaired(&open, met).await;
        } else {
            // Nobody reads this replica first, so its damage was not met: take it back.
            damage(&house.replica(number));
        }
    }
    assert!(met > 0, "one of the three is the replica that is read first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_copies_were_damaged_is_healed_by_sending_it_again() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let study = Study::new(52, Kind::Ct { slices: 1 });
    let instance = study.instance(0);
    open.store(&instance).await.unwrap();
    assert_eq!(open.store(&instance).await.unwrap().outcome, StoredOutcome::Duplicate);
    for number in 0..3 {
        damage_at(&house.replica(number), 20_000);
    }
    let again = open.store(&instance).await.unwrap().outcome;
    assert_eq!(again, StoredOutcome::NewVersion(2), "what is not whole on the quorum is no duplicate");
    assert!(open.read_back(&study.study, &instance.sop_instance).await.unwrap() == instance.data_set);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_replica_changes_no_answer() {
    let study = Study::new(51, Kind::Ct { slices: 2 });
    for number in 0..3 {
        let house = House::new(Engine::Sqlite);
        let open = house.open().await;
        for instance in study.instances() {
            open.store(&instance).await.unwrap();
        }
        std::fs::remove_dir_all(house.replica(number)).unwrap();
        for instance in study.instances() {
            let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
            assert!(back == instance.data_set);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_search_opens_nothing_and_stores_nothing() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let study = Study::new(60, Kind::Sr);
    open.store(&study.instance(0)).await.unwrap();
    let refused = open.archive.open_study(&open.index, &study.study, open.index.purpose()).await;
    assert!(matches!(refused, Err(OpenError::NotFound | OpenError::Refused { .. })));
    let unwraps = open.archive.key_unwraps();
    let stranger = Open { gateway: open.index.clone(), ..open };
    let other = Study::new(61, Kind::Sr);
    assert!(matches!(stranger.store(&other.instance(0)).await, Err(IngestError::Refused { .. })));
    assert_eq!(stranger.archive.key_unwraps(), unwraps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_open_nothing_is_not_told_whether_a_study_exists() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let (here, nowhere) = (Study::new(62, Kind::Sr), Study::new(63, Kind::Sr));
    open.store(&here.instance(0)).await.unwrap();
    let mut answers = Vec::new();
    for study in [&here.study, &nowhere.study] {
        answers.push(open.archive.open_study(&open.system, study, open.system.purpose()).await.unwrap_err());
    }
    assert!(matches!(answers[0], OpenError::Refused { .. }));
    assert_eq!(answers[0].to_string(), answers[1].to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_cannot_be_hidden_by_one_of_its_name_in_another_study() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let study = Study::new(64, Kind::Sr);
    let honest = study.instance(0);
    open.store(&honest).await.unwrap();

    let mut forged = honest.clone();
    let uid = study.study.as_str().as_bytes();
    let element = b"\x20\x00\x0d\x00UI";
    let at = forged.data_set.windows(6).position(|window| window == element).unwrap() + 8;
    let last = at + uid.len() - 1;
    assert_eq!(&forged.data_set[at..=last], uid);
    forged.data_set[last] = if uid[uid.len() - 1] == b'1' { b'2' } else { b'1' };
    assert!(matches!(open.store(&forged).await, Err(IngestError::Mismatch { .. })));
    assert!(open.read_back(&study.study, &honest.sop_instance).await.unwrap() == honest.data_set);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_what_it_says_is_refused_and_leaves_nothing() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let study = Study::new(70, Kind::Sr);
    let honest = study.instance(0);

    let other_class =
        Instance { sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(), ..honest.clone() };
    assert!(matches!(open.store(&other_class).await, Err(IngestError::Mismatch { what: "SOP class" })));
    let other_name = Instance { sop_instance: Uid::new("1.2.3").unwrap(), ..honest.clone() };
    assert!(matches!(open.store(&other_name).await, Err(IngestError::Mismatch { what: "SOP instance" })));
    let cut = Instance { data_set: honest.data_set[..honest.data_set.len() - 5].to_vec(), ..honest.clone() };
    assert!(matches!(open.store(&cut).await, Err(IngestError::Invalid { .. })));
    assert_eq!(open.archive.counts(&institution()).await.unwrap().instances, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_names_nor_identifiers_are_found_on_disk() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let study = Study::new(80, Kind::Ct { slices: 1 });
    open.store(&study.instance(0)).await.unwrap();
    open.archive.counts(&institution()).await.unwrap();
    find(&open, Level::Study, &[(tags::PATIENT_ID, &study.patient.id)]).await;
    stop(open).await;
    // What is shorter is found by chance in a signature or in ciphertext.
    const MIN_NEEDLE_BYTES: usize = 6;
    let name = study.patient.name.as_str();
    let needles: Vec<&[u8]> = name
        .split('=')
        .chain(name.split(['^', '=']))
        .filter(|part| part.len() >= MIN_NEEDLE_BYTES)
        .chain([study.patient.id.as_str(), study.accession_number.as_str()])
        .map(str::as_bytes)
        .collect();
    assert!(needles.len() >= 3, "something of the name is looked for, too");
    for file in files(house.path()) {
        // A database removes its own side files while it closes.
        let Ok(bytes) = std::fs::read(&file) else { continue };
        for needle in &needles {
            let found = bytes.windows(needle.len()).any(|window| window == *needle);
            assert!(!found, "{} holds personal data", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_are_not_polled_while_a_study_is_being_opened_stop_nobody_else() {
    // The opening goes on in a task of its own, so it may end before a caller that waits for it is polled; such a caller
    // shows nothing, and another study is opened.
    const STUDIES_MAX: u64 = 20;
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let mut stalled_callers = 0;
    for number in 65..65 + STUDIES_MAX {
        stalled_callers += stall_and_read(&open, &Study::new(number, Kind::Ct { slices: 2 })).await;
        if stalled_callers > 0 {
            return;
        }
    }
    panic!("no caller of {STUDIES_MAX} studies was ever in the middle of an opening");
}

/// Polls four callers that open a study once, reads the study while nobody polls them, and returns how many were in the
/// middle of opening it.
async fn stall_and_read(open: &Open, study: &Study) -> usize {
    for instance in study.instances() {
        open.store(&instance).await.unwrap();
    }
    // The window of the sender is open, so the facts of the study are known and each caller comes as far as the window
    // that is being opened; then nobody polls it, as an answer that waits for the network.
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut caller =
            Box::pin(open.archive.open_study(&open.gateway, &study.study, open.gateway.purpose()));
        match futures_util::poll!(&mut caller) {
            Poll::Pending => stalled.push(caller),
            Poll::Ready(opened) => drop(opened.unwrap()),
        }
    }
    let read = async {
        for instance in study.instances() {
            let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
            assert!(back == instance.data_set);
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(60), read).await;
    assert!(read.is_ok(), "a stalled caller holds a lock");
    let callers = stalled.len();
    for caller in stalled {
        caller.await.unwrap();
    }
    callers
}

// === helpers ===

async fn rows(open: &Open, session: &Session, level: Level, keys: &[(Tag, &str)]) -> Vec<Map<String, Value>> {
    let request = FindRequest {
        level,
        study: None,
        series: None,
        keys: keys.iter().map(|(tag, value)| ((*tag).into(), (*value).to_owned())).collect(),
        matching: Matching::default(),
        include: Include::All,
        offset: 0,
        limit: 100,
    };
    open.archive.find(session, request).await.unwrap().rows
}

async fn find(open: &Open, level: Level, keys: &[(Tag, &str)]) -> Vec<String> {
    let found = rows(open, &open.gateway, level, keys).await;
    let uid = tags::STUDY_INSTANCE_UID.to_hex();
    found.iter().map(|row| row[&uid]["Value"][0].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn stop(open: Open) {
    open.archive.close().await;
    open.log.shutdown().await.unwrap();
}

/// Flips a bit in the middle of every pack of a replica.
fn damage(replica: &Path) {
    damage_at(replica, 300_000);
}

fn damage_at(replica: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    for file in files(&replica.join("packs")) {
        let handle = std::fs::File::options().read(true).write(true).open(&file).unwrap();
        let mut byte = [0];
        handle.read_exact_at(&mut byte, at).unwrap();
        handle.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
    }
}

/// Packs of all replicas that are in quarantine, and those that the store has repaired by itself.
fn quarantined_and_repaired(open: &Open) -> [u64; 2] {
    let replicas = open.archive.store().status().replicas;
    [replicas.iter().map(|one| one.quarantined).sum(), replicas.iter().map(|one| one.repaired).sum()]
}

async fn until_repaired(open: &Open, packs: u64) {
    let repaired = async {
        while quarantined_and_repaired(open)[1] < packs {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let repaired = tokio::time::timeout(Duration::from_secs(60), repaired).await;
    assert!(repaired.is_ok(), "damage that was met is not repaired");
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
