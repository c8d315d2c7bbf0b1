//! Door: the DICOM node. It takes objects from modalities, answers queries and gives objects back (SCP), and does the
//! same with other nodes (SCU).
//!
//! ```text
//!   bytes ──► association::Connection ──► Association ──► message ──► scp::Service
//!   (TLS or plain)   whole units, bounded    who, contexts     command sets    decides, stores
//!        pdu: the wire format                                                       │
//!   bytes ◄── write + flush ◄──────────── fragments ◄───── response ◄── status ◄────┘
//! ```
//!
//! Each step has one job: [`pdu`] is the wire format, [`association`] the upper layer protocol over any byte
//! stream, [`message`] the command sets, [`scp`] the server and [`scu`] the client; [`tls`] makes the stream.
//! What is *decided* (who may connect, what is kept) stands behind the trait [`scp::Service`]; [`archive_door`]
//! is the one that the archive uses. Nothing here looks into an object or keeps one in memory: fragments go on
//! as they come, sharing the memory they were received in. What a query asks is read by [`query`].
//!
//! This crate never decides who may do what, never stores anything, and never writes a log line with personal
//! data: application entity titles, addresses and counts are all it tells.

pub mod archive_door;
pub mod association;
pub mod availability;
pub mod commitment;
pub mod committer;
pub mod message;
pub mod notifier;
pub mod pdu;
pub mod query;
pub mod reporter;
pub mod scp;
pub mod scu;
pub mod tls;

/// UID of the Verification SOP class (PS3.4 annex A).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";

/// UID of the Modality Performed Procedure Step SOP class (PS3.4 §F.7).
pub const PERFORMED_STEP: &str = "1.2.840.10008.3.1.2.3.3";

/// UID of the Modality Performed Procedure Step Retrieve SOP class (PS3.4 §F.8).
pub const PERFORMED_STEP_RETRIEVE: &str = "1.2.840.10008.3.1.2.3.4";

/// UID of the transfer syntax Implicit VR Little Endian, the default that everybody speaks (PS3.5 §10.1).
pub const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
