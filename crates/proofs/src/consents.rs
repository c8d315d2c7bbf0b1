//! The properties of what happens because a patient consents, and of what needs no consent.

use crate::property::Bound::{AtLeast, AtMost};
use crate::property::Mutant::{Changed, Without};
use crate::property::{EVERYBODY, LOOKS, PEOPLE, Property};

/// In the order in which they are printed.
pub const CONSENTS: &[Property] = &[
    Property {
        name: "research-needs-consent",
        says: "Research opens nothing above L2 but while its patient consents to research by who asks.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || [Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_research && resource.consented_research.valid_from <= context.now && context.now < resource.consented_research.valid_until)"#,
        ),
        mutant: &[Without("guardrail-research-consent")],
    },
    Property {
        name: "research-consent-ends-to-the-millisecond",
        says: "A consent to research that is over, or was withdrawn, opens nothing.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || [Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_research && resource.consented_research.valid_from <= context.now && context.now < resource.consented_research.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-research-consent",
            r#"context.now < resource.consented_research.valid_until"#,
            r#"context.now <= resource.consented_research.valid_until"#,
        )],
    },
    Property {
        name: "research-on-the-de-identified",
        says: "Where the institution says so, research touches what is de-identified with a consent only.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || !context.research_consent || resource.grade != Grade::"L2" || (resource has consented_research && resource.consented_research.valid_from <= context.now && context.now < resource.consented_research.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-research-consent",
            r#"resource.grade == Grade::"L2""#,
            r#"resource.grade == Grade::"L1""#,
        )],
    },
    Property {
        name: "research-never-sees-special-care",
        says: "L5 is not for research, whatever a patient consents to.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(r#"context.purpose != Purpose::"HRESCH" || resource.grade != Grade::"L5""#),
        mutant: &[Without("guardrail-research-special-care")],
    },
    Property {
        name: "research-carries-no-identity",
        says: "Research carries nothing above L2 away, whatever a patient consents to.",
        principals: EVERYBODY,
        actions: &["export"],
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || [Grade::"L1", Grade::"L2"].contains(resource.grade)"#,
        ),
        mutant: &[Changed("guardrail-research-purpose", r#""L2"]"#, r#""L2", Grade::"L3"]"#)],
    },
    Property {
        name: "researchers-see-own-projects",
        says: "A researcher sees what is of the own projects, for research, and of what is identifiable that to which its patient consents.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"researcher" || (context.purpose == Purpose::"HRESCH" && (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until) && ([Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_research && resource.consented_research.valid_from <= context.now && context.now < resource.consented_research.valid_until)))"#,
        ),
        mutant: &[Changed(
            "timed-grant-views",
            r#"[Role::"clinician","#,
            r#"[Role::"researcher", Role::"clinician","#,
        )],
    },
    Property {
        name: "sharing-needs-consent",
        says: "Where the institution asks for a consent to sharing, nothing above L2 leaves or is passed on outside without one.",
        principals: EVERYBODY,
        actions: &["export", "assign-consultation"],
        bound: AtMost(
            r#"!context.sharing_consent || [Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_sharing && resource.consented_sharing.valid_from <= context.now && context.now < resource.consented_sharing.valid_until)"#,
        ),
        mutant: &[Without("guardrail-sharing-consent")],
    },
    Property {
        name: "sharing-consent-ends-to-the-millisecond",
        says: "A consent to sharing that is over, or was withdrawn, lets nothing leave.",
        principals: EVERYBODY,
        actions: &["export", "assign-consultation"],
        bound: AtMost(
            r#"!context.sharing_consent || [Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_sharing && resource.consented_sharing.valid_from <= context.now && context.now < resource.consented_sharing.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-sharing-consent",
            r#"context.now < resource.consented_sharing.valid_until"#,
            r#"context.now <= resource.consented_sharing.valid_until"#,
        )],
    },
    Property {
        name: "sharing-consent-outside",
        says: "Nor does who advises from outside see it without one, also what was assigned before.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"principal.role != Role::"remote-expert" || !context.sharing_consent || [Grade::"L1", Grade::"L2"].contains(resource.grade) || (resource has consented_sharing && resource.consented_sharing.valid_from <= context.now && context.now < resource.consented_sharing.valid_until)"#,
        ),
        mutant: &[Without("guardrail-sharing-consent-outside")],
    },
    Property {
        name: "dissent-beats-consent-to-research",
        says: "A dissent from research beats a consent to it.",
        principals: EVERYBODY,
        actions: LOOKS,
        bound: AtMost(
            r#"context.purpose != Purpose::"HRESCH" || !(resource has against_research && resource.against_research.valid_from <= context.now && context.now < resource.against_research.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-dissent-research",
            r#"context.purpose == Purpose::"HRESCH" &&"#,
            r#"context.purpose == Purpose::"HRESCH" && !(resource has consented_research) &&"#,
        )],
    },
    Property {
        name: "dissent-beats-consent-to-sharing",
        says: "A dissent from sharing beats a consent to it.",
        principals: EVERYBODY,
        actions: &["export", "assign-consultation"],
        bound: AtMost(
            r#"!(resource has against_sharing && resource.against_sharing.valid_from <= context.now && context.now < resource.against_sharing.valid_until)"#,
        ),
        mutant: &[Changed(
            "guardrail-dissent-sharing",
            r#"resource has against_sharing &&"#,
            r#"resource has against_sharing && !(resource has consented_sharing) &&"#,
        )],
    },
    Property {
        name: "seals-beat-consents",
        says: "Nor does a consent open anything to whom a patient does not want, or a seal does not name.",
        principals: EVERYBODY,
        actions: &["list", "view"],
        bound: AtMost(
            r#"!(resource has dissent && resource.dissent.valid_from <= context.now && context.now < resource.dissent.valid_until && !resource.dissent.break_glass)"#,
        ),
        mutant: &[Changed(
            "guardrail-dissent",
            r#"resource has dissent &&"#,
            r#"resource has dissent && !(resource has consented_research) &&"#,
        )],
    },
    Property {
        name: "treatment-needs-no-consent",
        says: "Never refused for want of a consent: a clinician, a patient in care, treatment, up to L4, whatever the institution asks for.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"principal.role == Role::"clinician" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"TREAT" && (resource has care && resource.care.valid_from <= context.now && context.now < resource.care.valid_until) && [Grade::"L1", Grade::"L2", Grade::"L3", Grade::"L4"].contains(resource.grade) && !(resource has dissent)"#,
        ),
        mutant: &[Changed(
            "guardrail-sharing-consent-outside",
            r#"principal.role == Role::"remote-expert" &&"#,
            r#"true &&"#,
        )],
    },
    Property {
        name: "emergencies-need-no-consent",
        says: "Never refused for want of a consent: broken glass.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"[Role::"clinician", Role::"radiologist", Role::"specialist", Role::"chief"].contains(principal.role) && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"BTG" && (resource has break_glass && resource.break_glass.valid_from <= context.now && context.now < resource.break_glass.valid_until) && !context.step_up && !(resource has dissent && !resource.dissent.break_glass)"#,
        ),
        mutant: &[Changed(
            "guardrail-research-consent",
            r#"context.purpose == Purpose::"HRESCH" &&"#,
            r#"context.purpose != Purpose::"TREAT" &&"#,
        )],
    },
    Property {
        name: "researchers-are-let-in",
        says: "Never refused: a researcher, a study of the own project to whose use its patient consents, up to L4, over TLS.",
        principals: PEOPLE,
        actions: &["list", "view"],
        bound: AtLeast(
            r#"principal.role == Role::"researcher" && principal.institution == resource.institution && !principal.disabled && context.tls && context.purpose == Purpose::"HRESCH" && (resource has department && resource.department.valid_from <= context.now && context.now < resource.department.valid_until) && (resource has consented_research && resource.consented_research.valid_from <= context.now && context.now < resource.consented_research.valid_until) && [Grade::"L1", Grade::"L2", Grade::"L3", Grade::"L4"].contains(resource.grade) && !(resource has dissent) && !(resource has against_research)"#,
        ),
        mutant: &[Without("researcher-own-project")],
    },
];
