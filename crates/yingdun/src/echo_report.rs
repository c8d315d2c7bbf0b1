//! What an echo test came to, as the document of the API and of `--json`, and as text for people. One shape for the
//! command that calls a peer itself and for the one that has the archive call a device.

use crate::messages::Language;
use serde::{Deserialize, Serialize};
use yingdun_dimse::scu::{Bilingual, Cause, Destination, Diagnosis, Fault, Step};

/// An echo test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EchoReport {
    /// Who was called: `AE@host:port`.
    peer: String,
    tls: bool,
    /// The status of C-ECHO; none when no answer came.
    status: Option<u16>,
    comment: Option<String>,
    /// All steps together.
    ms: f64,
    steps: Vec<StepReport>,
    fault: Option<FaultReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StepReport {
    step: Step,
    ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FaultReport {
    step: Step,
    cause: Cause,
    what: String,
    expected: String,
    came: String,
    remedy: String,
}

impl EchoReport {
    /// The report of a test.
    pub(crate) fn of(destination: &Destination, tls: bool, diagnosis: Diagnosis) -> Self {
        let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
        let steps = diagnosis.steps.iter().map(|(step, took)| StepReport { step: *step, ms: ms(*took) });
        Self {
            peer: destination.to_string(),
            tls,
            status: diagnosis.answer.as_ref().map(|answer| answer.status.0),
            comment: diagnosis.answer.as_ref().and_then(|answer| answer.comment.clone()),
            ms: ms(diagnosis.duration()),
            steps: steps.collect(),
            fault: diagnosis.fault.map(FaultReport::of),
        }
    }

    /// Whether the peer answered with success.
    pub(crate) const fn is_good(&self) -> bool {
        self.fault.is_none()
    }

    /// The report for a person.
    pub(crate) fn text(&self, language: Language) -> String {
        let (peer, ms) = (&self.peer, format!("{:.1}", self.ms));
        let mut text = match &self.fault {
            None => language.echo_answered(peer, &ms),
            Some(fault) => {
                let explained = fault.cause.explanation();
                let said = |text: Bilingual| text.in_chinese(language == Language::Chinese);
                let step = language.echo_step(fault.step);
                let (what, expected) = (said(explained.what), said(explained.expected));
                language.echo_failed(peer, step, what, expected, &fault.came, said(explained.remedy))
            }
        };
        for StepReport { step, ms } in &self.steps {
            text.push('\n');
            text.push_str(&language.echo_timing(language.echo_step(*step), format_args!("{ms:.1}")));
        }
        text
    }
}

impl FaultReport {
    fn of(fault: Fault) -> Self {
        let explained = fault.cause.explanation();
        Self {
            step: fault.step,
            cause: fault.cause,
            what: explained.what.en.to_owned(),
            expected: explained.expected.en.to_owned(),
            came: fault.came,
            remedy: explained.remedy.en.to_owned(),
        }
    }
}

impl Language {
    /// The name of a step.
    fn echo_step(self, step: Step) -> String {
        match step {
            Step::Resolve => self.step_resolve(),
            Step::Connect => self.step_connect(),
            Step::Tls => self.step_tls(),
            Step::Associate => self.step_associate(),
            Step::Echo => self.step_echo(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> EchoReport {
        let destination = "CT01@ct01.example:104".parse().unwrap();
        EchoReport::of(&destination, false, Diagnosis::not_tried(Step::Connect, Cause::PortClosed))
    }

    #[test]
    fn a_report_is_the_same_after_its_way_through_the_api() {
        let report = refused();
        let document = serde_json::to_value(&report).unwrap();
        assert_eq!(document["fault"]["cause"], "port-closed");
        assert_eq!(serde_json::from_value::<EchoReport>(document).unwrap(), report);
        assert!(!report.is_good());
    }

    #[test]
    fn a_person_reads_what_is_wrong_and_what_to_do_in_either_language() {
        let (english, chinese) = (refused().text(Language::English), refused().text(Language::Chinese));
        assert!(english.contains("nobody listens") && english.contains("check the port number"), "{english}");
        assert!(chinese.contains("没有程序在监听") && chinese.contains("检查端口号"), "{chinese}");
    }
}
