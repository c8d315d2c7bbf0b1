//! A catalogue is filled from the packs of one store.

use crate::on_both_engines;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::owner::claim;

on_both_engines! { Catalogue: a_catalogue_belongs_to_the_store_that_claimed_it_first }

async fn a_catalogue_belongs_to_the_store_that_claimed_it_first(database: Database) {
    let (ours, theirs) = ([1; 16], [2; 16]);
    assert!(claim(&database, &ours).await.unwrap());
    assert!(!claim(&database, &theirs).await.unwrap());
    assert!(claim(&database, &ours).await.unwrap(), "also after another one tried");
}
