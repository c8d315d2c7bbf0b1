//! Which rights nobody uses: accounts, roles, what roles could do, care relations, grants and devices of which the log of a period says nothing.
//!
//! The log is read once, the newest leaf first; what it tells of is taken out of the list of what there is. So memory holds what there is, which is
//! bounded, and not the log. What was not read to its beginning says so: then nothing is "never used" but in the time that was read.

use crate::access::{Access, Refusal};
use crate::admin::AdminError;
use crate::decision::{Resource, permitted_at_all};
use crate::device::actor_of;
use crate::ledger;
use crate::session::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use yingdun_audit::{Cursor, EventKind, Filter, Leaf, Outcome};
use yingdun_catalog::catalogue::care;
use yingdun_catalog::identity::{clients, devices, grants, people};
use yingdun_model::{Action, ActorId, ActorKind, GrantKind, PatientRef, Role, Timestamp};

/// The longest period: what is older says little of now, and of who left.
pub const UNUSED_DAYS_MAX: u32 = 365;
const MS_PER_DAY: i64 = 24 * 3600 * 1000;
/// Leaves that are read at once, and the longest time for one report: three months of a large hospital are some million leaves.
const LEAVES_AT_ONCE: usize = 5000;
const TIME_MAX: Duration = Duration::from_secs(40);
/// Care relations and grants that are looked at, as many as a query gives; the report says when there are more.
const CARE_MAX: u32 = 100_000;
const _: () = assert!(CARE_MAX as usize <= yingdun_catalog::Database::QUERY_ROWS_MAX, "a query would fail");
/// What is listed of each kind; how many there are is counted in any case.
const LISTED_MAX: usize = 1000;

/// What nobody used.
#[derive(Clone, Debug)]
pub struct UnusedRights {
    /// The log that was read: each node has its own.
    pub log: String,
    /// From when on.
    pub from: Timestamp,
    /// How far back the log was read.
    pub reached: Timestamp,
    /// Whether that is all of the period and all that there is.
    pub is_whole: bool,
    /// Leaves that were read.
    pub leaves: u64,
    /// People, devices and services that did nothing. Disabled ones are not among them.
    pub accounts: Listed<(ActorKind, ActorId)>,
    /// Roles that people hold and did not act in.
    pub roles: Listed<(ActorId, Role)>,
    /// What a role could do and nobody did in it, with how many hold it.
    pub actions: Vec<(Role, Action, u64)>,
    /// Care relations that hold now and under which nobody looked at the patient.
    pub care: Listed<(ActorId, PatientRef)>,
    /// Grants that are open, or were, and on which nothing rested.
    pub grants: Listed<(u64, ActorId)>,
}

/// Some of something, and how many there are.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<T>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

impl Access {
    /// Which rights nobody used in the last days. The reading of the log is a leaf before the answer.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn unused_rights(&self, session: &Session, days: u32) -> Result<UnusedRights, AdminError> {
        let institution = session.institution().clone();
        let resource = Resource::Accounts(institution.clone());
        self.authorise(session, Action::ReviewRights, resource).await?;
        let now = self.inner.clock.now();
        let days = days.clamp(1, UNUSED_DAYS_MAX);
        let from = Timestamp::from_ms(now.as_ms().saturating_sub(i64::from(days) * MS_PER_DAY));
        let mut held = self.held(session, from, now).await.map_err(AdminError::Unavailable)?;
        let filter = Filter { institution: Some(institution), from: Some(from), ..Filter::default() };
        let begun = Instant::now();
        let (mut next, mut leaves, mut reached): (Option<Cursor>, u64, Timestamp) = (None, 0, now);
        let is_read = loop {
            let (log, filter, at) = (self.inner.log.clone(), filter.clone(), next);
            let page = tokio::task::spawn_blocking(move || log.search(&filter, at, LEAVES_AT_ONCE)).await;
            let page = match page {
                Ok(page) => page.map_err(Refusal::AuditUnavailable)?,
                Err(_) => break false,
            };
            for found in &page.leaves {
                held.used(&found.leaf);
                reached = reached.min(found.leaf.time_ms);
            }
            leaves += page.leaves.len() as u64;
            next = page.next;
            if next.is_none() {
                break true;
            }
            if begun.elapsed() >= TIME_MAX {
                break false;
            }
        };
        let is_whole = is_read && held.is_whole;
        let read = Read {
            log: self.inner.log.verifier().name().to_owned(),
            from,
            reached: if is_read { from } else { reached },
            is_whole,
            leaves,
        };
        Ok(held.left(read))
    }

    /// What there is to be used.
    async fn held(
        &self,
        session: &Session,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Held, yingdun_catalog::CatalogError> {
        let (identity, institution) = (&self.inner.identity, session.institution());
        let mut held = Held { is_whole: true, ..Held::default() };
        for person in people::list(identity, institution).await?.into_iter().filter(|person| !person.disabled)
        {
            for role in &person.roles {
                held.roles.insert((person.actor.clone(), *role));
                held.holders.entry(role.as_str()).or_insert((*role, 0)).1 += 1;
            }
            held.accounts.insert((ActorKind::Person, person.actor));
        }
        for device in
            devices::list(identity, institution).await?.into_iter().filter(|device| !device.disabled)
        {
            held.accounts.extend(actor_of(&device.ae_title).map(|actor| (ActorKind::Device, actor)));
        }
        for client in
            clients::list(identity, institution).await?.into_iter().filter(|client| !client.disabled)
        {
            held.accounts.insert((ActorKind::Service, client.client_id));
        }
        let relations = care::standing(&self.inner.catalogue, institution, now, CARE_MAX).await?;
        let is_all = relations.len() < CARE_MAX as usize;
        held.care = relations.into_iter().map(|relation| (relation.actor, relation.patient)).collect();
        let given = grants::list(identity, institution, GrantKind::Given, None, CARE_MAX).await?;
        held.is_whole = is_all && given.len() < CARE_MAX as usize;
        held.grants = given
            .into_iter()
            .filter(|grant| grant.valid_until >= from)
            .map(|grant| (grant.number, grant.actor))
            .collect();
        let setting = self.setting(session);
        let program = self.inner.policies.now();
        let roles: Vec<Role> = held.holders.values().map(|(role, _)| *role).collect();
        let could = tokio::task::spawn_blocking(move || {
            roles.iter().map(|role| (*role, permitted_at_all(&program, *role, &setting))).collect::<Vec<_>>()
        });
        // What could be done is worked out by the policies; where that fails, nothing is said of it.
        for (role, actions) in could.await.unwrap_or_default() {
            held.actions.extend(actions.into_iter().map(|action| (role.as_str(), action.as_str())));
        }
        Ok(held)
    }
}

// === helpers ===

/// What of the log was read.
struct Read {
    log: String,
    from: Timestamp,
    reached: Timestamp,
    is_whole: bool,
    leaves: u64,
}

/// What there is; what the log tells of is taken out.
#[derive(Default)]
struct Held {
    accounts: BTreeSet<(ActorKind, ActorId)>,
    roles: BTreeSet<(ActorId, Role)>,
    holders: BTreeMap<&'static str, (Role, u64)>,
    actions: BTreeSet<(&'static str, &'static str)>,
    care: BTreeSet<(ActorId, PatientRef)>,
    grants: BTreeMap<u64, ActorId>,
    is_whole: bool,
}

impl Held {
    /// Takes out what a leaf tells of. A refusal uses nothing but the account, and not even that where nobody had signed in: anybody
    /// may try a name.
    fn used(&mut self, leaf: &Leaf) {
        let is_refused = matches!(leaf.outcome, Outcome::Refused | Outcome::Failed);
        if is_refused && leaf.purpose.is_none() {
            return;
        }
        self.accounts.remove(&(leaf.actor_kind, leaf.actor.clone()));
        if is_refused {
            return;
        }
        if let Some(role) = leaf.role {
            if leaf.actor_kind == ActorKind::Person {
                self.roles.remove(&(leaf.actor.clone(), role));
            }
            if let Some(action) = leaf.action {
                self.actions.remove(&(role.as_str(), action.as_str()));
            }
        }
        if leaf.kind == EventKind::Access {
            if let Some(patient) = leaf.patient {
                self.care.remove(&(leaf.actor.clone(), patient));
            }
            if let Some(grant) = leaf.counts.get(ledger::GRANT) {
                self.grants.remove(&grant);
            }
        }
    }

    fn left(self, read: Read) -> UnusedRights {
        let Read { log, from, reached, is_whole, leaves } = read;
        let holders = self.holders;
        let of_role = |word: &str| holders.get(word).copied();
        let actions = self
            .actions
            .iter()
            .filter_map(|(role, action)| {
                let (role, count) = of_role(role)?;
                Some((role, Action::ALL.iter().copied().find(|known| known.as_str() == *action)?, count))
            })
            .collect();
        UnusedRights {
            log,
            from,
            reached,
            is_whole,
            leaves,
            accounts: listed(self.accounts),
            roles: listed(self.roles),
            actions,
            care: listed(self.care),
            grants: listed(self.grants),
        }
    }
}

fn listed<T>(of: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> Listed<T> {
    let of = of.into_iter();
    Listed { count: of.len() as u64, first: of.take(LISTED_MAX).collect() }
}
