//! A version of an instance is given once, whoever asks at the same time.

use crate::on_both_engines;
use crate::records::{apply, instance, record};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::Watermark;
use yingdun_catalog::catalogue::versions::{Version, claim, give_up};
use yingdun_catalog::{Database, Statement};
use yingdun_model::StoreNumber;

on_both_engines!(Catalogue:
    of_many_that_claim_a_version_at_once_one_has_it,
    a_version_that_the_catalogue_has_is_given_to_nobody,
    a_store_that_starts_anew_gives_up_its_claims_and_no_others,
);

fn store(number: u32) -> StoreNumber {
    StoreNumber::new(number).unwrap()
}

async fn claims(database: &Database, of: u32, versions: &[(u64, u32)]) -> BTreeSet<Version> {
    let versions = versions.iter().map(|(number, version)| (instance(*number), *version)).collect();
    claim(database, store(of), &versions).await.unwrap()
}

async fn of_many_that_claim_a_version_at_once_one_has_it(database: Database) {
    let wanted: Vec<(u64, u32)> = (0..40).map(|number| (number % 20, 1 + u32::from(number >= 20))).collect();
    let tasks: Vec<_> = (1..=8)
        .map(|of| {
            let (database, wanted) = (database.clone(), wanted.clone());
            tokio::spawn(async move { claims(&database, of, &wanted).await })
        })
        .collect();
    let mut given = Vec::new();
    for task in tasks {
        given.extend(task.await.unwrap());
    }
    assert_eq!(given.len(), wanted.len());
    assert_eq!(given.into_iter().collect::<BTreeSet<_>>().len(), wanted.len());
    let again: usize = {
        let mut again = 0;
        for of in 1..=8 {
            again += claims(&database, of, &wanted).await.len();
        }
        again
    };
    assert_eq!(again, wanted.len(), "what a store has claimed is its own");
}

async fn a_version_that_the_catalogue_has_is_given_to_nobody(database: Database) {
    assert_eq!(claims(&database, 1, &[(1, 1), (2, 1)]).await.len(), 2);
    let mut second = record(1, 1, 1, 1);
    second.instance.version = 2;
    let mark = Watermark { store: store(2), pack: 1, offset: 1 };
    apply(&database, &[second], Some(mark)).await.unwrap();
    // Below the second version there is nothing to be had either: it would not be the newest.
    assert_eq!(claims(&database, 2, &[(1, 1), (1, 2), (1, 3)]).await, BTreeSet::from([(instance(1), 3)]));
    assert_eq!(claims(&database, 1, &[(1, 1), (2, 1)]).await, BTreeSet::from([(instance(2), 1)]));
}

async fn a_store_that_starts_anew_gives_up_its_claims_and_no_others(database: Database) {
    for of in [1, 2] {
        claims(&database, of, &[(u64::from(of), 1)]).await;
    }
    database.execute(vec![give_up(store(1))]).await.unwrap();
    assert_eq!(claims(&database, 3, &[(1, 1), (2, 1)]).await, BTreeSet::from([(instance(1), 1)]));
    let count = Statement::new("SELECT count(*) FROM version_claim", vec![]);
    assert_eq!(database.query(count).await.unwrap()[0].get_i64(0), Ok(2));
}
