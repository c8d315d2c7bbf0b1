//! Questions to the audit logs of other nodes, over the same channel as everything that nodes ask each other.

use super::{Others, bounded};
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use yingdun_archive::NodeError;
use yingdun_audit::LEAF_BYTES_MAX;
use yingdun_audit::across::{Asked, Told};
use yingdun_catalog::catalogue::nodes::{self, NodeDoor};
use yingdun_model::{StoreNumber, Timestamp};
use yingdun_web::limits::{AUDIT_LEAVES_MAX, AUDIT_NODE_TIME_MAX};
use yingdun_web::{Absence, OtherLogs};

/// The longest answer, in bytes: so many leaves, each of the longest, with its number.
const TOLD_BYTES_MAX: usize = AUDIT_LEAVES_MAX * (LEAF_BYTES_MAX + 64);

impl OtherLogs for Others {
    fn ask<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<Told, Absence>> {
        Box::pin(async move {
            let told = self.told(asked).await;
            if let Err((why, cause)) = &told {
                // Names of logs and addresses of nodes, nothing of the question.
                tracing::warn!(log = %asked.log, why = %why, cause, "the audit log of another node is not in an answer");
            }
            told.map_err(|(why, _)| why)
        })
    }

    fn last_seen(&self, log: &str) -> Option<Timestamp> {
        let store = *self.logs().get(log)?;
        self.heard().get(&store).copied()
    }
}

impl Others {
    async fn told(&self, asked: &Asked) -> Result<Told, (Absence, String)> {
        let (store, door) = self.door_of_log(&asked.log).await?;
        let url = format!("{}/api/v1/nodes/audit/search", door.address);
        let send = || self.http.post(&url).json(asked).timeout(AUDIT_NODE_TIME_MAX);
        let answer = self.send(store, &door, send).await.map_err(|error| match error {
            NodeError::Refused { cause, .. } => (Absence::Refused, cause),
            error => (Absence::Silent, error.to_string()),
        })?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => {
                return Err((Absence::Busy, "it was asked too often".to_owned()));
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                return Err((
                    Absence::Refused,
                    "its program is older than such questions: upgrade it".to_owned(),
                ));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                return Err((
                    Absence::Silent,
                    "it is starting, is sealed, or its log does not answer".to_owned(),
                ));
            }
            status => return Err((Absence::Refused, format!("it says {}", status.as_u16()))),
        }
        let text = bounded(answer, TOLD_BYTES_MAX).await.map_err(|cause| (Absence::Silent, cause))?;
        serde_json::from_slice(&text)
            .map_err(|_| (Absence::NotBelieved, "its answer is not that of a node".to_owned()))
    }

    /// The node that says that a log is its own, and where it is reached.
    async fn door_of_log(&self, log: &str) -> Result<(StoreNumber, NodeDoor), (Absence, String)> {
        let silent = |cause: String| (Absence::Silent, cause);
        let known = self.logs().get(log).copied();
        let store = match known {
            Some(store) => store,
            None => {
                let all = nodes::all(&self.catalogue).await.map_err(|error| silent(error.to_string()))?;
                let node = all.into_iter().find(|node| node.said.log.as_deref() == Some(log));
                let none = "no node says that it is its own".to_owned();
                let store = node.ok_or((Absence::NoAddress, none))?.store;
                self.logs().insert(log.to_owned(), store);
                store
            }
        };
        let door = self.door(store).await.map_err(|error| match error {
            NodeError::NoAddress { .. } => {
                self.logs().remove(log);
                (Absence::NoAddress, error.to_string())
            }
            error => silent(error.to_string()),
        })?;
        Ok((store, door))
    }
}
