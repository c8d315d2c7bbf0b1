//! Patients, studies, series, instances, events of studies, care relations, departments, dissents, consents, storage commitments (those of others
//! and our own questions), worklist items, performed steps, workitems and jobs.
//!
//! ```text
//!  packs ─► apply ─► patient · study · series · instance · image_format · search_term · pack_watermark
//!                      ▲        ▲        ▲
//!                      └────────┴────────┴── studies::search · series::search · instances::search
//!                            care_relation ──► who sees which patient (visibility)
//!                               study_unit ──► who sees which study, by person_unit
//! ```
//!
//! Everything but events, care relations, departments, dissents, consents, storage commitments, worklist items, performed steps, workitems and jobs is derived from pack records and can be
//! rebuilt from them ([`wipe`], then [`apply`]). So rows are never edited by people, and [`apply`] is idempotent: a batch applied twice changes
//! nothing. What the instances of a study say of it is merged by whoever fills the catalogue, because the texts are
//! sealed; a study or series that is described anew replaces its row and its search terms.
//!
//! # What is plain and what is not
//!
//! Plain: unique identifiers, dates and times, modality, numbers, SOP classes, sizes, grades. Sealed under a key
//! of the institution: names, identifiers and texts (`sealed` columns). Findable without a key: the first eight bytes of
//! keyed tokens. Equal values have equal tokens, so whoever has the database sees which studies share one, and how many.
//! These are the columns behind the attributes that QIDO-RS must return (PS3.18 Tables 10.6.3-3 to 10.6.3-5):
//!
//! | level | from plain columns | from `sealed` |
//! |---|---|---|
//! | study | Study Date, Study Time, Modalities in Study, Study Instance UID, Number of Study Related Series, … Instances | Accession Number, Referring Physician's Name, Patient's Name, ID, Birth Date, Sex, Study ID |
//! | series | Modality, Series Instance UID, Series Number, Performed Procedure Step Start Date, … Time, Number of Series Related Instances | Series Description, Request Attributes Sequence |
//! | instance | SOP Class UID, SOP Instance UID, Instance Number, Rows, Columns, Bits Allocated, Number of Frames | |

pub mod accessions;
mod apply;
pub mod availability;
pub mod care;
pub mod commitment_requests;
pub mod commitments;
pub mod compare;
pub mod consents;
mod counts;
pub mod departments;
pub mod dissents;
pub mod events;
mod filter;
pub mod instances;
pub mod jobs;
pub(crate) mod migrations;
mod moment;
pub mod nodes;
pub mod patients;
pub mod performed;
#[cfg(test)]
mod plans;
mod record;
mod relocate;
pub mod remove;
pub mod reports;
pub mod sealed;
pub mod series;
pub mod stores;
pub mod studies;
pub mod subscriptions;
mod turns;
pub mod versions;
mod walk;
mod watermark;
pub mod workitems;
pub mod worklist;

pub use apply::{INSTANCES_PER_APPLY_MAX, apply, wipe};
pub use counts::{Counts, counts};
pub use filter::{
    Either, Page, StudyCursor, StudyCursorError, StudyFilter, Visibility, modality_term, study_key, term,
};
pub use moment::{Date, Moment, TimeOfDay};
pub use record::{Batch, InstanceFacts, RowMark, SeriesFacts, StudyChange, StudyFacts, StudyTerms, Token};
pub use relocate::{RELOCATIONS_MAX, Relocation, relocate};
pub use watermark::{Watermark, begin, reaches, watermark};
