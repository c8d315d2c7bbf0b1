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
//! | `consents` | to what patients agreed, for what that is needed, and which one holds |
//! | `dissents` | what patients, and restrictions, have against whom |
//! | `device` | associations: AE title + certificate + addresses + called AE title |
//! | `sign_in` | passwords, one-time links, bearer tokens, client credentials, authorization code with PKCE |
//! | `programs` | certificates, proofs of keys and signatures of programs; what their tokens are bound to |
//! | `directory` | people of other directories: to which account they belong, which roles that gives, and who left |
//! | `external` | access tokens of other issuers, and which program here they tell of |
//! | `oidc` | signing in with a provider of OpenID Connect, and its word that somebody signed out |
//! | `second_factor` | one-time codes of an app, recovery codes: getting one, proving it, removing it |
//! | `passkey` | passkeys: having one made, proving it, removing it |
//! | `waiting` | devices that called in vain, until they are registered or dismissed |
//! | `watch` | who counts what people open, and what is stopped at this moment |
//! | `policy` | rules of the institution: how they change, and what is in force |
//! | `unused` | which rights nobody uses |
//! | `alerts` | what was noticed, as leaf and row; judging it, and lifting what it stopped |
//! | `stated` | reasons that people give when whoever watches asks, and their review |
//! | `audit_reviews` | samples of the audit log that somebody read and marked as reviewed |
//! | `tally` | what was done, counted beside the leaves that tell of it |
//! | `masking` | what roles are not to learn of the studies that they see |
//! | `rules` | for whom a second factor is demanded, how long it counts, after how much rest a session ends |
//! | `grants` | timed grants, consultations of remote experts, broken glass and its review |
//! | `admin` | people, devices, service clients, roles, care relations; work on keys |
//!
//! # What this crate never does
//!
//! It holds no key of a study, sees no image and no name of a patient, and opens no port. There is no cache of
//! decisions. Calls to a provider of sign-ins, or to a directory, are made by the room above.

mod access;
mod acting;
mod admin;
mod alerts;
mod audit_reviews;
mod care;
mod consents;
mod copying;
mod decision;
mod departments;
mod device;
mod directory;
mod dissents;
mod external;
mod flood;
mod grants;
mod ledger;
mod maintenance;
mod masking;
mod office;
mod oidc;
mod own_account;
mod passkey;
mod password;
mod permit;
mod policy;
mod programs;
mod reason;
mod rules;
mod second_factor;
mod sending;
mod session;
mod sign_in;
mod stated;
mod tally;
mod unused;
mod visibility;
mod waiting;
mod watch;
mod watermarks;

pub use access::{Access, AccessConfig, Foreseen, Refusal};
pub use admin::{
    AdminError, ChangeDetail, ConsentRecord, HeldRefs, INVITATION_TIME, KeyWork, NewClient, NewClientSecret,
    NewConsent, NewCredential, NewDissent, Officers, OneTimeLink, SETUP_ADDRESS_TIME, SETUP_BROWSER_TIME,
    Setup, SetupOfficer, SetupState,
};
pub use alerts::{AlertError, RaiseError, ScoredDay};
pub use audit_reviews::{
    AuditReview, AuditReviewError, AuditSample, SAMPLE_FILTERS_CHARACTERS_MAX, SAMPLE_RECORDS_MAX,
    SampleDrawn, SampledRecord,
};
pub use consents::ConsentRules;
pub use copying::{Copied, CopiedPicture, CopyKind, CopyPermit};
pub use decision::{
    Decision, LOCAL_BYTES_MAX, LOCAL_POLICIES_MAX, LocalFault, LocalPolicyError, PROTECTED_ACTIONS, Place,
    PolicyChange, PolicyComparison, PolicyError, PolicyExample, PolicySource, Resource, Scope, StudyFacts,
};
pub use device::{
    AddressList, AddressListError, AssociationEnd, AssociationReject, DeviceFault, DeviceHabits,
    DeviceRecord, DeviceRefusal, Endpoint, EndpointError, HabitsError, MoveDestination, PeerFacts,
};
pub use directory::{
    DirectoryCall, DirectoryError, DirectoryLook, GroupName, LdapDirectory, LdapPerson, LdapRules, LdapSetup,
    NameFound, Source,
};
pub use external::{
    EXTERNAL_LIFETIME_MAX, EXTERNAL_NAME_BYTES_MAX, EXTERNAL_TOKEN_BYTES_MAX, IssuerKeys, TokenAlgorithm,
    TokenIssuer, TokenIssuerRules, external_digest,
};
pub use grants::{
    BreakGlassQuota, BrokenGlass, CONSULTATION_TIME, CONSULTATION_TIME_MAX, EndError, GRANT_TIME_MAX,
    GrantError, GrantRecord, GrantedStudies, NewBreakGlass, NewConsultation, NewGrant, NewPatientAccount,
    OwnRecordLook, PATIENT_ACCOUNT_TIME, REASON_CHARACTERS_MAX, ReviewsDue, consultation_end,
};
pub use ledger::{MARKED, MASKED, detail_context, session_leaf};
pub use maintenance::{
    MAINTENANCE_TIME, MAINTENANCE_TIME_MAX, MaintenanceEndError, MaintenanceError, MaintenanceRecord,
    MaintenanceState, NewMaintenance,
};
pub use masking::{Masking, RoleSeesNothing};
pub use oidc::{
    CLOCK_SKEW_MAX, OidcAnswer, OidcBegun, OidcJourney, OidcProvider, OidcRules, OidcSetup, ProviderCall,
    ProviderError, ProviderKeys, ProviderMetadata, is_protected,
};
pub use own_account::OwnAccount;
pub use passkey::{
    NewPasskey, PASSKEY_NAME_CHARACTERS_MAX, PasskeyError, PasskeyPerson, PasskeyProof, PasskeyQuestion,
    PasskeyView,
};
pub use password::CHARACTERS_MIN as PASSWORD_CHARACTERS_MIN;
pub use permit::{DECISION_LIFETIME, GRANT_DECISION_LIFETIME, LEAF_WINDOW, Permit};
pub use policy::{
    NewPolicy, PolicyApproval, PolicyChangeError, PolicyInForce, PolicyOverview, PolicyRecord, PolicyReplay,
    PolicyState, REPLAYED_DAYS, ReplayedChange, ReplayedExample,
};
pub use programs::{
    ClientCertificate, Demand, Message, MessageError, MessageFault, Presented, Scheme, ShownProof,
    UnknownDemand, body_digest,
};
pub use reason::{Help, Reason};
pub use rules::{IdleRules, IdleZone, SignInRules};
pub use second_factor::{Enrolment, RecoveryCodes, SecondFactorState};
pub use session::{Origin, Peer, Session, SessionId, SignIn};
pub use sign_in::{
    ClientSignIn, CodeExchange, CodeRequest, Login, SessionEnd, SessionView, SignInError, SignedIn, Stage,
    TokenView,
};
pub use stated::{StatedError, StatedRecord};
pub use unused::{Listed, UNUSED_DAYS_MAX, UnusedRights};
pub use waiting::{
    Attempt, AttemptCause, DISMISSED_DAYS_MAX, SHOWN_BYTES_MAX, ShownCertificate, WAITING_KEPT,
    WaitingApproval, WaitingDevice,
};
pub use watch::{Asks, Given, HeldStep, NoWatch, Noticed, Opening, Watch, Watched};
pub use watermarks::{Showing, WatermarkFault, WatermarkRule, Watermarks};
/// A consent, and to what it is.
pub use yingdun_catalog::catalogue::consents::{Consent, ConsentTo};
/// A department, and who belongs to it.
pub use yingdun_catalog::catalogue::departments::{Department, Membership};
/// A dissent or restriction, and against what it stands.
pub use yingdun_catalog::catalogue::dissents::{Against, Dissent};
/// An alert as its row keeps it.
pub use yingdun_catalog::identity::alerts::AlertRow;
/// A credential of a service client, and what it is.
pub use yingdun_catalog::identity::credentials::{Credential, CredentialKind, ExternalName};
/// A grant as its row keeps it, and what it opens.
pub use yingdun_catalog::identity::grants::{Granted, Review, TimedGrant};
/// A maintenance session as its row keeps it.
pub use yingdun_catalog::identity::maintenance::MaintenanceRow;
/// By what a second factor was proved.
pub use yingdun_catalog::identity::sessions::Factor;
/// For whom passkeys are made.
pub use yingdun_crypto::webauthn::{PartyError, RelyingParty};
