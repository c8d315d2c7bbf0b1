//! What happens when the primary of two PostgreSQL servers is lost, stands still, or comes back as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Hold, ServerState, Statement, database_servers};
use yingdun_testkit::{PostgresPair, Side, postgres_pair};

/// Longer than anything here takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

async fn pair() -> Option<Arc<PostgresPair>> {
    tokio::task::spawn_blocking(postgres_pair).await.unwrap().map(Arc::new)
}

/// Something that takes its time, beside what is under test.
async fn meanwhile(pair: &Arc<PostgresPair>, work: impl FnOnce(&PostgresPair) + Send + 'static) {
    let pair = Arc::clone(pair);
    tokio::task::spawn_blocking(move || work(&pair)).await.unwrap();
}

async fn open(pair: &PostgresPair) -> Result<Database, CatalogError> {
    Database::open_postgres(&pair.address(), DatabaseKind::Catalogue).await
}

/// A row of its own name.
async fn write(database: &Database, name: String) -> Result<(), CatalogError> {
    let insert = "INSERT INTO pack_watermark (store, pack, pack_offset) VALUES ($1, 0, 0)";
    database.execute(vec![Statement::new(insert, vec![name.into()])]).await.map(drop)
}

async fn read(database: &Database) -> Result<BTreeSet<String>, CatalogError> {
    let rows = database.query(Statement::new("SELECT store FROM pack_watermark", vec![])).await?;
    Ok(rows.iter().map(|row| row.get_text(0).unwrap().to_owned()).collect())
}

/// Writes rows until it is stopped, and keeps a list of those that were acknowledged.
struct Writers {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Writers {
    fn start(database: &Database, name: &'static str) -> Self {
        let (stop, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<Mutex<BTreeSet<String>>>::default());
        let tasks = (0..4).map(|writer| {
            let (database, stop, acknowledged) =
                (database.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let row = format!("{name}-{writer}-{number}");
                    match write(&database, row.clone()).await {
                        Ok(()) => drop(acknowledged.lock().unwrap().insert(row)),
                        Err(
                            CatalogError::Unavailable(_)
                            | CatalogError::Unconfirmed(_)
                            | CatalogError::Busy(_),
                        ) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        Self { tasks: tasks.collect(), stop, acknowledged }
    }

    /// Waits for so many more acknowledged rows.
    async fn progress(&self, rows: usize) {
        let reached = self.acknowledged.lock().unwrap().len() + rows;
        let there = async {
            while self.acknowledged.lock().unwrap().len() < reached {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, there).await.expect("writing goes on");
    }

    /// Stops them, and looks for every row that was acknowledged.
    async fn end_without_loss(self, database: &Database) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            timeout(LONG, task).await.expect("a writer ends").unwrap();
        }
        let there = read(database).await.unwrap();
        let acknowledged = self.acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_killed_primary_and_a_promotion_all_goes_on_and_nothing_acknowledged_is_lost() {
    let Some(pair) = pair().await else { return };
    let database = open(&pair).await.unwrap();
    let writers = Writers::start(&database, "killed");
    writers.progress(200).await;
    meanwhile(&pair, |pair| {
        pair.kill(Side::A);
        pair.promote(Side::B);
    })
    .await;
    writers.progress(200).await;
    writers.end_without_loss(&database).await;

    // The old primary comes back as it was, and would take every write by itself.
    meanwhile(&pair, |pair| {
        pair.start(Side::A);
        for statement in ["ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"] {
            let _ = pair.sql(Side::A, statement);
        }
        let emit = "SELECT pg_logical_emit_message(true, 'test', '') IS NOT NULL";
        pair.wait("the old primary writes", || pair.sql(Side::A, emit) == "t");
        let _ = pair.sql(
            Side::B,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yingdun'",
        );
    })
    .await;
    // Every connection is made anew; and one who never saw the new primary looks at both.
    for (name, database) in [("known", &database), ("fresh", &open(&pair).await.unwrap())] {
        // At the same time, so that many connections are made.
        let writes = (0..20).map(|number| write(database, format!("{name}-{number}")));
        futures_util::future::try_join_all(writes).await.unwrap();
        let there = read(database).await.unwrap();
        assert_eq!(there.iter().filter(|row| row.starts_with(name)).count(), 20);
    }
    let count = "SELECT count(*) FROM yingdun_catalogue.pack_watermark WHERE store LIKE 'known-%' OR store LIKE 'fresh-%'";
    let counts = [Side::A, Side::B].map(|side| pair.sql(side, count));
    assert_eq!(counts, ["0", "40"], "the old primary is not written to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_stands_still_is_left_when_another_one_is_promoted_and_not_gone_back_to() {
    let Some(pair) = pair().await else { return };
    let database = open(&pair).await.unwrap();
    let writers = Writers::start(&database, "frozen");
    writers.progress(50).await;
    meanwhile(&pair, |pair| {
        pair.freeze(Side::A);
        pair.promote(Side::B);
    })
    .await;
    writers.progress(50).await;
    meanwhile(&pair, |pair| pair.thaw(Side::A)).await;
    writers.progress(50).await;
    writers.end_without_loss(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_made_read_only_is_left_for_the_promoted_one() {
    let Some(pair) = pair().await else { return };
    let database = open(&pair).await.unwrap();
    write(&database, "before".to_owned()).await.unwrap();
    meanwhile(&pair, |pair| {
        pair.promote(Side::B);
        // With nobody who follows, nothing would be confirmed: this one is fenced by its setting alone.
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = ''",
            "ALTER SYSTEM SET default_transaction_read_only = on",
            "SELECT pg_reload_conf()",
        ] {
            let _ = pair.sql(Side::A, statement);
        }
        pair.wait("the setting is in force", || {
            pair.sql(Side::A, "SHOW default_transaction_read_only") == "on"
        });
    })
    .await;
    write(&database, "after".to_owned()).await.unwrap();
    assert_eq!(read(&database).await.unwrap(), ["after", "before"].map(str::to_owned).into());
    let count = "SELECT count(*) FROM yingdun_catalogue.pack_watermark WHERE store = 'after'";
    assert_eq!([Side::A, Side::B].map(|side| pair.sql(side, count)), ["0", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_no_standby_confirmed_is_not_acknowledged() {
    let Some(pair) = pair().await else { return };
    let database = open(&pair).await.unwrap();
    write(&database, "confirmed".to_owned()).await.unwrap();
    meanwhile(&pair, |pair| pair.kill(Side::B)).await;
    let writing = tokio::spawn(async move { write(&database, "unconfirmed".to_owned()).await });
    meanwhile(&pair, |pair| {
        // A hand that means well: the commit waits, and is helped on.
        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                      WHERE application_name = 'yingdun' AND wait_event = 'SyncRep'";
        pair.wait("the commit waits for the standby", || pair.sql(Side::A, cancel) == "t");
    })
    .await;
    let outcome = timeout(LONG, writing).await.expect("the commit ends").unwrap();
    assert!(matches!(outcome, Err(CatalogError::Unconfirmed(_))), "{outcome:?}");
    let there = pair
        .sql(Side::A, "SELECT count(*) FROM yingdun_catalogue.pack_watermark WHERE store = 'unconfirmed'");
    assert_eq!(there, "1", "PostgreSQL itself has done it and says so to everybody");

    // What nobody confirmed is not read by anybody who comes later either, until a standby has it.
    let refused = open(&pair).await.map(drop);
    assert!(matches!(refused, Err(CatalogError::Unavailable(_))), "{refused:?}");
    meanwhile(&pair, |pair| pair.start(Side::B)).await;
    let opened = async {
        loop {
            match open(&pair).await {
                Ok(database) => return database,
                Err(CatalogError::Unavailable(_)) => sleep(Duration::from_millis(100)).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    let database = timeout(LONG, opened).await.expect("it opens when the standby follows");
    assert_eq!(read(&database).await.unwrap(), ["confirmed", "unconfirmed"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_server_that_loses_its_memory_while_we_go_on() {
    let Some(pair) = pair().await else { return };
    let database = open(&pair).await.unwrap();
    let writers = Writers::start(&database, "restarted");
    writers.progress(50).await;
    meanwhile(&pair, |pair| {
        pair.kill(Side::A);
        pair.start(Side::A);
    })
    .await;
    writers.progress(50).await;
    writers.end_without_loss(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_say_what_they_are() {
    let Some(pair) = pair().await else { return };
    let look = async || {
        let reports = database_servers(&pair.address()).await.unwrap();
        <[ServerState; 2]>::try_from(reports.into_iter().map(|report| report.state).collect::<Vec<_>>())
            .unwrap()
    };
    let [a, b] = look().await;
    let ServerState::Primary { timeline: 1, read_only: false, forces_to_disk: false, waits_for, followers } =
        a
    else {
        panic!("{a:?}")
    };
    assert_eq!((waits_for.as_str(), followers.len()), ("b", 1));
    assert_eq!((followers[0].streams, followers[0].synchronous), (Some(true), Some(true)));
    assert!(matches!(b, ServerState::Standby { timeline: 1, receives: true, .. }), "{b:?}");

    meanwhile(&pair, |pair| {
        pair.kill(Side::A);
        pair.promote(Side::B);
    })
    .await;
    let [a, b] = look().await;
    assert!(matches!(a, ServerState::Silent { .. }), "{a:?}");
    assert!(
        matches!(&b, ServerState::Primary { timeline: 2, waits_for, .. } if waits_for.is_empty()),
        "{b:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_works_on_a_database_also_after_a_fail_over() {
    let Some(pair) = pair().await else { return };
    let take = async |name| Hold::take(&pair.address(), name).await;
    let hold = take("one").await.unwrap();
    assert_eq!(take("other").await.unwrap_err(), CatalogError::Occupied("one".to_owned()));
    meanwhile(&pair, |pair| {
        pair.kill(Side::A);
        pair.promote(Side::B);
        let holders = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                       WHERE locktype = 'advisory' AND application_name = 'one'";
        pair.wait("the right is taken again", || pair.sql(Side::B, holders) == "1");
    })
    .await;
    assert_eq!(take("other").await.unwrap_err(), CatalogError::Occupied("one".to_owned()));
    drop(hold);
    let hold = take("other").await.unwrap();

    // Somebody stands in line, and the connection of the holder breaks.
    let lock = i64::from_be_bytes(*b"Yingdun\x02");
    let next =
        format!("SET application_name = 'next'; SELECT pg_advisory_lock({lock}); SELECT pg_sleep(600)");
    let waiting = tokio::spawn(meanwhile_owned(Arc::clone(&pair), next));
    meanwhile(&pair, |pair| {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'next' AND wait_event = 'advisory'";
        pair.wait("somebody stands in line", || pair.sql(Side::B, waits) == "1");
        let _ = pair.sql(Side::B, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'other'");
    })
    .await;
    assert_eq!(timeout(LONG, hold.taken()).await.expect("the holder is told"), "next");
    meanwhile(&pair, |pair| pair.kill(Side::B)).await;
    waiting.await.unwrap();
}

async fn meanwhile_owned(pair: Arc<PostgresPair>, statement: String) {
    meanwhile(&pair, move |pair| drop(pair.sql(Side::B, &statement))).await;
}
