//! The properties. Guardrails first, then what each role may do at most, offices, machines, and what must never be
//! refused to those who treat.

use crate::property::Bound::{AtLeast, AtMost};
use crate::property::Mutant::{Changed, With, Without};
use crate::property::{EVERYBODY, LOOKS, MACHINES, PEOPLE, Property};

/// Every property, in the order in which they are printed.
pub const PROPERTIES: &[Property] = &[
    Property {
        name: "one-institution",
        says: "Nothing crosses institutions.",
        principals: EVERYBODY,
        actions: &[],
        bound: AtMost(r#"principal.institution == resource.institution"#),
        mutant: &[
            Without("guardrail-one-institution"),
            With(
                r#"@id("mutant") permit (principal is Person, action == Action::"view", resource) when { principal.role == Role::"chief" };"#,
            ),
        ],
    },
    Property {
        name: "disabled-is-out",
        says: "A disabled account is allowed nothing.",
        principals: EVERYBODY,
        actions: &[],
        bound: AtMost(r#"!principal.disabled"#),
        mutant: &[Without("guardrail-disabled-account")],
    },
    Property {
        name: "nobody-destroys-alone",
        says: "No single act destroys.",
        principals: EVERYBODY,
        actions: &["destroy"],
        bound: AtMost(r#"false"#),
        mutant: &[
            Without("guardrail-no-destruction"),
            With(
                r#"@id("mutant") permit (principal, action, resource) when { principal.role == Role::"security-administrator" };"#,
            ),
        ],
    },
    Property {
        name: "officers-see-no-images",
        says: "Whoever runs the system, its rights or its audit sees no images and no lists of them, stores none and breaks no glass.",
        principals: EVERYBODY,
        actions: &[
            "store",
            "commit",
            "search",
            "list",
            "view",
            "export",
            "recover",
            "read-worklist",
            "manage-worklist",
            "report-step",
            "give-grant",
            "mark-key-images",
            "break-glass",
        ],
        bound: AtMost(
            r#"![Role::"system-administrator", Role::"security-administrator", Role::"audit-administrator"].contains(principal.role)"#,
        ),
        mutant: &[
            Without("guardrail-officers-see-no-images"),
            With(
                r#"@id("mutant") permit (principal is Person, action == Action::"view", resource) when { principal.role == Role::"audit-administrator" };"#,
            ),
        ],
    },
    Property {
        name: "officers-hold-no-grants",
        says: "A grant opens nothing to an officer.",
        principals: PEOPLE,
        actions: LOOKS,
        bound: AtMost(r#"principal.role != Role::"system-administrator""#),
        mutant: &[
            Without("guardrail-officers-see-no-images"),
            Changed(
                "timed-grant-views",
                r#"[Role::"clinician","#,
                r#"[Role::"system-administrator", Role::"clinician","#,
            ),
        ],
    },
    Property {
        name: "masked-roles-take-nothing-whole",
        says: "Whose role is masked exports nothing and reads no worklist.",
        principals: EVERYBODY,
        actions: &["export", "read-worklist", "manage-worklist"],
        bound: AtMost(r#"!context.masked"#),
        mutant: &[Without("guardrail-masked-role")],
    },
    Property {
        name: "researchers-look-for-research",
        says: "Who activated the role of a researcher searches and looks for research, and has no part in anything else, whatever else permits it.",
        principals: EVERYBODY,
        actions: &[
            "list",
            "view",
            "export",
            "read-worklist",
            "manage-worklist",
            "report-step",
            "give-grant",
            "assign-consultation",
            "mark-key-images",
            "break-glass",
        ],
        bound: AtMost(
            r#"principal.role != Role::"researcher" || (action in [Action::"list", Action::"view"] && context.purpose == Purpose::"HRESCH")"#,
        ),
        mutant: &[
            Without("guardrail-researchers-see-no-identity"),
            With(
                r#"@id("mutant") permit (principal is Person, action == Action::"view", resource) when { principal.role == Role::"researcher" };"#,
            ),
        ],
    },
    Property {
        name: "broken-glass-is-a-case",
        says: "The purpose of broken glass opens a study only while the glass is broken for its patient.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(
            r#"context.purpose != Purpose::"BTG" || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until)"#,
        ),
        mutant: &[Without("guardrail-break-the-glass")],
    },
    Property {
        name: "broken-glass-is-a-study",
        says: "The purpose of broken glass is worth nothing where there is no patient.",
        principals: EVERYBODY,
        actions: &[
            "search",
            "read-worklist",
            "read-audit",
            "manage-accounts",
            "manage-rights",
            "backup",
            "manage-keys",
        ],
        bound: AtMost(r#"context.purpose != Purpose::"BTG""#),
        mutant: &[Without("guardrail-break-the-glass")],
    },
    Property {
        name: "special-care",
        says: "L5 is seen in a care relation or through broken glass, by nobody else.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"resource.grade != Grade::"L5" || (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until)"#,
        ),
        mutant: &[Without("guardrail-special-care")],
    },
    Property {
        name: "special-care-to-the-millisecond",
        says: "L5 closes with the first millisecond after the care relation.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"resource.grade != Grade::"L5" || (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-special-care",
            r#"context.now < resource.care.valid_until"#,
            r#"context.now <= resource.care.valid_until"#,
        )],
    },
    Property {
        name: "special-care-stays",
        says: "Nothing of L5 is carried away outside a care relation, not through broken glass either.",
        principals: EVERYBODY,
        actions: &["export"],
        bound: AtMost(
            r#"resource.grade != Grade::"L5" || (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until)"#,
        ),
        mutant: &[Without("guardrail-special-care-leaves")],
    },
    Property {
        name: "special-care-is-not-passed-on",
        says: "Nobody grants L5.",
        principals: EVERYBODY,
        actions: &["give-grant"],
        bound: AtMost(r#"resource.grade != Grade::"L5""#),
        mutant: &[Without("guardrail-special-care-is-not-granted")],
    },
    Property {
        name: "people-over-tls",
        says: "A person is served over TLS or on the machine itself.",
        principals: PEOPLE,
        actions: &[],
        bound: AtMost(r#"context.tls || context.address.isLoopback()"#),
        mutant: &[Changed(
            "guardrail-transport",
            r#"(principal is Person || principal is Service)"#,
            r#"principal is Service"#,
        )],
    },
    Property {
        name: "services-over-tls",
        says: "So is a service client.",
        principals: &["Service"],
        actions: &[],
        bound: AtMost(r#"context.tls || context.address.isLoopback()"#),
        mutant: &[Changed(
            "guardrail-transport",
            r#"(principal is Person || principal is Service)"#,
            r#"principal is Person"#,
        )],
    },
    Property {
        name: "second-factor-for-sensitive",
        says: "Where a second factor is asked for, L4S and L5 open to nobody without one.",
        principals: PEOPLE,
        actions: &["view", "export"],
        bound: AtMost(
            r#"!context.step_up || context.strong || ![Grade::"L4S", Grade::"L5"].contains(resource.grade)"#,
        ),
        mutant: &[Changed(
            "guardrail-second-factor-for-sensitive",
            r#"[Grade::"L4S", Grade::"L5"]"#,
            r#"[Grade::"L5"]"#,
        )],
    },
    Property {
        name: "clinicians-look-with-a-reason",
        says: "A clinician sees a study in a care relation, by a grant for this purpose, or through broken glass.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"clinician" || (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) || (resource has grant && resource.grant.valid_from <= context.now && context.now < resource.grant.valid_until && resource.grant.purpose == context.purpose) || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until)"#,
        ),
        mutant: &[Changed(
            "reader-of-the-institution",
            r#"(principal.role == Role::"radiologist""#,
            r#"(principal.role == Role::"clinician" || principal.role == Role::"radiologist""#,
        )],
    },
    Property {
        name: "care-ends-to-the-millisecond",
        says: "A care relation that is over opens nothing to a clinician.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"clinician" || (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) || resource has grant || resource has break_glass"#,
        ),
        mutant: &[Changed(
            "clinician-in-care",
            r#"context.now < resource.care.valid_until"#,
            r#"context.now <= resource.care.valid_until"#,
        )],
    },
    Property {
        name: "care-does-not-begin-early",
        says: "One that has not begun opens nothing either.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"clinician" || (resource has care && resource.care.valid_from <= context.now) || resource has grant || resource has break_glass"#,
        ),
        mutant: &[Changed("clinician-in-care", r#"resource.care.valid_from <= context.now &&"#, r#""#)],
    },
    Property {
        name: "grants-end-to-the-millisecond",
        says: "A timed grant that is over opens nothing to a clinician.",
        principals: PEOPLE,
        actions: LOOKS,
        bound: AtMost(
            r#"principal.role != Role::"clinician" || (resource has grant && resource.grant.valid_from <= context.now && context.now < resource.grant.valid_until && resource.grant.purpose == context.purpose) || resource has care || resource has break_glass"#,
        ),
        mutant: &[Changed(
            "timed-grant-views",
            r#"context.now < resource.grant.valid_until"#,
            r#"context.now <= resource.grant.valid_until"#,
        )],
    },
    Property {
        name: "grants-are-for-a-purpose",
        says: "A grant opens nothing for another purpose than its own.",
        principals: PEOPLE,
        actions: LOOKS,
        bound: AtMost(
            r#"principal.role != Role::"clinician" || resource has care || resource has break_glass || (resource has grant && resource.grant.purpose == context.purpose)"#,
        ),
        mutant: &[Changed(
            "timed-grant-views",
            r#"&&
  resource.grant.purpose == context.purpose"#,
            r#""#,
        )],
    },
    Property {
        name: "grants-are-no-medium",
        says: "A grant that does not say so lets nobody but the chief carry a study away.",
        principals: PEOPLE,
        actions: &["export"],
        bound: AtMost(r#"principal.role == Role::"chief" || (resource has grant && resource.grant.export)"#),
        mutant: &[Changed(
            "timed-grant-exports",
            r#"&&
  resource.grant.export"#,
            r#""#,
        )],
    },
    Property {
        name: "broken-glass-ends",
        says: "Broken glass that is over opens nothing to a clinician.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"clinician" || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until) || resource has care || resource has grant"#,
        ),
        mutant: &[Changed(
            "broken-glass-views",
            r#"context.now < resource.break_glass.valid_until"#,
            r#"true"#,
        )],
    },
    Property {
        name: "broken-glass-carries-nothing",
        says: "Through broken glass one looks; one carries nothing away.",
        principals: PEOPLE,
        actions: &["export"],
        bound: AtMost(r#"principal.role == Role::"chief" || resource has grant"#),
        mutant: &[Changed(
            "broken-glass-views",
            r#"Action::"view"]"#,
            r#"Action::"view", Action::"export"]"#,
        )],
    },
    Property {
        name: "technicians-today",
        says: "A technician sees what came today, or what was granted.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"technician" || resource.received_today || (resource has grant && resource.grant.valid_from <= context.now && context.now < resource.grant.valid_until && resource.grant.purpose == context.purpose)"#,
        ),
        mutant: &[Changed(
            "technician-today",
            r#"&&
  resource.received_today"#,
            r#""#,
        )],
    },
    Property {
        name: "specialists-stay-in-their-departments",
        says: "A specialist sees studies of the own departments while belonging there, by a grant, or through broken glass.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"specialist" || (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until) || (resource has grant && resource.grant.valid_from <= context.now && context.now < resource.grant.valid_until && resource.grant.purpose == context.purpose) || (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until)"#,
        ),
        mutant: &[Changed(
            "chief-across-departments",
            r#"principal.role == Role::"chief""#,
            r#"principal.role == Role::"specialist""#,
        )],
    },
    Property {
        name: "departments-end-to-the-millisecond",
        says: "To have belonged to a department opens nothing to a specialist.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"specialist" || (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until) || resource has grant || resource has break_glass"#,
        ),
        mutant: &[Changed(
            "own-department",
            r#"context.now < resource.department.valid_until"#,
            r#"context.now <= resource.department.valid_until"#,
        )],
    },
    Property {
        name: "technicians-by-device",
        says: "Where there are departments, a technician sees of today what the own devices and department acquired.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"technician" || !context.departments || (resource.received_today && (resource has acquired && resource.acquired.valid_from <= context.now && context.now < resource.acquired.valid_until)) || (resource has grant && resource.grant.valid_from <= context.now && context.now < resource.grant.valid_until && resource.grant.purpose == context.purpose)"#,
        ),
        mutant: &[Changed("technician-today", r#"!context.departments ||"#, r#"true ||"#)],
    },
    Property {
        name: "dissent",
        says: "Whom a patient does not want, or a seal does not name, sees nothing; broken glass passes where it says so.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"!(resource has dissent && resource.dissent.valid_from <= context.now && context.now < resource.dissent.valid_until) || (resource has dissent && resource.dissent.break_glass && (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until))"#,
        ),
        mutant: &[Changed("guardrail-dissent", r#"resource.dissent.break_glass &&"#, r#""#)],
    },
    Property {
        name: "dissent-ends-to-the-millisecond",
        says: "A dissent holds to its last millisecond.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"!(resource has dissent && resource.dissent.valid_from <= context.now && context.now < resource.dissent.valid_until) || (resource has dissent && resource.dissent.break_glass)"#,
        ),
        mutant: &[Changed(
            "guardrail-dissent",
            r#"resource.dissent.valid_from <= context.now"#,
            r#"resource.dissent.valid_from < context.now"#,
        )],
    },
    Property {
        name: "dissent-carries-nothing",
        says: "Nor does such a person carry anything of the patient away or pass it on, not even through broken glass.",
        principals: EVERYBODY,
        actions: &["export", "give-grant"],
        bound: AtMost(
            r#"!(resource has dissent && resource.dissent.valid_from <= context.now && context.now < resource.dissent.valid_until)"#,
        ),
        mutant: &[Without("guardrail-dissent-leaves")],
    },
    Property {
        name: "dissent-from-research",
        says: "What a patient keeps from research is not even listed for it.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || !(resource has against_research && resource.against_research.valid_from <= context.now && context.now < resource.against_research.valid_until)"#,
        ),
        mutant: &[Without("guardrail-dissent-research")],
    },
    Property {
        name: "dissent-from-sharing",
        says: "What a patient keeps from sharing leaves as no medium.",
        principals: EVERYBODY,
        actions: &["export"],
        bound: AtMost(
            r#"!(resource has against_sharing && resource.against_sharing.valid_from <= context.now && context.now < resource.against_sharing.valid_until)"#,
        ),
        mutant: &[Without("guardrail-dissent-sharing")],
    },
    Property {
        name: "alerts-are-judged-by-one",
        says: "What the monitor noticed is judged by the audit administrator alone.",
        principals: EVERYBODY,
        actions: &["review-alerts"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"audit-administrator""#),
        mutant: &[Changed(
            "security-administrator-office",
            r#"Action::"lift-stop""#,
            r#"Action::"lift-stop", Action::"review-alerts""#,
        )],
    },
    Property {
        name: "stops-are-lifted-by-another",
        says: "And what it stopped is lifted by the security administrator alone.",
        principals: EVERYBODY,
        actions: &["lift-stop"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"security-administrator""#),
        mutant: &[Changed(
            "audit-administrator-office",
            r#"Action::"review-alerts""#,
            r#"Action::"review-alerts", Action::"lift-stop""#,
        )],
    },
    Property {
        name: "rules-are-proposed-by-two-offices",
        says: "Rules of the institution are proposed by the system or the security administrator.",
        principals: EVERYBODY,
        actions: &["propose-policy"],
        bound: AtMost(
            r#"principal is Person && [Role::"system-administrator", Role::"security-administrator"].contains(principal.role)"#,
        ),
        mutant: &[Changed(
            "audit-administrator-office",
            r#"Action::"review-alerts""#,
            r#"Action::"review-alerts", Action::"propose-policy""#,
        )],
    },
    Property {
        name: "rules-are-approved-by-two-offices",
        says: "They are approved by the security and the audit administrator; who runs the system approves none.",
        principals: EVERYBODY,
        actions: &["approve-policy"],
        bound: AtMost(
            r#"principal is Person && [Role::"security-administrator", Role::"audit-administrator"].contains(principal.role)"#,
        ),
        mutant: &[Changed(
            "system-administrator-office",
            r#"Action::"manage-accounts","#,
            r#"Action::"manage-accounts", Action::"approve-policy","#,
        )],
    },
    Property {
        name: "rules-are-activated-by-one",
        says: "They are put into force, or suspended, by the security administrator alone.",
        principals: EVERYBODY,
        actions: &["activate-policy"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"security-administrator""#),
        mutant: &[Changed(
            "audit-administrator-office",
            r#"Action::"review-alerts""#,
            r#"Action::"review-alerts", Action::"activate-policy""#,
        )],
    },
    Property {
        name: "the-way-back-from-rules-is-open",
        says: "What takes a bad rule back is open to the offices that do it, whatever rules an institution adds.",
        principals: PEOPLE,
        actions: &["propose-policy", "activate-policy", "manage-rights"],
        bound: AtLeast(
            r#"principal.role == Role::"security-administrator" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose != Purpose::"BTG""#,
        ),
        mutant: &[With(
            r#"@id("local-lock") forbid (principal is Person, action == Action::"activate-policy", resource);"#,
        )],
    },
    Property {
        name: "unused-rights-are-read-by-two-offices",
        says: "Who uses which right is read by who gives rights and by who reads the audit log.",
        principals: EVERYBODY,
        actions: &["review-rights"],
        bound: AtMost(
            r#"principal is Person && [Role::"security-administrator", Role::"audit-administrator"].contains(principal.role)"#,
        ),
        mutant: &[Changed(
            "system-administrator-office",
            r#"Action::"manage-accounts","#,
            r#"Action::"manage-accounts", Action::"review-rights","#,
        )],
    },
    Property {
        name: "who-breaks-glass",
        says: "Only those who treat break glass.",
        principals: EVERYBODY,
        actions: &["break-glass"],
        bound: AtMost(
            r#"principal is Person && [Role::"clinician", Role::"radiologist", Role::"specialist", Role::"chief"].contains(principal.role)"#,
        ),
        mutant: &[Changed(
            "treating-roles-break-glass",
            r#"Role::"chief"]"#,
            r#"Role::"chief", Role::"technician"]"#,
        )],
    },
    Property {
        name: "who-marks-key-images",
        says: "Key images are marked by a radiologist or a chief, by a specialist of the department, or by a clinician for a patient in care.",
        principals: EVERYBODY,
        actions: &["mark-key-images"],
        bound: AtMost(
            r#"principal is Person && ([Role::"radiologist", Role::"chief"].contains(principal.role) || (principal.role == Role::"specialist" && (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until)) || (principal.role == Role::"clinician" && (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until)))"#,
        ),
        mutant: &[Changed(
            "reader-marks-key-images",
            r#"Role::"chief"]"#,
            r#"Role::"chief", Role::"technician"]"#,
        )],
    },
    Property {
        name: "who-gives-grants",
        says: "A grant is given by a chief, or by a clinician for a patient in care.",
        principals: EVERYBODY,
        actions: &["give-grant"],
        bound: AtMost(
            r#"principal is Person && (principal.role == Role::"chief" || (principal.role == Role::"clinician" && (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until)))"#,
        ),
        mutant: &[Changed(
            "clinician-gives-grants-in-care",
            r#"context.now < resource.care.valid_until"#,
            r#"true"#,
        )],
    },
    Property {
        name: "accounts-are-one-office",
        says: "Accounts are made by the system administrator alone.",
        principals: EVERYBODY,
        actions: &["manage-accounts"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"system-administrator""#),
        mutant: &[Changed(
            "security-administrator-office",
            r#"Action::"manage-rights","#,
            r#"Action::"manage-rights", Action::"manage-accounts","#,
        )],
    },
    Property {
        name: "rights-are-another",
        says: "Rights are given by the security administrator alone.",
        principals: EVERYBODY,
        actions: &["manage-rights"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"security-administrator""#),
        mutant: &[Changed(
            "system-administrator-office",
            r#"Action::"manage-accounts","#,
            r#"Action::"manage-accounts", Action::"manage-rights","#,
        )],
    },
    Property {
        name: "audit-is-a-third",
        says: "The audit log is read by the audit administrator alone.",
        principals: EVERYBODY,
        actions: &["read-audit"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"audit-administrator""#),
        mutant: &[Changed(
            "system-administrator-office",
            r#"Action::"manage-accounts","#,
            r#"Action::"manage-accounts", Action::"read-audit","#,
        )],
    },
    Property {
        name: "destruction-is-asked-by-one",
        says: "Destruction is asked for by the security administrator alone.",
        principals: EVERYBODY,
        actions: &["request-destruction"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"security-administrator""#),
        mutant: &[Changed(
            "audit-administrator-office",
            r#"Action::"read-audit","#,
            r#"Action::"read-audit", Action::"request-destruction","#,
        )],
    },
    Property {
        name: "destruction-is-approved-by-another",
        says: "And approved by the audit administrator alone.",
        principals: EVERYBODY,
        actions: &["approve-destruction"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"audit-administrator""#),
        mutant: &[Changed(
            "security-administrator-office",
            r#"Action::"request-destruction","#,
            r#"Action::"request-destruction", Action::"approve-destruction","#,
        )],
    },
    Property {
        name: "holds-are-placed-by-one",
        says: "A legal hold is placed by the audit administrator alone.",
        principals: EVERYBODY,
        actions: &["manage-holds"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"audit-administrator""#),
        mutant: &[Changed(
            "security-administrator-office",
            r#"Action::"approve-release""#,
            r#"Action::"approve-release", Action::"manage-holds""#,
        )],
    },
    Property {
        name: "holds-are-released-by-another",
        says: "And its release approved by the security administrator alone.",
        principals: EVERYBODY,
        actions: &["approve-release"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"security-administrator""#),
        mutant: &[Changed(
            "audit-administrator-office",
            r#"Action::"manage-holds","#,
            r#"Action::"manage-holds", Action::"approve-release","#,
        )],
    },
    Property {
        name: "broken-glass-is-reviewed",
        says: "Broken glass is reviewed by the audit administrator, who breaks none.",
        principals: EVERYBODY,
        actions: &["review-break-glass"],
        bound: AtMost(r#"principal is Person && principal.role == Role::"audit-administrator""#),
        mutant: &[With(
            r#"@id("mutant") permit (principal is Person, action == Action::"review-break-glass", resource) when { principal.role == Role::"chief" };"#,
        )],
    },
    Property {
        name: "people-carry-no-backup",
        says: "No person takes a backup or rebuilds.",
        principals: PEOPLE,
        actions: &["backup", "recover"],
        bound: AtMost(r#"false"#),
        mutant: &[With(
            r#"@id("mutant") permit (principal is Person, action == Action::"backup", resource) when { principal.role == Role::"system-administrator" };"#,
        )],
    },
    Property {
        name: "devices-have-no-office",
        says: "A device manages nobody, reads no audit, exports nothing, breaks no glass and grants nothing.",
        principals: &["Device"],
        actions: &[
            "export",
            "give-grant",
            "break-glass",
            "review-break-glass",
            "manage-accounts",
            "manage-rights",
            "manage-keys",
            "manage-storage",
            "read-audit",
            "read-system",
            "backup",
            "request-destruction",
            "approve-destruction",
            "manage-holds",
            "approve-release",
            "recover",
        ],
        bound: AtMost(r#"false"#),
        mutant: &[With(
            r#"@id("mutant") permit (principal is Device, action == Action::"export", resource) when { principal.scopes.contains(Scope::"view") };"#,
        )],
    },
    Property {
        name: "devices-view-by-scope",
        says: "A device sees studies by the scope of viewing alone.",
        principals: &["Device"],
        actions: &["list", "view"],
        bound: AtMost(r#"principal.scopes.contains(Scope::"view")"#),
        mutant: &[Changed("device-views", r#"Scope::"view""#, r#"Scope::"search""#)],
    },
    Property {
        name: "devices-store-by-scope",
        says: "A device stores by the scope of storing alone.",
        principals: &["Device"],
        actions: &["store", "commit"],
        bound: AtMost(r#"principal.scopes.contains(Scope::"store")"#),
        mutant: &[Changed(
            "device-stores",
            r#"&&
  principal.scopes.contains(Scope::"store")"#,
            r#""#,
        )],
    },
    Property {
        name: "services-export-by-scope",
        says: "A service exports by the scope of exporting alone.",
        principals: &["Service"],
        actions: &["export"],
        bound: AtMost(r#"principal.scopes.contains(Scope::"export")"#),
        mutant: &[Changed("service-exports", r#"Scope::"export""#, r#"Scope::"view""#)],
    },
    Property {
        name: "vaults-by-scope",
        says: "Sealed packs are carried away by a service with the scope of a vault, by nobody else.",
        principals: EVERYBODY,
        actions: &["backup"],
        bound: AtMost(r#"principal is Service && principal.scopes.contains(Scope::"vault")"#),
        mutant: &[Changed(
            "service-backs-up",
            r#"&&
  principal.scopes.contains(Scope::"vault")"#,
            r#""#,
        )],
    },
    Property {
        name: "machines-have-no-offices",
        says: "No machine manages accounts, rights, storage or holds.",
        principals: MACHINES,
        actions: &[
            "manage-accounts",
            "manage-rights",
            "manage-storage",
            "manage-holds",
            "approve-release",
            "request-destruction",
            "approve-destruction",
            "review-break-glass",
            "read-audit",
        ],
        bound: AtMost(r#"false"#),
        mutant: &[With(
            r#"@id("mutant") permit (principal is Service, action == Action::"manage-rights", resource) when { principal.scopes.contains(Scope::"vault") };"#,
        )],
    },
    Property {
        name: "the-archive-itself",
        says: "The archive itself rebuilds and replaces keys, and sees nothing.",
        principals: &["System"],
        actions: &[],
        bound: AtMost(r#"[Action::"recover", Action::"manage-keys"].contains(action)"#),
        mutant: &[Changed(
            "system-recovers",
            r#"action == Action::"recover""#,
            r#"action in [Action::"recover", Action::"export"]"#,
        )],
    },
    Property {
        name: "care-opens",
        says: "Never refused: a clinician, a patient in care, treatment, up to L4, without a dissent.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"principal.role == Role::"clinician" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"TREAT" && (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) && [Grade::"L1", Grade::"L2", Grade::"L3", Grade::"L4"].contains(resource.grade) && !(resource has dissent)"#,
        ),
        mutant: &[Without("clinician-in-care")],
    },
    Property {
        name: "emergencies-open",
        says: "Never refused: broken glass, over TLS, when no second factor is asked for, unless the patient wants not even that; special care too.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"[Role::"clinician", Role::"radiologist", Role::"specialist", Role::"chief"].contains(principal.role) && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"BTG" && (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until) && !context.step_up && !(resource has dissent && !resource.dissent.break_glass)"#,
        ),
        mutant: &[Changed(
            "guardrail-special-care",
            r#"(resource has break_glass &&"#,
            r#"(resource has break_glass && resource has care &&"#,
        )],
    },
    Property {
        name: "glass-can-be-broken",
        says: "Never refused: breaking the glass, to those who treat.",
        principals: PEOPLE,
        actions: &["break-glass"],
        bound: AtLeast(
            r#"[Role::"clinician", Role::"radiologist", Role::"specialist", Role::"chief"].contains(principal.role) && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"TREAT""#,
        ),
        mutant: &[Changed("treating-roles-break-glass", r#"[Role::"clinician","#, r#"["#)],
    },
    Property {
        name: "modalities-store",
        says: "Never refused: a registered modality that stores.",
        principals: &["Device"],
        actions: &["store"],
        bound: AtLeast(
            r#"principal.role == Role::"device" && principal.institution == resource.institution && !principal.disabled && context.purpose == Purpose::"TREAT" && principal.scopes.contains(Scope::"store")"#,
        ),
        mutant: &[Without("device-stores")],
    },
    Property {
        name: "audit-can-be-read",
        says: "Never refused: the audit administrator, the audit log.",
        principals: PEOPLE,
        actions: &["read-audit"],
        bound: AtLeast(
            r#"principal.role == Role::"audit-administrator" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"HOPERAT""#,
        ),
        mutant: &[Changed("audit-administrator-office", r#"Action::"read-audit", "#, r#""#)],
    },
];
