//! The unified worklist, and who is told of it.

use super::Archive;
use crate::error::Unavailable;
use crate::ups::{
    self, Created, EventChannel, SubscriptionTarget, WorkitemError, WorkitemSearch, WorkitemsFound,
};
use serde_json::{Map, Value};
use yingdun_access::Session;
use yingdun_dicom::data_set::DataSet;
use yingdun_model::{AeTitle, Timestamp, Uid, WorkitemState};

impl Archive {
    /// Creates a workitem of the unified worklist, under a UID of the creator's or a new one (PS3.18 §11.4).
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn create_workitem(
        &self,
        session: &Session,
        uid: Option<Uid>,
        attributes: Map<String, Value>,
    ) -> Result<Created, WorkitemError> {
        ups::create(&self.core, session, uid, attributes).await
    }

    /// Reads a workitem (PS3.18 §11.5). No answer ever holds the Transaction UID of who claimed it.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn workitem(&self, session: &Session, uid: &Uid) -> Result<Map<String, Value>, WorkitemError> {
        ups::retrieve(&self.core, session, uid).await
    }

    /// Changes attributes of a workitem (PS3.18 §11.6). A claimed one is changed only under its Transaction UID.
    ///
    /// # Errors
    /// [`WorkitemError`]; nothing was changed.
    pub async fn update_workitem(
        &self,
        session: &Session,
        uid: &Uid,
        transaction: Option<&Uid>,
        changes: Map<String, Value>,
    ) -> Result<(), WorkitemError> {
        ups::update(&self.core, session, uid, transaction, changes).await
    }

    /// Claims, completes or cancels a workitem (PS3.18 §11.7). Gives the state in which it was already, where nothing
    /// changed. Of several who claim one at the same time, one does.
    ///
    /// # Errors
    /// [`WorkitemError`]; nothing was changed.
    pub async fn change_workitem_state(
        &self,
        session: &Session,
        uid: &Uid,
        transaction: Option<&Uid>,
        to: WorkitemState,
    ) -> Result<Option<WorkitemState>, WorkitemError> {
        ups::change_state(&self.core, session, uid, transaction, to).await
    }

    /// Asks that a workitem be cancelled (PS3.18 §11.8): one that nobody has claimed is, of a claimed one the subscribers
    /// are told. Gives whether it was cancelled already.
    ///
    /// # Errors
    /// [`WorkitemError`]; nobody was told.
    pub async fn request_workitem_cancellation(
        &self,
        session: &Session,
        uid: &Uid,
        words: &Map<String, Value>,
    ) -> Result<bool, WorkitemError> {
        ups::request_cancellation(&self.core, session, uid, words).await
    }

    /// Searches workitems (PS3.18 §11.9), the earliest first.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn search_workitems(
        &self,
        session: &Session,
        search: &WorkitemSearch,
    ) -> Result<WorkitemsFound, WorkitemError> {
        ups::search(&self.core, session, search).await
    }

    /// Answers a question about workitems as a device asks it (PS3.4 §CC.2.8): what is asked for of each that matches, texts in
    /// UTF-8, the earliest first.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn find_workitems(
        &self,
        session: &Session,
        identifier: &DataSet,
    ) -> Result<Vec<DataSet>, WorkitemError> {
        ups::answers(&self.core, session, identifier).await
    }

    /// Subscribes an AE title to changes of workitems (PS3.18 §11.10). The title belongs to the account that subscribes
    /// with it first, until nothing is subscribed with it any more. Subscriptions survive a restart.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn subscribe_to_workitems(
        &self,
        session: &Session,
        title: &AeTitle,
        target: &SubscriptionTarget,
        deletion_lock: bool,
    ) -> Result<(), WorkitemError> {
        ups::subscribe(&self.core, session, title, target, deletion_lock).await
    }

    /// Ends a subscription (PS3.18 §11.11): that to one workitem, or all of the title.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn unsubscribe_from_workitems(
        &self,
        session: &Session,
        title: &AeTitle,
        target: &SubscriptionTarget,
    ) -> Result<(), WorkitemError> {
        ups::unsubscribe(&self.core, session, title, target).await
    }

    /// Ends the subscription to workitems to come (PS3.18 §11.12).
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn suspend_workitem_subscription(
        &self,
        session: &Session,
        title: &AeTitle,
    ) -> Result<(), WorkitemError> {
        ups::suspend(&self.core, session, title).await
    }

    /// Opens the channel through which a subscriber is told of changes (PS3.18 §8.10.4), in the place of the one that it
    /// may have open.
    ///
    /// # Errors
    /// [`WorkitemError`].
    pub async fn open_event_channel(
        &self,
        session: &Session,
        title: AeTitle,
    ) -> Result<EventChannel, WorkitemError> {
        ups::open_channel(&self.core, session, title).await
    }

    /// Removes the workitems that ended before a moment and that no subscriber locks, as happens by itself after a month.
    /// Gives how many.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue or the ledger does not answer.
    pub async fn remove_ended_workitems(&self, ended_before: Timestamp) -> Result<u64, Unavailable> {
        ups::remove_ended(&self.core, ended_before).await
    }
}
