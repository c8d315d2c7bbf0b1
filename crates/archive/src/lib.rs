//! The use cases: receive, find, open, export, commit. The only room that joins catalogue, keys, storage, access and audit.
//!
//! ```text
//!            ┌ receive ─► Incoming ─► Stored            durable on the quorum, leaf durable
//!  Session ─►│ find    ─► Found                         only rows that can be opened
//!            ├ open    ─► OpenStudy ─► verified bytes   one leaf and one key per window
//!            └ commit  ─► CommitmentReport             what the replicas hold intact
//! ```
//!
//! A door brings a [`Session`](yingdun_access::Session) and words of its protocol; it gets answers in words of
//! DICOM. It never sees a key, a pack, a row or a policy. Inside, every use case goes the same way: resolve what
//! is meant, let `access` decide, let `audit` write, let `keys` unwrap against the permit, and only then move bytes.
//!
//! | module | what |
//! |---|---|
//! | `receive` | from the first byte of a data set to an acknowledgement |
//! | `find` | searches that an index answers and a policy filters |
//! | `open` | from a permit to verified bytes |
//! | `key_images` | a selection of images, made here for somebody who may look and sends nothing |
//! | `export` | studies as a medium in one zip archive |
//! | `commit` | storage commitment: asked, verified on the replicas, reported |
//! | `commit_elsewhere` | storage commitment of a device for what was sent to it: asked, answered |
//! | `events` | what happened to studies: when one rests, once per rest |
//! | `availability` | how far devices that are told of studies have been told |
//! | `conflicts` | studies that somebody has to look at |
//! | `worklist` | the steps that modalities are to perform |
//! | `performed` | the steps that modalities report to perform, and what of them has arrived |
//! | `ups` | the unified worklist: workitems, and who is told of their changes |
//! | `jobs` | what people have devices do and do not wait for: rows that every node answers from |
//! | `destroy` | studies and patients that nobody opens again: asked for, approved, carried out, recorded |
//! | `hold` | legal holds: what nothing may destroy until two officers let go of it |
//! | `compact` | the room of destroyed studies, given back |
//! | `window` | one leaf, one key, many reads: where promise I1 is kept |
//! | `kept` | what windows keep open, within one budget |
//! | `source` | where the sealed bytes of a record are read: here, or from the node that has them |
//! | `others` | what other nodes are given: sealed bytes of the packs here |
//! | `part` | sealed bytes become plain ones: where promise I4 is kept |
//! | `catalogue` | rows that follow acknowledgements without anyone seeing the gap |
//! | `picture_work` | threads for decoding and coding pictures, not too many |
//! | `recover` | the replay of the packs' tail at a start |
//! | `record`, `descriptor`, `layout`, `packing` | what one stored instance is on disk |
//! | `description`, `known` | what the instances of a study say of it, merged whatever their order |
//! | `rows`, `pseudonym` | what the catalogue may know of it |

mod archive;
mod availability;
mod background;
mod catalogue;
mod commit;
mod commit_elsewhere;
mod compact;
mod conflicts;
mod description;
mod descriptor;
mod destroy;
mod elsewhere;
mod error;
mod events;
mod export;
mod find;
mod grants;
mod hold;
mod jobs;
mod kept;
mod key_images;
mod keys;
mod known;
mod layout;
mod masked;
mod open;
mod others;
mod packing;
mod part;
mod performed;
mod picture_work;
mod pseudonym;
mod receive;
mod record;
mod recover;
mod rehearse;
mod request;
mod rows;
mod shared;
mod source;
mod trace;
mod ups;
mod versions;
mod window;
mod worklist;

pub use archive::{Archive, ArchiveParts};
pub use availability::{AvailabilityTurn, ToldDevice};
pub use commit::{
    COMMITMENT_REFERENCES_MAX, COMMITMENTS_OPEN_MAX, CommitmentError, CommitmentFailure, CommitmentKey,
    CommitmentPending, CommitmentReport, CommitmentRequest, SopReference,
};
pub use commit_elsewhere::{
    AnswerError, CommitmentAnswer, CommitmentElsewhere, CommitmentRequestState, CommitmentTurn, Verdict,
};
pub use compact::{Compaction, CompactionError, CompactionState, DEAD_PERCENT, KeptPack};
pub use conflicts::{CONFLICTS_MAX, Conflict, Conflicts};
pub use destroy::{
    DESTRUCTION_STUDIES_MAX, DestroyError, DestroyReason, DestructionRecord, DestructionState,
    DestructionSubject, RecordedStudy, Remains, RolledLine, StudiesOf,
};
pub use elsewhere::SearchElsewhere;
pub use error::{FindError, IngestError, OpenError, Unavailable};
pub use events::{EVENTS_MAX, EVENTS_WAIT_MAX, EventFeed, Events, EventsRequest, FeedLag};
pub use export::{EXPORT_INSTANCES_MAX, Export, ExportError};
pub use find::{Search, is_searchable, search_attributes};
pub use hold::{HoldError, HoldReason, HoldRecord, HoldState, HoldSubject, Release, ReleaseReason};
pub use jobs::{
    JOB_FAILURES_MAX, JOBS_KEPT_MAX, JOBS_RUNNING_MAX, JobError, JobFault, JobOrder, JobReport, RunningJob,
};
pub use key_images::{
    KEY_FRAMES_MAX, KEY_IMAGES_MAX, KEY_TITLES, KeyImage, KeyImagesError, KeyImagesRequest,
};
pub use keys::{KeyCareError, KeyReport, RewrapOutlook, Rotation};
pub use open::{Integrity, IntegrityState, OpenStudy, PictureMark, PictureSubject};
pub use others::SpanError;
pub use performed::{PerformedError, PerformedRequest, PerformedStep, ReportFault, SeriesArrival};
pub use picture_work::picture_work;
pub use receive::Incoming;
pub use recover::Recovered;
pub use rehearse::{ReadThrough, Sample};
pub use request::{
    BulkValue, ByteStream, Declared, Door, FindRequest, Found, FoundRow, FoundStudies, FoundStudy, Frame,
    ImageFrame, Include, InstanceEntry, Level, ReadAs, Stored, StoredOutcome, TypedSearch,
};
pub use shared::ArchiveLimits;
pub use source::{NodeError, OtherNodes};
pub use trace::{
    MarkedOpening, TRACED_FRAMES_MAX, TRACED_OPENINGS_MAX, TraceError, TraceRequest, Traced, TracedFrame,
};
pub use ups::{
    CHANNEL_REPORTS_MAX, ChannelEnd, Created, EventChannel, FILTER_KEYS_MAX, SUBSCRIBERS_MAX,
    SubscriptionTarget, WORKITEM_BYTES_MAX, WORKITEMS_MAX, WorkitemError, WorkitemKey, WorkitemSearch,
    WorkitemsFound,
};
pub use worklist::{WorklistElsewhere, WorklistEntry, WorklistError, WorklistRequest};
pub use yingdun_catalog::catalogue::events::{FeedEvent, StudyEvent};
pub use yingdun_catalog::catalogue::jobs::JobCounts;
pub use yingdun_catalog::catalogue::{Date, StudyCursor};
pub use yingdun_dicom::AttributePath;
pub use yingdun_keys::{
    EpochNode, KEK_USES_ALARM, KEK_USES_MAX, KekStatus, KeyStoreStatus, RewrapJob, RewrapStart, RewrapState,
};
pub use yingdun_storage::{
    PACK_READ_BYTES_MAX, PackExtent, ReplicaId, ScrubState, ServiceError, Store, StoreLocation,
};
