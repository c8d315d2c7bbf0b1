//! The binary: configuration, wiring, command line.

mod config;
mod pki;

fn main() {}
