//! What a bucket really does: it is tried out, because options and documents say what somebody meant.

use super::BucketPlace;
use super::answers::{elements, expect, text};
use super::requests::Call;
use rusty_s3::Method;
use serde::Serialize;
use std::io;
use std::time::Duration;

/// Where probes lie, beside the packs; no store looks there.
const FOLDER: &str = "probe/";

const PROBE_BYTES: usize = 1024;

/// For how long a probe is locked, where that is configured: long enough to be attacked meanwhile, and gone when the next one looks.
const LOCK_TIME: Duration = Duration::from_secs(60);

/// Versions of earlier probes that are tidied away at once: a probe makes four.
const TIDY_MAX: usize = 100;

/// Whether what was written can be destroyed by whoever has the keys with which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// No: what was written could be removed and overwritten by name only, and its first version read back.
    Locked,
    /// What is removed or overwritten by name can be brought back, but these keys can remove versions too.
    Versioned,
    /// What is removed or overwritten is gone.
    Nothing,
}

/// What a bucket does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BucketProbe {
    /// Whether what was written can be destroyed.
    pub kept: Kept,
    /// Whether an object that was just written is listed.
    pub listed_at_once: bool,
    /// Whether the server refuses to write over an object when it is asked to. Nothing here depends on it.
    pub conditional_put: bool,
    /// By how many seconds the clock of the server is ahead of this one, when it tells the time.
    pub clock_ahead_seconds: Option<i64>,
    /// Versions of probes that could not be removed now.
    pub left_versions: usize,
}

impl BucketPlace {
    /// Writes, reads, reads a range, lists, overwrites and removes an object of its own, and tries to destroy it. It is put as packs are:
    /// in parts, and locked where that is configured, for a minute.
    ///
    /// # Errors
    /// What does not work, in words.
    pub(crate) fn probe(&self) -> io::Result<BucketProbe> {
        self.tidy_probes()?;
        let mut bytes = vec![0; PROBE_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        // Each has a name of its own: a server need not know that a name is taken.
        let name = format!("{FOLDER}{}", hex::encode(bytes.get(..8).unwrap_or_default()));
        let key = format!("{}{name}", self.prefix);
        self.put_in_parts(&key, &bytes.as_slice())?;
        if let Some(retention) = &self.retention {
            self.lock(&key, retention.mode, LOCK_TIME)?;
        }
        let written = self.requests.send(&Call::new("look at an object", Method::Head, Some(&key)))?;
        let version = written.header("x-amz-version-id").filter(|version| *version != "null");
        self.reads_back(&key, &bytes)?;
        let listed_at_once = self.names(FOLDER)?.iter().any(|(listed, _)| *listed == name);
        let conditional_put = self.refuses_to_overwrite(&key)?;
        self.put_at_once(&key, b"something else".to_vec())?;
        self.reads_back(&key, b"something else")?;

        let kept = match version {
            None => Kept::Nothing,
            Some(version) if self.survives(&key, version, &bytes)? => {
                self.try_to_destroy(&key, version);
                let survived = self.survives(&key, version, &bytes)?;
                if survived { Kept::Locked } else { Kept::Versioned }
            }
            Some(_) => Kept::Nothing,
        };

        // Pieces of open packs are removed when the pack is there: without this they would pile up.
        self.delete(&key)?;
        let gone = self.requests.send(&Call::new("look at an object", Method::Head, Some(&key)));
        let gone = gone.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        expect_that(gone, "an object that was removed is still there")?;
        Ok(BucketProbe {
            kept,
            listed_at_once,
            conditional_put,
            clock_ahead_seconds: written
                .date()
                .map(|server| server.as_second() - jiff::Timestamp::now().as_second()),
            left_versions: self.tidy_probes()?,
        })
    }

    fn reads_back(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let get = || Call::new("read an object", Method::Get, Some(key));
        let mut whole = Vec::new();
        self.requests.get_range(get(), &mut whole, bytes.len(), 0)?;
        expect_that(whole == bytes, "an object does not read back as it was written")?;
        let (mut part, half) = (Vec::new(), bytes.len() / 2);
        self.requests.get_range(get(), &mut part, bytes.len(), half as u64)?;
        let what = "a range of an object is not the range that was asked for";
        expect_that(bytes.get(half..) == Some(&part), what)
    }

    fn refuses_to_overwrite(&self, key: &str) -> io::Result<bool> {
        let call = Call::new("write over an object", Method::Put, Some(key)).header("if-none-match", "*");
        match self.requests.send(&call.body(vec![0; PROBE_BYTES])) {
            Ok(_) => Ok(false),
            Err(error) => Ok(error.kind() == io::ErrorKind::AlreadyExists),
        }
    }

    /// Whether a version still has its bytes.
    fn survives(&self, key: &str, version: &str, bytes: &[u8]) -> io::Result<bool> {
        let call = Call::new("read a version", Method::Get, Some(key)).query("versionId", version);
        let mut read = Vec::new();
        match self.requests.get_range(call, &mut read, bytes.len(), 0) {
            Ok(_) => Ok(read == bytes),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// With all that these keys may do: they may be allowed to pass over a lock. What comes of it is seen by reading, not by the answer.
    fn try_to_destroy(&self, key: &str, version: &str) {
        let call = Call::new("remove a version", Method::Delete, Some(key)).query("versionId", version);
        let bypass = call.clone().header("x-amz-bypass-governance-retention", "true");
        for call in [call, bypass] {
            if let Err(error) = self.requests.send(&call) {
                tracing::debug!(%error, "the bucket keeps a version");
            }
        }
    }

    /// Removes what is left of probes as far as it can be removed, and says how many versions cannot.
    fn tidy_probes(&self) -> io::Result<usize> {
        let prefix = format!("{}{FOLDER}", self.prefix);
        let list =
            Call::new("list versions", Method::Get, None).query("prefix", &prefix).query("versions", "");
        let versions = || -> io::Result<Vec<(String, String)>> {
            let body = match self.requests.send(&list) {
                // There are servers without versions.
                Err(error) if error.kind() != io::ErrorKind::NotConnected => return Ok(Vec::new()),
                other => other?.text()?,
            };
            let body = expect(&body, "ListVersionsResult")?;
            let all = elements(body, "Version").chain(elements(body, "DeleteMarker"));
            let named = all.filter_map(|one| Some((text(one, "Key")?, text(one, "VersionId")?)));
            Ok(named.filter(|(key, _)| key.starts_with(&prefix)).take(TIDY_MAX).collect())
        };
        for (key, version) in versions()? {
            let call = Call::new("remove a version", Method::Delete, Some(&key)).query("versionId", version);
            if let Err(error) = self.requests.send(&call) {
                tracing::debug!(%error, "a version of a probe stays");
            }
        }
        Ok(versions()?.len())
    }
}

fn expect_that(holds: bool, otherwise: &'static str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(io::Error::other(otherwise)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::place::Object;

    #[test]
    fn no_store_takes_a_probe_for_one_of_its_objects() {
        assert_eq!(Object::of_name(&format!("{FOLDER}0011223344556677")), None);
    }
}
