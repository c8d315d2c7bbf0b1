//! What officers said for a version, and whether it still counts.

use super::PolicyChangeError;
use crate::access::Access;
use crate::office::has_lapsed;
use crate::session::Session;
use yingdun_catalog::Together;
use yingdun_catalog::identity::people::{self, Holding};
use yingdun_catalog::identity::policies::{self, ApprovalRow, VersionRow};

/// What one officer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) row: ApprovalRow,
    /// Whether who said it has lost the office since, so that it counts no more.
    pub(super) has_lapsed: bool,
}

impl Said {
    /// Of a version that came into force or is closed nothing lapses any more: it was approved when that counted.
    fn of(version: &VersionRow, row: ApprovalRow, holding: &Holding) -> Self {
        let is_open = version.activated.is_none() && version.closed.is_none();
        let has_lapsed = is_open && has_lapsed(holding, row.at);
        Self { row, has_lapsed }
    }
}

impl Access {
    /// Who approved a version, as that counts now.
    pub(super) async fn said_for(
        &self,
        session: &Session,
        version: &VersionRow,
    ) -> Result<Vec<Said>, PolicyChangeError> {
        let (identity, institution) = (&self.inner.identity, session.institution());
        let rows = policies::approvals(identity, institution, version.version).await?;
        let mut asked = Together::default();
        let places: Vec<_> =
            rows.iter().map(|row| asked.ask(people::holding(institution, &row.by, row.office))).collect();
        let answers = asked.answers(identity).await?;
        rows.into_iter()
            .zip(places)
            .map(|(row, place)| Ok(Said::of(version, row, &answers.read(place)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::{ActorId, Role, Timestamp};

    #[test]
    fn what_is_in_force_or_closed_keeps_its_approvals() {
        let (actor, at) = (ActorId::new("sec").unwrap(), Timestamp::from_ms(5));
        let row = ApprovalRow {
            version: 1,
            office: Role::SecurityAdministrator,
            by: actor.clone(),
            at,
            sealed: vec![],
        };
        let waiting = VersionRow {
            version: 1,
            digest: [1; 32],
            sealed: vec![],
            base: 0,
            by: actor.clone(),
            at,
            activated: None,
            closed: None,
        };
        let nobody = Holding::default();
        let holds = Holding { since: Some(at), ..nobody };
        let lapsed = |version: &VersionRow, holding| Said::of(version, row.clone(), holding).has_lapsed;
        assert!(!lapsed(&waiting, &holds));
        assert!(lapsed(&waiting, &nobody));
        let activated = VersionRow { activated: Some(at), ..waiting.clone() };
        let closed = VersionRow { closed: Some(("rejected".to_owned(), actor.clone(), at)), ..waiting };
        assert!(!lapsed(&activated, &nobody) && !lapsed(&closed, &nobody));
    }
}
