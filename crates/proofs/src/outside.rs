//! The properties of those who are not of the house.

use crate::property::Bound::{AtLeast, AtMost};
use crate::property::Mutant::{Changed, With, Without};
use crate::property::{EVERYBODY, LOOKS, PEOPLE, Property};

/// In the order in which they are printed.
pub const OUTSIDE: &[Property] = &[
    Property {
        name: "experts-see-what-was-assigned",
        says: "A remote expert sees what was assigned to that person, while it lasts, and nothing else.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"remote-expert" || (resource has consultation && resource.consultation.valid_from <= context.now && context.now < resource.consultation.valid_until)"#,
        ),
        mutant: &[Changed(
            "timed-grant-views",
            r#"[Role::"clinician","#,
            r#"[Role::"remote-expert", Role::"clinician","#,
        )],
    },
    Property {
        name: "consultations-end-to-the-millisecond",
        says: "A consultation that is over opens nothing.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"remote-expert" || (resource has consultation && resource.consultation.valid_from <= context.now && context.now < resource.consultation.valid_until)"#,
        ),
        mutant: &[Changed(
            "remote-expert-consults",
            r#"context.now < resource.consultation.valid_until"#,
            r#"context.now <= resource.consultation.valid_until"#,
        )],
    },
    Property {
        name: "consultations-are-for-experts",
        says: "A consultation opens nothing to a clinician.",
        principals: PEOPLE,
        actions: LOOKS,
        bound: AtMost(
            r#"principal.role != Role::"clinician" || resource has care || resource has grant || resource has break_glass"#,
        ),
        mutant: &[Changed(
            "remote-expert-consults",
            r#"principal.role == Role::"remote-expert""#,
            r#"[Role::"remote-expert", Role::"clinician"].contains(principal.role)"#,
        )],
    },
    Property {
        name: "outsiders-only-look",
        says: "Who comes from outside searches and looks; carries nothing away, passes nothing on, stores, schedules and manages nothing.",
        principals: EVERYBODY,
        actions: &[],
        bound: AtMost(
            r#"![Role::"remote-expert", Role::"patient"].contains(principal.role) || action in [Action::"search", Action::"list", Action::"view"]"#,
        ),
        mutant: &[
            Without("guardrail-outsiders-look"),
            With(
                r#"@id("mutant") permit (principal is Person, action == Action::"export", resource) when { principal.role == Role::"remote-expert" && resource has consultation };"#,
            ),
        ],
    },
    Property {
        name: "patients-see-their-own",
        says: "A patient sees the own record, released, while the account is bound to it, and nobody else's.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"patient" || (resource has own && resource.own.valid_from <= context.now && context.now < resource.own.valid_until)"#,
        ),
        mutant: &[Changed(
            "remote-expert-consults",
            r#"principal.role == Role::"remote-expert""#,
            r#"[Role::"remote-expert", Role::"patient"].contains(principal.role)"#,
        )],
    },
    Property {
        name: "nothing-is-released-early",
        says: "Before it is released, a study opens to no patient, not a millisecond.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"patient" || (resource has own && resource.own.valid_from <= context.now)"#,
        ),
        mutant: &[Changed("patient-sees-own-record", r#"resource.own.valid_from <= context.now &&"#, r#""#)],
    },
    Property {
        name: "own-records-are-for-patients",
        says: "That a record is the own opens nothing to a clinician.",
        principals: PEOPLE,
        actions: LOOKS,
        bound: AtMost(
            r#"principal.role != Role::"clinician" || resource has care || resource has grant || resource has break_glass"#,
        ),
        mutant: &[Changed(
            "patient-sees-own-record",
            r#"principal.role == Role::"patient""#,
            r#"[Role::"patient", Role::"clinician"].contains(principal.role)"#,
        )],
    },
    Property {
        name: "patients-are-let-in",
        says: "What is released opens to its patient over TLS, unless it is special care, sealed, or asks for a second factor.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"principal.role == Role::"patient" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"PATRQT" && !context.step_up && resource.grade != Grade::"L5" && !(resource has dissent) && resource has own && resource.own.valid_from <= context.now && context.now < resource.own.valid_until"#,
        ),
        mutant: &[Without("patient-sees-own-record")],
    },
    Property {
        name: "not-shared-with-outsiders",
        says: "What a patient keeps from sharing, nobody sees who advises from outside, whenever it was assigned.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"remote-expert" || !(resource has against_sharing && resource.against_sharing.valid_from <= context.now && context.now < resource.against_sharing.valid_until)"#,
        ),
        mutant: &[Without("guardrail-dissent-sharing-outside")],
    },
    Property {
        name: "special-care-is-not-consulted",
        says: "L5 is assigned to nobody, and what a patient keeps from sharing neither.",
        principals: EVERYBODY,
        actions: &["assign-consultation"],
        bound: AtMost(
            r#"resource.grade != Grade::"L5" && !(resource has against_sharing && resource.against_sharing.valid_from <= context.now && context.now < resource.against_sharing.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-special-care-is-not-granted",
            r#", Action::"assign-consultation""#,
            r#""#,
        )],
    },
    Property {
        name: "who-assigns-consultations",
        says: "A consultation is assigned by who reads: a chief, a radiologist, a specialist for the own departments, a clinician for patients in care.",
        principals: EVERYBODY,
        actions: &["assign-consultation"],
        bound: AtMost(
            r#"principal is Person && ([Role::"radiologist", Role::"chief"].contains(principal.role) || (principal.role == Role::"specialist" && (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until)) || (principal.role == Role::"clinician" && (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until)))"#,
        ),
        mutant: &[Changed(
            "clinician-assigns-consultations-in-care",
            r#"context.now < resource.care.valid_until"#,
            r#"true"#,
        )],
    },
    Property {
        name: "vendors-see-nothing-of-a-patient",
        says: "A vendor never sees anything of a patient, a key, an account or the audit log, and changes nothing, whatever else permits it.",
        principals: EVERYBODY,
        actions: &[],
        bound: AtMost(
            r#"principal.role != Role::"vendor" || action in [Action::"read-health", Action::"read-metrics", Action::"read-configuration"]"#,
        ),
        mutant: &[
            Without("guardrail-vendors-maintain"),
            Changed("timed-grant-views", r#"[Role::"clinician","#, r#"[Role::"vendor", Role::"clinician","#),
        ],
    },
    Property {
        name: "vendors-act-in-sessions-only",
        says: "A vendor does nothing outside a maintenance session that was approved, not a millisecond.",
        principals: EVERYBODY,
        actions: &[],
        bound: AtMost(
            r#"principal.role != Role::"vendor" || (context has maintenance && context.maintenance.valid_from <= context.now && context.now < context.maintenance.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-vendors-in-session",
            r#"context.now < context.maintenance.valid_until"#,
            r#"context.now <= context.maintenance.valid_until"#,
        )],
    },
    Property {
        name: "sessions-open-what-was-approved",
        says: "A maintenance session of one part of the system opens no other part.",
        principals: EVERYBODY,
        actions: &["read-health", "read-metrics", "read-configuration"],
        bound: AtMost(
            r#"principal.role != Role::"vendor" || (context has maintenance && ((action == Action::"read-health" && context.maintenance.health) || (action == Action::"read-metrics" && context.maintenance.metrics) || (action == Action::"read-configuration" && context.maintenance.configuration)))"#,
        ),
        mutant: &[Changed("vendor-reads-metrics", r#"context.maintenance.metrics"#, r#"true"#)],
    },
    Property {
        name: "two-officers-for-a-session",
        says: "Who opens maintenance sessions approves none, and who approves them opens none.",
        principals: EVERYBODY,
        actions: &["open-maintenance", "approve-maintenance"],
        bound: AtMost(
            r#"principal is Person && ((action == Action::"open-maintenance" && principal.role == Role::"system-administrator") || (action == Action::"approve-maintenance" && principal.role == Role::"security-administrator"))"#,
        ),
        mutant: &[Changed(
            "system-administrator-office",
            r#"Action::"open-maintenance""#,
            r#"Action::"open-maintenance", Action::"approve-maintenance""#,
        )],
    },
    Property {
        name: "vendors-are-let-in",
        says: "What a maintenance session opens is open to its vendor over TLS, while it lasts.",
        principals: PEOPLE,
        actions: &["read-health"],
        bound: AtLeast(
            r#"principal.role == Role::"vendor" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"HOPERAT" && context has maintenance && context.maintenance.health && context.maintenance.valid_from <= context.now && context.now < context.maintenance.valid_until"#,
        ),
        mutant: &[Without("vendor-reads-health")],
    },
    Property {
        name: "experts-are-let-in",
        says: "What was assigned opens to the remote expert over TLS, unless it is special care, not wanted, or asks for a second factor or a consent.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"principal.role == Role::"remote-expert" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"TREAT" && !context.step_up && !context.sharing_consent && resource.grade != Grade::"L5" && !(resource has dissent) && !(resource has against_sharing) && resource has consultation && resource.consultation.valid_from <= context.now && context.now < resource.consultation.valid_until"#,
        ),
        mutant: &[Without("remote-expert-consults")],
    },
];
