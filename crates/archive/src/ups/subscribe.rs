//! Who is told of changes (PS3.4 §CC.2.3, PS3.18 §11.10 to §11.13): subscriptions that survive a restart, and the channels
//! that do not.
//!
//! What is prepared from subscriptions and workitems as they are is prepared anew when another node changes them meanwhile.

use super::channel::{CHANNEL_REPORTS_MAX, EventChannel};
use super::find::{ROWS_READ_MAX, WorkitemKey, identifier, matching};
use super::item::Workitem;
use super::report::Report;
use super::{
    ANSWERED, Keeper, ROSTER_ATTEMPTS_MAX, WorkitemError, attempt, leaf_of_reading, not_read, rosters_change,
};
use crate::error::Unavailable;
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_audit::ReasonCode;
use yingdun_catalog::catalogue::reports::{self, Audience};
use yingdun_catalog::catalogue::subscriptions::{self, Subscriber, SubscriptionScope};
use yingdun_catalog::catalogue::workitems;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::{Context, Sealed};
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_model::{AeTitle, Uid};

/// Subscribers of one institution: every program that works on the worklist. Each costs a comparison at each creation.
pub const SUBSCRIBERS_MAX: usize = 64;

/// Keys of a filter: more than the attributes by which anybody chooses work.
pub const FILTER_KEYS_MAX: usize = 32;

/// The UID under which all workitems are subscribed to (PS3.4 §CC.2.3.1).
pub(super) const ALL_WORKITEMS: &str = "1.2.840.10008.5.1.4.34.5";

/// The UID under which those that match are.
pub(super) const MATCHING_WORKITEMS: &str = "1.2.840.10008.5.1.4.34.5.1";

/// Workitems whose present state is told at once to who locks all of them: half of what may wait for a subscriber.
const INITIAL_REPORTS_MAX: usize = CHANNEL_REPORTS_MAX / 2;

const SUBSCRIBED: ReasonCode = ReasonCode::new("workitem-subscribed");
const UNSUBSCRIBED: ReasonCode = ReasonCode::new("workitem-unsubscribed");
const SUSPENDED: ReasonCode = ReasonCode::new("workitem-subscription-suspended");

/// What is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionTarget {
    /// One workitem.
    Workitem(Uid),
    /// All that there are and all to come.
    All,
    /// Those that match, of the ones that there are and the ones to come. Without keys where nothing is subscribed.
    Matching(Vec<WorkitemKey>),
}

impl SubscriptionTarget {
    /// What a UID stands for. Keys are those of a filter, and mean nothing with another UID.
    #[must_use]
    pub fn of(uid: Uid, keys: Vec<WorkitemKey>) -> Self {
        match uid.as_str() {
            ALL_WORKITEMS => Self::All,
            MATCHING_WORKITEMS => Self::Matching(keys),
            _ => Self::Workitem(uid),
        }
    }
}

/// Subscribes a title. It belongs to the account that subscribes with it first.
pub(crate) async fn subscribe(
    core: &Core,
    session: &Session,
    title: &AeTitle,
    target: &SubscriptionTarget,
    deletion_lock: bool,
) -> Result<(), WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let _roster = core.ups.roster.write().await;
    let (database, institution) = (core.catalogue.database(), session.institution());
    let mut done = Err(rosters_change());
    for _ in 0..ROSTER_ATTEMPTS_MAX {
        let roster = reports::roster(database, institution).await.map_err(not_read)?;
        let (mut changes, told) = prepare(core, &keeper, title, target, deletion_lock).await?;
        let mut same = vec![reports::turn_changing(institution, roster)];
        // A state that is told is the present one: of the next change the title is told as a subscriber.
        same.extend(told.iter().map(|item| workitems::unchanged(item.reference, item.revision)));
        let told: Vec<Report> = told.iter().map(Report::state).collect();
        changes.extend(keeper.tell(Audience::Title(title), &told, core.clock.now())?);
        if let Some(tried) = attempt(core, same, changes).await {
            done = tried;
            break;
        }
    }
    outcome(core, &keeper, done, SUBSCRIBED).await
}

/// Ends the subscription of a title: to one workitem, or to everything.
pub(crate) async fn unsubscribe(
    core: &Core,
    session: &Session,
    title: &AeTitle,
    target: &SubscriptionTarget,
) -> Result<(), WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let institution = session.institution();
    let statements = match target {
        SubscriptionTarget::Workitem(uid) => {
            subscriptions::unsubscribe(institution, title, keeper.keys.pseudonyms.workitem(uid))
        }
        SubscriptionTarget::All | SubscriptionTarget::Matching(_) => {
            subscriptions::unsubscribe_from_all(institution, title)
        }
    };
    change_own(core, &keeper, title, statements, UNSUBSCRIBED).await
}

/// Ends the subscription of a title to workitems to come.
pub(crate) async fn suspend(core: &Core, session: &Session, title: &AeTitle) -> Result<(), WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let statements = subscriptions::suspend(session.institution(), title);
    change_own(core, &keeper, title, statements, SUSPENDED).await
}

/// Opens the channel of a title.
pub(crate) async fn open_channel(
    core: &Arc<Core>,
    session: &Session,
    title: AeTitle,
) -> Result<EventChannel, WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    own(core, session, &title).await?;
    leaf_of_reading(core, session, ANSWERED, None, 0).await?;
    EventChannel::open(core, session, keeper.keys, title, &owner(session)).await
}

/// The filter of a subscriber, as the identifier of a query.
pub(super) fn open_filter(keys: &InstitutionKeys, subscriber: &Subscriber) -> Result<DataSet, WorkitemError> {
    let sealed = Sealed::<Vec<KeptKey>>::from_bytes(subscriber.filter.clone());
    let kept = sealed
        .open(&keys.index, &context(keys, &subscriber.title))
        .map_err(|error| WorkitemError::Unavailable(Unavailable::new("catalogue", error)))?;
    let keys: Vec<WorkitemKey> = kept.into_iter().map(WorkitemKey::from).collect();
    identifier(&keys)
}

// === helpers ===

/// The changes that subscribe a title, and the workitems whose state it is told at once.
async fn prepare(
    core: &Core,
    keeper: &Keeper<'_>,
    title: &AeTitle,
    target: &SubscriptionTarget,
    deletion_lock: bool,
) -> Result<(Vec<Statement>, Vec<Workitem>), WorkitemError> {
    let (session, institution) = (keeper.session, keeper.session.institution());
    let subscribers = subscriptions::all(core.catalogue.database(), institution).await.map_err(not_read)?;
    let known = subscribers.iter().find(|subscriber| subscriber.title == *title);
    match known {
        Some(subscriber) if subscriber.owner != owner(session) => {
            return Err(WorkitemError::ForeignSubscriber);
        }
        None if subscribers.len() >= SUBSCRIBERS_MAX => return Err(WorkitemError::TooManySubscribers),
        Some(_) | None => {}
    }
    let subscriber = |scope, filter| Subscriber {
        institution: institution.clone(),
        title: title.clone(),
        owner: owner(session),
        scope,
        deletion_lock,
        filter,
    };
    match target {
        SubscriptionTarget::Workitem(uid) => {
            let item = keeper.workitem(core, uid).await?;
            let claim = subscriptions::put(&subscriber(SubscriptionScope::Specific, Vec::new()));
            let subscribe = subscriptions::subscribe(institution, title, item.reference, deletion_lock);
            Ok((known.is_none().then_some(claim).into_iter().chain([subscribe]).collect(), vec![item]))
        }
        SubscriptionTarget::All => {
            let claim = subscriptions::put(&subscriber(SubscriptionScope::Global, Vec::new()));
            let told = if deletion_lock {
                matching(core, keeper, &identifier(&[])?, INITIAL_REPORTS_MAX).await?
            } else {
                Vec::new()
            };
            Ok((vec![claim, subscriptions::subscribe_to_all(institution, title, deletion_lock)], told))
        }
        SubscriptionTarget::Matching(keys) => {
            if keys.len() > FILTER_KEYS_MAX {
                let what = format!("a filter has at most {FILTER_KEYS_MAX} keys");
                return Err(WorkitemError::Invalid(what));
            }
            let mut found = matching(core, keeper, &identifier(keys)?, ROWS_READ_MAX).await?;
            let filter = seal_filter(&keeper.keys, title, keys)?;
            let claim = subscriptions::put(&subscriber(SubscriptionScope::Filtered, filter));
            let subscribe = found.iter().map(|item| {
                subscriptions::subscribe_by_scope(institution, title, item.reference, deletion_lock)
            });
            let statements: Vec<Statement> = std::iter::once(claim).chain(subscribe).collect();
            found.truncate(if deletion_lock { INITIAL_REPORTS_MAX } else { 0 });
            Ok((statements, found))
        }
    }
}

/// Changes what the asker's own title is subscribed to.
async fn change_own(
    core: &Core,
    keeper: &Keeper<'_>,
    title: &AeTitle,
    changes: Vec<Statement>,
    reason: ReasonCode,
) -> Result<(), WorkitemError> {
    let _roster = core.ups.roster.write().await;
    let mut done = Err(rosters_change());
    for _ in 0..ROSTER_ATTEMPTS_MAX {
        let institution = keeper.session.institution();
        let roster = reports::roster(core.catalogue.database(), institution).await.map_err(not_read)?;
        own(core, keeper.session, title).await?;
        let turn = vec![reports::turn_changing(institution, roster)];
        if let Some(tried) = attempt(core, turn, changes.clone()).await {
            done = tried;
            break;
        }
    }
    outcome(core, keeper, done, reason).await
}

/// Whose a title is: the account, of whatever kind.
fn owner(session: &Session) -> String {
    format!("{}/{}", session.actor_kind(), session.actor())
}

/// Checks that a title is the asker's own.
async fn own(core: &Core, session: &Session, title: &AeTitle) -> Result<(), WorkitemError> {
    let subscriber = subscriptions::find(core.catalogue.database(), session.institution(), title).await;
    match subscriber.map_err(not_read)? {
        None => Err(WorkitemError::NotSubscribed),
        Some(subscriber) if subscriber.owner != owner(session) => Err(WorkitemError::ForeignSubscriber),
        Some(_) => Ok(()),
    }
}

async fn outcome(
    core: &Core,
    keeper: &Keeper<'_>,
    done: Result<(), CatalogError>,
    reason: ReasonCode,
) -> Result<(), WorkitemError> {
    keeper.leaf_of_change(core, None, reason, done.is_ok()).await?;
    done.map_err(|error| match error {
        CatalogError::UnexpectedRows { .. } => WorkitemError::NotSubscribed,
        other => not_read(other),
    })
}

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptKey {
    path: Vec<String>,
    value: String,
}

impl From<KeptKey> for WorkitemKey {
    fn from(kept: KeptKey) -> Self {
        Self { path: kept.path.iter().filter_map(|tag| Tag::from_hex(tag).ok()).collect(), value: kept.value }
    }
}

fn seal_filter(
    institution_keys: &InstitutionKeys,
    title: &AeTitle,
    keys: &[WorkitemKey],
) -> Result<Vec<u8>, WorkitemError> {
    let kept: Vec<KeptKey> = keys
        .iter()
        .map(|key| KeptKey {
            path: key.path.iter().map(|tag| tag.to_hex()).collect(),
            value: key.value.clone(),
        })
        .collect();
    Sealed::seal(&institution_keys.index, &context(institution_keys, title), &kept)
        .map(Sealed::into_bytes)
        .map_err(|_| WorkitemError::Invalid("the filter cannot be sealed".to_owned()))
}

fn context(keys: &InstitutionKeys, title: &AeTitle) -> Context {
    Context::new("yingdun/catalogue/workitem-filter/v1")
        .field(keys.institution.as_str())
        .field(title.as_str())
}
