//! Following a log that somebody else keeps.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops right there")]

mod support;

use proptest::prelude::*;
use std::io::Cursor;
use std::path::Path;
use support::{
    config, copy_directory, event, event_with_detail, fill, open, sm3_verifier, verifier, with_sm3,
};
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{Detail, Heads, Log, Mirror, MirrorError, RawLeaf, Reader, Tree};

/// The records of a log from a number on, as they travel.
fn records(reader: &Reader, from: u64) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), from);
    loop {
        let raw = reader.raw(at).unwrap();
        if raw.is_empty() {
            return out;
        }
        at += raw.len() as u64;
        raw.iter().for_each(|leaf| leaf.write_to(&mut out));
    }
}

/// What one who follows a log is given now.
async fn news(log: &Log, from: u64) -> (String, Option<String>, Vec<u8>) {
    log.checkpoint().await.unwrap();
    let (reader, sm3) = log.reader_with_sm3();
    let note = reader.checkpoint().note().to_owned();
    (note, sm3.map(|sm3| sm3.note().to_owned()), records(&reader, from))
}

/// The head of a log with one tree.
fn one(note: &str) -> Heads<'_> {
    Heads { sha256: note, sm3: None }
}

async fn followed(mirror: &mut Mirror, log: &Log) -> Result<(), MirrorError> {
    let (note, sm3, bytes) = news(log, mirror.size()).await;
    mirror.follow(Heads { sha256: &note, sm3: sm3.as_deref() }, || Ok(Cursor::new(bytes.clone())))
}

fn mirror_in(dir: &Path) -> Mirror {
    Mirror::open(dir, verifier(), None).unwrap()
}

fn mirror_of_both_in(dir: &Path) -> Mirror {
    Mirror::open(dir, verifier(), Some(sm3_verifier())).unwrap()
}

fn open_both(dir: &Path) -> Log {
    Log::open(with_sm3(config(dir))).unwrap()
}

#[tokio::test]
async fn a_followed_log_has_every_leaf_and_detail_and_grows_with_it() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(there.path());
    log.append(vec![event(0), event_with_detail(1), event(2)]).await.unwrap();
    followed(&mut mirror_in(here.path()), &log).await.unwrap();
    // Past a whole bundle, from a copy that was opened anew.
    fill(&log, 3, 700).await;
    followed(&mut mirror_in(here.path()), &log).await.unwrap();
    let mirror = mirror_in(here.path());
    assert_eq!(mirror.size(), log.size());
    assert_eq!(mirror.check().unwrap(), log.size());
    let (copy, original) = (mirror.reader().unwrap(), log.reader());
    assert_eq!(copy.read(0..log.size()).unwrap(), original.read(0..log.size()).unwrap());
    assert!(matches!(copy.detail(1).unwrap(), Detail::Sealed(_)));
}

#[tokio::test]
async fn a_log_that_was_set_back_or_written_anew_is_told_and_what_is_here_stays() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let younger = tempfile::tempdir().unwrap();
    let log = open(there.path());
    fill(&log, 0, 10).await;
    log.shutdown().await.unwrap();
    copy_directory(there.path(), younger.path());
    let log = open(there.path());
    fill(&log, 10, 30).await;
    let mut mirror = mirror_in(here.path());
    followed(&mut mirror, &log).await.unwrap();
    let size = mirror.size();

    // The same key signs what an intruder with all its rights wants it to.
    let other = open(younger.path());
    assert!(matches!(followed(&mut mirror, &other).await, Err(MirrorError::Shrank { .. })));
    other.append(vec![event(99); 100]).await.unwrap();
    assert!(matches!(followed(&mut mirror, &other).await, Err(MirrorError::Forked { .. })));
    assert_eq!((mirror.size(), mirror.check().unwrap()), (size, size));
    // And the true one goes on.
    fill(&log, 0, 5).await;
    followed(&mut mirror, &log).await.unwrap();
    assert_eq!(mirror_in(here.path()).check().unwrap(), log.size());
}

#[tokio::test]
async fn what_is_cut_off_or_changed_on_its_way_changes_nothing_here() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(there.path());
    fill(&log, 0, 300).await;
    let (note, _, bytes) = news(&log, 0).await;
    let mut mirror = mirror_in(here.path());
    for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        assert!(mirror.follow(one(&note), || Ok(Cursor::new(bytes[..cut].to_vec()))).is_err(), "{cut}");
    }
    for flip in [2, 40, bytes.len() / 2] {
        let mut wrong = bytes.clone();
        wrong[flip] ^= 1;
        assert!(mirror.follow(one(&note), || Ok(Cursor::new(wrong.clone()))).is_err(), "{flip}");
    }
    let unsigned = note.replace("300", "301");
    assert!(matches!(
        mirror.follow(one(&unsigned), || Ok(Cursor::new(bytes.clone()))),
        Err(MirrorError::Checkpoint(_))
    ));
    assert_eq!(mirror.size(), 0);
    mirror.follow(one(&note), || Ok(Cursor::new(bytes.clone()))).unwrap();
    assert_eq!(mirror.check().unwrap(), 300);
}

#[tokio::test]
async fn a_copy_becomes_a_log_that_goes_on() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(there.path());
    fill(&log, 0, 300).await;
    let mut mirror = mirror_in(here.path());
    followed(&mut mirror, &log).await.unwrap();
    mirror.into_log().unwrap();
    // The copy has one tree; an heir that is to have both makes the other one of the leaves.
    let heir = Log::open(with_sm3(config(here.path()))).unwrap();
    assert_eq!(heir.append_one(event(1)).await.unwrap().index(), 300);
    heir.shutdown().await.unwrap();
    for report in verify_trees(here.path(), &[verifier(), sm3_verifier()], &[]).unwrap() {
        assert!(report.is_ok() && report.size == 301, "{report:?}");
    }
}

#[tokio::test]
async fn both_trees_are_followed_and_go_on_in_the_heir() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open_both(there.path());
    // Nothing, a part of a bundle, some bundles: from a copy that was opened anew each time.
    let mut size = 0;
    for until in [0, 10, 710] {
        fill(&log, size, until).await;
        size = until;
        followed(&mut mirror_of_both_in(here.path()), &log).await.unwrap();
        let mirror = mirror_of_both_in(here.path());
        assert_eq!((mirror.size(), mirror.check().unwrap()), (log.size(), log.size()));
        assert_eq!(mirror.sm3_checkpoint(), log.reader_with_sm3().1.as_ref());
    }
    let mirror = mirror_of_both_in(here.path());
    let (copy, original) = (mirror.sm3_reader().unwrap(), log.reader_of(Tree::Sm3).unwrap());
    assert_eq!(copy.prove_consistency(10, 710).unwrap(), original.prove_consistency(10, 710).unwrap());
    log.shutdown().await.unwrap();
    mirror.into_log().unwrap();
    let heir = open_both(here.path());
    assert_eq!(heir.append_one(event(1)).await.unwrap().index(), log.size());
    heir.shutdown().await.unwrap();
    for report in verify_trees(here.path(), &[verifier(), sm3_verifier()], &[]).unwrap() {
        assert!(report.is_ok() && report.size == log.size() + 1, "{report:?}");
    }
}

#[tokio::test]
async fn a_tree_whose_key_came_later_or_that_a_kill_left_elsewhere_is_made_of_the_leaves_here() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open_both(there.path());
    fill(&log, 0, 10_000).await;
    followed(&mut mirror_in(here.path()), &log).await.unwrap();
    assert!(mirror_of_both_in(here.path()).sm3_checkpoint().is_none());
    // No new leaf is needed for it.
    followed(&mut mirror_of_both_in(here.path()), &log).await.unwrap();
    assert_eq!(mirror_of_both_in(here.path()).sm3_checkpoint().unwrap().size(), log.size());
    // A while without the key.
    fill(&log, 0, 500).await;
    followed(&mut mirror_in(here.path()), &log).await.unwrap();
    assert!(mirror_of_both_in(here.path()).sm3_checkpoint().is_none());
    fill(&log, 0, 500).await;
    followed(&mut mirror_of_both_in(here.path()), &log).await.unwrap();
    assert_eq!(mirror_of_both_in(here.path()).check().unwrap(), log.size());
    // A kill between the two heads leaves the SM3 tree ahead.
    let checkpoint = here.path().join("checkpoint");
    let before = std::fs::read(&checkpoint).unwrap();
    fill(&log, 0, 500).await;
    followed(&mut mirror_of_both_in(here.path()), &log).await.unwrap();
    std::fs::write(&checkpoint, before).unwrap();
    fill(&log, 0, 500).await;
    followed(&mut mirror_of_both_in(here.path()), &log).await.unwrap();
    let mirror = mirror_of_both_in(here.path());
    assert_eq!((mirror.check().unwrap(), mirror.sm3_checkpoint().unwrap().size()), (log.size(), log.size()));
}

#[tokio::test]
async fn an_sm3_tree_of_another_past_size_or_key_or_none_is_told_and_nothing_changes_here() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open_both(there.path());
    fill(&log, 0, 300).await;
    let (early, early_sm3, _) = news(&log, 0).await;
    fill(&log, 0, 300).await;
    let (note, sm3, bytes) = news(&log, 0).await;
    let other = tempfile::tempdir().unwrap();
    let other = open_both(other.path());
    fill(&other, 1000, 1600).await;
    let (_, forked, _) = news(&other, 0).await;
    let mut mirror = mirror_of_both_in(here.path());
    let mut follow = |sha256: &str, sm3: Option<&str>| {
        let outcome = mirror.follow(Heads { sha256, sm3 }, || Ok(Cursor::new(bytes.clone())));
        (outcome, mirror.size(), mirror_of_both_in(here.path()).size())
    };
    assert!(matches!(follow(&note, None), (Err(MirrorError::NoSm3Tree), 0, 0)));
    assert!(matches!(follow(&note, early_sm3.as_deref()), (Err(MirrorError::NoSm3Tree), 0, 0)));
    assert!(matches!(
        follow(&note, forked.as_deref()),
        (Err(MirrorError::Forked { tree: Tree::Sm3, .. }), 0, 0)
    ));
    // The head of one tree is none of the other.
    assert!(matches!(follow(&note, Some(&note)), (Err(MirrorError::Checkpoint(_)), 0, 0)));
    assert!(matches!(follow(&early, sm3.as_deref()), (Err(_), 0, 0)));
    assert!(matches!(follow(&note, sm3.as_deref()), (Ok(()), 600, 600)));
}

proptest! {
    #[test]
    fn records_read_back_as_they_were_written(leaves in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), prop::collection::vec(any::<u8>(), 0..300)), 0..20)) {
        let leaves: Vec<RawLeaf> = leaves.into_iter().map(|(leaf, detail)| RawLeaf { leaf, detail }).collect();
        let mut bytes = Vec::new();
        leaves.iter().for_each(|leaf| leaf.write_to(&mut bytes));
        let mut source = Cursor::new(bytes);
        let mut read = Vec::new();
        while let Some(leaf) = RawLeaf::read_from(&mut source).unwrap() {
            read.push(leaf);
        }
        prop_assert_eq!(read, leaves);
    }
}
