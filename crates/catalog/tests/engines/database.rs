//! Statements, transactions and values, whatever the engine.

use crate::on_both_engines;
use yingdun_catalog::{CatalogError, Database, Statement, StatementBuilder, Value};

on_both_engines!(Keys:
    a_value_comes_back_as_it_went_in,
    parameters_may_stand_in_any_order_and_more_than_once,
    a_transaction_happens_whole_or_not_at_all,
    a_demand_on_the_number_of_rows_is_kept,
    one_failure_among_many_waiting_transactions_sinks_only_itself,
    a_counter_raised_by_many_at_once_loses_nothing,
    transactions_that_meet_in_opposite_orders_all_succeed,
    a_misused_statement_is_named_as_such,
    an_answer_without_end_is_refused,
    an_overlong_transaction_is_refused,
    the_write_ahead_log_can_be_emptied,
);

async fn table(database: &Database) {
    let create = "CREATE TABLE probe (id BIGINT NOT NULL PRIMARY KEY, words TEXT, bits BYTEA)";
    database.execute(vec![Statement::new(create, vec![])]).await.unwrap();
}

fn insert(id: i64, words: &str) -> Statement {
    Statement::new("INSERT INTO probe (id, words) VALUES ($1, $2)", vec![id.into(), words.into()])
}

async fn number(database: &Database, sql: &'static str) -> i64 {
    database.query(Statement::new(sql, vec![])).await.unwrap()[0].get_i64(0).unwrap()
}

async fn a_value_comes_back_as_it_went_in(database: Database) {
    table(&database).await;
    let bits: Vec<u8> = (0..=255).collect();
    let rows: [[Value; 3]; 3] = [
        [i64::MAX.into(), "影盾 ' \" $1 %".into(), bits.into()],
        [i64::MIN.into(), "".into(), Vec::<u8>::new().into()],
        [0_i64.into(), Value::Null, Value::Null],
    ];
    let insert = "INSERT INTO probe (id, words, bits) VALUES ($1, $2, $3)";
    let statements = rows.iter().map(|row| Statement::new(insert, row.to_vec())).collect();
    assert_eq!(database.execute(statements).await, Ok(vec![1, 1, 1]));

    let back = database
        .query(Statement::new("SELECT id, words, bits FROM probe ORDER BY id DESC", vec![]))
        .await
        .unwrap();
    assert_eq!(back[0].get_i64(0), Ok(i64::MAX));
    assert_eq!(back[0].get_text(1), Ok("影盾 ' \" $1 %"));
    assert_eq!(back[0].get_bytes(2).unwrap().len(), 256);
    assert_eq!(back[1].opt_text(1), Ok(None));
    assert_eq!(back[1].opt_bytes(2), Ok(None));
    assert_eq!(back[2].get_text(1), Ok(""));
    assert_eq!(back[2].get_bytes(2), Ok(&[][..]));
}

async fn parameters_may_stand_in_any_order_and_more_than_once(database: Database) {
    table(&database).await;
    database.execute(vec![insert(4, "four"), insert(5, "five")]).await.unwrap();
    let twisted = "UPDATE probe SET words = $2 WHERE id >= $1 AND words = $3 AND id <= $1";
    let values = vec![4_i64.into(), "quatre".into(), "four".into()];
    assert_eq!(database.execute(vec![Statement::new(twisted, values)]).await, Ok(vec![1]));
    let rows = database.query(Statement::new("SELECT words FROM probe ORDER BY id", vec![])).await.unwrap();
    assert_eq!((rows[0].get_text(0), rows[1].get_text(0)), (Ok("quatre"), Ok("five")));
}

async fn a_transaction_happens_whole_or_not_at_all(database: Database) {
    table(&database).await;
    let refused = database.execute(vec![insert(1, "a"), insert(2, "b"), insert(1, "again")]).await;
    assert!(matches!(refused, Err(CatalogError::Constraint(_))), "{refused:?}");
    assert_eq!(number(&database, "SELECT count(*) FROM probe").await, 0);
}

async fn a_demand_on_the_number_of_rows_is_kept(database: Database) {
    table(&database).await;
    database.execute(vec![insert(1, "unused")]).await.unwrap();
    let spend = || {
        let sql = "UPDATE probe SET words = 'used' WHERE id = 1 AND words = 'unused'";
        vec![insert(2, "the gain"), Statement::new(sql, vec![]).expecting(1)]
    };
    assert_eq!(database.execute(spend()).await, Ok(vec![1, 1]));
    database.execute(vec![Statement::new("DELETE FROM probe WHERE id = 2", vec![])]).await.unwrap();

    let again = database.execute(spend()).await;
    assert_eq!(again, Err(CatalogError::UnexpectedRows { statement: 1, expected: 1, came: 0 }));
    assert_eq!(number(&database, "SELECT count(*) FROM probe").await, 1);
}

async fn one_failure_among_many_waiting_transactions_sinks_only_itself(database: Database) {
    table(&database).await;
    database.execute(vec![insert(1000, "taken")]).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let database = database.clone();
            // Every eighth writes one good row and then fails.
            let second = if n % 8 == 0 { 1000 } else { 2000 + n };
            tokio::spawn(
                async move { database.execute(vec![insert(n, "first"), insert(second, "second")]).await },
            )
        })
        .collect();
    let mut failed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(changed) => assert_eq!(changed, [1, 1]),
            Err(CatalogError::Constraint(_)) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(failed, 8);
    assert_eq!(number(&database, "SELECT count(*) FROM probe").await, 1 + 2 * 56);
}

async fn a_counter_raised_by_many_at_once_loses_nothing(database: Database) {
    table(&database).await;
    database.execute(vec![insert(1, "")]).await.unwrap();
    let raise = "UPDATE probe SET words = words || 'x' WHERE id = 1";
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.execute(vec![Statement::new(raise, vec![])]).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(vec![1]));
    }
    assert_eq!(number(&database, "SELECT CAST(length(words) AS BIGINT) FROM probe").await, 100);
}

async fn transactions_that_meet_in_opposite_orders_all_succeed(database: Database) {
    table(&database).await;
    database.execute(vec![insert(1, ""), insert(2, "")]).await.unwrap();
    let raise =
        |id: i64| Statement::new("UPDATE probe SET words = words || 'x' WHERE id = $1", vec![id.into()]);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let database = database.clone();
            let order = if n % 2 == 0 { [1, 2] } else { [2, 1] };
            tokio::spawn(async move { database.execute(order.map(raise).to_vec()).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(vec![1, 1]));
    }
    assert_eq!(number(&database, "SELECT CAST(sum(length(words)) AS BIGINT) FROM probe").await, 16);
}

async fn a_misused_statement_is_named_as_such(database: Database) {
    table(&database).await;
    let misused = [
        Statement::new("SELECT id FROM probe WHERE id = $1", vec![]),
        Statement::new("SELECT id FROM probe", vec![1_i64.into()]),
        Statement::new("SELEKT id FROM probe", vec![]),
        Statement::new("SELECT nothing FROM probe", vec![]),
        Statement::new("SELECT 1.5e0", vec![]),
    ];
    for statement in misused {
        let answer = database.query(statement.clone()).await;
        assert!(matches!(answer, Err(CatalogError::Misuse(_))), "{statement:?} gave {answer:?}");
    }
}

async fn an_answer_without_end_is_refused(database: Database) {
    let endless = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 200000) \
         SELECT i FROM n";
    let answer = database.query(Statement::new(endless, vec![])).await;
    assert_eq!(answer, Err(CatalogError::TooManyRows { limit: Database::QUERY_ROWS_MAX }));
    assert_eq!(number(&database, "SELECT CAST(7 AS BIGINT)").await, 7);
}

async fn an_overlong_transaction_is_refused(database: Database) {
    let statements = vec![insert(1, "a"); Database::TRANSACTION_STATEMENTS_MAX + 1];
    assert!(matches!(database.execute(statements).await, Err(CatalogError::Misuse(_))));
    assert_eq!(database.execute(vec![]).await, Ok(vec![]));
}

async fn the_write_ahead_log_can_be_emptied(database: Database) {
    table(&database).await;
    database.execute(vec![insert(1, "a")]).await.unwrap();
    assert_eq!(database.empty_write_ahead_log().await, Ok(()));
    let mut one = StatementBuilder::new();
    one.push("SELECT count(*) FROM probe WHERE id IN ").bind_list([1_i64, 2, 3]);
    assert_eq!(database.query(one.finish()).await.unwrap()[0].get_i64(0), Ok(1));
}
