//! `commit`: asks another DICOM node whether it keeps the objects of files (storage commitment, PS3.4 annex J).

use super::scu::{files_of, read, settings};
use super::{CommandError, Verdict};
use crate::cli::{CallingArgs, CommitArgs};
use crate::output::Output;
use serde_json::json;
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yingdun_dimse::association::Proposals;
use yingdun_dimse::commitment::{Outcome, Reference, Transaction};
use yingdun_dimse::scp::{
    self, Failure, FailureKind, Object, Peer, PendingReport, Refusal, Scp, Service, Transport,
};
use yingdun_dimse::scu::{Answer, DicomFile, FileError, Scu};
use yingdun_dimse::tls;
use yingdun_model::{AeTitle, Uid};

/// Instances of one question. More than a series has, and what this archive takes of others.
const REFERENCES_MAX: usize = 10_000;

/// After the report, for the association that brought it.
const DRAIN: Duration = Duration::from_secs(2);

/// Asks, and waits for the answer.
pub(super) async fn commit(args: CommitArgs, output: Output) -> Result<Verdict, CommandError> {
    let paths = args.paths.clone();
    let files = tokio::task::spawn_blocking(move || files_of(&paths)).await;
    let files = files.map_err(std::io::Error::other)??;
    if files.len() > REFERENCES_MAX {
        let many = format!("one question asks for at most {REFERENCES_MAX} files, got {}", files.len());
        return Err(CommandError::Usage(many));
    }
    let mut asked = Vec::with_capacity(files.len());
    for path in files {
        let DicomFile { object, .. } =
            DicomFile::open(&path).await.map_err(|error| not_dicom(&path, &error))?;
        asked.push((path, Reference { sop_class: object.sop_class, sop_instance: object.sop_instance }));
    }
    let number = u128::from_be_bytes(yingdun_crypto::random::array());
    // A UID of its own, derived from a random number (PS3.5 §B.2).
    let fresh =
        || Uid::new(&format!("2.25.{number}")).map_err(|error| CommandError::Usage(error.to_string()));
    let uid = args.transaction.clone().map_or_else(fresh, Ok)?;
    let references = asked.iter().map(|(_, reference)| reference.clone()).collect();
    let transaction = Transaction { uid, references };
    let (answer, outcome) = ask(&args, &transaction).await?;
    say(&args.calling, &transaction.uid, &asked, &answer, outcome.as_ref(), output)
}

/// Puts the question and waits for the report, on this association and, where a port is named, on others.
async fn ask(
    args: &CommitArgs,
    transaction: &Transaction,
) -> Result<(Answer, Option<Outcome>), CommandError> {
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let (elsewhere, mut told_elsewhere) = Reports::of(args, transaction);
    // Before the question: the report may be faster than its acknowledgement.
    let listening = match args.listen {
        Some(port) => Some(tokio::spawn(listen(port, &args.calling, elsewhere, stop.clone()).await?)),
        None => None,
    };
    let proposals =
        Proposals::commitment_request().map_err(|error| CommandError::Usage(error.to_string()))?;
    let mut scu = Scu::connect(&args.calling.destination, &settings(&args.calling)?, &proposals).await?;
    let answer = scu.request_commitment(transaction).await?;
    if !answer.status.is_stored() {
        scu.release().await?;
        return Ok((answer, None));
    }
    let time = Duration::from_secs(args.wait.into());
    let (here, mut told_here) = Reports::of(args, transaction);
    let here = async {
        // A peer that breaks this association off may tell elsewhere. What came is answered by then.
        let _ = scu.await_commitment(time, |outcome| here.take(outcome)).await;
        match told_here.try_recv() {
            Err(_) if listening.is_some() => std::future::pending().await,
            came => came.ok(),
        }
    };
    let outcome = tokio::select! {
        outcome = here => outcome,
        Some(outcome) = told_elsewhere.recv() => Some(outcome),
        () = tokio::time::sleep(time) => None,
    };
    stop.cancel();
    if let Some(listening) = listening {
        // The peer hears that its report was taken.
        let _ = listening.await;
    }
    Ok((answer, outcome))
}

/// A node that takes reports of one transaction from one title, and nothing else.
async fn listen(
    port: u16,
    calling: &CallingArgs,
    reports: Reports,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let identity = calling.certificate_file.as_ref().zip(calling.private_key_file.as_ref());
    let transport = match (&calling.ca_file, identity) {
        (Some(ca_file), Some((certificate, key))) => {
            let trust = tls::Trust::from_pem(&read(ca_file)?)?;
            let identity = tls::Identity::from_pem(&read(certificate)?, &read(key)?)?;
            Transport::Tls(tls::server_config(identity, &trust)?)
        }
        (Some(_), None) => {
            let needed = "to listen with TLS needs --certificate-file and --private-key-file";
            return Err(CommandError::Usage(needed.to_owned()));
        }
        (None, _) => Transport::Plain,
    };
    let listener = TcpListener::bind(("::", port)).await;
    let listener = match listener {
        Ok(listener) => listener,
        // A machine without IPv6.
        Err(_) => TcpListener::bind(("0.0.0.0", port)).await?,
    };
    let scp = Scp::new(reports, scp::Settings { drain: DRAIN, ..scp::Settings::default() });
    Ok(async move { scp.serve(listener, transport, stop).await })
}

/// Takes the report of one transaction.
struct Reports {
    peer: AeTitle,
    transaction: Uid,
    sender: mpsc::Sender<Outcome>,
}

impl Reports {
    fn of(args: &CommitArgs, transaction: &Transaction) -> (Self, mpsc::Receiver<Outcome>) {
        let (sender, receiver) = mpsc::channel(1);
        let peer = args.calling.destination.ae_title.clone();
        (Self { peer, transaction: transaction.uid.clone(), sender }, receiver)
    }

    async fn take(&self, outcome: Outcome) -> Result<(), Failure> {
        if outcome.transaction != self.transaction {
            return Err(Failure::new(FailureKind::InvalidArgument, "nobody here asked for that transaction"));
        }
        // One is enough: a second one says the same.
        let _ = self.sender.try_send(outcome);
        Ok(())
    }
}

impl Service for Reports {
    type Session = ();
    type Incoming = Infallible;

    async fn admit(&self, peer: &Peer) -> Result<(), Refusal> {
        if peer.calling == self.peer { Ok(()) } else { Err(Refusal::CallingAeUnknown) }
    }

    async fn echo(&self, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn receive(&self, (): &(), _: Object) -> Result<Infallible, Failure> {
        Err(only_reports())
    }

    async fn commit(&self, (): &(), _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        Err(only_reports())
    }

    async fn committed(&self, (): &(), _: &Peer, outcome: Outcome) -> Result<(), Failure> {
        self.take(outcome).await
    }
}

fn not_dicom(path: &Path, error: &FileError) -> CommandError {
    CommandError::Usage(format!("`{}` cannot be asked for: {error}", path.display()))
}

fn only_reports() -> Failure {
    Failure::new(FailureKind::SopClassNotSupported, "only reports of storage commitment are taken here")
}

/// Each file, and whether the peer keeps it. Good when it keeps all.
fn say(
    calling: &CallingArgs,
    transaction: &Uid,
    asked: &[(PathBuf, Reference)],
    answer: &Answer,
    outcome: Option<&Outcome>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let verdicts = outcome.map(verdicts);
    let verdict = |reference: &Reference| verdicts.as_ref().map(|said| said.get(reference).copied());
    let committed = asked.iter().filter(|(_, reference)| verdict(reference) == Some(Some(None))).count();
    let instances = asked.iter().map(|(path, reference)| {
        let said = verdict(reference);
        json!({
            "file": path,
            "sop_class": reference.sop_class.as_str(),
            "instance": reference.sop_instance.as_str(),
            "committed": said.map(|said| said == Some(None)),
            "failure_reason": said.flatten().flatten().map(|reason| format!("{reason:04X}")),
        })
    });
    let document = json!({
        "transaction": transaction.as_str(),
        "status": answer.status.0,
        "comment": answer.comment,
        "answered": outcome.is_some(),
        "total": asked.len(),
        "committed": committed,
        "instances": instances.collect::<Vec<_>>(),
    });
    output.say(&document, |language| {
        if !answer.status.is_stored() {
            return language.commitment_refused(&calling.destination, answer.status);
        }
        if outcome.is_none() {
            return language.commitment_unanswered(&calling.destination, transaction);
        }
        let mut text = language.committed(&calling.destination, committed, asked.len());
        for (path, reference) in asked {
            if let Some(said) = verdict(reference).filter(|said| *said != Some(None)) {
                let reason = said.flatten().map_or_else(|| "—".to_owned(), |reason| format!("{reason:04X}H"));
                text.push('\n');
                text.push_str(&language.not_committed(path.display(), reason));
            }
        }
        text
    })?;
    Ok(Verdict::of(outcome.is_some() && committed == asked.len()))
}

/// What is said of each instance: nothing where it is kept, else why not. In doubt it is not kept.
fn verdicts(outcome: &Outcome) -> HashMap<&Reference, Option<u16>> {
    let committed = outcome.committed.iter().map(|reference| (reference, None));
    committed.chain(outcome.failed.iter().map(|(reference, reason)| (reference, Some(*reason)))).collect()
}
