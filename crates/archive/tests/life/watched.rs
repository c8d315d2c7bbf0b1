//! Somebody is stopped while somebody else, or the same person, opens something.

use crate::house::House;
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{Given, Noticed, Opening, Watch, Watched};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Stop};

crate::on_both_engines! {
    what_is_still_permitted_opens_while_something_is_stopped
}

/// Stops exports of whoever opens anything, with every opening.
#[derive(Debug)]
struct NoExports;

impl Watch for NoExports {
    fn opening(&self, opening: &Opening<'_>) -> Watched {
        let noticed = Noticed {
            code: "monitor-limit",
            step: "suspend-export",
            measure: Some("patients"),
            counted: 1,
            at_most: 0,
            within_minutes: 60,
            stops: Some((Stop::Export, opening.now.after(Duration::from_secs(60)))),
            holds_until: None,
        };
        Watched { stopped: false, asks: None, noticed: vec![noticed] }
    }

    fn given(&self, _: &Given<'_>) -> Watched {
        Watched::default()
    }

    fn forgive(&self, _: &InstitutionId, _: &ActorId, _: ActorKind) {}
}

/// The decision is due anew when anything is stopped. It was answered as if the keys were out of reach.
async fn what_is_still_permitted_opens_while_something_is_stopped(mut house: House) {
    house.watch = Arc::new(NoExports);
    let open = house.open().await;
    let study = Study::new(90, Kind::Sr);
    let instance = study.instance(0);
    open.store(&instance).await.unwrap();
    let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
    assert!(back == instance.data_set);
    assert_eq!(open.archive.key_unwraps(), open.access_leaves().await, "promise I1");
}
