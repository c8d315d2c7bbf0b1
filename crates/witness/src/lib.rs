//! What somebody else remembers of an audit log (C2SP tlog-witness): the witness, and asking witnesses.
//!
//! Whoever has an archive and all its keys can sign another past. What he cannot do is make another institution forget what it has seen.
//!
//! ```text
//!  log ─► Gatherer ──old size, proof, checkpoint──► Door ─► Witness: signed by the log? continues what I saw?
//!           │                                                  │ size and root on the disk, then the signature
//!           ▼ ◄─────────cosignature, or what it saw────────────┘
//!   `witnessed` beside the log; an alarm where a witness has seen another past
//! ```
//!
//! # What holds
//!
//! * A witness signs nothing that does not continue the newest head that it has seen of that log, and remembers a head on its disk before
//!   it signs it ([`Witness::add_checkpoint`]). Requests for one log are taken one at a time.
//! * It knows nothing of leaves: a head is an origin, a size and a hash.
//! * Who asks never waits for it: the log goes on, and what witnesses say comes behind (promise I8).
//!
//! # What is in the folder of a witness
//!
//! | path | what |
//! |---|---|
//! | `witness.toml` | settings, and the public keys of the logs that it watches |
//! | `witness.key` | its signing key, mode 0600 |
//! | `logs/<SHA-256 of origin>/latest` | the newest checkpoint that was seen, as the log signed it |
//! | `logs/<SHA-256 of origin>/cosigned` | the newest that was cosigned, with the cosignature |
//! | `logs/<SHA-256 of origin>/forked` | a checkpoint of the same size with another root, signed by the log: the first that came |
//! | `lock` | held by the process that serves |
//!
//! # Metrics
//!
//! Of a witness: `yingdun_witness_requests_total{answer}`, `yingdun_witness_log_size{origin}`, `yingdun_witness_forks_total`. Of a log:
//! `yingdun_audit_witnessed_size`, `yingdun_audit_witnessed_age_seconds`, `yingdun_audit_witness_size{witness}`,
//! `yingdun_audit_witness_cosigns{witness}`, `yingdun_audit_witness_contradicts{witness}`.

mod ask;
mod door;
mod error;
mod files;
mod gather;
mod judge;
mod remember;
mod settings;
mod wire;
mod witness;

pub use ask::{AskError, Asker};
pub use door::{Door, Metrics, interfaces, tls};
pub use error::WitnessError;
pub use gather::{Gathered, Gatherer, News, Standing, WitnessState};
pub use settings::Settings;
pub use wire::{Request, WireError};
pub use witness::{Answer, Watched, Witness};
