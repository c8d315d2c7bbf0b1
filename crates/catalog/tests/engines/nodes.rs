//! Nodes say where the others reach them.

use crate::on_both_engines;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::nodes::{Node, NodeDoor, NodeNotice, all, announce};
use yingdun_catalog::catalogue::{stores, wipe};

on_both_engines! { Catalogue:
    a_node_is_found_where_it_said_last_and_not_any_more_when_it_has_closed,
    what_nodes_say_outlives_the_rows_that_are_derived_from_packs,
    a_store_that_nobody_entered_is_known_only_while_there_is_no_other,
}

fn door(address: &str, certificate: u8) -> NodeDoor {
    NodeDoor { address: address.to_owned(), certificate_sha256: [certificate; 32] }
}

fn at(door: NodeDoor) -> NodeNotice {
    NodeNotice { door: Some(door), log: Some("h.example/log".to_owned()), program: Some("1.2.3".to_owned()) }
}

async fn a_node_is_found_where_it_said_last_and_not_any_more_when_it_has_closed(database: Database) {
    assert_eq!(all(&database).await, Ok(vec![]));
    let one = stores::enter(&database, &[1; 16]).await.unwrap();
    let other = stores::enter(&database, &[2; 16]).await.unwrap();
    let (here, there) = (at(door("https://a:8443", 1)), at(door("https://b:8443", 2)));
    announce(&database, other, &there).await.unwrap();
    announce(&database, one, &at(door("https://old:8443", 7))).await.unwrap();
    announce(&database, one, &here).await.unwrap();
    let node = |store, id, said| Node { store, id: [id; 16], said };
    let both = vec![node(one, 1, here), node(other, 2, there.clone())];
    assert_eq!(all(&database).await, Ok(both));
    announce(&database, one, &NodeNotice::default()).await.unwrap();
    let closed = vec![node(one, 1, NodeNotice::default()), node(other, 2, there)];
    assert_eq!(all(&database).await, Ok(closed));
}

async fn what_nodes_say_outlives_the_rows_that_are_derived_from_packs(database: Database) {
    let store = stores::enter(&database, &[1; 16]).await.unwrap();
    announce(&database, store, &at(door("https://a:8443", 1))).await.unwrap();
    wipe(&database).await.unwrap();
    assert_eq!(all(&database).await.unwrap().len(), 1);
}

async fn a_store_that_nobody_entered_is_known_only_while_there_is_no_other(database: Database) {
    assert_eq!(stores::is_known(&database, &[1; 16]).await, Ok(true));
    assert_eq!(stores::is_known(&database, &[2; 16]).await, Ok(false));
    stores::enter(&database, &[2; 16]).await.unwrap();
    for id in [1, 2] {
        assert_eq!(stores::is_known(&database, &[id; 16]).await, Ok(true));
    }
    assert_eq!(stores::is_known(&database, &[3; 16]).await, Ok(false));
}
