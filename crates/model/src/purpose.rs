//! Purposes of use, with the codes of HL7 v3 PurposeOfUse.

use crate::word_enum;

word_enum! {
    /// Why somebody acts. The word is the HL7 code that leaves in audit messages and tokens.
    PurposeOfUse, "purpose of use" {
        /// Treatment of a patient in care.
        Treatment => "TREAT",
        /// Emergency treatment.
        EmergencyTreatment => "ETREAT",
        /// Break-glass: emergency access beyond one's rights.
        BreakTheGlass => "BTG",
        /// Research.
        HealthcareResearch => "HRESCH",
        /// A patient looks at what is the patient's own.
        PatientRequest => "PATRQT",
        /// Operating the archive: storing, recovering, administering.
        HealthcareOperations => "HOPERAT",
    }
}
