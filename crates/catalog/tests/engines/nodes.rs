//! Nodes say where the others reach them.

use crate::on_both_engines;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::nodes::{Node, NodeDoor, all, announce};
use yingdun_catalog::catalogue::{stores, wipe};

on_both_engines! { Catalogue:
    a_node_is_found_where_it_said_last_and_not_any_more_when_it_has_closed,
    what_nodes_say_outlives_the_rows_that_are_derived_from_packs,
}

fn door(address: &str, certificate: u8) -> NodeDoor {
    NodeDoor { address: address.to_owned(), certificate_sha256: [certificate; 32] }
}

async fn a_node_is_found_where_it_said_last_and_not_any_more_when_it_has_closed(database: Database) {
    assert_eq!(all(&database).await, Ok(vec![]));
    let one = stores::enter(&database, &[1; 16]).await.unwrap();
    let other = stores::enter(&database, &[2; 16]).await.unwrap();
    let (here, there) = (door("https://a:8443", 1), door("https://b:8443", 2));
    announce(&database, other, Some(&there)).await.unwrap();
    announce(&database, one, Some(&door("https://old:8443", 7))).await.unwrap();
    announce(&database, one, Some(&here)).await.unwrap();
    let node = |store, id, door| Node { store, id: [id; 16], door };
    let both = vec![node(one, 1, Some(here)), node(other, 2, Some(there.clone()))];
    assert_eq!(all(&database).await, Ok(both));
    announce(&database, one, None).await.unwrap();
    assert_eq!(all(&database).await, Ok(vec![node(one, 1, None), node(other, 2, Some(there))]));
}

async fn what_nodes_say_outlives_the_rows_that_are_derived_from_packs(database: Database) {
    let store = stores::enter(&database, &[1; 16]).await.unwrap();
    announce(&database, store, Some(&door("https://a:8443", 1))).await.unwrap();
    wipe(&database).await.unwrap();
    assert_eq!(all(&database).await.unwrap().len(), 1);
}
