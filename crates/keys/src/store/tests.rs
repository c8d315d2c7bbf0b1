//! Behaviour of the key store below the permit, on both engines.

use super::*;
use crate::kek::KEK_USES_MAX;
use crate::study::StudyPlace;
use crate::{RewrapStart, RewrapState, RewrapTurn, RewrapWorker};
use std::sync::LazyLock;
use std::time::Duration;
use yingdun_catalog::keyring::rewrap_jobs;
use yingdun_catalog::{DatabaseKind, Sql, Statement, Value};
use yingdun_crypto::{Context, Suite, open as crypto_open, seal};
use yingdun_model::{ManualClock, PatientRef, StudyRef, Timestamp};

const KIND: DatabaseKind = DatabaseKind::Keys;

/// Runs each behaviour on SQLite and on PostgreSQL.
macro_rules! on_both_engines {
    ($($behaviour:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $behaviour() {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("keys.db");
                super::$behaviour(super::Database::open_sqlite(path, super::KIND).await.unwrap()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $behaviour() {
                let Some(server) = yingdun_testkit::postgres_database() else { return };
                super::$behaviour(super::Database::open_postgres(server.address(), super::KIND).await.unwrap()).await;
            })+
        }
    };
}

on_both_engines! {
    a_study_key_stays_the_same_and_opens_after_a_restart
    a_key_that_is_made_again_is_told_from_the_one_before_whatever_the_clocks_say
    keys_of_both_suites_live_in_one_store_and_each_keeps_its_own
    keys_of_both_suites_are_wrapped_again_each_under_a_version_of_its_own_suite
    keys_of_different_studies_patients_grades_and_institutions_differ
    another_root_key_is_refused_before_anything_is_read
    a_study_keeps_its_patient_and_grade
    any_number_of_creations_at_once_give_one_key
    a_flip_of_any_bit_of_any_wrapped_row_is_detected
    a_row_that_is_moved_to_another_place_does_not_open
    a_rotated_kek_wraps_new_keys_and_still_opens_old_ones
    of_two_who_replace_the_same_version_one_does
    after_wrapping_again_nothing_stands_under_the_retired_kek_and_it_can_go
    a_stopped_job_changes_nothing_until_it_is_begun_again
    a_job_has_one_worker_and_another_takes_over_when_that_one_ends
    what_is_stored_and_read_while_keys_are_wrapped_again_stays_whole
    a_kek_stops_at_its_number_of_uses_until_it_is_rotated
    secrets_are_made_once_and_differ_by_name_and_institution
    the_key_of_a_patient_cannot_go_before_the_keys_of_the_studies
    the_status_counts_keys_and_uses
}

fn root() -> RootKey {
    SealingKey::from_secret(&yingdun_model::Secret::new([42; 32])).into()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_ms(1_700_000_000_000)))
}

async fn open(database: &Database) -> KeyStore {
    KeyStore::open(database.clone(), root(), epochs(database).await, clock()).await.unwrap()
}

/// The epoch file of a database: the same for each opening of one, of which tests open several.
async fn epochs(database: &Database) -> EpochFile {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    let mark = "CREATE TABLE IF NOT EXISTS test_mark (mark TEXT NOT NULL)";
    run(database, mark, Vec::new()).await.unwrap();
    let query = || database.query(Statement::new(Sql::new("SELECT mark FROM test_mark"), Vec::new()));
    if query().await.unwrap().is_empty() {
        let mark = hex::encode(yingdun_crypto::random::array::<8>());
        run(database, "INSERT INTO test_mark (mark) VALUES ($1)", vec![mark.into()]).await.unwrap();
    }
    EpochFile::at(FOLDER.path().join(query().await.unwrap()[0].get_text(0).unwrap()))
}

fn institution(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

fn line(institution: &InstitutionId, grade: Grade) -> KekLine {
    KekLine { institution: institution.clone(), grade, suite: Suite::default().as_str().to_owned() }
}

fn place(name: &str, grade: Grade, patient: u8, study: u8) -> StudyPlace {
    StudyPlace {
        line: line(&institution(name), grade),
        patient: PatientRef::from_bytes([patient; 16]),
        study: StudyRef::from_bytes([study; 16]),
    }
}

async fn create(store: &KeyStore, place: &StudyPlace) -> [u8; 32] {
    *store.0.keys.find_or_create(place).await.unwrap().key().expose_secret()
}

async fn find(store: &KeyStore, place: &StudyPlace) -> Result<Option<[u8; 32]>, KeysError> {
    let found = store.0.keys.find(&place.line.institution, place.study).await?;
    Ok(found.map(|key| *key.key().expose_secret()))
}

/// A turn of a process that was just started.
async fn turn(store: &KeyStore, keys_max: u32) -> RewrapTurn {
    let renmin = institution("renmin");
    store.rewrap_turn(&renmin, RewrapWorker::default(), keys_max, Duration::ZERO).await.unwrap()
}

async fn run(database: &Database, sql: &'static str, values: Vec<Value>) -> Result<Vec<u64>, CatalogError> {
    database.execute(vec![Statement::new(Sql::new(sql), values)]).await
}

async fn bytes(database: &Database, sql: &'static str) -> Vec<u8> {
    let rows = database.query(Statement::new(Sql::new(sql), Vec::new())).await.unwrap();
    rows[0].get_bytes(0).unwrap().to_vec()
}

/// The one before was made by a node whose clock is ahead.
async fn a_key_that_is_made_again_is_told_from_the_one_before_whatever_the_clocks_say(database: Database) {
    let (store, here) = (open(&database).await, place("renmin", Grade::L4, 1, 1));
    let ahead = clock().now().after(Duration::from_secs(120));
    let put =
        "INSERT INTO destroyed_study (institution, study_ref, made_ms, cleared) VALUES ('renmin', $1, $2, 1)";
    run(&database, put, vec![here.study.into(), ahead.into()]).await.unwrap();
    let made = store.0.keys.find_or_create(&here).await.unwrap().made();
    assert!(made > ahead, "{made:?} {ahead:?}");
}

async fn a_study_key_stays_the_same_and_opens_after_a_restart(database: Database) {
    let here = place("renmin", Grade::L4, 1, 1);
    let store = open(&database).await;
    assert_eq!(find(&store, &here).await, Ok(None));
    let made = create(&store, &here).await;
    assert_eq!(create(&store, &here).await, made);
    let restarted = open(&database).await;
    assert_eq!(find(&restarted, &here).await, Ok(Some(made)));
}

async fn keys_of_both_suites_live_in_one_store_and_each_keeps_its_own(database: Database) {
    let of = |suite: Suite, study| {
        let mut place = place("renmin", Grade::L4, 1, study);
        place.line.suite = suite.as_str().to_owned();
        place
    };
    let store = open(&database).await;
    let context = Context::new("yingdun/test/v1");
    for (study, suite) in (1..).zip(Suite::ALL.iter().copied()) {
        let made = store.0.keys.find_or_create(&of(suite, study)).await.unwrap();
        assert_eq!(made.suite(), suite);
        let sealed = seal(made.key(), &context, b"pixels");
        // A restarted store knows the suite from the row, and so does one that is asked to make it in the other.
        for &other in Suite::ALL {
            let found = open(&database).await.0.keys.find_or_create(&of(other, study)).await.unwrap();
            assert_eq!(found.suite(), suite);
            assert_eq!(crypto_open(found.key(), &context, &sealed), Ok(b"pixels".to_vec()));
        }
    }
    let keks = store.status(&institution("renmin")).await.unwrap().keks;
    assert_eq!(keks.len(), 2, "each suite has a key-encryption key of its own");

    // Rows of one suite do not pass for rows of the other.
    run(&database, "UPDATE study_key SET suite = 'none' WHERE suite = 'sm4-gcm-sm3'", Vec::new())
        .await
        .unwrap_err();
    let swap = "UPDATE study_key SET suite = (SELECT suite FROM study_key WHERE study_ref = $1) WHERE study_ref = $2";
    let studies = [1, 2].map(|study| of(Suite::default(), study).study);
    run(&database, swap, vec![studies[0].into(), studies[1].into()]).await.unwrap();
    let refused = find(&open(&database).await, &of(Suite::default(), 2)).await;
    assert_eq!(refused, Err(KeysError::Damaged { what: "study key" }));
}

async fn keys_of_both_suites_are_wrapped_again_each_under_a_version_of_its_own_suite(database: Database) {
    let (store, renmin, worker) = (open(&database).await, institution("renmin"), RewrapWorker::default());
    let mut made = Vec::new();
    for (study, suite) in (1..).zip(Suite::ALL) {
        let mut here = place("renmin", Grade::L4, 1, study);
        here.line.suite = suite.as_str().to_owned();
        made.push((create(&store, &here).await, *suite, here));
    }
    for (_, _, here) in &made {
        assert_eq!(store.rotate_kek(&here.line, 1).await, Ok(2));
    }
    store.begin_rewrap(&renmin).await.unwrap();
    let turn = async || store.rewrap_turn(&renmin, worker, 100, Duration::ZERO).await.unwrap();
    while let RewrapTurn::Wrapped(_) = turn().await {}
    assert_eq!(turn().await, RewrapTurn::NothingLeft);
    for (key, suite, here) in &made {
        assert_eq!(store.destroy_kek(&here.line, 1).await, Ok(()));
        let found = open(&database).await.0.keys.find(&renmin, here.study).await.unwrap().unwrap();
        assert_eq!((found.key().expose_secret(), found.suite()), (key, *suite));
    }
}

async fn keys_of_different_studies_patients_grades_and_institutions_differ(database: Database) {
    let store = open(&database).await;
    let mut keys = Vec::new();
    for place in [
        place("renmin", Grade::L4, 1, 1),
        place("renmin", Grade::L4, 1, 2),
        place("renmin", Grade::L4, 2, 3),
        place("renmin", Grade::L5, 1, 4),
        place("xiehe", Grade::L4, 1, 1),
    ] {
        keys.push(create(&store, &place).await);
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

async fn another_root_key_is_refused_before_anything_is_read(database: Database) {
    open(&database).await;
    let other = RootKey::from(SealingKey::generate());
    let refused = KeyStore::open(database.clone(), other, epochs(&database).await, clock()).await.map(|_| ());
    assert_eq!(refused, Err(KeysError::WrongRoot));
    run(&database, "UPDATE root_check SET wrapped = $1", vec![vec![0_u8; 40].into()]).await.unwrap();
    let refused =
        KeyStore::open(database.clone(), root(), epochs(&database).await, clock()).await.map(|_| ());
    assert_eq!(refused, Err(KeysError::WrongRoot));
}

async fn a_study_keeps_its_patient_and_grade(database: Database) {
    let store = open(&database).await;
    let made = create(&store, &place("renmin", Grade::L5, 1, 1)).await;
    let again = store.0.keys.find_or_create(&place("renmin", Grade::L4, 2, 1)).await.unwrap();
    assert_eq!(*again.key().expose_secret(), made);
    assert_eq!((again.grade(), again.patient()), (Grade::L5, PatientRef::from_bytes([1; 16])));
}

async fn any_number_of_creations_at_once_give_one_key(database: Database) {
    // Two stores, as two nodes on one database have.
    let stores = [open(&database).await, open(&database).await];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..24_u8 {
        let store = stores[usize::from(task % 2)].clone();
        // Three studies of one new patient of a new institution.
        tasks.spawn(async move {
            let study = task % 3;
            (study, create(&store, &place("renmin", Grade::L4, 1, study)).await)
        });
    }
    let mut made = tasks.join_all().await;
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), 3, "one key for each study");
    let status = stores[0].status(&institution("renmin")).await.unwrap();
    assert_eq!((status.patients, status.studies, status.keks.len()), (1, 3, 1));
}

async fn a_flip_of_any_bit_of_any_wrapped_row_is_detected(database: Database) {
    let here = place("renmin", Grade::L4, 1, 1);
    let made = create(&open(&database).await, &here).await;
    for (read, write, what) in [
        (
            "SELECT wrapped FROM key_encryption_key",
            "UPDATE key_encryption_key SET wrapped = $1",
            "key-encryption key",
        ),
        ("SELECT wrapped FROM patient_key", "UPDATE patient_key SET wrapped = $1", "patient key"),
        ("SELECT wrapped FROM study_key", "UPDATE study_key SET wrapped = $1", "study key"),
    ] {
        let kept = bytes(&database, read).await;
        for at in 0..kept.len() {
            let mut damaged = kept.clone();
            damaged[at] ^= 1 << (at % 8);
            run(&database, write, vec![damaged.into()]).await.unwrap();
            // A restarted store holds no key in memory.
            assert_eq!(
                find(&open(&database).await, &here).await,
                Err(KeysError::Damaged { what }),
                "{what} {at}"
            );
        }
        run(&database, write, vec![kept.into()]).await.unwrap();
    }
    assert_eq!(find(&open(&database).await, &here).await, Ok(Some(made)));

    let store = open(&database).await;
    let secret = store.secret(&institution("renmin"), SecretName::Token).await.unwrap();
    let kept = bytes(&database, "SELECT wrapped FROM institution_secret").await;
    for at in 0..kept.len() {
        let mut damaged = kept.clone();
        damaged[at] ^= 1 << (at % 8);
        run(&database, "UPDATE institution_secret SET wrapped = $1", vec![damaged.into()]).await.unwrap();
        let refused = store.secret(&institution("renmin"), SecretName::Token).await.map(|_| ());
        assert_eq!(refused, Err(KeysError::Damaged { what: "institution secret" }), "byte {at}");
    }
    run(&database, "UPDATE institution_secret SET wrapped = $1", vec![kept.into()]).await.unwrap();
    let again = store.secret(&institution("renmin"), SecretName::Token).await.unwrap();
    assert_eq!(again.expose_secret(), secret.expose_secret());
}

async fn a_row_that_is_moved_to_another_place_does_not_open(database: Database) {
    let store = open(&database).await;
    let (one, two) = (place("renmin", Grade::L4, 1, 1), place("renmin", Grade::L4, 2, 2));
    create(&store, &one).await;
    create(&store, &two).await;
    let refused = Err(KeysError::Damaged { what: "study key" });

    // The key of study 1 in the row of study 2.
    let swap = "UPDATE study_key SET wrapped = (SELECT wrapped FROM study_key WHERE study_ref = $1) WHERE study_ref = $2";
    run(&database, swap, vec![one.study.into(), two.study.into()]).await.unwrap();
    assert_eq!(find(&store, &two).await, refused);

    // Study 1 given to patient 2.
    let give = "UPDATE study_key SET patient_ref = $1 WHERE study_ref = $2";
    run(&database, give, vec![two.patient.into(), one.study.into()]).await.unwrap();
    assert_eq!(find(&store, &one).await, refused);

    // A whole line of keys lowered to a lower grade.
    let three = place("renmin", Grade::L5, 3, 3);
    create(&store, &three).await;
    database
        .execute(
            [
                "INSERT INTO key_encryption_key SELECT institution, 'L2', suite, version, state, uses, wrapped, created_ms, epoch \
                 FROM key_encryption_key WHERE grade = 'L5'",
                "INSERT INTO patient_key (institution, patient_ref, grade, suite, kek_version, wrapped, created_ms) \
                 SELECT institution, patient_ref, 'L2', suite, kek_version, wrapped, created_ms \
                 FROM patient_key WHERE grade = 'L5'",
                "UPDATE study_key SET grade = 'L2' WHERE grade = 'L5'",
            ]
            .map(|sql| Statement::new(Sql::new(sql), Vec::new()))
            .to_vec(),
        )
        .await
        .unwrap();
    assert_eq!(find(&store, &three).await, Err(KeysError::Damaged { what: "key-encryption key" }));
}

async fn a_rotated_kek_wraps_new_keys_and_still_opens_old_ones(database: Database) {
    let (store, other_node) = (open(&database).await, open(&database).await);
    let (old, new) = (place("renmin", Grade::L4, 1, 1), place("renmin", Grade::L4, 1, 2));
    let before = create(&store, &old).await;
    create(&other_node, &old).await;
    assert_eq!(store.rotate_kek(&old.line, 1).await, Ok(2));
    // The other node still holds version 1 as the active one and must notice.
    let after = create(&other_node, &new).await;
    for store in [store, other_node, open(&database).await] {
        assert_eq!(find(&store, &old).await, Ok(Some(before)));
        assert_eq!(find(&store, &new).await, Ok(Some(after)));
        let keks = store.status(&institution("renmin")).await.unwrap().keks;
        let seen: Vec<_> = keks.iter().map(|kek| (kek.version, kek.active, kek.uses)).collect();
        assert_eq!(seen, [(1, false, 2), (2, true, 1)]);
    }
}

async fn of_two_who_replace_the_same_version_one_does(database: Database) {
    let (one, two) = (open(&database).await, open(&database).await);
    let here = place("renmin", Grade::L4, 1, 1);
    create(&one, &here).await;
    let (first, second) = tokio::join!(one.rotate_kek(&here.line, 1), two.rotate_kek(&here.line, 1));
    let not_active = Err(KeysError::KekNotActive { grade: Grade::L4, version: 1 });
    assert!([(Ok(2), not_active.clone()), (not_active, Ok(2))].contains(&(first, second)));
    assert_eq!(one.status(&institution("renmin")).await.unwrap().keks.len(), 2);
}

async fn after_wrapping_again_nothing_stands_under_the_retired_kek_and_it_can_go(database: Database) {
    let (store, renmin) = (open(&database).await, institution("renmin"));
    let mut made = Vec::new();
    for study in 0..7 {
        let here = place("renmin", Grade::L4, study % 3, study);
        made.push((create(&store, &here).await, here));
    }
    let line = made[0].1.line.clone();
    let in_use = Err(KeysError::KekInUse { grade: Grade::L4, version: 1 });
    assert_eq!(store.destroy_kek(&line, 1).await, in_use, "it wraps new keys");
    store.rotate_kek(&line, 1).await.unwrap();
    assert_eq!(store.destroy_kek(&line, 1).await, in_use, "keys stand under it");
    assert_eq!(turn(&store, 4).await, RewrapTurn::Idle, "nobody asked for it");
    assert_eq!(store.begin_rewrap(&renmin).await, Ok(RewrapStart::Begun(10)));
    assert_eq!(store.begin_rewrap(&renmin).await, Err(KeysError::RewrapState { state: "running" }));
    for batch in [3, 4, 3] {
        // Each batch by a process of its own, as after a crash.
        let worker = RewrapWorker::default();
        run(&database, "UPDATE rewrap_job SET held_until_ms = 0", Vec::new()).await.unwrap();
        let done = open(&database).await.rewrap_turn(&renmin, worker, 4, Duration::from_secs(1)).await;
        assert_eq!(done, Ok(RewrapTurn::Wrapped(batch)));
        // Between the batches everything opens.
        for (key, here) in &made {
            assert_eq!(find(&open(&database).await, here).await, Ok(Some(*key)));
        }
    }
    run(&database, "UPDATE rewrap_job SET held_until_ms = 0", Vec::new()).await.unwrap();
    let worker = RewrapWorker::default();
    let left = store.rewrap_turn(&renmin, worker, 4, Duration::ZERO).await;
    assert_eq!(left, Ok(RewrapTurn::NothingLeft));
    let job = store.rewrap_job(&renmin).await.unwrap().unwrap();
    assert_eq!((job.keys_total, job.keys_done, job.worked_ms), (10, 10, 3000));
    let status = store.status(&renmin).await.unwrap();
    let versions: Vec<_> = status.keks.iter().map(|kek| (kek.uses, kek.keys, kek.is_idle())).collect();
    assert_eq!((versions, status.keys_left()), (vec![(10, 0, true), (10, 10, false)], 0));

    assert_eq!(store.destroy_kek(&line, 1).await, Ok(()));
    assert_eq!(store.finish_rewrap(&renmin, worker).await, Ok(()));
    assert_eq!(store.rewrap_job(&renmin).await.unwrap().unwrap().state, RewrapState::Done);
    for (key, here) in &made {
        assert_eq!(find(&store, here).await, Ok(Some(*key)), "with the keys in memory");
        assert_eq!(find(&open(&database).await, here).await, Ok(Some(*key)), "after a restart");
    }
    assert_eq!(
        store.begin_rewrap(&renmin).await,
        Ok(RewrapStart::Begun(0)),
        "and again after the next rotation"
    );
}

async fn a_stopped_job_changes_nothing_until_it_is_begun_again(database: Database) {
    let (store, renmin) = (open(&database).await, institution("renmin"));
    let here = place("renmin", Grade::L4, 1, 1);
    create(&store, &here).await;
    store.rotate_kek(&here.line, 1).await.unwrap();
    let not_running = Err(KeysError::RewrapState { state: "not running" });
    assert_eq!(store.stop_rewrap(&renmin).await, not_running);
    store.begin_rewrap(&renmin).await.unwrap();
    assert_eq!(turn(&store, 1).await, RewrapTurn::Wrapped(1));
    store.stop_rewrap(&renmin).await.unwrap();
    assert_eq!(turn(&store, 1).await, RewrapTurn::Idle);
    assert_eq!(turn(&open(&database).await, 1).await, RewrapTurn::Idle, "also after a restart");
    assert_eq!(store.status(&renmin).await.unwrap().keys_left(), 1);
    // A batch that was on its way when it was stopped does not commit.
    let late = rewrap_jobs::advance(&renmin, [1; 16], 1, 1, Timestamp::from_ms(9), Timestamp::from_ms(9));
    let refused = database.execute(vec![late]).await;
    assert!(matches!(refused, Err(CatalogError::UnexpectedRows { .. })), "{refused:?}");

    assert_eq!(store.begin_rewrap(&renmin).await, Ok(RewrapStart::Resumed(1)));
    run(&database, "UPDATE rewrap_job SET held_until_ms = 0", Vec::new()).await.unwrap();
    assert_eq!(turn(&store, 1).await, RewrapTurn::Wrapped(1));
    let job = store.rewrap_job(&renmin).await.unwrap().unwrap();
    assert_eq!((job.keys_total, job.keys_done), (2, 2), "it is the same job");
}

async fn a_job_has_one_worker_and_another_takes_over_when_that_one_ends(database: Database) {
    let clock = clock();
    let store =
        KeyStore::open(database.clone(), root(), epochs(&database).await, clock.clone()).await.unwrap();
    let renmin = institution("renmin");
    for study in 0..3 {
        create(&store, &place("renmin", Grade::L4, 1, study)).await;
    }
    store.rotate_kek(&line(&renmin, Grade::L4), 1).await.unwrap();
    store.begin_rewrap(&renmin).await.unwrap();
    let (one, two) = (RewrapWorker::default(), RewrapWorker::default());
    let turn = async |worker| store.rewrap_turn(&renmin, worker, 1, Duration::ZERO).await.unwrap();
    assert_eq!(turn(one).await, RewrapTurn::Wrapped(1));
    assert_eq!(turn(two).await, RewrapTurn::Idle);
    assert_eq!(turn(one).await, RewrapTurn::Wrapped(1));
    clock.advance(Duration::from_secs(31));
    assert_eq!(turn(two).await, RewrapTurn::Wrapped(1));
    assert_eq!(turn(one).await, RewrapTurn::Idle);
}

async fn what_is_stored_and_read_while_keys_are_wrapped_again_stays_whole(database: Database) {
    const STUDIES: u8 = 60;
    let (store, other_node) = (open(&database).await, open(&database).await);
    let renmin = institution("renmin");
    let here = |study: u8| place("renmin", Grade::L4, study % 7, study);
    create(&store, &here(0)).await;
    let storing = tokio::spawn(async move {
        let mut made = Vec::new();
        for study in 0..STUDIES {
            made.push(create(&other_node, &here(study)).await);
            // Everything stored so far opens, whatever happened to the key above it meanwhile.
            for (before, key) in (0..).zip(&made) {
                assert_eq!(find(&other_node, &here(before)).await, Ok(Some(*key)), "{before}");
            }
        }
        made
    });
    let worker = RewrapWorker::default();
    let mut version = 1;
    while !storing.is_finished() {
        version = store.rotate_kek(&line(&renmin, Grade::L4), version).await.unwrap();
        store.begin_rewrap(&renmin).await.unwrap();
        loop {
            match store.rewrap_turn(&renmin, worker, 5, Duration::ZERO).await.unwrap() {
                RewrapTurn::NothingLeft => break,
                RewrapTurn::Wrapped(_) | RewrapTurn::Lost => {}
                RewrapTurn::Idle => panic!("the job runs"),
            }
        }
        store.destroy_kek(&line(&renmin, Grade::L4), version - 1).await.unwrap();
        store.finish_rewrap(&renmin, worker).await.unwrap();
    }
    let made = storing.await.unwrap();
    assert!(version > 2, "keys were replaced while others were made");
    let restarted = open(&database).await;
    for (study, key) in (0..).zip(made) {
        assert_eq!(find(&restarted, &here(study)).await, Ok(Some(key)));
    }
    assert_eq!(restarted.status(&renmin).await.unwrap().keks.len(), 1);
}

async fn a_kek_stops_at_its_number_of_uses_until_it_is_rotated(database: Database) {
    let store = open(&database).await;
    create(&store, &place("renmin", Grade::L4, 1, 1)).await;
    let uses = "UPDATE key_encryption_key SET uses = $1";
    let max = i64::try_from(KEK_USES_MAX).unwrap();
    run(&database, uses, vec![(max - 1).into()]).await.unwrap();
    // The last use goes to a study of the patient we have; a new patient would need two.
    create(&store, &place("renmin", Grade::L4, 1, 2)).await;
    for patient in [1, 2] {
        let stopped = store.0.keys.find_or_create(&place("renmin", Grade::L4, patient, 3)).await.map(|_| ());
        assert_eq!(stopped, Err(KeysError::KekExhausted { grade: Grade::L4, version: 1 }));
    }
    assert!(find(&store, &place("renmin", Grade::L4, 1, 2)).await.unwrap().is_some(), "old keys still open");
    store.rotate_kek(&line(&institution("renmin"), Grade::L4), 1).await.unwrap();
    create(&store, &place("renmin", Grade::L4, 1, 3)).await;
}

async fn secrets_are_made_once_and_differ_by_name_and_institution(database: Database) {
    let stores = [open(&database).await, open(&database).await];
    let mut secrets = Vec::new();
    for name in SecretName::ALL {
        for institution in [institution("renmin"), institution("xiehe")] {
            let (one, two) =
                tokio::join!(stores[0].secret(&institution, name), stores[1].secret(&institution, name));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one.expose_secret(), two.expose_secret());
            secrets.push(*one.expose_secret());
        }
    }
    secrets.sort_unstable();
    secrets.dedup();
    assert_eq!(secrets.len(), 2 * SecretName::ALL.len());
}

async fn the_key_of_a_patient_cannot_go_before_the_keys_of_the_studies(database: Database) {
    create(&open(&database).await, &place("renmin", Grade::L4, 1, 1)).await;
    for sql in ["DELETE FROM patient_key", "DELETE FROM key_encryption_key"] {
        let refused = run(&database, sql, Vec::new()).await;
        assert!(matches!(refused, Err(CatalogError::Constraint(_))), "{refused:?}");
    }
}

async fn the_status_counts_keys_and_uses(database: Database) {
    let store = open(&database).await;
    for (patient, study) in [(1, 1), (1, 2), (2, 3)] {
        create(&store, &place("renmin", Grade::L4, patient, study)).await;
    }
    create(&store, &place("xiehe", Grade::L5, 1, 1)).await;
    let status = store.status(&institution("renmin")).await.unwrap();
    assert_eq!((status.patients, status.studies), (2, 3));
    let expected = KekStatus {
        line: line(&institution("renmin"), Grade::L4),
        version: 1,
        active: true,
        uses: 5,
        keys: 5,
        created: Timestamp::from_ms(1_700_000_000_000),
    };
    assert_eq!(status.keks, [expected]);
}
