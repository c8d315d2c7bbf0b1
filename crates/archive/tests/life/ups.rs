//! The unified worklist: claimed by one, performed under its lock, watched by subscribers, and gone in the end.

use crate::House;
use crate::house::{Open, institution};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::timeout;
use yingdun_access::Session;
use yingdun_archive::{
    CHANNEL_REPORTS_MAX, ChannelEnd, EventChannel, Include, SubscriptionTarget, WorkitemError, WorkitemKey,
    WorkitemSearch,
};
use yingdun_audit::{Filter, Outcome};
use yingdun_catalog::Statement;
use yingdun_dicom::dictionary::tag_of_name;
use yingdun_model::{Action, AeTitle, Clock, SystemClock, Uid, WorkitemState};

crate::on_both_engines! {
    a_workitem_is_performed_under_a_lock_that_nothing_shows
    of_many_claimers_at_the_same_time_one_wins
    workitems_are_found_by_state_start_patient_order_and_station
    subscribers_are_told_of_each_change_in_order
    subscriptions_belong_to_their_account_and_survive_a_restart
    a_subscriber_that_does_not_keep_up_or_may_not_read_any_more_loses_its_channel
    ended_workitems_leave_unless_somebody_locks_them
}

use WorkitemState::{Canceled, Completed, InProgress};

pub(crate) fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

pub(crate) fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn code(value: &str) -> Value {
    json!({
        "00080100": {"vr": "SH", "Value": [value]},
        "00080102": {"vr": "SH", "Value": ["99TEST"]},
        "00080104": {"vr": "LO", "Value": [value]},
    })
}

fn workitem(patient: &str, name: &str, station: &str, start: &str) -> Map<String, Value> {
    object(json!({
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": ["MEDIUM"]},
        "00741204": {"vr": "LO", "Value": ["read the study"]},
        "00404005": {"vr": "DT", "Value": [start]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
        "00404025": {"vr": "SQ", "Value": [code(station)]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": name, "Ideographic": "王^芳"}]},
        "00100020": {"vr": "LO", "Value": [patient]},
        "0040A370": {"vr": "SQ", "Value": [{"00080050": {"vr": "SH", "Value": [format!("ACC-{patient}")]}}]},
    }))
}

/// What a performer says before it completes.
fn performed() -> Map<String, Value> {
    object(json!({"00741216": {"vr": "SQ", "Value": [{
        "00404028": {"vr": "SQ"},
        "00404019": {"vr": "SQ", "Value": [code("read")]},
        "00404050": {"vr": "DT", "Value": ["20260301090000"]},
        "00404051": {"vr": "DT", "Value": ["20260301091000"]},
        "00404033": {"vr": "SQ"},
    }]}}))
}

impl Open {
    pub(crate) async fn schedule(&self, number: &str, patient: &str, station: &str, start: &str) -> Uid {
        let created = self
            .archive
            .create_workitem(&self.ris, Some(uid(number)), workitem(patient, "Wang^Fang", station, start))
            .await
            .unwrap();
        assert!(created.modified, "a worklist label was filled in");
        created.uid
    }

    pub(crate) async fn to(
        &self,
        workitem: &Uid,
        lock: &str,
        state: WorkitemState,
    ) -> Result<Option<WorkitemState>, WorkitemError> {
        self.archive.change_workitem_state(&self.ris, workitem, Some(&uid(lock)), state).await
    }

    async fn found(&self, keys: &[(&str, &str)]) -> Vec<String> {
        let search = WorkitemSearch {
            keys: keys.iter().map(|(path, value)| key(path, value)).collect(),
            include: Include::Default,
            offset: 0,
            limit: 100,
        };
        let found = self.archive.search_workitems(&self.ris, &search).await.unwrap();
        found.rows.iter().map(|row| row["00080018"]["Value"][0].as_str().unwrap().to_owned()).collect()
    }
}

fn key(path: &str, value: &str) -> WorkitemKey {
    let path = path.split('.').map(|name| tag_of_name(name).unwrap()).collect();
    WorkitemKey { path, value: value.to_owned() }
}

/// The next report: workitem, event type, state where it is one.
pub(crate) async fn told(channel: &mut EventChannel) -> (String, u64, String) {
    let message = timeout(Duration::from_secs(60), channel.next()).await.unwrap().unwrap();
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["00000002"]["Value"][0], "1.2.840.10008.5.1.4.34.6.1");
    let text = |tag: &str| message[tag]["Value"][0].as_str().unwrap_or_default().to_owned();
    (text("00001000"), message["00001002"]["Value"][0].as_u64().unwrap(), text("00741000"))
}

pub(crate) fn report(workitem: &Uid, event: u64, state: &str) -> (String, u64, String) {
    (workitem.to_string(), event, state.to_owned())
}

async fn a_workitem_is_performed_under_a_lock_that_nothing_shows(house: House) {
    let open = house.open().await;
    let archive = &open.archive;
    let item = open.schedule("1.2.1", "P1", "CT01", "20260301083000").await;
    let again =
        archive.create_workitem(&open.ris, Some(item.clone()), workitem("P1", "Wang", "A", "20260301")).await;
    assert!(matches!(again, Err(WorkitemError::Exists)), "{again:?}");
    let nameless =
        archive.create_workitem(&open.ris, None, workitem("P1", "Wang", "A", "20260301")).await.unwrap();
    assert!(nameless.uid.as_str().starts_with("2.25."));

    // Who has not claimed it cannot end it.
    assert!(matches!(open.to(&item, "2.25.7", Completed).await, Err(WorkitemError::State(_))));
    let unlocked = archive.change_workitem_state(&open.ris, &item, None, InProgress).await;
    assert!(matches!(unlocked, Err(WorkitemError::TransactionMissing)));
    assert_eq!(open.to(&item, "2.25.7", InProgress).await.unwrap(), None);
    assert!(matches!(open.to(&item, "2.25.8", InProgress).await, Err(WorkitemError::State(InProgress))));

    let update = |lock: Option<&'static str>, changes| {
        let item = item.clone();
        let (archive, session) = (archive.clone(), open.ris.clone());
        async move { archive.update_workitem(&session, &item, lock.map(uid).as_ref(), changes).await }
    };
    assert!(matches!(update(None, performed()).await, Err(WorkitemError::TransactionMissing)));
    assert!(matches!(update(Some("2.25.8"), performed()).await, Err(WorkitemError::TransactionIncorrect)));
    assert!(matches!(open.to(&item, "2.25.7", Completed).await, Err(WorkitemError::NotFinal(_))));
    let patient = object(json!({"00100020": {"vr": "LO", "Value": ["P2"]}}));
    assert!(matches!(update(Some("2.25.7"), patient).await, Err(WorkitemError::Invalid(_))));
    update(Some("2.25.7"), performed()).await.unwrap();
    assert!(matches!(open.to(&item, "2.25.8", Completed).await, Err(WorkitemError::TransactionIncorrect)));
    assert_eq!(open.to(&item, "2.25.7", Completed).await.unwrap(), None);
    assert_eq!(open.to(&item, "2.25.7", Completed).await.unwrap(), Some(Completed));
    assert!(matches!(open.to(&item, "2.25.7", Canceled).await, Err(WorkitemError::State(Completed))));
    assert!(matches!(update(Some("2.25.7"), performed()).await, Err(WorkitemError::State(Completed))));
    let cancelled = archive.request_workitem_cancellation(&open.ris, &item, &Map::new()).await;
    assert!(matches!(cancelled, Err(WorkitemError::Completed)));

    let shown = Value::Object(archive.workitem(&open.ris, &item).await.unwrap()).to_string();
    assert!(!shown.contains("00081195") && !shown.contains("2.25.7"), "the lock is shown");
    let all = WorkitemSearch { keys: vec![], include: Include::All, offset: 0, limit: 10 };
    let found = archive.search_workitems(&open.ris, &all).await.unwrap();
    assert!(found.rows.iter().all(|row| !row.contains_key("00081195")));
    let asked = WorkitemSearch { keys: vec![key("TransactionUID", "2.25.7")], ..all };
    assert!(matches!(archive.search_workitems(&open.ris, &asked).await, Err(WorkitemError::Invalid(_))));

    let nowhere = archive.workitem(&open.ris, &uid("1.2.404")).await;
    assert!(matches!(nowhere, Err(WorkitemError::NotFound)));
    let refused = archive.workitem(&open.gateway, &item).await;
    assert!(matches!(refused, Err(WorkitemError::Refused { .. })));
    let refused = archive.create_workitem(&open.gateway, None, workitem("P", "A", "B", "20260301")).await;
    assert!(matches!(refused, Err(WorkitemError::Refused { .. })));

    open.log.checkpoint().await.unwrap();
    let leaves: Vec<_> =
        open.log.reader().search(Filter::default()).map(|found| found.unwrap().leaf).collect();
    let changes = |outcome| {
        let of = leaves.iter().filter(|leaf| leaf.action == Some(Action::ManageWorklist));
        of.filter(|leaf| leaf.outcome == outcome).count()
    };
    // Two created, claimed, updated, completed; one created again.
    assert_eq!([Outcome::Succeeded, Outcome::Failed, Outcome::Refused].map(changes), [5, 1, 1]);
    let patient = open.archive.patient_reference(&institution(), "", "P1").await.unwrap();
    assert!(leaves.iter().any(|leaf| leaf.patient == Some(patient)));
}

async fn of_many_claimers_at_the_same_time_one_wins(house: House) {
    let open = house.open().await;
    let item = open.schedule("1.2.1", "P1", "CT01", "20260301").await;
    let claims = (0..16).map(|number| {
        let (archive, session, item) = (open.archive.clone(), open.ris.clone(), item.clone());
        tokio::spawn(async move {
            let lock = uid(&format!("2.25.{number}"));
            let won = archive.change_workitem_state(&session, &item, Some(&lock), InProgress).await;
            (lock, won)
        })
    });
    let (mut winners, mut slower) = (Vec::new(), 0);
    for claim in futures_util::future::join_all(claims).await {
        let (lock, claimed) = claim.unwrap();
        slower += usize::from(matches!(claimed, Err(WorkitemError::State(InProgress))));
        winners.extend(claimed.ok().map(|_| lock));
    }
    assert_eq!((winners.len(), slower), (1, 15));
    let winner = &winners[0];
    open.archive.update_workitem(&open.ris, &item, Some(winner), performed()).await.unwrap();
}

async fn workitems_are_found_by_state_start_patient_order_and_station(house: House) {
    let open = house.open().await;
    for (number, patient, station, start) in [
        ("1.2.3", "P3", "MR01", "20260302"),
        ("1.2.1", "P1", "CT01", "20260301083000"),
        ("1.2.2", "P2", "CT01", "20260301090000"),
    ] {
        open.schedule(number, patient, station, start).await;
    }
    open.to(&uid("1.2.2"), "2.25.1", InProgress).await.unwrap();
    for (keys, expected) in [
        (&[][..], &["1.2.1", "1.2.2", "1.2.3"][..]),
        (&[("ProcedureStepState", "SCHEDULED")], &["1.2.1", "1.2.3"]),
        (&[("ProcedureStepState", "IN PROGRESS")], &["1.2.2"]),
        (&[("ScheduledProcedureStepStartDateTime", "20260301")], &["1.2.1", "1.2.2"]),
        (&[("ScheduledProcedureStepStartDateTime", "202603010845-")], &["1.2.2", "1.2.3"]),
        (&[("PatientID", "P3")], &["1.2.3"]),
        (&[("PatientName", "wang*")], &["1.2.1", "1.2.2", "1.2.3"]),
        (&[("PatientName", "Li*")], &[]),
        (&[("ReferencedRequestSequence.AccessionNumber", "ACC-P2")], &["1.2.2"]),
        (&[("ScheduledStationNameCodeSequence.CodeValue", "MR01")], &["1.2.3"]),
        (&[("SOPInstanceUID", "1.2.1")], &["1.2.1"]),
        (&[("WorklistLabel", "WORKLIST"), ("PatientID", "P1")], &["1.2.1"]),
    ] {
        assert_eq!(open.found(keys).await, expected, "{keys:?}");
    }
    let page = WorkitemSearch { keys: vec![], include: Include::Default, offset: 1, limit: 1 };
    let found = open.archive.search_workitems(&open.ris, &page).await.unwrap();
    assert!(found.more && found.rows.len() == 1);
    assert_eq!(found.rows[0]["00080018"]["Value"][0], "1.2.2");
    assert!(!found.rows[0].contains_key("00404021"), "inputs are not among the default attributes");
}

async fn subscribers_are_told_of_each_change_in_order(house: House) {
    let open = house.open().await;
    let (archive, ris, all) = (&open.archive, &open.ris, SubscriptionTarget::All);
    archive.subscribe_to_workitems(ris, &title("WATCHER"), &all, false).await.unwrap();
    let mut channel = archive.open_event_channel(ris, title("WATCHER")).await.unwrap();
    let item = open.schedule("1.2.1", "P1", "CT01", "20260301").await;
    open.to(&item, "2.25.7", InProgress).await.unwrap();
    let progress =
        object(json!({"00741002": {"vr": "SQ", "Value": [{"00741004": {"vr": "DS", "Value": [50]}}]}}));
    archive.update_workitem(ris, &item, Some(&uid("2.25.7")), progress).await.unwrap();
    let words = object(json!({"00741238": {"vr": "LT", "Value": ["the patient has left"]}}));
    assert!(!archive.request_workitem_cancellation(ris, &item, &words).await.unwrap());
    archive.update_workitem(ris, &item, Some(&uid("2.25.7")), performed()).await.unwrap();
    open.to(&item, "2.25.7", Completed).await.unwrap();
    for (event, state) in [(1, "SCHEDULED"), (5, ""), (1, "IN PROGRESS"), (3, ""), (2, ""), (1, "COMPLETED")]
    {
        assert_eq!(told(&mut channel).await, report(&item, event, state));
    }

    // Suspended: told of what there is, not of what is to come.
    let second = open.schedule("1.2.2", "P2", "CT01", "20260302").await;
    archive.suspend_workitem_subscription(ris, &title("WATCHER")).await.unwrap();
    let third = open.schedule("1.2.3", "P3", "CT01", "20260302").await;
    assert!(!archive.request_workitem_cancellation(ris, &third, &Map::new()).await.unwrap());
    assert!(archive.request_workitem_cancellation(ris, &third, &Map::new()).await.unwrap(), "already");
    assert!(!archive.request_workitem_cancellation(ris, &second, &words).await.unwrap());
    for (event, state) in [(1, "SCHEDULED"), (5, ""), (1, "IN PROGRESS"), (1, "CANCELED")] {
        assert_eq!(told(&mut channel).await, report(&second, event, state));
    }
    let shown = archive.workitem(ris, &second).await.unwrap();
    let progress = &shown["00741002"]["Value"][0];
    assert_eq!(progress["00741238"]["Value"][0], "the patient has left");
    assert_eq!(progress["0074100E"]["Value"][0]["00080100"]["Value"][0], "110513");

    // One workitem, whose state is told at once; and nobody to tell is a refusal.
    let fourth = open.schedule("1.2.4", "P4", "CT01", "20260302").await;
    open.to(&fourth, "2.25.9", InProgress).await.unwrap();
    let alone = archive.request_workitem_cancellation(ris, &fourth, &Map::new()).await;
    assert!(matches!(alone, Err(WorkitemError::NoPerformer)), "{alone:?}");
    let one = SubscriptionTarget::Workitem(fourth.clone());
    archive.subscribe_to_workitems(ris, &title("WATCHER"), &one, false).await.unwrap();
    assert_eq!(told(&mut channel).await, report(&fourth, 1, "IN PROGRESS"));
    archive.unsubscribe_from_workitems(ris, &title("WATCHER"), &one).await.unwrap();
    let twice = archive.unsubscribe_from_workitems(ris, &title("WATCHER"), &one).await;
    assert!(matches!(twice, Err(WorkitemError::NotSubscribed)), "{twice:?}");
    archive.unsubscribe_from_workitems(ris, &title("WATCHER"), &all).await.unwrap();
    assert_eq!(channel.next().await, Err(ChannelEnd::Unsubscribed));
}

async fn subscriptions_belong_to_their_account_and_survive_a_restart(house: House) {
    let matching =
        SubscriptionTarget::Matching(vec![key("ScheduledStationNameCodeSequence.CodeValue", "MR01")]);
    {
        let open = house.open().await;
        let archive = &open.archive;
        let mine = open.schedule("1.2.1", "P1", "MR01", "20260301").await;
        archive.subscribe_to_workitems(&open.ris, &title("MR01"), &matching, true).await.unwrap();
        let other = open.technician("li").await;
        let foreign =
            archive.subscribe_to_workitems(&other, &title("MR01"), &SubscriptionTarget::All, false).await;
        assert!(matches!(foreign, Err(WorkitemError::ForeignSubscriber)), "{foreign:?}");
        let foreign = archive.open_event_channel(&other, title("MR01")).await;
        assert!(matches!(foreign, Err(WorkitemError::ForeignSubscriber)));
        let foreign = archive.unsubscribe_from_workitems(&other, &title("MR01"), &matching).await;
        assert!(matches!(foreign, Err(WorkitemError::ForeignSubscriber)));
        let unknown = archive.open_event_channel(&other, title("NOBODY")).await;
        assert!(matches!(unknown, Err(WorkitemError::NotSubscribed)));
        let refused = archive.open_event_channel(&open.gateway, title("MR01")).await;
        assert!(matches!(refused, Err(WorkitemError::Refused { .. })));
        let one = SubscriptionTarget::Workitem(mine);
        archive.subscribe_to_workitems(&other, &title("LI"), &one, false).await.unwrap();
        open.archive.close().await;
    }
    let open = house.open().await;
    let archive = &open.archive;
    let mut channel = archive.open_event_channel(&open.ris, title("MR01")).await.unwrap();
    open.schedule("1.2.2", "P2", "CT01", "20260301").await;
    let third = open.schedule("1.2.3", "P3", "MR01", "20260301").await;
    open.to(&uid("1.2.1"), "2.25.1", InProgress).await.unwrap();
    for expected in
        [report(&third, 1, "SCHEDULED"), report(&third, 5, ""), report(&uid("1.2.1"), 1, "IN PROGRESS")]
    {
        assert_eq!(told(&mut channel).await, expected);
    }
    // A second channel takes the place of the first.
    let mut second = archive.open_event_channel(&open.ris, title("MR01")).await.unwrap();
    assert_eq!(channel.next().await, Err(ChannelEnd::Replaced));
    channel.close().await.unwrap();
    open.to(&third, "2.25.2", InProgress).await.unwrap();
    assert_eq!(told(&mut second).await, report(&third, 1, "IN PROGRESS"));
    // A title is free again when nothing is subscribed with it.
    archive.unsubscribe_from_workitems(&open.ris, &title("MR01"), &matching).await.unwrap();
    let other = open.technician("wu").await;
    archive.subscribe_to_workitems(&other, &title("MR01"), &SubscriptionTarget::All, false).await.unwrap();
}

async fn a_subscriber_that_does_not_keep_up_or_may_not_read_any_more_loses_its_channel(house: House) {
    let open = house.open().await;
    let archive = &open.archive;
    for number in 0..50 {
        open.schedule(&format!("1.2.{number}"), "P1", "CT01", "20260301").await;
    }
    let all = SubscriptionTarget::All;
    archive.subscribe_to_workitems(&open.ris, &title("SLOW"), &all, false).await.unwrap();
    let person = open.technician("li").await;
    archive.subscribe_to_workitems(&person, &title("LI"), &all, false).await.unwrap();
    let mut slow = archive.open_event_channel(&open.ris, title("SLOW")).await.unwrap();
    let mut watched = archive.open_event_channel(&person, title("LI")).await.unwrap();
    // Who locks all workitems is told the state of each.
    let slow_title = title("SLOW");
    let tell_fifty = || archive.subscribe_to_workitems(&open.ris, &slow_title, &all, true);
    for _ in 0..CHANNEL_REPORTS_MAX / 50 {
        tell_fifty().await.unwrap();
    }
    slow.next().await.unwrap();
    tell_fifty().await.unwrap();
    tell_fifty().await.unwrap();
    let mut held = 0;
    let ended = loop {
        match slow.next().await {
            Ok(_) => held += 1,
            Err(end) => break end,
        }
    };
    assert!(ended == ChannelEnd::Slow && held < 100, "{ended:?} after {held}");
    let kept = Statement::new("SELECT count(*) FROM ups_report", vec![]);
    assert_eq!(open.catalogue.query(kept).await.unwrap()[0].get_number(0), Ok(CHANNEL_REPORTS_MAX));
    // It looks what there is, opens another one, and is told of what comes.
    let mut anew = archive.open_event_channel(&open.ris, title("SLOW")).await.unwrap();
    open.to(&uid("1.2.7"), "2.25.1", InProgress).await.unwrap();
    assert_eq!(told(&mut anew).await, report(&uid("1.2.7"), 1, "IN PROGRESS"));
    assert_eq!(told(&mut watched).await, report(&uid("1.2.7"), 1, "IN PROGRESS"));

    open.access.revoke(&person).await.unwrap();
    let ended = timeout(Duration::from_secs(60), watched.next()).await.unwrap();
    assert_eq!(ended, Err(ChannelEnd::Refused));
}

async fn ended_workitems_leave_unless_somebody_locks_them(house: House) {
    let open = house.open().await;
    let (archive, ris): (_, &Session) = (&open.archive, &open.ris);
    let mut items = Vec::new();
    for number in 1..=3 {
        items.push(open.schedule(&format!("1.2.{number}"), "P1", "CT01", "20260301").await);
    }
    let locked = SubscriptionTarget::Workitem(items[1].clone());
    archive.subscribe_to_workitems(ris, &title("KEEPER"), &locked, true).await.unwrap();
    for item in &items[..2] {
        assert!(!archive.request_workitem_cancellation(ris, item, &Map::new()).await.unwrap());
    }
    let later = SystemClock.now().after(Duration::from_secs(1));
    assert_eq!(archive.remove_ended_workitems(later).await.unwrap(), 1);
    assert!(matches!(archive.workitem(ris, &items[0]).await, Err(WorkitemError::Gone)));
    let again =
        archive.create_workitem(ris, Some(items[0].clone()), workitem("P", "A", "B", "20260301")).await;
    assert!(matches!(again, Err(WorkitemError::Exists)), "{again:?}");
    archive.workitem(ris, &items[1]).await.unwrap();
    archive.unsubscribe_from_workitems(ris, &title("KEEPER"), &locked).await.unwrap();
    assert_eq!(archive.remove_ended_workitems(later).await.unwrap(), 1);
    assert_eq!(open.found(&[]).await, ["1.2.3"]);
}
