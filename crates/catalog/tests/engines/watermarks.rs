//! How far the packs of a store are applied, and a catalogue that is emptied under who fills it.

use crate::on_both_engines;
use yingdun_catalog::catalogue::{Batch, Watermark, apply, begin, reaches, watermark, wipe};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::StoreNumber;

on_both_engines! { Catalogue:
    a_watermark_moves_for_who_knows_it_and_never_over_what_was_taken_away,
}

fn at(pack: u64, offset: u64) -> Watermark {
    Watermark { store: StoreNumber::FIRST, pack, offset }
}

async fn a_watermark_moves_for_who_knows_it_and_never_over_what_was_taken_away(database: Database) {
    let go_on = async |known: Watermark, to: Watermark| {
        apply(&database, &Batch { goes_on: Some(known), ..Batch::default() }, Some(to)).await
    };
    let gone = |answer: &Result<(), CatalogError>| matches!(answer, Err(CatalogError::UnexpectedRows { .. }));
    let now = async || watermark(&database, StoreNumber::FIRST).await.unwrap();
    assert!(gone(&go_on(at(0, 0), at(1, 8)).await), "nobody has begun");
    for _ in 0..2 {
        begin(&database, StoreNumber::FIRST).await.unwrap();
    }
    go_on(at(0, 0), at(1, 8)).await.unwrap();
    go_on(at(1, 8), at(2, 4)).await.unwrap();
    // One whose answer was lost comes again; it goes forward only.
    go_on(at(1, 8), at(2, 4)).await.unwrap();
    go_on(at(1, 8), at(1, 9)).await.unwrap();
    assert_eq!(now().await, Some(at(2, 4)));
    begin(&database, StoreNumber::FIRST).await.unwrap();
    assert_eq!((now().await, reaches(&database, &at(2, 4)).await), (Some(at(2, 4)), Ok(true)));
    // An older copy.
    assert!(gone(&go_on(at(2, 5), at(3, 0)).await));
    assert_eq!(reaches(&database, &at(2, 5)).await, Ok(false));
    wipe(&database).await.unwrap();
    assert!(gone(&go_on(at(2, 4), at(3, 0)).await));
    assert_eq!((now().await, reaches(&database, &at(0, 0)).await), (None, Ok(false)));
}
