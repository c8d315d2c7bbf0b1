//! Every node learns what is in force: read every second, and at once where it was changed.

use super::in_force::Applied;
use super::record::{SealedActivation, open_version};
use super::{PolicyChangeError, hex};
use crate::access::Access;
use crate::decision::Engine;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::policies::{self, ActivationRow};
use yingdun_crypto::digest::sha256;
use yingdun_model::Timestamp;

/// What rows say is in force.
enum Wanted {
    /// The rules of the program alone.
    Program,
    /// With this text.
    Text(String),
    /// It cannot be known: nothing but the way back is open.
    Locked,
}

impl Access {
    /// Learns which rules of the institution are in force. To be called before anything is served, and every second. What is open is decided
    /// anew with its next piece when they have changed. Whether they can be read.
    ///
    /// # Errors
    /// [`CatalogError`] when the rows cannot be read; what was in force stays.
    pub async fn follow_policies(&self) -> Result<bool, CatalogError> {
        let in_force = &self.inner.policies;
        let _turn = in_force.turn.lock().await;
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let now = self.inner.clock.now();
        let newest = policies::activations(identity, institution, 1).await?.into_iter().next();
        let lasting = match &newest {
            Some(row) if row.until.is_some() => policies::lasting(identity, institution).await?,
            other => other.clone(),
        };
        let (activation, known) = (counting(newest.as_ref(), lasting.as_ref(), now), in_force.applied());
        let last = lasting.as_ref().map_or(0, |row| row.number);
        // Numbers only grow. A newer one that is gone was taken out of the table by somebody: what it closed stays closed. A suspension that
        // is gone opened, and opens no more.
        if last < known.lasting {
            tracing::error!(
                known = known.lasting,
                last,
                "rules of the institution are missing that were in force; if the database was restored, start this node anew"
            );
            // What was suspended cannot be read any more, and is not left out beyond the end of that.
            if known.until.is_some_and(|until| until <= now) && !known.is_locked {
                self.lock(known);
            }
            return Ok(false);
        }
        let number = activation.map_or(0, |row| row.number);
        let row = activation.map_or([0; 32], mark);
        if row == known.row && !known.is_locked {
            return Ok(true);
        }
        let wanted = match activation {
            None => Wanted::Program,
            Some(row) => self.wanted(row).await?,
        };
        let version = activation.map_or(0, |row| row.version);
        let until = activation.and_then(|row| row.until);
        let applied = Applied { activation: number, version, until, is_locked: false, row, lasting: last };
        let engine = self.made(&wanted).await;
        if let Some(engine) = engine {
            if engine.digest() == in_force.now().digest() {
                in_force.note(applied);
            } else {
                in_force.replace(engine, applied);
                self.inner.stops.bell().ring();
                tracing::warn!(activation = number, version, "other rules of the institution are in force");
            }
            return Ok(true);
        }
        if !(known.is_locked && known.row == row) {
            tracing::error!(
                activation = number,
                version,
                "the rules of the institution that are in force cannot be read: nothing is open but what takes them back"
            );
            self.lock(applied);
        }
        Ok(false)
    }

    /// Closes everything but the way back.
    fn lock(&self, applied: Applied) {
        let in_force = &self.inner.policies;
        match in_force.now().locked() {
            Ok(engine) => {
                in_force.replace(engine, Applied { is_locked: true, ..applied });
                self.inner.stops.bell().ring();
            }
            Err(error) => tracing::error!(%error, "and what was in force before stays"),
        }
    }

    /// The text that an activation names, if all of it is what this installation wrote.
    async fn wanted(&self, row: &ActivationRow) -> Result<Wanted, CatalogError> {
        let (key, institution) = (&self.inner.identity_key, &self.inner.institution);
        let Some(said) = SealedActivation::of(key, institution, row) else { return Ok(Wanted::Locked) };
        if row.version == 0 {
            // Only a suspension, which ends, has no rules.
            return Ok(if row.until.is_some() { Wanted::Program } else { Wanted::Locked });
        }
        let version = policies::version(&self.inner.identity, institution, row.version).await?;
        let text = version
            .filter(|version| hex(&version.digest) == said.digest)
            .and_then(|version| open_version(key, institution, &version));
        Ok(text.map_or(Wanted::Locked, |content| Wanted::Text(content.text)))
    }

    async fn made(&self, wanted: &Wanted) -> Option<Engine> {
        let text = match wanted {
            Wanted::Program => None,
            Wanted::Text(text) => Some(text.clone()),
            Wanted::Locked => return None,
        };
        match self.engine_with(text).await {
            Ok(engine) => Some(engine),
            Err(PolicyChangeError::Text(error)) => {
                tracing::error!(%error, "the rules of the institution do not fit this program");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the rules of the institution cannot be used");
                None
            }
        }
    }
}

/// What an activation is known by: all that its row says, so that whoever changes one has it read again.
fn mark(row: &ActivationRow) -> [u8; 32] {
    let ActivationRow { number, version, until, by, at, sealed, reviewed: _ } = row;
    let until = until.map_or_else(String::new, |until| until.as_ms().to_string());
    let said = format!("{number} {version} {until} {by} {} ", at.as_ms());
    sha256(&[said.as_bytes(), sealed].concat())
}

/// The activation that counts at a moment: the newest, unless it was to end and did.
fn counting<'a>(
    newest: Option<&'a ActivationRow>,
    lasting: Option<&'a ActivationRow>,
    now: Timestamp,
) -> Option<&'a ActivationRow> {
    match newest {
        Some(row) if row.until.is_some_and(|until| until <= now) => lasting,
        other => other,
    }
}
