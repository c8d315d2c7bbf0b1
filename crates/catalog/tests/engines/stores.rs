//! The stores that a catalogue is filled from have numbers of their own.

use crate::on_both_engines;
use std::collections::BTreeSet;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::stores::{enter, find, is_known};
use yingdun_catalog::catalogue::{Batch, Watermark, apply, watermark};
use yingdun_model::StoreNumber;

on_both_engines! { Catalogue:
    a_catalogue_belongs_to_the_store_that_came_first,
    stores_that_come_together_have_numbers_of_their_own_and_keep_them,
    the_watermarks_of_two_stores_do_not_meet,
}

async fn a_catalogue_belongs_to_the_store_that_came_first(database: Database) {
    let (ours, theirs) = ([1; 16], [2; 16]);
    assert_eq!(find(&database, &ours).await, Ok(None));
    assert!(is_known(&database, &ours).await.unwrap());
    assert!(!is_known(&database, &theirs).await.unwrap());
    assert!(is_known(&database, &ours).await.unwrap(), "also after another one tried");
    assert_eq!(find(&database, &ours).await, Ok(Some(StoreNumber::FIRST)));
    assert_eq!(enter(&database, &ours).await, Ok(StoreNumber::FIRST));
}

async fn stores_that_come_together_have_numbers_of_their_own_and_keep_them(database: Database) {
    let come = |database: &Database| {
        let tasks: Vec<_> = (0..8_u8)
            .map(|store| {
                let database = database.clone();
                tokio::spawn(async move { enter(&database, &[store; 16]).await.unwrap() })
            })
            .collect();
        async {
            let mut numbers = Vec::new();
            for task in tasks {
                numbers.push(task.await.unwrap());
            }
            numbers
        }
    };
    let numbers = come(&database).await;
    let distinct: BTreeSet<u32> = numbers.iter().map(|number| number.get()).collect();
    assert_eq!(distinct, (1..=8).collect());
    assert_eq!(come(&database).await, numbers);
}

async fn the_watermarks_of_two_stores_do_not_meet(database: Database) {
    let second = StoreNumber::new(2).unwrap();
    let marks =
        [(StoreNumber::FIRST, 9), (second, 3)].map(|(store, pack)| Watermark { store, pack, offset: 5 });
    for mark in marks.clone() {
        apply(&database, &Batch::default(), Some(mark)).await.unwrap();
    }
    for mark in marks {
        assert_eq!(watermark(&database, mark.store).await, Ok(Some(mark)));
    }
    assert_eq!(watermark(&database, StoreNumber::new(3).unwrap()).await, Ok(None));
}
