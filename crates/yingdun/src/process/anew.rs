//! Beginning anew in place.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Replaces this process by a new one of the same program, with the same arguments, that listens where this one did. It
/// gives all memory back to the operating system, which wipes it before anybody else gets it; so no key outlives this, wherever a
/// library may have left it. Returns only when it fails.
pub(crate) fn begin(listen: [(&str, Option<SocketAddr>); 3]) -> io::Error {
    let mut command = Command::new("/proc/self/exe");
    command.args(env::args_os().skip(1));
    for (option, address) in listen {
        if let Some(address) = address {
            command.env(format!("YINGDUN__{option}"), address.to_string());
        }
    }
    command.exec()
}
