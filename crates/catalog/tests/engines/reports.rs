//! Reports to subscribers: numbered without a gap, in the order of their transactions, within their bound; and who waits is woken.

use crate::on_both_engines;
use std::time::Duration;
use yingdun_catalog::catalogue::reports::{self, Audience, REPORTS_MAX};
use yingdun_catalog::catalogue::subscriptions::{self, Subscriber, SubscriptionScope};
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Statement};
use yingdun_model::{AeTitle, InstitutionId, Timestamp, WorkitemRef};

on_both_engines!(Catalogue:
    reports_are_numbered_for_each_subscriber_and_the_oldest_make_room,
    a_turn_that_was_prepared_from_another_roster_changes_nothing,
    a_released_title_leaves_no_report_behind,
    of_many_writers_at_once_the_numbers_have_no_gap,
);

const ITEM: WorkitemRef = WorkitemRef::from_bytes([7; 16]);
const NOW: Timestamp = Timestamp::from_ms(1_000);

fn institution() -> InstitutionId {
    crate::records::institution("renmin")
}

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

async fn subscribe(database: &Database, name: &str) {
    let subscriber = Subscriber {
        institution: institution(),
        title: title(name),
        owner: "person/li".to_owned(),
        scope: SubscriptionScope::Specific,
        deletion_lock: false,
        filter: Vec::new(),
    };
    let subscribe = subscriptions::subscribe(&institution(), &title(name), ITEM, false);
    database.execute(vec![subscriptions::put(&subscriber), subscribe]).await.unwrap();
}

async fn tell(database: &Database, reports: &[&str]) {
    let sealed = reports.iter().map(|report| report.as_bytes().to_vec()).collect();
    let tell = reports::tell(&institution(), Audience::SubscribersOf(ITEM), sealed, NOW);
    let turn = std::iter::once(reports::turn(&institution()));
    database.execute_and_tell(turn.chain(tell).collect()).await.unwrap();
}

/// The number of the last report, and those behind a number.
async fn after(database: &Database, name: &str, number: u64) -> (u64, Vec<(u64, String)>) {
    let found = reports::after(database, &institution(), &title(name), number, 5).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (found.last, found.reports.into_iter().map(|(number, sealed)| (number, text(sealed))).collect())
}

fn numbered(first: u64, reports: &[&str]) -> Vec<(u64, String)> {
    (first..).zip(reports.iter().map(|report| (*report).to_owned())).collect()
}

async fn reports_are_numbered_for_each_subscriber_and_the_oldest_make_room(database: Database) {
    tell(&database, &["nobody hears this"]).await;
    subscribe(&database, "ONE").await;
    tell(&database, &["a", "b"]).await;
    subscribe(&database, "TWO").await;
    tell(&database, &["c"]).await;
    assert_eq!(after(&database, "ONE", 0).await, (3, numbered(1, &["a", "b", "c"])));
    assert_eq!(after(&database, "ONE", 2).await, (3, numbered(3, &["c"])));
    assert_eq!(after(&database, "TWO", 0).await, (1, numbered(1, &["c"])));
    assert_eq!(after(&database, "TWO", 1).await, (1, vec![]));
    assert_eq!(reports::after(&database, &institution(), &title("NOBODY"), 0, 5).await, Ok(None));
    // Of one subscriber only.
    let many = vec![b"m".to_vec(); REPORTS_MAX as usize];
    let two = title("TWO");
    let to_two = reports::tell(&institution(), Audience::Title(&two), many, NOW);
    database.execute(to_two).await.unwrap();
    let last = u64::from(REPORTS_MAX) + 1;
    assert_eq!(after(&database, "TWO", 0).await.0, last);
    assert_eq!(after(&database, "TWO", 0).await.1[0], (2, "m".to_owned()), "the first has made room");
    assert_eq!(after(&database, "ONE", 0).await.0, 3);
    tell(&database, &["d"]).await;
    assert_eq!(after(&database, "TWO", 0).await.1[0].0, 3);
    assert_eq!(after(&database, "TWO", last).await.1, numbered(last + 1, &["d"]));
    assert_eq!(after(&database, "ONE", 3).await.1, numbered(4, &["d"]));
    // Those that are old enough go, and their numbers are not given again.
    database.execute(vec![reports::forget(NOW.after(Duration::from_millis(1)))]).await.unwrap();
    assert_eq!(after(&database, "ONE", 0).await, (4, vec![]));
    tell(&database, &["e"]).await;
    assert_eq!(after(&database, "ONE", 0).await, (5, numbered(5, &["e"])));
}

async fn a_turn_that_was_prepared_from_another_roster_changes_nothing(database: Database) {
    let first = reports::roster(&database, &institution()).await.unwrap();
    let turn = |statement| database.execute(vec![statement]);
    turn(reports::turn_at(&institution(), first)).await.unwrap();
    turn(reports::turn_at(&institution(), first)).await.unwrap();
    turn(reports::turn_changing(&institution(), first)).await.unwrap();
    for late in [reports::turn_at(&institution(), first), reports::turn_changing(&institution(), first)] {
        let refused = turn(late).await;
        assert!(matches!(refused, Err(CatalogError::UnexpectedRows { statement: 0, .. })), "{refused:?}");
    }
    let second = reports::roster(&database, &institution()).await.unwrap();
    turn(reports::turn_at(&institution(), second)).await.unwrap();
    turn(reports::turns_changing_all()).await.unwrap();
    assert!(turn(reports::turn_at(&institution(), second)).await.is_err());
}

async fn a_released_title_leaves_no_report_behind(database: Database) {
    for by_name in [true, false] {
        subscribe(&database, "ONE").await;
        let open = |owner| reports::open(&institution(), &title("ONE"), owner, 9);
        assert!(database.execute(vec![open("person/wu")]).await.is_err(), "a title has one owner");
        database.execute(vec![open("person/li")]).await.unwrap();
        tell(&database, &["a"]).await;
        let released = if by_name {
            subscriptions::unsubscribe_from_all(&institution(), &title("ONE"))
        } else {
            subscriptions::unsubscribe(&institution(), &title("ONE"), ITEM)
        };
        database.execute(released).await.unwrap();
        subscribe(&database, "ONE").await;
        let anew = reports::after(&database, &institution(), &title("ONE"), 0, 5).await.unwrap().unwrap();
        assert_eq!((anew.channel, anew.last, anew.reports), (0, 0, vec![]));
        database.execute(subscriptions::unsubscribe_from_all(&institution(), &title("ONE"))).await.unwrap();
    }
}

async fn of_many_writers_at_once_the_numbers_have_no_gap(database: Database) {
    subscribe(&database, "ONE").await;
    let writers = (0..8).map(|writer: u32| {
        let database = database.clone();
        async move {
            for report in 0..10 {
                tell(&database, &[&format!("{writer}/{report}"), "second"]).await;
            }
        }
    });
    let reader = async {
        // Whatever it sees continues what it has seen.
        let (mut seen, mut told) = (Vec::new(), database.told());
        while seen.len() < 160 {
            let (_, found) = after(&database, "ONE", seen.len() as u64).await;
            if found.is_empty() {
                told.wait(Duration::from_secs(1)).await;
            }
            for (number, report) in found {
                seen.push(report);
                assert_eq!(number, seen.len() as u64, "a number was passed over");
            }
        }
        seen
    };
    let (_, seen) = tokio::join!(futures_util::future::join_all(writers), reader);
    for writer in 0..8 {
        let of_writer = seen.iter().filter(|report| report.starts_with(&format!("{writer}/")));
        assert!(of_writer.eq(&(0..10).map(|report| format!("{writer}/{report}")).collect::<Vec<_>>()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_at_another_process_is_woken_also_after_its_connection_was_lost() {
    let Some(server) = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap() else {
        return;
    };
    let open = || Database::open_postgres(server.address(), DatabaseKind::Catalogue);
    let (here, there) = (open().await.unwrap(), open().await.unwrap());
    let mut told = there.told();
    let long = Duration::from_secs(3600);
    for _ in 0..2 {
        // The first wake says that it listens.
        tokio::time::timeout(Duration::from_secs(60), told.wait(long)).await.expect("it never listens");
        here.execute(vec![reports::turn(&institution())]).await.unwrap();
        here.execute_and_tell(vec![reports::turn(&institution())]).await.unwrap();
        tokio::time::timeout(Duration::from_secs(60), told.wait(long)).await.expect("it was not woken");
        let lost = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        here.query(Statement::new(lost, vec![])).await.unwrap();
    }
}
