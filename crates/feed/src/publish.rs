//! Tells a stream of every event: one at a time, in order, until it has each of them.

use crate::FeedConfig;
use crate::address::ServerAddress;
use crate::connection::{Answer, Connection};
use crate::error::{FeedError, said};
use crate::inspect::describe;
use crate::stream::{Remark, Weight, judge};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_archive::{Archive, EventFeed, FeedEvent, FeedLag};
use yingdun_model::InstitutionId;

/// The first pause after no server took anything.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause: an event waits no longer than this for a stream that has come back.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The kind of event by which a stream is asked whether it takes ours.
const SAMPLE_KIND: &str = "study-stable";

/// The status of an answer when nobody listens to a subject (*No Responders* of NATS).
const NO_RESPONDERS: u16 = 503;

/// Publishes the events of an institution.
#[derive(Debug)]
pub struct Feed {
    config: FeedConfig,
    institution: InstitutionId,
    events: EventFeed,
    /// What was said of the stream last, so that it is said once.
    remarks: Vec<Remark>,
    /// What went wrong last, for the same reason.
    failing: Option<String>,
    /// Whether a stream has taken something since the last pause.
    progressed: bool,
}

/// What a message says. Not more: who may read it is decided elsewhere.
#[derive(Serialize)]
struct Message<'a> {
    sequence: u64,
    institution: &'a str,
    kind: &'a str,
    study: String,
}

/// What a stream answers to a publication.
#[derive(Deserialize)]
struct Ack {
    stream: Option<String>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    description: String,
}

impl Feed {
    /// Prepares, and connects to nobody.
    #[must_use]
    pub fn new(config: FeedConfig, archive: &Archive, institution: InstitutionId) -> Self {
        let events = archive.event_feed(institution.clone(), config.names.feed());
        Self { config, institution, events, remarks: Vec::new(), failing: None, progressed: false }
    }

    /// Publishes until `stop`, also in the middle of something: what the stream took and nobody wrote down is sent again.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    // === helpers ===

    /// From server to server, for ever.
    async fn work(&mut self) {
        let servers = self.config.servers.clone();
        let mut pause = PAUSE_MIN;
        loop {
            for server in &servers {
                let Err(error) = self.serve(server).await;
                metrics::counter!("yingdun_feed_failures_total").increment(1);
                let text = error.to_string();
                if self.failing.as_ref() != Some(&text) {
                    tracing::warn!(%error, "events are not published, and wait");
                    self.failing = Some(text);
                }
                self.measure().await;
            }
            if std::mem::take(&mut self.progressed) {
                pause = PAUSE_MIN;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Publishes to one server until it fails.
    async fn serve(&mut self, server: &ServerAddress) -> Result<Infallible, FeedError> {
        let mut connection = Connection::open(server, self.config.tls.as_ref()).await?;
        self.look_at_the_stream(&mut connection).await?;
        loop {
            let events = self.events.next().await?;
            if events.is_empty() {
                self.is_well(server, FeedLag::default());
                tokio::select! {
                    () = self.events.told() => {}
                    filled = connection.fill() => {
                        filled?;
                        connection.tend().await?;
                    }
                }
                continue;
            }
            let (taken, sent) = self.send(&mut connection, &events).await;
            // What is there is written down before anything else happens.
            if let Some(sequence) = taken {
                self.events.has(sequence).await?;
                self.progressed = true;
                let lag = self.events.lag().await?;
                self.is_well(server, lag);
            }
            sent?;
        }
    }

    /// Sends events one after the other; gives the number of the last one that the stream has, and what stopped it.
    async fn send(
        &self,
        connection: &mut Connection,
        events: &[FeedEvent],
    ) -> (Option<u64>, Result<(), FeedError>) {
        let mut taken = None;
        for event in events {
            if let Err(error) = self.send_one(connection, event).await {
                return (taken, Err(error));
            }
            metrics::counter!("yingdun_feed_published_total").increment(1);
            taken = Some(event.sequence);
        }
        (taken, Ok(()))
    }

    async fn send_one(&self, connection: &mut Connection, event: &FeedEvent) -> Result<(), FeedError> {
        let FeedEvent { sequence, kind, study } = event;
        let (institution, stream) = (self.institution.as_str(), self.config.names.stream());
        let subject = self.config.names.subject_of(&self.institution, kind);
        let message = Message { sequence: *sequence, institution, kind, study: study.to_string() };
        let payload = serde_json::to_vec(&message).unwrap_or_default();
        // With the study, so that the numbers of a catalogue that was lost and begins anew are not taken for these.
        let id = format!("{institution}.{sequence}.{study}");
        // Another stream that takes the subject must not acknowledge in the place of ours.
        let headers = [("Nats-Msg-Id", id.as_str()), ("Nats-Expected-Stream", stream)];
        let answer = connection.ask(&subject, &headers, &payload).await?;
        acknowledged(&answer, stream).map_err(|refusal| match refusal {
            Some(words) => FeedError::Refused { server: connection.server().to_string(), said: said(&words) },
            None => FeedError::NoStream { server: connection.server().to_string(), subject },
        })
    }

    /// Says what the stream is set to, when that is news. Errors are told when publishing fails of them.
    async fn look_at_the_stream(&mut self, connection: &mut Connection) -> Result<(), FeedError> {
        let info = describe(connection, &self.config.names).await?;
        let subject = self.config.names.subject_of(&self.institution, SAMPLE_KIND);
        let remarks = judge(&info, &self.config.names, &subject);
        for Remark { weight, cause, remedy } in remarks.iter().filter(|remark| !self.remarks.contains(remark))
        {
            if *weight > Weight::Note {
                tracing::warn!(cause, remedy, "the stream of events is not as it should be");
            }
        }
        self.remarks = remarks;
        Ok(())
    }

    fn is_well(&mut self, server: &ServerAddress, lag: FeedLag) {
        show(lag);
        if self.failing.take().is_some() {
            tracing::info!(%server, "events are published again");
        }
    }

    async fn measure(&self) {
        if let Ok(lag) = self.events.lag().await {
            show(lag);
        }
    }
}

fn show(FeedLag { events, oldest }: FeedLag) {
    metrics::gauge!("yingdun_feed_lag_events").set(events as f64);
    metrics::gauge!("yingdun_feed_lag_seconds").set(oldest.as_secs_f64());
}

/// Whether an answer says that the stream has what was published; else what it says instead, or nothing where nobody listens.
fn acknowledged(answer: &Answer, stream: &str) -> Result<(), Option<String>> {
    if answer.status == Some(NO_RESPONDERS) {
        return Err(None);
    }
    match serde_json::from_slice(&answer.payload) {
        Ok(Ack { error: Some(refusal), .. }) => Err(Some(refusal.description)),
        Ok(Ack { stream: Some(taker), error: None }) if taker == stream => Ok(()),
        Ok(_) | Err(_) => Err(Some("what it answers is no acknowledgement of the stream".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn an_event_is_there_only_when_its_own_stream_says_so() {
        let judged = |status, payload: &'static str| {
            acknowledged(&Answer { status, payload: Bytes::from_static(payload.as_bytes()) }, "YINGDUN")
        };
        assert_eq!(judged(None, r#"{"stream":"YINGDUN","seq":3}"#), Ok(()));
        assert_eq!(judged(None, r#"{"stream":"YINGDUN","seq":3,"duplicate":true,"domain":"hub"}"#), Ok(()));
        assert_eq!(judged(Some(503), ""), Err(None));
        let refused = r#"{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"},"stream":"YINGDUN","seq":0}"#;
        assert_eq!(judged(None, refused), Err(Some("JetStream system temporarily unavailable".into())));
        for other in ["", "{}", "[]", "+OK", r#"{"stream":"OTHER","seq":3}"#, r#"{"seq":3}"#] {
            assert!(matches!(judged(None, other), Err(Some(_))), "{other}");
        }
    }

    #[test]
    fn a_message_says_number_institution_kind_and_pseudonym_and_nothing_else() {
        let message =
            Message { sequence: 42, institution: "renmin", kind: "study-stable", study: "9c21".into() };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(text, r#"{"sequence":42,"institution":"renmin","kind":"study-stable","study":"9c21"}"#);
    }
}
