//! Who may do what: authentication, sessions, Cedar decisions. Makes [`Permit`]s.
//!
//! Everything that touches an image passes here twice: once to become a [`Session`], once to become a [`Permit`].
//!
//! ```text
//!  certificate + AE titles + address ─┐                      ┌─ identity db: disabled? role held? revoked?
//!  name + password, one-time link ────┼─► Session ─► decide ─┼─ catalogue db: care relation, from, until
//!  client secret, code + PKCE ────────┘      (one role,      └─ policies (Cedar), clock, connection
//!                                             one purpose)        │
//!                                                                 ▼
//!                                             audit leaf, durable ─► Permit ─► keys (one unwrap)
//! ```
//!
//! # What holds
//!
//! * **No leaf, no permit.** [`Access::authorise`] is the only maker of a [`Permit`], and it makes one from the
//!   receipt of a durable leaf. When the log does not answer, the answer is no.
//! * **Default deny.** What no policy permits is refused; what a guardrail forbids, no policy can permit; a policy
//!   that fails to evaluate refuses.
//! * **Facts of now.** Every decision reads the identity database and the care relations again. A revoked
//!   session, a withdrawn role, a disabled account and an ended care relation take effect with the next decision,
//!   and an open stream decides again at least every five seconds ([`Access::still_valid`]).
//! * **Three officers** (三员分立). An officer holds no other role; creating accounts, giving rights and
//!   reading the audit are three offices, and none of them sees an image.
//! * **Nothing is told to strangers.** A failed sign-in has one answer; the reason is on the ledger.
//!
//! # What is where
//!
//! | module | what |
//! |---|---|
//! | `decision` | policies, engine, reasons: pure functions, no clock and no database |
//! | `access` | [`Access`]: gathers the facts, asks the engine, writes the leaf, gives the permit |
//! | `departments` | who belongs to which, and of which a study is |
//! | `dissents` | what patients, and restrictions, have against whom |
//! | `device` | associations: AE title + certificate + addresses + called AE title |
//! | `sign_in` | passwords, one-time links, bearer tokens, client credentials, authorization code with PKCE |
//! | `directory` | people of other directories: to which account they belong, and which roles that gives |
//! | `oidc` | signing in with a provider of OpenID Connect, and its word that somebody signed out |
//! | `second_factor` | one-time codes of an app, recovery codes: getting one, proving it, removing it |
//! | `watch` | who counts what people open, and what is stopped at this moment |
//! | `alerts` | what was noticed, as leaf and row; judging it, and lifting what it stopped |
//! | `tally` | what was done, counted beside the leaves that tell of it |
//! | `masking` | what roles are not to learn of the studies that they see |
//! | `rules` | for whom a second factor is demanded, how long it counts, after how much rest a session ends |
//! | `grants` | timed grants, broken glass and its review |
//! | `admin` | people, devices, service clients, roles, care relations; work on keys |
//!
//! # What this crate never does
//!
//! It holds no key of a study, sees no image and no name of a patient, and opens no port. There is no cache of
//! decisions. Calls to a provider of sign-ins are made by the room above.

mod access;
mod admin;
mod alerts;
mod care;
mod decision;
mod departments;
mod device;
mod directory;
mod dissents;
mod flood;
mod grants;
mod ledger;
mod masking;
mod oidc;
mod password;
mod permit;
mod reason;
mod rules;
mod second_factor;
mod sending;
mod session;
mod sign_in;
mod tally;
mod visibility;
mod watch;

pub use access::{Access, AccessConfig, Refusal};
pub use admin::{
    AdminError, ChangeDetail, HeldRefs, KeyWork, NewClient, NewClientSecret, NewDissent, Officers,
    OneTimeLink,
};
pub use alerts::AlertError;
pub use decision::{Decision, PolicyError, PolicySource, Resource, Scope, StudyFacts};
pub use device::{
    AddressList, AddressListError, AssociationEnd, AssociationReject, DeviceFault, DeviceHabits,
    DeviceRecord, DeviceRefusal, Endpoint, EndpointError, HabitsError, MoveDestination, PeerFacts,
};
pub use grants::{
    BreakGlassQuota, BrokenGlass, EndError, GRANT_TIME_MAX, GrantError, GrantRecord, GrantedStudies,
    NewBreakGlass, NewGrant, REASON_CHARACTERS_MAX, ReviewsDue,
};
pub use ledger::{MASKED, detail_context, session_leaf};
pub use masking::{Masking, RoleSeesNothing};
pub use oidc::{
    CLOCK_SKEW_MAX, OidcAnswer, OidcBegun, OidcJourney, OidcProvider, OidcRules, OidcSetup, ProviderCall,
    ProviderError, ProviderKeys, ProviderMetadata, is_protected,
};
pub use permit::{DECISION_LIFETIME, GRANT_DECISION_LIFETIME, LEAF_WINDOW, Permit};
pub use reason::{Help, Reason};
pub use rules::{IdleRules, IdleZone, SignInRules};
pub use second_factor::{Enrolment, RecoveryCodes, SecondFactorState};
pub use session::{Origin, Peer, Session, SessionId, SignIn};
pub use sign_in::{CodeExchange, CodeRequest, Login, SessionView, SignInError, SignedIn, Stage};
pub use watch::{Given, NoWatch, Noticed, Opening, Watch, Watched};
/// A department, and who belongs to it.
pub use yingdun_catalog::catalogue::departments::{Department, Membership};
/// A dissent or restriction, and against what it stands.
pub use yingdun_catalog::catalogue::dissents::{Against, Dissent};
/// An alert as its row keeps it.
pub use yingdun_catalog::identity::alerts::AlertRow;
/// A grant as its row keeps it, and what it opens.
pub use yingdun_catalog::identity::grants::{Granted, Review, TimedGrant};
