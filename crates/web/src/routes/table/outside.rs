//! People who are not of the house: consultations of remote experts, accounts of patients.

use super::common::{CURSOR, OK, PAGED, api, field, optional, own, path, query};
use crate::routes::schema::NUMBER_MAX;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const CONSULTATION: Parameter = path("consultation", Schema::Number, "Number of a consultation");
const CONSULTATION_STATE: &[(u16, &str)] = &[
    (200, "The consultation as it is now"),
    (403, "It is for the expert to complete and for who assigned it to withdraw"),
    (404, "No such consultation that the asker may see"),
    (409, "It is over"),
];

const CONSENT: Parameter = path("consent", Schema::Shaped(&shapes::NUMBER), "Its number");
const OWN_CONSENTS: Parameter =
    query("over", Schema::Flag, "true for those as well that are over or were withdrawn");
const OWN_WITHDRAWN: &[(u16, &str)] = &[
    (204, "Withdrawn"),
    (403, "The account is bound to no record"),
    (404, "No such consent of the own record that lasts"),
];

const PATIENT_ACCOUNT: Parameter = path("account", Schema::Number, "Number of a binding");

rows! {
    /// Assign a consultation.
    AssignConsultation => api(Method::Post, "/consultations", Action::AssignConsultation, BodyRule::JsonOf(&Schema::RecordOf(list![field("name", Schema::Shaped(&shapes::NAME), "Login name of the remote expert"), optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("reason", Schema::Shaped(&shapes::WORDS), "What the expert is asked, in words; kept sealed"), optional("minutes", Schema::Within(1, 10080), "For how long at most, 10080 at most and 1440 when absent; it ends before with the report")], &["study", "patient_id"])), &[], &[(201, "Assigned"), (403, "The person is no remote expert, or the asker may not assign"), (404, "There is no such study, patient or person, or the asker may not see it"), (409, "The person has too many grants")], "向远程专家指派会诊（至多 7 天，报告完成即止）", "Assign a study or a patient to a remote expert, for 7 days at most: it ends with the report"),
    /// Consultations.
    ListConsultations => api(Method::Get, "/consultations", Action::AssignConsultation, BodyRule::None, &[], OK, "列出会诊", "Consultations, the newest first: those that the asker has or assigned, or everybody's for officers"),
    /// One consultation.
    ReadConsultation => api(Method::Get, "/consultations/{consultation}", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "一项会诊", "One consultation"),
    /// The report is done.
    CompleteConsultation => api(Method::Post, "/consultations/{consultation}/completion", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "报告完成，会诊即止（专家本人）", "Say that the report is done: the consultation ends now, and with it what the expert sees"),
    /// Bind an account to a record.
    BindPatientAccount => api(Method::Post, "/patient-accounts", Action::ManageRights, BodyRule::Json(list![field("name", Schema::Shaped(&shapes::NAME), "Login name of an account that has the role `patient`, and no other"), field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Patient ID of the record"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("checked", Schema::Shaped(&shapes::WORDS), "How it was made sure that the account is this patient's, in words; kept sealed")]), &[], &[(201, "Bound, for a year"), (403, "The account is not a patient's"), (404, "There is no such person or patient"), (409, "The account is bound already")], "将患者账号绑定到其病历（注明身份核验）", "Bind an account to the record of one patient, after a look at who that is"),
    /// Accounts of patients.
    ListPatientAccounts => api(Method::Get, "/patient-accounts", Action::ManageRights, BodyRule::None, &[], OK, "列出患者账号", "Accounts of patients, the newest first; to a patient the own one"),
    /// Unbind an account.
    UnbindPatientAccount => api(Method::Delete, "/patient-accounts/{account}", Action::ManageRights, BodyRule::None, &[PATIENT_ACCOUNT], &[(200, "Unbound"), (404, "No such account that the asker may see"), (409, "It is unbound already")], "解除患者账号绑定", "Unbind an account now: the security administrator, or the patient"),
    /// Who looked at the own record.
    OwnRecordAccesses => own(Method::Get, "/me/record/accesses", false, BodyRule::None, list![CURSOR, query("study_uid", Schema::Uid, "Only of this study"), query("limit", Schema::Within(1, NUMBER_MAX), "Rows at most; 100 when absent, 1000 at most")], PAGED, "谁查看过我的影像（患者）", "Who looked at the images of the patient who asks: role, department and a pseudonym, no names"),
    /// The own consents of a patient.
    OwnConsents => own(Method::Get, "/me/record/consents", false, BodyRule::None, &[OWN_CONSENTS], OK, "我同意过什么（患者）", "To what the patient who asks agreed: to what, since when, until when; no names"),
    /// A patient withdraws an own consent.
    WithdrawOwnConsent => own(Method::Post, "/me/record/consents/{consent}/withdraw", false, BodyRule::None, &[CONSENT], OWN_WITHDRAWN, "撤回我的同意（患者）", "The patient withdraws an own consent now: no reason is asked for"),
    /// Take it back.
    WithdrawConsultation => api(Method::Delete, "/consultations/{consultation}", Action::AssignConsultation, BodyRule::None, &[CONSULTATION], CONSULTATION_STATE, "撤回会诊", "Take a consultation back: by who assigned it, or the security administrator"),
}
