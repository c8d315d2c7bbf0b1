//! What an echo test says of peers that are there, wrong, deaf or not there: DCMTK's `storescp`, our own server, a port
//! that is closed and one that is silent.

// A test may fail by panic; helpers outside of test functions as well.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{CALLED, CALLING, Pki, Server, patient, title};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use yingdun_dimse::association::Timeouts;
use yingdun_dimse::scu::{Cause, Destination, Diagnosis, Settings, Step, diagnose};

/// Waits that a test can afford; a handshake on a busy machine takes less.
const WAIT: Duration = Duration::from_secs(30);

fn plain(calling: &str) -> Settings {
    Settings { timeouts: Timeouts::within(WAIT), ..Settings::new(title(calling)) }
}

fn secure(pki: &Pki, identity: Option<&str>, authority: &str) -> Settings {
    plain(CALLING).with_tls(pki.client(identity, authority))
}

fn at(port: u16) -> Destination {
    format!("{CALLED}@127.0.0.1:{port}").parse().unwrap()
}

/// The cause, after its report was checked for what every report has.
fn cause(diagnosis: &Diagnosis) -> (Step, Cause) {
    let fault = diagnosis.fault.as_ref().expect("a fault");
    assert!(!fault.came.is_empty());
    assert_eq!(diagnosis.steps[0].0, Step::Resolve);
    assert!(diagnosis.steps.is_sorted_by_key(|(step, _)| *step));
    (fault.step, fault.cause)
}

/// A program that is ended with the test.
struct StoreScp(Child, u16);

impl Drop for StoreScp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl StoreScp {
    /// None where DCMTK is not installed.
    async fn start(options: &[String]) -> Option<Self> {
        // The port is free until somebody else takes it in the next milliseconds.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("storescp")
            .args(["-aet", CALLED, "--ignore"])
            .args(options)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let storescp = Self(child.ok()?, port);
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(storescp)
    }

    async fn secure(pki: &Pki, identity: &str) -> Option<Self> {
        let (key, certificate) = (pki.path(&format!("{identity}.key")), pki.path(&format!("{identity}.pem")));
        Self::start(&["+tls".to_owned(), key, certificate, "+cf".to_owned(), pki.path("ca.pem")]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_well_has_a_time_for_each_step() {
    let pki = Pki::new();
    let server = Server::tls(&pki, patient()).await;
    let well = diagnose(&server.destination(), &secure(&pki, Some("device"), "ca")).await;
    assert_eq!(well.fault, None);
    let steps: Vec<Step> = well.steps.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [Step::Resolve, Step::Connect, Step::Tls, Step::Associate, Step::Echo]);
    assert_eq!(well.answer.as_ref().unwrap().status.0, 0);
    assert!(well.duration() > Duration::ZERO);
    server.finish().await;
    let Some(storescp) = StoreScp::start(&[]).await else { return };
    assert_eq!(diagnose(&at(storescp.1), &plain(CALLING)).await.fault, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_by_how_it_is_not_there() {
    let nowhere = "ANY@no-such-host.invalid:104".parse().unwrap();
    let unknown = diagnose(&nowhere, &plain(CALLING)).await;
    assert_eq!(cause(&unknown), (Step::Resolve, Cause::NameUnknown));
    assert_eq!(cause(&diagnose(&at(1), &plain(CALLING)).await), (Step::Connect, Cause::PortClosed));

    let pki = Pki::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings = |tls: bool| {
        let settings = if tls { secure(&pki, Some("device"), "ca") } else { plain(CALLING) };
        Settings { timeouts: Timeouts::within(Duration::from_millis(300)), ..settings }
    };
    let deaf = diagnose(&at(port), &settings(false)).await;
    assert_eq!(cause(&deaf), (Step::Associate, Cause::AssociationSilent));
    let deaf = diagnose(&at(port), &settings(true)).await;
    assert_eq!(cause(&deaf), (Step::Tls, Cause::TlsSilent));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_and_those_who_hang_up_are_told_apart() {
    for (says, expected) in
        [(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Cause::NotDicom), (b"", Cause::HungUp)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.write_all(says).await.unwrap();
            peer.shutdown().await.unwrap();
            // Kept open: bytes that are not read would become a reset.
            tokio::time::sleep(WAIT).await;
        });
        assert_eq!(cause(&diagnose(&at(port), &plain(CALLING)).await), (Step::Associate, expected));
        serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_title_is_named_and_a_wrong_certificate_is_not_more_than_the_peer_tells() {
    let pki = Pki::new();
    let server = Server::plain(patient()).await;
    let stranger = diagnose(&server.destination(), &plain("STRANGER")).await;
    assert_eq!(cause(&stranger), (Step::Associate, Cause::CallingAeUnknown));
    let other = format!("OTHER@127.0.0.1:{}", server.port()).parse().unwrap();
    assert_eq!(cause(&diagnose(&other, &plain(CALLING)).await), (Step::Associate, Cause::CalledAeUnknown));
    server.finish().await;
    let server = Server::tls(&pki, patient()).await;
    let unbound = diagnose(&server.destination(), &secure(&pki, Some("other-device"), "ca")).await;
    assert_eq!(cause(&unbound), (Step::Associate, Cause::Rejected));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_tls_to_plain_or_plain_to_tls_hears_it() {
    let pki = Pki::new();
    let server = Server::plain(patient()).await;
    let deaf = diagnose(&server.destination(), &secure(&pki, Some("device"), "ca")).await;
    let (step, cause_of_ours) = cause(&deaf);
    assert_eq!(step, Step::Tls);
    assert!(matches!(cause_of_ours, Cause::TlsNotSpoken | Cause::TlsHungUp), "{cause_of_ours}");
    server.finish().await;
    let server = Server::tls(&pki, patient()).await;
    let bare = diagnose(&server.destination(), &plain(CALLING)).await;
    assert_eq!(cause(&bare), (Step::Associate, Cause::TlsExpected));
    server.finish().await;

    let Some(storescp) = StoreScp::start(&[]).await else { return };
    let deaf = diagnose(&at(storescp.1), &secure(&pki, Some("device"), "ca")).await;
    let (step, cause_of_theirs) = cause(&deaf);
    assert_eq!(step, Step::Tls);
    assert!(matches!(cause_of_theirs, Cause::TlsNotSpoken | Cause::TlsHungUp), "{cause_of_theirs}");
    let storescp = StoreScp::secure(&pki, "server").await.unwrap();
    let bare = diagnose(&at(storescp.1), &plain(CALLING)).await;
    assert!(matches!(cause(&bare), (Step::Associate, Cause::TlsExpected | Cause::HungUp)), "{bare:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_certificate_has_its_own_words() {
    let pki = Pki::new();
    let Some(storescp) = StoreScp::secure(&pki, "server").await else { return };
    let to = async |settings: Settings| cause(&diagnose(&at(storescp.1), &settings).await);
    assert_eq!(
        to(secure(&pki, Some("device"), "foreign-ca")).await,
        (Step::Tls, Cause::PeerAuthorityUnknown)
    );
    assert_eq!(to(secure(&pki, Some("stranger"), "ca")).await, (Step::Tls, Cause::OurAuthorityUnknown));
    assert_eq!(to(secure(&pki, Some("expired"), "ca")).await, (Step::Tls, Cause::OurCertificateExpired));
    // With TLS 1.2 a missing certificate is a refused handshake.
    let bare = to(secure(&pki, None, "ca")).await;
    assert!(matches!(bare, (Step::Tls, Cause::CertificateWanted | Cause::TlsRefused)), "{bare:?}");
    let well = diagnose(&at(storescp.1), &secure(&pki, Some("device"), "ca")).await;
    assert_eq!(well.fault, None, "{well:?}");
    drop(storescp);
    for (identity, expected) in
        [("expired", Cause::PeerCertificateExpired), ("elsewhere", Cause::PeerCertificateOtherHost)]
    {
        let storescp = StoreScp::secure(&pki, identity).await.unwrap();
        let met = diagnose(&at(storescp.1), &secure(&pki, Some("device"), "ca")).await;
        assert_eq!(cause(&met), (Step::Tls, expected));
    }
}
