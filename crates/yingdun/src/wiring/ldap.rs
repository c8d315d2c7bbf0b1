//! Questions to a directory: who has a name, who is there, and whether a password is right.
//!
//! Each question has a connection of its own: opened with TLS, asked, closed. As many are open at the same time as is configured; whoever
//! comes beyond waits for a moment, and is told then that too many ask. What a directory answers is bounded (`yingdun_ldap`), what becomes of
//! it is decided in `access`.

use super::error::{StartError, read};
use crate::config::{Ldap, LdapQuestions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use yingdun_access::{
    Access, DirectoryCall, DirectoryError, LdapDirectory, LdapPerson, LdapSetup, NameFound, SignInError,
};
use yingdun_dimse::tls;
use yingdun_ldap::{Bound, Connection, Entry, Filter, LdapError, Scope, Search};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// Questions to the directory that failed, by what was asked for.
pub(super) const CALLS_FAILED: &str = "yingdun_ldap_calls_failed_total";
const FIND: &str = "find";
const PROVE: &str = "prove";
const LOOK: &str = "look";
/// Everything that is asked of a directory.
pub(super) const CALLS: [&str; 3] = [FIND, PROVE, LOOK];

/// How long somebody waits for a connection when all are in use.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);
/// How many people are looked up by one question.
const LOOKED_AT_ONCE: usize = 50;
/// The most groups of one person: of more, nobody could say what they give.
const GROUPS_MAX: u32 = 2000;
/// Attributes whose values are bytes and no text; a subject of them is written in hexadecimal digits.
const IN_BYTES: [&str; 3] = ["objectguid", "objectsid", "ms-ds-consistencyguid"];

/// The directory of a configuration.
pub(crate) struct Directory {
    settings: Ldap,
    questions: LdapQuestions,
    tls: Arc<rustls::ClientConfig>,
    password: Secret<String>,
    turns: Semaphore,
}

/// What is known of the connection to the directory.
pub(crate) struct Shown {
    /// Whether anybody is found who may sign in.
    pub(crate) anybody: bool,
    /// Whether anybody is found when it is not asked who is disabled.
    pub(crate) with_disabled: bool,
    /// Whether whoever is found has what an account needs, or what is missing.
    pub(crate) missing: Option<String>,
    /// The certificate that it showed, as DER.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// The directory whose people sign in; none where none is configured.
///
/// # Errors
/// [`StartError`] when the password or the authorities cannot be read, or a filter is none.
pub(super) fn ldap(settings: Option<&Ldap>) -> Result<Option<LdapSetup>, StartError> {
    let Some(settings) = settings else { return Ok(None) };
    let directory = Directory::new(settings.clone())?;
    Ok(Some(LdapSetup { rules: settings.rules(), directory: Arc::new(directory) }))
}

/// Looks up now and then who has a session and came from the directory, until it is stopped.
pub(super) async fn look(access: Access, every: Duration, stop: CancellationToken) {
    let mut was_away = false;
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        let away = match access.look_at_directory().await {
            Ok(found) => {
                if found.gone + found.changed > 0 {
                    tracing::info!(
                        found.looked,
                        found.gone,
                        found.changed,
                        "people of the directory have moved"
                    );
                }
                false
            }
            Err(SignInError::DirectoryUnavailable(cause)) => {
                tracing::warn!(%cause, "people of the directory could not be looked up; their sessions go on");
                true
            }
            Err(error) => {
                tracing::error!(%error, "what the directory says could not be carried out; it is tried again");
                continue;
            }
        };
        if away != was_away
            && let Err(error) = access.note_directory(away).await
        {
            tracing::error!(%error, "the audit log did not take how the directory stands");
            continue;
        }
        was_away = away;
    }
}

impl Directory {
    /// Prepares questions, and asks none.
    ///
    /// # Errors
    /// As [`ldap`].
    pub(crate) fn new(settings: Ldap) -> Result<Self, StartError> {
        let questions = settings.questions();
        let questions = questions
            .map_err(|(option, cause)| StartError::Configuration(vec![format!("{option}: {cause}")]))?;
        let trust = tls::Trust::from_pem(&read(&settings.ca_file)?);
        let tls = trust.and_then(|trust| tls::client_config(None, &trust)).map_err(StartError::LdapTls)?;
        let password = secret(&settings.bind_password_file)?;
        let turns = usize::try_from(settings.connections).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Self { settings, questions, tls, password, turns: Semaphore::new(turns) })
    }

    /// Asks everything that a sign-in needs but for a password, for `doctor`.
    pub(crate) async fn examine(&self) -> Result<Shown, LdapError> {
        let mut connection = self.open_as_service().await?;
        let certificate = connection.certificate().map(<[u8]>::to_vec);
        let attributes = self.attributes();
        let ask = |filter| Search {
            base: &self.settings.base,
            scope: Scope::Subtree,
            filter,
            values: &[],
            attributes: &attributes,
            entries_max: 1,
        };
        let anybody = self.active(vec![self.questions.person.for_anybody()]);
        let found = connection.search(ask(&anybody)).await?;
        let missing = found.entries.first().and_then(|entry| self.person(entry).err());
        let is_there = !found.entries.is_empty();
        // A search that has more ends the connection.
        let with_disabled = if is_there {
            true
        } else {
            let everybody = self.questions.person.for_anybody();
            !self.open_as_service().await?.search(ask(&everybody)).await?.entries.is_empty()
        };
        Ok(Shown { anybody: is_there, with_disabled, missing, certificate })
    }

    async fn open_as_service(&self) -> Result<Connection, LdapError> {
        let mut connection =
            Connection::open(&self.questions.address, &self.tls, self.settings.times()).await?;
        match connection.bind(&self.settings.bind_dn, &self.password).await? {
            Bound::Yes => Ok(connection),
            Bound::No => Err(LdapError::Refused {
                server: self.questions.address.to_string(),
                question: "bind as bind_dn",
                result: "name or password is wrong, or the entry may not".into(),
            }),
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, DirectoryError> {
        match tokio::time::timeout(TURN_TIME_MAX, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(DirectoryError::Busy),
        }
    }

    /// A filter for whoever is not disabled.
    fn active(&self, mut filters: Vec<Filter>) -> Filter {
        filters.extend(self.questions.disabled.clone().map(Filter::negated));
        Filter::all(filters)
    }

    fn attributes(&self) -> Vec<&str> {
        let Ldap { subject_attribute, name_attribute, groups_attribute, .. } = &self.settings;
        let mut attributes = vec![subject_attribute.as_str(), name_attribute];
        if self.questions.groups.is_none() {
            attributes.push(groups_attribute);
        }
        attributes
    }

    async fn find_now(&self, name: &str) -> Result<NameFound, LdapError> {
        let mut connection = self.open_as_service().await?;
        let filter = self.active(vec![self.questions.person.clone()]);
        let found = connection
            .search(Search {
                base: &self.settings.base,
                scope: Scope::Subtree,
                filter: &filter,
                values: &[("name", name.as_bytes())],
                attributes: &self.attributes(),
                entries_max: 1,
            })
            .await?;
        if found.more {
            return Ok(NameFound::Several);
        }
        let Some(entry) = found.entries.first() else {
            connection.close().await;
            return Ok(NameFound::Nobody);
        };
        let person = self.person(entry).map_err(|missing| self.unusable(missing))?;
        let person = self.with_groups(&mut connection, person).await?;
        connection.close().await;
        Ok(NameFound::One(person))
    }

    async fn look_now(&self, subjects: &[String]) -> Result<Vec<LdapPerson>, LdapError> {
        let mut connection = self.open_as_service().await?;
        let (mut people, mut unusable) = (Vec::new(), None);
        for some in subjects.chunks(LOOKED_AT_ONCE) {
            let attribute = &self.settings.subject_attribute;
            // What is no subject of this attribute is nobody.
            let values = some.iter().filter_map(|subject| self.subject_bytes(subject));
            let any: Vec<Filter> = values.map(|value| Filter::equal(attribute, &value)).collect();
            if any.is_empty() {
                continue;
            }
            let filter = self.active(vec![self.questions.person.for_anybody(), Filter::any(any)]);
            let found = connection
                .search(Search {
                    base: &self.settings.base,
                    scope: Scope::Subtree,
                    filter: &filter,
                    values: &[],
                    attributes: &self.attributes(),
                    entries_max: u32::try_from(some.len()).unwrap_or(u32::MAX),
                })
                .await?;
            if found.more {
                return Err(self.unusable(format!("`{attribute}` is that of several entries")));
            }
            for entry in &found.entries {
                match self.person(entry) {
                    Ok(person) => people.push(self.with_groups(&mut connection, person).await?),
                    Err(missing) => unusable = Some(missing),
                }
            }
        }
        connection.close().await;
        match unusable {
            // Nobody can be used: it is not the entries that are wrong.
            Some(missing) if people.is_empty() => Err(self.unusable(missing)),
            // Of one entry nobody knows what it gives, so it gives nothing. The others are looked at as ever: nobody stays by an entry of somebody
            // else.
            Some(missing) => {
                tracing::warn!(%missing, "an entry of the directory cannot be used; its sessions end");
                Ok(people)
            }
            None => Ok(people),
        }
    }

    async fn prove_now(&self, person: &LdapPerson, password: &Secret<String>) -> Result<bool, LdapError> {
        let mut connection =
            Connection::open(&self.questions.address, &self.tls, self.settings.times()).await?;
        let bound = connection.bind(&person.dn, password).await?;
        connection.close().await;
        Ok(bound == Bound::Yes)
    }

    /// A person with the groups that are searched where they do not stand in the entry.
    async fn with_groups(
        &self,
        connection: &mut Connection,
        person: LdapPerson,
    ) -> Result<LdapPerson, LdapError> {
        let Some((base, filter)) = &self.questions.groups else { return Ok(person) };
        let name = person.name.clone().unwrap_or_default();
        let found = connection
            .search(Search {
                base,
                scope: Scope::Subtree,
                filter,
                values: &[("dn", person.dn.as_bytes()), ("name", name.as_bytes())],
                // No attribute (RFC 4511 §4.5.1.8): the names of the groups are enough.
                attributes: &["1.1"],
                entries_max: GROUPS_MAX,
            })
            .await?;
        if found.more {
            return Err(self.unusable(format!("somebody is in more than {GROUPS_MAX} groups")));
        }
        let groups = found.entries.into_iter().map(|group| group.dn).collect();
        Ok(LdapPerson { groups, ..person })
    }

    /// The person of an entry, or what is missing in it.
    fn person(&self, entry: &Entry) -> Result<LdapPerson, String> {
        let Ldap { subject_attribute, name_attribute, groups_attribute, .. } = &self.settings;
        let mut subjects = entry.values(subject_attribute);
        let subject = match (subjects.next(), subjects.next()) {
            (Some(value), None) => subject_text(subject_attribute, value),
            _ => None,
        };
        let subject = subject
            .ok_or_else(|| format!("an entry does not show one `{subject_attribute}` that can be used"))?;
        // A server that shows a part of the groups only calls the attribute otherwise (`memberOf;range=0-1499`).
        let in_part = |name: &str| {
            let name = name.to_lowercase();
            name.strip_prefix(&groups_attribute.to_lowercase())
                .is_some_and(|rest| rest.starts_with(";range="))
        };
        if self.questions.groups.is_none() && entry.attributes().any(in_part) {
            return Err(format!(
                "an entry shows a part of `{groups_attribute}` only: set group_base and group_filter"
            ));
        }
        let text = |value: &[u8]| std::str::from_utf8(value).ok().map(str::to_owned);
        Ok(LdapPerson {
            dn: entry.dn.clone(),
            subject,
            name: entry.values(name_attribute).next().and_then(text),
            groups: entry.values(groups_attribute).filter_map(text).collect(),
        })
    }

    fn subject_bytes(&self, subject: &str) -> Option<Vec<u8>> {
        match is_in_bytes(&self.settings.subject_attribute) {
            true => hex::decode(subject).ok(),
            false => Some(subject.as_bytes().to_vec()),
        }
    }

    fn unusable(&self, what: String) -> LdapError {
        LdapError::Protocol { server: self.questions.address.to_string(), what }
    }
}

impl LdapDirectory for Directory {
    fn find<'a>(&'a self, name: &'a str) -> DirectoryCall<'a, NameFound> {
        Box::pin(async move {
            let _turn = self.turn().await?;
            self.find_now(name).await.map_err(|error| failed(FIND, &error))
        })
    }

    fn look<'a>(&'a self, subjects: &'a [String]) -> DirectoryCall<'a, Vec<LdapPerson>> {
        Box::pin(async move {
            let _turn = self.turn().await?;
            self.look_now(subjects).await.map_err(|error| failed(LOOK, &error))
        })
    }

    fn prove<'a>(&'a self, person: &'a LdapPerson, password: &'a Secret<String>) -> DirectoryCall<'a, bool> {
        Box::pin(async move {
            let _turn = self.turn().await?;
            match self.prove_now(person, password).await {
                Ok(right) => Ok(right),
                Err(LdapError::EmptyPassword) => Ok(false),
                Err(error) => Err(failed(PROVE, &error)),
            }
        })
    }
}

// === helpers ===

fn failed(call: &'static str, error: &LdapError) -> DirectoryError {
    metrics::counter!(CALLS_FAILED, "call" => call).increment(1);
    tracing::warn!(call, %error, "a question to the directory failed");
    DirectoryError::Away(error.to_string())
}

fn is_in_bytes(attribute: &str) -> bool {
    IN_BYTES.contains(&attribute.to_lowercase().as_str())
}

/// A subject as text; none when it cannot be one.
fn subject_text(attribute: &str, value: &[u8]) -> Option<String> {
    let text = match is_in_bytes(attribute) {
        true => hex::encode(value),
        false => std::str::from_utf8(value).ok()?.to_owned(),
    };
    let legal = !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control);
    legal.then_some(text)
}

fn secret(path: &Path) -> Result<Secret<String>, StartError> {
    let bytes = Zeroizing::new(read(path)?);
    match std::str::from_utf8(&bytes).map(|text| text.trim_end_matches(['\r', '\n'])) {
        Ok(secret) if !secret.is_empty() => Ok(Secret::new(secret.to_owned())),
        Ok(_) | Err(_) => Err(StartError::NoLdapPassword(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_text_or_the_digits_of_its_bytes() {
        assert_eq!(subject_text("entryUUID", b"3f2a"), Some("3f2a".into()));
        assert_eq!(subject_text("objectGUID", &[0x3f, 0xff]), Some("3fff".into()));
        for wrong in [&b""[..], b"\xff", b"a\nb", &[b'a'; 256]] {
            assert_eq!(subject_text("entryUUID", wrong), None, "{wrong:?}");
        }
    }
}
