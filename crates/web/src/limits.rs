//! Every bound of this door, with its unit and its reason. One place, so that an auditor reads one page.
//!
//! A bound protects the archive from a client that is broken or hostile. Each is far above what real
//! modalities, viewers and gateways send, so that honest work never meets one.

use std::time::Duration;

pub use yingdun_archive::{JOB_FAILURES_MAX, JOBS_KEPT_MAX, JOBS_RUNNING_MAX};

/// TLS handshake, from accept to the first application byte. Real handshakes take milliseconds; ten seconds
/// covers a lossy line. Stops a peer that opens connections and says nothing.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Time for the whole header of one HTTP/1.1 request, and for an idle connection to send the next one.
pub const HEADER_TIME_MAX: Duration = Duration::from_secs(30);

/// Interval of HTTP/2 pings; a peer that does not answer one within the same time is gone.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// The longest silence inside a request body. A modality on a bad line still sends something each half minute.
pub const BODY_SILENCE_MAX: Duration = Duration::from_secs(30);

/// Time spent waiting for a request body after which it is looked at how much came meanwhile.
pub const BODY_RATE_WINDOW: Duration = Duration::from_secs(30);

/// What must have come of a request body in [`BODY_RATE_WINDOW`]: a kibibyte in a second, less than the worst line of a modality
/// carries. Stops a peer that sends a byte now and then.
pub const BODY_WINDOW_BYTES_MIN: u64 = 30 * 1024;

/// The longest time that a peer may refuse to take answer bytes. A viewer that is paused for longer asks again.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(60);

/// Time that open requests have to finish once the server is told to stop.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Time for connections that were cut off after [`DRAIN_TIME_MAX`] to let go of what they hold: they end at
/// their next step, which takes milliseconds.
pub const CUT_TIME_MAX: Duration = Duration::from_secs(2);

/// Bytes that are read and thrown away after an answer to a request whose body was not wanted: a client that
/// does not listen while it sends gets through a CT series. What is longer comes from clients that ask first
/// (`Expect: 100-continue`) or listen.
pub const LINGER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Time for that: [`LINGER_BYTES_MAX`] at 70 Mbit/s.
pub const LINGER_TIME_MAX: Duration = Duration::from_secs(30);

/// A pause after which a peer that has its answer is not waited for any more: some round trips of a bad line.
pub const LINGER_SILENCE_MAX: Duration = Duration::from_secs(2);

/// Open connections in all. Each costs about 100 KiB of TLS and HTTP buffers: 100 MB at the limit.
pub const CONNECTIONS_MAX: usize = 1024;

/// Open connections from one address. A browser opens six, a gateway some tens.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 128;

/// Connections of one person, client or device that are not closed for others, of one address when that has no more and of all when there
/// are no more: half of those of an address.
pub const CONNECTIONS_PER_SUBJECT_MAX: usize = 64;

/// Requests in flight on one HTTP/2 connection. Viewers ask for some tens of frames at once.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 128;

/// Bytes of one HTTP/1.1 request head (request line and headers together) and of an HTTP/2 header list.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Header fields of one request. Browsers send about twenty.
pub const HEADER_FIELDS_MAX: usize = 64;

/// HTTP/2 receive window of one stream, bytes. One STOW-RS upload must fill a 1 Gbit/s line with 20 ms
/// round-trip time, which needs 2.5 MB.
pub const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// HTTP/2 receive window of one connection, bytes: the most that all its uploads hold unread in memory.
pub const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// HTTP/2 answer bytes queued in one stream before the producer has to wait.
pub const SEND_BUFFER_BYTES: usize = 1024 * 1024;

/// Bytes of path and query together. A QIDO-RS query with 100 study UIDs needs 6.5 KB.
pub const URI_BYTES_MAX: usize = 8 * 1024;

/// Parameters in one query string. The longest form of a viewer has about twenty.
pub const QUERY_PARAMETERS_MAX: usize = 64;

/// Media ranges in one `Accept`. OHIF sends about ten.
pub const ACCEPT_RANGES_MAX: usize = 32;

/// Bytes of an `Accept` or `Content-Type` value.
pub const MEDIA_VALUE_BYTES_MAX: usize = 4 * 1024;

/// Bytes of a form (`application/x-www-form-urlencoded`): a login, a token request.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// The longest time that such a form of somebody who may be a stranger takes to come, all of it: it fits into a few packets.
pub const FORM_TIME_MAX: Duration = Duration::from_secs(5);

/// Bytes of a JSON body of the administration API: one record at a time.
pub const JSON_BYTES_MAX: usize = 64 * 1024;

/// The longest side of a copy, in pixels: a page of A4 at 200 dots per inch. And that of a capture of which nothing is said.
pub const COPY_SIDE_MAX: u32 = 2048;
/// See [`COPY_SIDE_MAX`].
pub const CAPTURE_SIDE_DEFAULT: u32 = 1024;

/// The quality of the JPEG on a page: the hidden mark and fine lines survive a printer.
pub const PRINT_QUALITY: u8 = 95;

/// Bytes of a picture that somebody found: more than what the cameras of telephones make.
pub const FOUND_PICTURE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Nested arrays and objects in a JSON body. Our records have at most two.
pub const JSON_DEPTH_MAX: usize = 12;

/// Bytes of one STOW-RS request. A whole study of 5000 CT slices is 2.6 GB, a whole-slide image 5 GB; the
/// body is streamed, so this bounds time and disk, not memory.
pub const STOW_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// Parts of one STOW-RS request: every answer line is held in memory until the end (about 1 KB each).
pub const STOW_PARTS_MAX: usize = 20_000;

/// Bytes of the metadata of one STOW-RS request of metadata and bulk data: of some thousand slices.
pub const STOW_METADATA_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of bulk data of such a request that wait in memory for the rest of their object. Native pixels of known length
/// do not wait.
pub const STOW_HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The longest body of a request that has to be signed: it is read whole before anything of it takes effect. A handful of images.
pub const SIGNED_BODY_BYTES_MAX: usize = 16 << 20;
/// Bodies that are read so at the same time: 128 MiB.
pub const SIGNED_BODIES_AT_ONCE_MAX: usize = 8;

/// Such requests that are read at the same time; others wait.
pub const STOW_DESCRIBED_AT_ONCE_MAX: usize = 4;

/// Tests of connections and searches at devices at the same time: each holds a connection for up to a minute, and the rows
/// that it finds.
pub const DEVICE_CALLS_AT_ONCE_MAX: usize = 8;

/// Rows of a search at a device, each some kilobytes of JSON in memory until the answer is complete.
pub const DEVICE_ROWS_MAX: usize = 1000;

/// Objects of one job. As many as a C-MOVE counts (PS3.7 table 9.3-8: 16 bits).
pub const JOB_OBJECTS_MAX: usize = u16::MAX as usize;

/// For the object that a job is sending when the server stops; then it is cut off.
pub const JOB_CUT_TIME_MAX: Duration = Duration::from_secs(10);

/// Questions for storage commitment in one list, the newest: who wants another has its transaction.
pub const COMMITMENTS_LISTED_MAX: u32 = 100;

/// Bytes of the headers of one part of a multipart body.
pub const PART_HEADER_BYTES_MAX: usize = 4 * 1024;

/// Header fields of one part.
pub const PART_HEADER_FIELDS_MAX: usize = 16;

/// Bytes before the first delimiter of a multipart body (RFC 2046 §5.1.1 preamble, to be ignored).
pub const PREAMBLE_BYTES_MAX: usize = 1024;

/// Bytes of a multipart boundary. RFC 2046 §5.1.1 allows 70; Orthanc sends 73.
pub const BOUNDARY_BYTES_MAX: usize = 128;

/// Rows of a QIDO-RS answer when `limit` is absent.
pub const QIDO_ROWS_DEFAULT: u32 = 200;

/// Rows of a QIDO-RS answer at most; a larger `limit` is served with this many and a warning header.
pub const QIDO_ROWS_MAX: u32 = 1000;

/// The largest `offset` of a QIDO-RS request: skipping rows costs the database time.
pub const QIDO_OFFSET_MAX: u32 = 1_000_000;

/// UIDs in one list of UIDs (PS3.4 §C.2.2.2.2).
pub const UID_LIST_MAX: usize = 128;

/// Characters of one query value. The longest standard value (VR LT aside) is a PN of 3 × 64 characters.
pub const QUERY_VALUE_CHARS_MAX: usize = 1024;

/// Frames in one list of frame numbers.
pub const FRAME_LIST_MAX: usize = 2048;

/// Bytes of a bulk data path: `xxxxxxxx` and items, as the metadata answer wrote it.
pub const BULK_PATH_BYTES_MAX: usize = 512;

/// Answer chunks that are made before the network takes them. With chunks of up to 1 MiB an answer holds a few
/// megabytes at most.
pub const ANSWER_CHUNKS_AHEAD: usize = 4;

/// Instances whose metadata are prepared at the same time for one answer.
pub const METADATA_AHEAD: usize = 8;

/// Bytes of the HTTP/1.1 connection buffer: the chunk in which an upload arrives. Larger than the head of a
/// request may be, so the head is measured again by its own bound.
pub const HTTP1_BUFFER_BYTES: usize = 256 * 1024;

/// How long another node is waited for with a page of its audit log: a search takes some 300 ms, one that reads where no index is a second.
pub const AUDIT_NODE_TIME_MAX: Duration = Duration::from_secs(5);

/// Leaves of the audit log in one answer when nothing is said.
pub const AUDIT_LEAVES_DEFAULT: usize = 100;

/// Leaves of the audit log in one answer at most: about 1 MB.
pub const AUDIT_LEAVES_MAX: usize = 1000;

/// Packs in one answer to a vault: a terabyte and a half of images, in 600 KB.
pub const VAULT_PACKS_MAX: usize = 6000;

/// Bytes of a pack in one answer to a vault. Each answer is decided and written down anew, so a vault whose rights are taken
/// ends behind so much.
pub const VAULT_SPAN_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Packs that a vault asks about at once.
pub const VAULT_PROBE_PACKS_MAX: usize = 256;

/// Bytes of these packs: read on every replica, they keep the disks busy for some seconds.
pub const VAULT_PROBE_BYTES_MAX: u64 = 1 << 30;

/// Bytes of a patient ID in a care relation (VR LO has 64 characters, up to 4 bytes each).
pub const PATIENT_ID_BYTES_MAX: usize = 256;

/// Pictures of more decoded bytes than this are made one at a time: with all that decoding and rendering need beside, such
/// a picture takes some hundred megabytes.
pub const LARGE_PICTURE_BYTES: u64 = 32 * 1024 * 1024;

/// Frames that are rendered for one request.
pub const RENDERED_FRAMES_MAX: usize = 64;

/// Fewest pixels of a region whose values are measured for somebody: a vessel of four millimetres in a CT. Of fewer, numbers that are rounded would
/// still tell what each pixel is (design note 024).
pub const REGION_PIXELS_MIN: u64 = 36;

/// Fewest pixels of a region of which the lowest and the highest value are told: each is the value of one pixel, and of so many nobody knows which.
pub const REGION_EXTREMES_PIXELS_MIN: u64 = 144;

/// Regions that one person or program may have measured within a minute: one a second is more than a hand draws.
pub const REGIONS_PER_MINUTE_MAX: u32 = 60;

/// The same within a day: more than people draw, and not enough to lay the smallest region over each place of one slice of 512 by 512.
pub const REGIONS_PER_DAY_MAX: u32 = 2_000;

/// People and programs whose regions are counted, of some hundred bytes each; whoever is one too many waits until others are a day old.
pub const REGION_ASKERS_MAX: usize = 8_192;

/// Images of a slide that are looked at for its thumbnail, the smallest first: a slide has some ten levels, a label and an
/// overview.
pub const SLIDE_LEVELS_MAX: usize = 16;

/// Pixels on each side of a thumbnail when nothing is said.
pub const THUMBNAIL_SIDE: u32 = 256;

/// JPEG quality when nothing is said: above it files grow and nobody sees more.
pub const JPEG_QUALITY_DEFAULT: u8 = 90;

/// Instances of one answer that are opened before their turn, so that reading and unpacking their first bytes, up to
/// 1 MiB of each, runs on the other cores beside the sending of the ones before.
pub const INSTANCES_AHEAD: usize = 8;

/// Bytes of TLS records that wait for the socket of one connection: larger than one write to a socket is worth, so
/// that an image takes a few system calls. The library's own 64 KiB make one for each four records.
pub const TLS_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of a workitem in a request: what the archive keeps of one, and as much again for blanks.
pub const WORKITEM_BYTES_MAX: usize = 2 * yingdun_archive::WORKITEM_BYTES_MAX;

/// Nested arrays and objects of a workitem: three for each sequence within a sequence, of which there are eight at most.
pub const WORKITEM_DEPTH_MAX: usize = 28;

/// Attributes in the path to one that a search of workitems asks for: three sequences and what stands in the last.
pub const KEY_PATH_MAX: usize = 4;

/// Bytes of a message from a subscriber, who has nothing to say on an event channel but that it is there.
pub const CHANNEL_MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// Interval of pings on an event channel; a peer of which nothing came for two of them is gone.
pub const CHANNEL_PING_INTERVAL: Duration = Duration::from_secs(20);

/// The longest time that the end of an event channel waits for the peer to take its close frame.
pub const CHANNEL_CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// Studies of one page of the console when nothing is said: more than a screen shows.
pub const STUDIES_TYPED_DEFAULT: u32 = 50;

/// Studies of one page of the console at most: each costs two decisions, and the answer is awaited while somebody types.
pub const STUDIES_TYPED_MAX: u32 = 200;

/// Characters of what is typed: eight words of the longest identifiers, and the blanks between them.
pub const STUDIES_TYPED_CHARACTERS_MAX: usize = 528;
