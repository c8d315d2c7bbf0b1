//! People who are not of the house: consultations of remote experts.

use super::common::{OK, api, field, optional, path};
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const CONSULTATION: Parameter = path("consultation", Schema::Number, "Number of a consultation");
const CONSULTATION_STATE: &[(u16, &str)] = &[
    (200, "The consultation as it is now"),
    (403, "It is for the expert to complete and for who assigned it to withdraw"),
    (404, "No such consultation that the asker may see"),
    (409, "It is over"),
];

rows! {
    /// Assign a consultation.
    AssignConsultation => api(Method::Post, "/consultations", Action::AssignConsultation, BodyRule::Json(list![field("name", Schema::Text, "Login name of the remote expert"), optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Text, "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Text, "Who gave the patient ID"), field("reason", Schema::Text, "What the expert is asked, in words; kept sealed"), optional("minutes", Schema::Number, "For how long at most, 10080 at most and 1440 when absent; it ends before with the report")]), &[], &[(201, "Assigned"), (403, "The person is no remote expert, or the asker may not assign"), (404, "There is no such study, patient or person, or the asker may not see it"), (409, "The person has too many grants")], "向远程专家指派会诊（至多 7 天，报告完成即止）", "Assign a study or a patient to a remote expert, for 7 days at most: it ends with the report"),
    /// Consultations.
    ListConsultations => api(Method::Get, "/consultations", Action::AssignConsultation, BodyRule::None, &[], OK, "列出会诊", "Consultations, the newest first: those that the asker has or assigned, or everybody's for officers"),
    /// One consultation.
    ReadConsultation => api(Method::Get, "/consultations/{consultation}", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "一项会诊", "One consultation"),
    /// The report is done.
    CompleteConsultation => api(Method::Post, "/consultations/{consultation}/completion", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "报告完成，会诊即止（专家本人）", "Say that the report is done: the consultation ends now, and with it what the expert sees"),
    /// Take it back.
    WithdrawConsultation => api(Method::Delete, "/consultations/{consultation}", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "撤回会诊", "Take a consultation back: by who assigned it, or the security administrator"),
}
