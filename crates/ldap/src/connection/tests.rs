//! What happens before TLS, against servers that say what no real one does. Everything behind TLS is tested with slapd
//! (tests/test_ldap.py).

use super::*;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A mock of a server: what it says, whatever it hears, and what it heard.
async fn mock_server(says: &'static [u8]) -> (ServerAddress, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(says).await.unwrap();
        let mut heard = Vec::new();
        let _ = socket.read_to_end(&mut heard).await;
        heard
    });
    (format!("ldap://127.0.0.1:{port}").parse().unwrap(), served)
}

async fn opened(address: &ServerAddress) -> LdapError {
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let second = Duration::from_secs(1);
    let times = Times { connect: second, answer: second };
    Connection::open(address, &Arc::new(tls), times).await.err().unwrap()
}

const YES: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";

#[tokio::test]
async fn nothing_but_start_tls_is_said_to_a_server_that_begins_no_tls() {
    for says in [
        &b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"[..],
        b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"SSH-2.0-x\r\n",
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x80",
    ] {
        let (address, heard) = mock_server(says).await;
        let error = opened(&address).await;
        assert!(matches!(error, LdapError::NoTls { .. } | LdapError::Protocol { .. }), "{error}");
        assert_eq!(heard.await.unwrap(), message::start_tls(1), "{error}");
    }
}

#[tokio::test]
async fn what_stands_behind_the_answer_is_not_taken_for_something_that_came_through_tls() {
    let surplus: Vec<u8> = [YES, b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"].concat();
    let (address, heard) = mock_server(surplus.leak()).await;
    let error = opened(&address).await;
    assert!(error.to_string().contains("before TLS"), "{error}");
    assert_eq!(heard.await.unwrap(), message::start_tls(1));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ldap://{}", listener.local_addr().unwrap()).parse().unwrap();
    assert!(matches!(opened(&address).await, LdapError::Silent { seconds: 1, .. }));
    drop(listener);
    assert!(matches!(opened(&address).await, LdapError::Unreachable { .. }));
}
