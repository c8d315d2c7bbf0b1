//! What the servers of a feed say of themselves and of its stream, for `doctor`.

use crate::FeedConfig;
use crate::address::{Names, ServerAddress};
use crate::connection::{Answer, Connection};
use crate::error::{FeedError, said};
use crate::stream::{Remark, StreamInfo, Weight};
use serde::Deserialize;

/// The first version whose `sync_interval` can be `always`, major and minor.
const SYNC_ALWAYS_SINCE: (u32, u32) = (2, 10);

/// What one server says.
#[derive(Debug)]
pub struct NodeReport {
    /// Its address.
    pub address: ServerAddress,
    /// What it calls itself, and its version; none when it does not answer.
    pub node: Result<Node, FeedError>,
    /// What it says of the stream.
    pub stream: Option<Result<StreamInfo, FeedError>>,
}

/// A server that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it calls itself.
    pub name: String,
    /// Its version, as in `2.9.10`.
    pub version: String,
}

/// Asks every server, and changes nothing.
pub async fn inspect(config: &FeedConfig) -> Vec<NodeReport> {
    let mut reports = Vec::new();
    for address in &config.servers {
        reports.push(match Connection::open(address, config.tls.as_ref()).await {
            Ok(mut connection) => {
                let greeting = connection.greeting();
                let node = Node { name: said(&greeting.server_name), version: said(&greeting.version) };
                let stream = describe(&mut connection, &config.names).await;
                NodeReport { address: address.clone(), node: Ok(node), stream: Some(stream) }
            }
            Err(error) => NodeReport { address: address.clone(), node: Err(error), stream: None },
        });
    }
    reports
}

impl Node {
    /// What is to be said of how it forces what it acknowledges to its disk. A client is not told what `sync_interval` is.
    #[must_use]
    pub fn remark_on_sync(&self) -> Remark {
        let Self { name, version } = self;
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        let known = numbers.next().zip(numbers.next());
        if known.is_some_and(|version| version < SYNC_ALWAYS_SINCE) {
            let cause = format!(
                "`{name}` is of version {version}, which forces acknowledged messages to its disk every two minutes only: a power cut \
                 that hits all servers may lose the last ones"
            );
            let remedy = "use version 2.10 or newer with `sync_interval: always`; the archive itself keeps its events for 90 days";
            return Remark { weight: Weight::Warning, cause, remedy };
        }
        let cause = format!(
            "`{name}` is of version {version}; a client cannot see whether its `sync_interval` is `always`"
        );
        Remark { weight: Weight::Note, cause, remedy: "look into its configuration, block `jetstream`" }
    }
}

/// What a server says of the stream.
pub(crate) async fn describe(connection: &mut Connection, names: &Names) -> Result<StreamInfo, FeedError> {
    #[derive(Deserialize)]
    struct Failed {
        error: Option<Refusal>,
    }
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        description: String,
    }
    let subject = format!("$JS.API.STREAM.INFO.{}", names.stream());
    let Answer { status, payload } = connection.ask(&subject, &[], b"").await?;
    let server = connection.server().to_string();
    if status.is_some() {
        return Err(FeedError::NoStream { server, subject: names.stream().to_owned() });
    }
    let not_json = |_| FeedError::Protocol {
        server: server.clone(),
        what: "what it says of the stream is not JSON".into(),
    };
    match serde_json::from_slice(&payload).map_err(not_json)? {
        Failed { error: Some(refusal) } => Err(FeedError::Refused {
            said: said(&format!("stream `{}`: {}", names.stream(), refusal.description)),
            server,
        }),
        Failed { error: None } => serde_json::from_slice(&payload).map_err(not_json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_cannot_force_each_message_to_its_disk_is_told_and_of_others_that_it_cannot_be_seen() {
        let weight =
            |version: &str| Node { name: "a".into(), version: version.into() }.remark_on_sync().weight;
        assert_eq!(["2.9.10", "2.2.0", "1.4.1"].map(weight), [Weight::Warning; 3]);
        assert_eq!(["2.10.0", "2.11.4-RC.1", "3.0.0", "", "x.y"].map(weight), [Weight::Note; 5]);
    }
}
