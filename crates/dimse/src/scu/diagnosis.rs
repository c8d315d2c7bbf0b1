//! An echo test that says where it ends: each step with its time, and the cause when one fails. The effects are here;
//! what an error means is decided in [`Cause`].

use super::{Answer, Cause, Destination, Scu, ScuError, Settings, open};
use crate::association::{Proposals, Timeouts};
use std::time::{Duration, Instant};
use yingdun_model::word_enum;

/// For the peer to close its side at the end of a test: what it says by then does not matter any more.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

word_enum! {
    /// A step of a connection, in their order.
    Step, "step" {
        /// The addresses of the host name.
        Resolve => "resolve",
        /// The TCP connection.
        Connect => "connect",
        /// The TLS handshake.
        Tls => "tls",
        /// A-ASSOCIATE.
        Associate => "associate",
        /// C-ECHO.
        Echo => "echo",
    }
}

/// What a test of a connection came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The steps that were begun, and how long each took.
    pub steps: Vec<(Step, Duration)>,
    /// The answer to C-ECHO, if one came.
    pub answer: Option<Answer>,
    /// What went wrong; none when C-ECHO was answered with success.
    pub fault: Option<Fault>,
}

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The step that failed.
    pub step: Step,
    /// Why.
    pub cause: Cause,
    /// What came instead, in the words of the protocol.
    pub came: String,
}

impl Timeouts {
    /// For a person who waits: no step takes longer than this.
    #[must_use]
    pub fn within(wait: Duration) -> Self {
        Self { handshake: wait, artim: wait, idle: wait, unit: wait, response: wait, close: CLOSE_TIME_MAX }
    }
}

impl Diagnosis {
    /// A connection that is not even tried.
    #[must_use]
    pub fn not_tried(step: Step, cause: Cause) -> Self {
        let came = cause.explanation().what.en.to_owned();
        Self { steps: Vec::new(), answer: None, fault: Some(Fault { step, cause, came }) }
    }

    /// The time of all steps together.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.steps.iter().map(|(_, took)| *took).sum()
    }
}

/// Calls a peer, verifies the connection (C-ECHO) and hangs up. Never fails: what goes wrong is the result.
pub async fn diagnose(destination: &Destination, settings: &Settings) -> Diagnosis {
    let mut watch = Watch::default();
    let tried = attempt(destination, settings, &mut watch).await;
    let (answer, fault) = match tried {
        Ok(answer) => {
            let fault = Cause::of_status(answer.status).map(|cause| Fault {
                step: Step::Echo,
                cause,
                came: with_comment(&answer),
            });
            (Some(answer), fault)
        }
        Err(error) => {
            let cause = Cause::of(&error, watch.last(), settings.tls.is_some());
            // With TLS 1.3 the verdict on our certificate comes when the association is asked for.
            let step = if matches!(error, ScuError::Tls(_)) { Step::Tls } else { watch.last() };
            (None, Some(Fault { step, cause, came: error.to_string() }))
        }
    };
    Diagnosis { steps: watch.ended(), answer, fault }
}

async fn attempt(
    destination: &Destination,
    settings: &Settings,
    watch: &mut Watch,
) -> Result<Answer, ScuError> {
    let (stream, _) = open(destination, settings, |step| watch.begins(step)).await?;
    watch.begins(Step::Associate);
    let proposals = Proposals::verification().map_err(|_| ScuError::NoVerification)?;
    let mut scu = Scu::over(stream, &destination.ae_title, settings, &proposals).await?;
    watch.begins(Step::Echo);
    let answer = scu.echo().await;
    watch.stop();
    match answer {
        // It was answered: how the peer takes leave says nothing about the connection.
        Ok(answer) => {
            drop(scu.release().await);
            Ok(answer)
        }
        Err(error) => {
            scu.abort().await;
            Err(error)
        }
    }
}

fn with_comment(answer: &Answer) -> String {
    match &answer.comment {
        Some(comment) => format!("{}: {comment}", answer.status),
        None => answer.status.to_string(),
    }
}

/// When each step began, and when the last one ended.
#[derive(Default)]
struct Watch {
    begun: Vec<(Step, Instant)>,
    stopped: Option<Instant>,
}

impl Watch {
    fn begins(&mut self, step: Step) {
        self.begun.push((step, Instant::now()));
    }

    fn stop(&mut self) {
        self.stopped = Some(Instant::now());
    }

    fn last(&self) -> Step {
        self.begun.last().map_or(Step::Resolve, |(step, _)| *step)
    }

    fn ended(&self) -> Vec<(Step, Duration)> {
        let end = self.stopped.unwrap_or_else(Instant::now);
        let ends = self.begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
        self.begun.iter().zip(ends).map(|((step, at), end)| (*step, end.duration_since(*at))).collect()
    }
}
