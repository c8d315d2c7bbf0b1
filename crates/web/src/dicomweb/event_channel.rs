//! The event channel at work: from the queue of a subscriber to text messages of a WebSocket (PS3.18 §8.10.5), until the
//! subscriber goes, the archive ends it, or the server stops.

use crate::limits;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use yingdun_archive::{ChannelEnd, EventChannel};

/// The open channels of a door, so that its end is theirs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels {
    running: TaskTracker,
    stop: CancellationToken,
}

impl Channels {
    /// Counts a channel, from its handshake on, until the token is dropped.
    pub(crate) fn count(&self) -> TaskTrackerToken {
        metrics::counter!("yingdun_ups_channels_opened_total").increment(1);
        self.running.token()
    }

    /// Tells every channel to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until they have.
    pub(crate) async fn ended(self) {
        self.running.close();
        if timeout(limits::CUT_TIME_MAX, self.running.wait()).await.is_err() {
            tracing::warn!(left = self.running.len(), "event channels did not end in time");
        }
    }
}

/// Why a WebSocket ends.
enum End {
    /// The peer has left, or does not answer.
    Peer,
    /// The server stops.
    Stop,
    /// The archive has ended the channel.
    Channel(ChannelEnd),
}

/// Carries the reports of a channel to its subscriber, until one of them ends.
pub(super) async fn pump(mut socket: WebSocket, mut channel: EventChannel, channels: &Channels) {
    let end = carry(&mut socket, &mut channel, &channels.stop).await;
    let close = async {
        match farewell(&end) {
            Some(frame) => socket.send(Message::Close(Some(frame))).await,
            // The answer to its own close frame.
            None => SinkExt::close(&mut socket).await,
        }
    };
    // A peer that does not take it is left.
    let _ = timeout(limits::CHANNEL_CLOSE_TIME_MAX, close).await;
    drop(socket);
    if let Err(error) = channel.close().await {
        tracing::warn!(%error, "the end of an event channel was not written down");
    }
}

async fn carry(socket: &mut WebSocket, channel: &mut EventChannel, stop: &CancellationToken) -> End {
    let (mut sink, mut stream) = socket.split();
    let mut ping = interval_at(Instant::now() + limits::CHANNEL_PING_INTERVAL, limits::CHANNEL_PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pings_unanswered = 0;
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return End::Stop,
            report = channel.next() => match report {
                Ok(report) => Message::text(report),
                Err(end) => return End::Channel(end),
            },
            came = stream.next() => match came {
                // What a subscriber says means nothing here but that it is there.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Binary(_))) => {
                    pings_unanswered = 0;
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Peer,
            },
            _ = ping.tick() => {
                if pings_unanswered >= 2 {
                    return End::Peer;
                }
                pings_unanswered += 1;
                Message::Ping(Default::default())
            }
        };
        // A peer that takes nothing is ended by the bound on stalled writes, or by what ends everybody.
        tokio::select! {
            sent = sink.send(message) => if sent.is_err() {
                return End::Peer;
            },
            end = channel.refused() => return End::Channel(end),
            () = stop.cancelled() => return End::Stop,
        }
    }
}

/// What a subscriber is told at the end (RFC 6455 §7.4); nothing when it has gone itself.
fn farewell(end: &End) -> Option<CloseFrame> {
    let (code, reason) = match end {
        End::Peer => return None,
        End::Stop => (close_code::AWAY, "the server stops"),
        End::Channel(ChannelEnd::Refused) => {
            (close_code::POLICY, "the session may not read the worklist any more")
        }
        End::Channel(ChannelEnd::Slow) => (close_code::AGAIN, "too many reports were waiting"),
        End::Channel(ChannelEnd::Replaced) => (close_code::NORMAL, "another channel was opened"),
        End::Channel(ChannelEnd::Unsubscribed) => (close_code::NORMAL, "nothing is subscribed any more"),
        End::Channel(ChannelEnd::Unavailable) => (close_code::ERROR, "the worklist does not answer"),
    };
    Some(CloseFrame { code, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_but_the_peers_own_has_a_reason_that_fits_a_close_frame() {
        for end in [
            ChannelEnd::Refused,
            ChannelEnd::Slow,
            ChannelEnd::Replaced,
            ChannelEnd::Unsubscribed,
            ChannelEnd::Unavailable,
        ] {
            let frame = farewell(&End::Channel(end)).unwrap();
            assert!(frame.reason.len() <= 123, "RFC 6455 §5.5: control frames have 125 bytes");
        }
        assert!(farewell(&End::Peer).is_none());
    }
}
