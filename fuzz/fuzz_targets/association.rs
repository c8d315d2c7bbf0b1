//! A whole conversation: the input is all that a peer ever sends. The server answers or ends it; it never panics
//! and never takes an object for complete that was cut.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use yingdun_dimse::association::{Agreement, Connection, DATA_BYTES_MAX, Pending, Received, Timeouts};
use yingdun_dimse::message::{Command, read_command, read_data};

/// Nothing is waited for: all bytes are there, and then the end.
const AT_ONCE: Duration = Duration::from_millis(1);

fuzz_target!(|input: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(converse(input));
});

async fn converse(input: &[u8]) {
    let (mut peer, ours) = tokio::io::duplex(input.len() + (1 << 20));
    peer.write_all(input).await.expect("the pipe holds all of it");
    peer.shutdown().await.expect("the pipe can be closed");
    let timeouts = Timeouts {
        handshake: AT_ONCE,
        artim: AT_ONCE,
        idle: AT_ONCE,
        unit: AT_ONCE,
        response: AT_ONCE,
        close: AT_ONCE,
    };
    let connection = Connection::new(ours, DATA_BYTES_MAX);
    let Ok(pending) = Pending::receive(connection, timeouts).await else { return };
    let Ok((calling, called)) = pending.titles() else { return };
    let accepted = pending.accept(calling, called, Agreement::default(), |_, syntaxes| {
        syntaxes.first().cloned().ok_or(yingdun_dimse::pdu::ContextOutcome::TransferSyntaxesNotSupported)
    });
    let Ok(mut association) = accepted.await else { return };
    while let Ok(Received::Fragment(first)) = association.receive(AT_ONCE).await {
        let Ok((context, command)) = read_command(&mut association, first).await else { return };
        let response = command.response(yingdun_dimse::message::Status::SUCCESS, Some("fuzz")).encode();
        assert!(Command::decode(Bytes::clone(&response)).is_ok());
        let mut last = !command.has_data_set();
        while !last {
            match read_data(&mut association, context).await {
                Ok((_, is_last)) => last = is_last,
                Err(_) => return,
            }
        }
        if association.send_command(context, &response).await.is_err() {
            return;
        }
    }
}
