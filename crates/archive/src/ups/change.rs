//! What changes workitems: creation, update, change of state, request of cancellation. Each is decided, checked, made
//! durable with what subscribers are told of it, and written down, in this order.

use super::attributes::{self, UPS_PUSH, put, values, word};
use super::check;
use super::item::{Workitem, date_time, lock_digest, names_a_day};
use super::report::{CANCELLATION_WORDS, Report};
use super::state::{self, Cancellation, Change};
use super::subscribe::{ALL_WORKITEMS, MATCHING_WORKITEMS, open_filter};
use super::{Created, Keeper, ROSTER_ATTEMPTS_MAX, WorkitemError, attempt, not_read, rosters_change};
use crate::shared::Core;
use serde_json::{Map, Value, json};
use yingdun_access::Session;
use yingdun_audit::ReasonCode;
use yingdun_catalog::catalogue::reports::{self, Audience};
use yingdun_catalog::catalogue::subscriptions::{self, SubscriptionScope};
use yingdun_catalog::catalogue::workitems;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_dicom::matching::Keys;
use yingdun_dicom::{Tag, tags};
use yingdun_model::{Timestamp, Uid, WorkitemState};

/// Workitems of one institution that are kept at the same time: a year of a hospital that plans two hundred steps a day.
/// Those that have ended leave by themselves.
pub const WORKITEMS_MAX: u64 = 100_000;

/// Characters of Requesting AE (0074,1236), VR AE.
const REQUESTER_CHARACTERS_MAX: usize = 16;

const REASON_CODES: Tag = tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE;

const CREATED: ReasonCode = ReasonCode::new("workitem-created");
const UPDATED: ReasonCode = ReasonCode::new("workitem-updated");
const STATE_CHANGED: ReasonCode = ReasonCode::new("workitem-state-changed");
const CANCEL_REQUESTED: ReasonCode = ReasonCode::new("workitem-cancel-requested");

/// Creates a workitem (N-CREATE).
pub(crate) async fn create(
    core: &Core,
    session: &Session,
    uid: Option<Uid>,
    mut attributes: Map<String, Value>,
) -> Result<Created, WorkitemError> {
    let keeper = Keeper::who_may_change(core, session).await?;
    let uid = uid_of(uid, &attributes)?;
    check::check(&attributes)?;
    let modified = attributes::complete(&mut attributes)?;
    let start = word(&attributes, tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME).unwrap_or_default();
    check_start(start)?;
    put(&mut attributes, tags::SOP_CLASS_UID, vec![UPS_PUSH.into()]);
    put(&mut attributes, tags::SOP_INSTANCE_UID, vec![uid.as_str().into()]);
    let mut item = Workitem::new(&keeper.keys, uid.clone(), attributes);
    let now = core.clock.now();
    item.set_state(WorkitemState::Scheduled, now);

    let database = core.catalogue.database();
    let institution = session.institution();
    if workitems::was_removed(database, item.reference).await.map_err(not_read)? {
        return Err(WorkitemError::Exists);
    }
    if workitems::count(database, institution).await.map_err(not_read)? >= WORKITEMS_MAX {
        return Err(WorkitemError::Full);
    }
    let (row, tokens) = item.seal(&keeper.keys, now)?;
    let told = Report::of_creation(&item);
    // Nobody subscribes to all that there is between the reading of subscribers and the insertion.
    let _roster = core.ups.roster.read().await;
    let data_set = item.data_set();
    let mut done = Err(rosters_change());
    for _ in 0..ROSTER_ATTEMPTS_MAX {
        let roster = reports::roster(database, institution).await.map_err(not_read)?;
        let mut statements = workitems::insert(&row, &tokens);
        for subscriber in subscriptions::all(database, institution).await.map_err(not_read)? {
            let wanted = match subscriber.scope {
                SubscriptionScope::Specific => false,
                SubscriptionScope::Global => true,
                SubscriptionScope::Filtered => {
                    let set = open_filter(&keeper.keys, &subscriber)?;
                    Keys::read(&set).is_ok_and(|keys| keys.matches(&data_set))
                }
            };
            if wanted {
                let (title, lock) = (&subscriber.title, subscriber.deletion_lock);
                statements.push(subscriptions::subscribe_by_scope(institution, title, item.reference, lock));
            }
        }
        statements.extend(keeper.tell(Audience::SubscribersOf(item.reference), &told, now)?);
        let turn = vec![reports::turn_at(institution, roster)];
        if let Some(tried) = attempt(core, turn, statements).await {
            done = tried;
            break;
        }
    }
    outcome(core, &keeper, &item, done, CREATED).await?;
    Ok(Created { uid, modified })
}

/// Changes attributes of a workitem (N-SET).
pub(crate) async fn update(
    core: &Core,
    session: &Session,
    uid: &Uid,
    transaction: Option<&Uid>,
    changes: Map<String, Value>,
) -> Result<(), WorkitemError> {
    let keeper = Keeper::who_may_change(core, session).await?;
    check::check(&changes)?;
    attributes::check_update(&changes)?;
    if let Some(start) = word(&changes, tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME) {
        check_start(start)?;
    }
    let _turn = core.ups.turn(keeper.keys.pseudonyms.workitem(uid)).await;
    let before = keeper.workitem(core, uid).await?;
    state::update(before.state, before.lock_of(transaction))?;
    let mut after = before.clone();
    after.attributes.extend(changes);
    check::check(&after.attributes)?;
    let now = core.clock.now();
    after.set_state(before.state, now);
    let told = Report::of_update(&before, &after);
    write(core, &keeper, &mut after, now, &told, UPDATED).await
}

/// Changes the state of a workitem (N-ACTION, Change UPS State). Tells the state in which the workitem was already, where
/// nothing changed.
pub(crate) async fn change_state(
    core: &Core,
    session: &Session,
    uid: &Uid,
    transaction: Option<&Uid>,
    to: WorkitemState,
) -> Result<Option<WorkitemState>, WorkitemError> {
    let keeper = Keeper::who_may_change(core, session).await?;
    let _turn = core.ups.turn(keeper.keys.pseudonyms.workitem(uid)).await;
    let mut item = keeper.workitem(core, uid).await?;
    match state::change(item.state, to, item.lock_of(transaction))? {
        Change::Already(state) => return Ok(Some(state)),
        Change::To(WorkitemState::InProgress) => item.lock = transaction.map(lock_digest),
        Change::To(state) => {
            if state == WorkitemState::Canceled {
                note_cancellation(&mut item, &Map::new(), core.clock.now());
            }
            attributes::check_final(&item.attributes, state)?;
        }
    }
    let now = core.clock.now();
    item.set_state(to, now);
    let told = [Report::state(&item)];
    write(core, &keeper, &mut item, now, &told, STATE_CHANGED).await?;
    Ok(None)
}

/// Asks that a workitem be cancelled (N-ACTION, Request UPS Cancel). Tells whether it was cancelled already.
pub(crate) async fn request_cancellation(
    core: &Core,
    session: &Session,
    uid: &Uid,
    words: &Map<String, Value>,
) -> Result<bool, WorkitemError> {
    let keeper = Keeper::who_may_change(core, session).await?;
    check::check(words)?;
    let _turn = core.ups.turn(keeper.keys.pseudonyms.workitem(uid)).await;
    let mut item = keeper.workitem(core, uid).await?;
    let now = core.clock.now();
    match state::cancellation(item.state)? {
        Cancellation::Already => return Ok(true),
        Cancellation::TellPerformer => {
            let database = core.catalogue.database();
            let told = subscriptions::of_workitem(database, item.reference).await.map_err(not_read)?;
            if told.is_empty() {
                return Err(WorkitemError::NoPerformer);
            }
            let requester: String = session.actor().as_str().chars().take(REQUESTER_CHARACTERS_MAX).collect();
            let report = [Report::cancel_requested(&item, &requester, words)];
            keep(core, &keeper, &item, now, Vec::new(), &report, CANCEL_REQUESTED).await?;
        }
        Cancellation::Now => {
            // By way of IN PROGRESS, as the standard wants it seen (PS3.4 §CC.2.2.3).
            let mut claimed = item.clone();
            claimed.set_state(WorkitemState::InProgress, now);
            let mut words = words.clone();
            if !attributes::has_value(&words, REASON_CODES) {
                put(&mut words, REASON_CODES, vec![unspecified_reason()]);
            }
            note_cancellation(&mut item, &words, now);
            attributes::check_final(&item.attributes, WorkitemState::Canceled)?;
            item.set_state(WorkitemState::Canceled, now);
            let told = [Report::state(&claimed), Report::state(&item)];
            write(core, &keeper, &mut item, now, &told, CANCEL_REQUESTED).await?;
        }
    }
    Ok(false)
}

// === helpers ===

/// The UID of a new workitem: from the address, or from the data set, or a new one (PS3.18 §11.4.1.1).
fn uid_of(in_address: Option<Uid>, attributes: &Map<String, Value>) -> Result<Uid, WorkitemError> {
    let refuse = |what: &str| WorkitemError::Invalid(format!("SOPInstanceUID (00080018) {what}"));
    let in_data_set = word(attributes, tags::SOP_INSTANCE_UID)
        .map(|text| Uid::new(text).map_err(|_| refuse("must be a UID")))
        .transpose()?;
    let stands_for_many = |uid: &Uid| [ALL_WORKITEMS, MATCHING_WORKITEMS].contains(&uid.as_str());
    match (in_address, in_data_set) {
        (Some(one), Some(other)) if one != other => Err(refuse("is not that of the address")),
        (Some(uid), _) | (None, Some(uid)) if stands_for_many(&uid) => {
            Err(refuse("stands for more than one workitem"))
        }
        (Some(uid), _) | (None, Some(uid)) => Ok(uid),
        (None, None) => {
            let number = u128::from_be_bytes(yingdun_crypto::random::array());
            Uid::new(&format!("2.25.{number}")).map_err(|_| refuse("cannot be made"))
        }
    }
}

fn check_start(start: &str) -> Result<(), WorkitemError> {
    if names_a_day(start) {
        return Ok(());
    }
    let what = "ScheduledProcedureStepStartDateTime (00404005) must name a day";
    Err(WorkitemError::Invalid(what.to_owned()))
}

/// Writes down in the workitem that it was cancelled, and what the requester says of it, without replacing what the
/// performer said.
fn note_cancellation(item: &mut Workitem, words: &Map<String, Value>, now: Timestamp) {
    let sequence = tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE;
    let mut progress =
        values(&item.attributes, sequence).first().and_then(Value::as_object).cloned().unwrap_or_default();
    let moment = tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME;
    if !attributes::has_value(&progress, moment) {
        put(&mut progress, moment, vec![date_time(now).into()]);
    }
    for tag in CANCELLATION_WORDS {
        if let Some(word) = words.get(&tag.to_hex()).filter(|_| !attributes::has_value(&progress, tag)) {
            progress.insert(tag.to_hex(), word.clone());
        }
    }
    put(&mut item.attributes, sequence, vec![Value::Object(progress)]);
}

/// The reason of a workitem that is cancelled on behalf of somebody who gave none (PS3.16 CID 9300).
fn unspecified_reason() -> Value {
    json!({
        "00080100": {"vr": "SH", "Value": ["110513"]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
    })
}

/// Makes the next revision of a workitem durable, and what its subscribers are told.
async fn write(
    core: &Core,
    keeper: &Keeper<'_>,
    item: &mut Workitem,
    now: Timestamp,
    told: &[Report],
    reason: ReasonCode,
) -> Result<(), WorkitemError> {
    item.revision += 1;
    let (row, tokens) = item.seal(&keeper.keys, now)?;
    keep(core, keeper, item, now, workitems::replace(&row, &tokens), told, reason).await
}

/// Makes changes durable, what subscribers are told of them, and the leaf of their outcome.
async fn keep(
    core: &Core,
    keeper: &Keeper<'_>,
    item: &Workitem,
    now: Timestamp,
    changes: Vec<Statement>,
    told: &[Report],
    reason: ReasonCode,
) -> Result<(), WorkitemError> {
    let mut statements = vec![reports::turn(&keeper.keys.institution)];
    statements.extend(changes);
    statements.extend(keeper.tell(Audience::SubscribersOf(item.reference), told, now)?);
    let done = core.catalogue.database().execute_and_tell(statements).await;
    outcome(core, keeper, item, done.map(drop), reason).await
}

/// Writes down what came of a change.
async fn outcome(
    core: &Core,
    keeper: &Keeper<'_>,
    item: &Workitem,
    done: Result<(), CatalogError>,
    reason: ReasonCode,
) -> Result<(), WorkitemError> {
    keeper.leaf_of_change(core, Some(item), reason, done.is_ok()).await?;
    done.map_err(|error| match error {
        CatalogError::Constraint(_) => WorkitemError::Exists,
        // Another process was faster.
        CatalogError::UnexpectedRows { .. } => WorkitemError::State(item.state),
        other => not_read(other),
    })
}
