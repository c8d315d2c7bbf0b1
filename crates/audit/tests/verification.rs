//! Both verifiers, the one in this crate and the independent one in Python, against clean and attacked logs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code; helpers are not inside test functions"
)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;
use support::{ORIGIN, config, copy_directory, event, files, fill, signing_key, unhurried, verifier};
use yingdun_audit::verify::{Bad, Report, verify_directory, verify_directory_since};
use yingdun_audit::{AuditError, Log, Reader, Tree};
use yingdun_crypto::sign::NoteVerifier;

const VERIFIER_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify");

fn verify(dir: &Path) -> Report {
    verify_directory(dir, &verifier()).unwrap()
}

/// Exit code and output of the independent verifier.
fn verify_in_python(dir: &Path, known: Option<&Path>) -> (i32, String) {
    let mut command = Command::new("python3");
    command.arg("-B").arg(format!("{VERIFIER_DIR}/verify_audit.py")).arg(dir).arg(verifier().to_string());
    if let Some(known) = known {
        command.arg("--known-checkpoint").arg(known);
    }
    let output = command.output().expect("python3 is installed");
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Both verifiers call the log clean.
fn assert_clean(dir: &Path) -> Report {
    let report = verify(dir);
    assert_eq!(report.first_bad, None);
    let (code, output) = verify_in_python(dir, None);
    assert_eq!(code, 0, "{output}");
    let figures = format!("OK {} signed records, {} unsigned", report.size, report.tail_unsigned);
    assert!(output.starts_with(&figures), "{output}");
    report
}

/// Both verifiers call the log bad; the result is what they say.
fn assert_bad(dir: &Path) -> (Bad, String) {
    let report = verify(dir);
    let bad = report.first_bad.expect("the log was attacked and is called clean");
    let (code, output) = verify_in_python(dir, None);
    assert_eq!(code, 1, "{output} / {bad}");
    (bad, output)
}

/// A log with `signed` records under a checkpoint and `unsigned` more in the journal, written at rest.
async fn log_of(dir: &Path, signed: u64, unsigned: u64) {
    let living = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(living.path())).unwrap();
    fill(&log, 0, signed).await;
    log.checkpoint().await.unwrap();
    fill(&log, signed, signed + unsigned).await;
    copy_directory(living.path(), dir);
    set_at_rest(dir);
}

/// Makes files look long finished, so that a verifier does not wait for a writer.
fn set_at_rest(dir: &Path) {
    for path in files(dir) {
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[tokio::test]
async fn clean_logs_of_every_shape_are_clean_to_both() {
    for (signed, unsigned) in [(0, 0), (0, 3), (1, 0), (2, 1), (255, 1), (256, 0), (257, 300), (700, 0)] {
        let dir = tempfile::tempdir().unwrap();
        log_of(dir.path(), signed, unsigned).await;
        let report = assert_clean(dir.path());
        assert_eq!((report.size, report.tail_unsigned, report.leaves_checked), (signed, unsigned, signed));
        assert_eq!(report.details_checked, (0..signed).filter(|n| n % 4 == 1).count() as u64);
        assert_eq!(report.details_removed, 0);
    }
}

#[tokio::test]
async fn a_tree_of_three_tile_levels_is_clean_to_both() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 66_000, 10).await;
    assert_clean(dir.path());
    let tile = dir.path().join("tile/1/000");
    change(&tile, |bytes| bytes[32 * 200 + 5] ^= 1);
    let (bad, output) = assert_bad(dir.path());
    assert!(matches!(&bad, Bad::Tile { path, .. } if path == &PathBuf::from("tile/1/000")), "{bad}");
    assert!(output.contains("tile/1/000"), "{output}");
}

#[tokio::test]
async fn a_log_with_partial_files_of_many_checkpoints_is_clean_and_their_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    for n in 0..6 {
        fill(&log, n, n + 1).await;
        log.checkpoint().await.unwrap();
    }
    log.shutdown().await.unwrap();
    set_at_rest(dir.path());
    assert_clean(dir.path());
    for name in ["tile/0/000.p/2", "tile/entries/000.p/4"] {
        change(&dir.path().join(name), |bytes| bytes[7] ^= 1);
        let (bad, output) = assert_bad(dir.path());
        assert!(bad.to_string().starts_with(name), "{bad}");
        assert!(output.contains(name), "{output}");
        change(&dir.path().join(name), |bytes| bytes[7] ^= 1);
    }
}

/// The bytes of the journal that hold something: header of the segment, headers and bodies of batches.
fn live_journal_ranges(path: &Path) -> Vec<(usize, usize)> {
    let bytes = fs::read(path).unwrap();
    let mut ranges = vec![(0, 96)];
    let mut offset = 4096;
    while bytes[offset] != 0 {
        let body = u32::from_be_bytes(bytes[offset + 20..offset + 24].try_into().unwrap()) as usize;
        // Two bytes of the zeros that fill the page, too.
        ranges.push((offset, offset + 64 + body + 2));
        offset += (64 + body).next_multiple_of(4096);
    }
    ranges
}

#[tokio::test]
async fn a_flip_of_any_byte_is_noticed_by_both() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 2, 1).await;
    assert_clean(dir.path());
    let mut ranges = Vec::new();
    for path in files(dir.path()) {
        let name = path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
        if name.starts_with("tile/") || name.starts_with("detail/") || name == "checkpoint" {
            ranges.push((name, 0, fs::metadata(&path).unwrap().len() as usize));
        } else if name.ends_with(".journal") {
            ranges.extend(
                live_journal_ranges(&path).into_iter().map(|(start, end)| (name.clone(), start, end)),
            );
        }
    }
    let total: usize = ranges.iter().map(|(_, start, end)| end - start).sum();
    assert!(total > 3000, "{total} bytes only");

    // The other verifier works on a copy meanwhile.
    let copy = tempfile::tempdir().unwrap();
    let answers = tempfile::NamedTempFile::new().unwrap();
    copy_directory(dir.path(), copy.path());
    let mut python = Command::new("python3")
        .arg("-B")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flip_every_byte.py"))
        .args([VERIFIER_DIR, copy.path().to_str().unwrap(), &verifier().to_string()])
        .stdin(Stdio::piped())
        .stdout(answers.reopen().unwrap())
        .spawn()
        .expect("python3 is installed");
    let mut stdin = python.stdin.take().unwrap();
    for (name, start, end) in &ranges {
        writeln!(stdin, "{name} {start} {end}").unwrap();
    }
    drop(stdin);

    let mut missed = Vec::new();
    for (name, start, end) in &ranges {
        let path = dir.path().join(name);
        let clean = fs::read(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        for (offset, byte) in clean.iter().enumerate().take(*end).skip(*start) {
            file.write_all_at(&[byte ^ 1], offset as u64).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            if verify(dir.path()).is_ok() {
                missed.push(format!("{name} {offset}"));
            }
            file.write_all_at(&[*byte], offset as u64).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");

    assert!(python.wait().unwrap().success());
    let output = fs::read_to_string(answers.path()).unwrap();
    assert_eq!(output.lines().count(), total);
    let missed: Vec<&str> = output.lines().filter(|line| line.ends_with(" 0")).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[tokio::test]
async fn a_changed_leaf_is_named_with_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 600, 0).await;
    for index in [0_usize, 255, 256, 300, 599] {
        let bundle = if index < 512 {
            format!("tile/entries/{:03}", index / 256)
        } else {
            "tile/entries/002.p/88".into()
        };
        let path = dir.path().join(bundle);
        let clean = fs::read(&path).unwrap();
        change(&path, |bytes| {
            let mut at = 0;
            for _ in 0..index % 256 {
                at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
            }
            // Another doctor is blamed.
            let actor = bytes[at..].windows(8).position(|text| text == b"\"doctor-").unwrap();
            bytes[at + actor + 8] = b'9';
        });
        let (bad, output) = assert_bad(dir.path());
        assert!(matches!(&bad, Bad::Record { index: named, .. } if *named == index as u64), "{bad}");
        for text in [bad.to_string(), output] {
            assert!(text.contains(&format!("record {index}:")), "{text}");
            assert!(text.contains("person doctor-9"), "{text}");
        }
        change(&path, |bytes| *bytes = clean);
    }
}

#[tokio::test]
async fn swapped_removed_and_added_leaves_are_named() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 300, 0).await;
    let path = dir.path().join("tile/entries/000");
    let clean = fs::read(&path).unwrap();
    let mut leaves = Vec::new();
    let mut rest = clean.as_slice();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (leaf, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        leaves.push([&length[..], leaf].concat());
        rest = tail;
    }
    let attacks: [(&str, Vec<Vec<u8>>, u64); 4] = [
        (
            "swap",
            {
                let mut l = leaves.clone();
                l.swap(10, 20);
                l
            },
            10,
        ),
        (
            "remove",
            {
                let mut l = leaves.clone();
                l.remove(100);
                l
            },
            100,
        ),
        (
            "double",
            {
                let mut l = leaves.clone();
                l.insert(7, leaves[6].clone());
                l
            },
            7,
        ),
        (
            "cut off",
            {
                let mut l = leaves.clone();
                l.truncate(200);
                l
            },
            200,
        ),
    ];
    for (attack, leaves, first) in attacks {
        change(&path, |bytes| *bytes = leaves.concat());
        let (bad, output) = assert_bad(dir.path());
        assert!(matches!(&bad, Bad::Record { index, .. } if *index == first), "{attack}: {bad}");
        assert!(output.contains(&format!("record {first}:")), "{attack}: {output}");
    }
    let appended = [clean.as_slice(), &leaves[0]].concat();
    change(&path, |bytes| *bytes = appended);
    assert!(assert_bad(dir.path()).0.to_string().starts_with("tile/entries/000"));
}

#[tokio::test]
async fn a_leaf_replaced_together_with_its_hash_is_narrowed_to_its_tile() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 600, 0).await;
    let mut new_hash = [0; 32];
    change(&dir.path().join("tile/entries/001"), |bytes| {
        let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes[length - 20] ^= 1;
        new_hash = Tree::Sha256.leaf_hash(&bytes[2..2 + length]);
    });
    change(&dir.path().join("tile/0/001"), |bytes| bytes[..32].copy_from_slice(&new_hash));
    let (bad, output) = assert_bad(dir.path());
    assert_eq!(bad, Bad::Records { range: 256..512 });
    assert!(output.contains("records 256 to 511"), "{output}");
}

#[tokio::test]
async fn a_missing_or_shortened_file_is_noticed_whichever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 300, 3).await;
    for path in files(dir.path()) {
        if path.ends_with("lock") || path.to_string_lossy().contains("spare-") {
            continue;
        }
        let clean = fs::read(&path).unwrap();
        let name = path.strip_prefix(dir.path()).unwrap().to_owned();
        for length in [clean.len() - 1, clean.len() / 2, 0] {
            change(&path, |bytes| bytes.truncate(length));
            let (bad, _) = assert_bad(dir.path());
            assert!(!bad.to_string().is_empty(), "{}", name.display());
        }
        fs::remove_file(&path).unwrap();
        if name.starts_with("detail") {
            assert!(assert_clean(dir.path()).details_removed > 0, "a detail may be removed");
        } else {
            assert_bad(dir.path());
        }
        fs::write(&path, clean).unwrap();
        set_at_rest(dir.path());
    }
    assert_clean(dir.path());
}

#[tokio::test]
async fn details_that_changed_places_are_named() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 10, 0).await;
    change(&dir.path().join("detail/000.p/10"), |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap().replace("event 5", "event 1");
        *bytes = text.into_bytes();
    });
    let (bad, output) = assert_bad(dir.path());
    assert!(matches!(bad, Bad::Detail { index: 5, .. }), "{bad}");
    assert!(output.contains("detail of record 5"), "{output}");
}

#[tokio::test]
async fn a_rollback_or_a_fork_is_seen_by_whoever_remembers_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 300).await;
    let first = log.checkpoint().await.unwrap();
    copy_directory(dir.path(), old.path());
    fill(&log, 300, 500).await;
    let second = log.checkpoint().await.unwrap();
    log.shutdown().await.unwrap();
    for at_rest in [dir.path(), old.path()] {
        set_at_rest(at_rest);
        assert_clean(at_rest);
    }
    let note = tempfile::NamedTempFile::new().unwrap();
    let judge = |dir: &Path, known: &str| {
        fs::write(note.path(), known).unwrap();
        let report = verify_directory_since(dir, &verifier(), &[known]).unwrap();
        let (code, output) = verify_in_python(dir, Some(note.path()));
        assert_eq!(code == 0, report.is_ok(), "{output} {report:?}");
        report.first_bad
    };
    assert_eq!(judge(dir.path(), first.note()), None);
    assert_eq!(judge(dir.path(), second.note()), None);
    assert!(matches!(judge(old.path(), second.note()), Some(Bad::History { known_size: 500, .. })));

    // The same key signs another history of the same length.
    let fork = tempfile::tempdir().unwrap();
    log_of(fork.path(), 400, 0).await;
    assert_clean(fork.path());
    assert!(matches!(judge(fork.path(), first.note()), Some(Bad::History { known_size: 300, .. })));
}

#[tokio::test]
async fn another_key_another_origin_and_a_foreign_checkpoint_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path(), 3, 0).await;
    let other = yingdun_crypto::sign::SigningKey::generate().verifying_key();
    for (key, origin) in [(other, ORIGIN), (signing_key().verifying_key(), "other.example/audit")] {
        let report = verify_directory(dir.path(), &NoteVerifier::new(origin, key).unwrap()).unwrap();
        assert!(matches!(report.first_bad, Some(Bad::Checkpoint { .. })), "{report:?}");
    }
    assert!(verify_directory(&dir.path().join("nowhere"), &verifier()).is_err());
    assert!(verify_directory_since(dir.path(), &verifier(), &["no note"]).is_err());
    assert_eq!(verify_in_python(&dir.path().join("nowhere"), None).0, 2);
}

#[tokio::test]
async fn a_cut_off_batch_at_the_end_is_dropped_and_a_damaged_one_stops_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 3).await;
    log.checkpoint().await.unwrap();
    log.append(vec![event(3)]).await.unwrap();
    log.append(vec![event(4); 20]).await.unwrap();
    let segment = |dir: &Path| dir.join("journal/00000000000000000000.journal");
    let last = 4096 * 3;
    assert_eq!(&fs::read(segment(dir.path())).unwrap()[last..last + 8], b"yd-batch");

    type Attack = (&'static str, fn(&mut [u8]), Option<u64>);
    let attacks: [Attack; 6] = [
        ("the first sector never landed", |batch| batch[..512].fill(0), Some(4)),
        ("a later page never landed", |batch| batch[4096..8192].fill(0), Some(4)),
        ("nothing landed", |batch| batch.fill(0), Some(4)),
        ("a byte of the body changed", |batch| batch[600] ^= 1, None),
        ("a byte of the header changed", |batch| batch[9] ^= 1, None),
        (
            "bytes lie far behind",
            |batch| {
                batch[..512].fill(0);
                let end = batch.len() - 1;
                batch[end] = 1;
            },
            None,
        ),
    ];
    for (attack, damage, size_after) in attacks {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(dir.path(), copy.path());
        change(&segment(copy.path()), |bytes| damage(&mut bytes[last..]));
        set_at_rest(copy.path());
        match size_after {
            Some(size) => {
                let report = assert_clean(copy.path());
                assert_eq!(report.tail_unsigned, 1, "{attack}");
                assert_eq!(report.torn_tail.is_some(), attack != "nothing landed", "{attack}");
                assert_eq!(Reader::of_directory(copy.path(), &verifier()).unwrap().size(), size);
                let again = Log::open(config(copy.path())).unwrap();
                assert_eq!(again.append_one(event(9)).await.unwrap().index(), size, "{attack}");
                again.shutdown().await.unwrap();
                assert_clean(copy.path());
            }
            None => {
                let (bad, _) = assert_bad(copy.path());
                assert!(matches!(bad, Bad::Journal { index: 4, .. }), "{attack}: {bad}");
                let refused = Log::open(config(copy.path()));
                assert!(
                    matches!(refused, Err(AuditError::Journal { record: 4, .. })),
                    "{attack}: {refused:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_log_that_does_not_fit_together_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 100).await;
    log.checkpoint().await.unwrap();
    copy_directory(dir.path(), old.path());
    log.shutdown().await.unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 100, 300).await;
    log.shutdown().await.unwrap();

    type Attack = (&'static str, Box<dyn Fn(&Path)>);
    let newer = dir.path().join("checkpoint");
    let older = old.path().to_owned();
    let attacks: Vec<Attack> = vec![
        ("no checkpoint", Box::new(|dir| fs::remove_file(dir.join("checkpoint")).unwrap())),
        ("no journal", Box::new(|dir| fs::remove_dir_all(dir.join("journal")).unwrap())),
        ("no tiles", Box::new(|dir| fs::remove_dir_all(dir.join("tile")).unwrap())),
        (
            "checkpoint ahead of everything",
            Box::new(move |dir| {
                fs::remove_dir_all(dir).unwrap();
                copy_directory(&older, dir);
                fs::copy(&newer, dir.join("checkpoint")).unwrap();
            }),
        ),
        ("partial tile", Box::new(|dir| change(&dir.join("tile/0/001.p/44"), |bytes| bytes[40] ^= 1))),
        ("upper tile", Box::new(|dir| change(&dir.join("tile/1/000.p/1"), |bytes| bytes[4] ^= 1))),
        ("open bundle", Box::new(|dir| change(&dir.join("tile/entries/001.p/44"), |bytes| bytes[40] ^= 1))),
        ("checkpoint", Box::new(|dir| change(&dir.join("checkpoint"), |bytes| bytes[30] ^= 1))),
    ];
    for (attack, damage) in attacks {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(dir.path(), copy.path());
        damage(copy.path());
        let refused = Log::open(config(copy.path()));
        assert!(refused.is_err(), "{attack}");
    }
}
