//! Against DCMTK: `echoscu` and `storescu` call our server, our client calls `storescp`.

// A test may fail by panic; helpers outside of test functions as well.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

mod support;

use std::process::{Output, Stdio};
use std::time::Duration;
use support::{CALLED, CALLING, Pki, Server, data_set, object, part10_file, patient, title, uid};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use yingdun_dimse::association::Proposals;
use yingdun_dimse::message::Status;
use yingdun_dimse::scu::{Scu, Settings};

/// Whether DCMTK is here; says so when it is not.
fn dcmtk_is_missing() -> bool {
    let missing = std::process::Command::new("echoscu").arg("--version").output().is_err();
    if missing {
        eprintln!("SKIPPED: DCMTK (echoscu, storescu, storescp) is not installed");
    }
    missing
}

async fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).kill_on_drop(true).output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn echoscu_gets_its_answer_in_plain() {
    if dcmtk_is_missing() {
        return;
    }
    let server = Server::plain(patient()).await;
    let output = run("echoscu", &["-v", "-aet", CALLING, "-aec", CALLED, "127.0.0.1", &server.port()]).await;
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("Received Echo Response (Success)"), "{}", text(&output));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echoscu_is_rejected_for_a_wrong_called_or_calling_title() {
    if dcmtk_is_missing() {
        return;
    }
    let server = Server::plain(patient()).await;
    for (calling, called, words) in [
        (CALLING, "NOBODY", "Called AE Title Not Recognized"),
        ("CT99", CALLED, "Calling AE Title Not Recognized"),
    ] {
        let output =
            run("echoscu", &["-v", "-aet", calling, "-aec", called, "127.0.0.1", &server.port()]).await;
        assert!(!output.status.success());
        assert!(text(&output).contains(words), "{}", text(&output));
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_the_registered_certificate_speaks_for_its_title() {
    if dcmtk_is_missing() {
        return;
    }
    let pki = Pki::new();
    let server = Server::tls(&pki, patient()).await;
    let port = server.port();
    let echo = async |identity: Option<&str>, authority: &str| {
        let (key, certificate) = match identity {
            Some(name) => (pki.path(&format!("{name}.key")), pki.path(&format!("{name}.pem"))),
            None => (String::new(), String::new()),
        };
        let mut arguments = vec!["-v", "-aet", CALLING, "-aec", CALLED];
        match identity {
            Some(_) => arguments.extend(["+tls", &key, &certificate]),
            None => arguments.push("+tla"),
        }
        let authority = pki.path(authority);
        arguments.extend(["+cf", &authority, "127.0.0.1", &port]);
        run("echoscu", &arguments).await
    };
    let right = echo(Some("device"), "ca.pem").await;
    assert!(right.status.success(), "{}", text(&right));
    // No certificate, one of a foreign authority: TLS itself ends it.
    assert!(!echo(None, "ca.pem").await.status.success());
    assert!(!echo(Some("stranger"), "ca.pem").await.status.success());
    // The client does not trust us.
    assert!(!echo(Some("device"), "foreign-ca.pem").await.status.success());
    assert_eq!(server.service.peers.lock().unwrap().len(), 1, "nobody else reached the decision");
    // A certificate of our authority that is registered for another title.
    let other = echo(Some("other-device"), "ca.pem").await;
    assert!(text(&other).contains("Reason: No Reason"), "{}", text(&other));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storescu_stores_bit_for_bit_in_units_of_any_size() {
    if dcmtk_is_missing() {
        return;
    }
    let pki = Pki::new();
    let files = TempDir::new().unwrap();
    for (tls, unit) in [(false, "4096"), (false, "131072"), (true, "16384"), (true, "131072")] {
        let server = if tls { Server::tls(&pki, patient()).await } else { Server::plain(patient()).await };
        let mut arguments: Vec<String> =
            ["-v", "-aet", CALLING, "-aec", CALLED, "--max-send-pdu", unit].map(str::to_owned).into();
        if tls {
            arguments.extend(["+tls".to_owned(), pki.path("device.key"), pki.path("device.pem")]);
            arguments.extend(["+cf".to_owned(), pki.path("ca.pem")]);
        }
        arguments.extend(["127.0.0.1".to_owned(), server.port()]);
        let sizes = [2, 5000, 60_000, 525_000];
        for (number, size) in sizes.iter().enumerate() {
            let instance = format!("2.25.10{number}");
            let path = files.path().join(&instance);
            std::fs::write(&path, part10_file(&instance, &data_set(&instance, *size))).unwrap();
            arguments.push(path.to_str().unwrap().to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run("storescu", &arguments).await;
        assert!(output.status.success(), "{}", text(&output));
        for (number, size) in sizes.iter().enumerate() {
            let instance = format!("2.25.10{number}");
            assert_eq!(server.kept(&instance), Some(data_set(&instance, *size)), "tls {tls}, {unit}");
        }
        server.finish().await;
    }
}

/// `storescp` in a folder of its own.
struct StoreScp {
    folder: TempDir,
    port: u16,
    _child: Child,
}

impl StoreScp {
    async fn start(tls: &[String]) -> Self {
        let folder = TempDir::new().unwrap();
        // The port is free until somebody else takes it in the next milliseconds.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("storescp")
            .args(["-aet", "ARCHIVE", "--bit-preserving", "-od", folder.path().to_str().unwrap()])
            .args(tls)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { folder, port, _child: child }
    }

    fn destination(&self) -> yingdun_dimse::scu::Destination {
        format!("ARCHIVE@127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// The files that were received.
    fn files(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

fn proposals() -> Proposals {
    let mut proposals = Proposals::verification().unwrap();
    proposals.add(uid(support::SECONDARY_CAPTURE), uid(support::EXPLICIT_LE)).unwrap();
    proposals
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_verifies_and_stores_to_storescp() {
    if dcmtk_is_missing() {
        return;
    }
    let pki = Pki::new();
    let server_tls = [
        "+tls".to_owned(),
        pki.path("server.key"),
        pki.path("server.pem"),
        "+cf".to_owned(),
        pki.path("ca.pem"),
    ];
    let plain = Settings::new(title(CALLING));
    let secure = plain.clone().with_tls(pki.client(Some("device"), "ca"));
    for (tls, settings) in [(&[][..], plain), (&server_tls[..], secure)] {
        let storescp = StoreScp::start(tls).await;
        let mut scu = Scu::connect(&storescp.destination(), &settings, &proposals()).await.unwrap();
        assert_eq!(scu.echo().await.unwrap().status, Status::SUCCESS);
        let sent = data_set("2.25.55", 300_000);
        let answer = scu.store(&object("2.25.55"), &mut &sent[..]).await.unwrap();
        assert_eq!(answer.status, Status::SUCCESS);
        scu.release().await.unwrap();
        let files = storescp.files();
        assert_eq!(files.len(), 1);
        assert!(files[0].ends_with(&sent));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_says_what_is_wrong_with_storescp() {
    if dcmtk_is_missing() {
        return;
    }
    let pki = Pki::new();
    let storescp = StoreScp::start(&[
        "+tls".to_owned(),
        pki.path("server.key"),
        pki.path("server.pem"),
        "+cf".to_owned(),
        pki.path("ca.pem"),
    ])
    .await;
    let calling = Settings::new(title(CALLING));
    let verification = Proposals::verification().unwrap();
    let mistrusting = calling.clone().with_tls(pki.client(Some("device"), "foreign-ca"));
    let error = Scu::connect(&storescp.destination(), &mistrusting, &verification).await.err().unwrap();
    assert_eq!(error.to_string(), "peer certificate is not signed by a trusted authority");
    let unknown = calling.clone().with_tls(pki.client(Some("stranger"), "ca"));
    let error = Scu::connect(&storescp.destination(), &unknown, &verification).await.err().unwrap();
    assert_eq!(error.to_string(), "the peer does not trust the authority of our certificate");
    let nobody: yingdun_dimse::scu::Destination = "ARCHIVE@127.0.0.1:1".parse().unwrap();
    let error = Scu::connect(&nobody, &calling, &verification).await.err().unwrap();
    assert!(error.to_string().starts_with("ARCHIVE@127.0.0.1:1 cannot be reached: "), "{error}");
}
