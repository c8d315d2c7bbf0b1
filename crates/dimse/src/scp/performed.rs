//! Performed procedure steps (PS3.4 annex F): N-CREATE begins one, N-SET changes it, N-GET of the retrieve class tells it.

use super::conversation::Conversation;
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::message::{Command, CommandField, MessageError, Operation, Status, element};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, charset, transfer_syntax, write};
use yingdun_model::Uid;

/// Bytes of a report, at most: ten thousand references with the longest identifiers take less.
const REPORT_BYTES_MAX: usize = 2 << 20;

/// Elements and items of a report, at most: three per reference, and some thousand beside them.
const REPORT_ELEMENTS_MAX: usize = 40_000;

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// N-CREATE. A peer that names no instance is told the one that it gets (PS3.7 §10.1.5.1.4).
    pub(super) async fn begin_step(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<(), MessageError> {
        let report = self.report_of_step(context, command).await?;
        let named = of_class(command, context, element::AFFECTED_SOP_CLASS).and_then(|()| created(command));
        let (instance, report) = match (named, report) {
            (Ok(instance), Ok(report)) => (instance, report),
            (Err(failure), _) | (_, Err(failure)) => {
                return self.step_reported(context, command, Err(failure)).await;
            }
        };
        let begun = self.service.begin_step(self.session, self.peer, &instance, report).await;
        let named = command.clone().with_uid(element::AFFECTED_SOP_INSTANCE, &instance);
        self.step_reported(context, &named, begun).await
    }

    /// N-SET. What cannot be changed is named in the answer, which is a warning then (PS3.7 §C.4.2).
    pub(super) async fn change_step(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<(), MessageError> {
        let report = self.report_of_step(context, command).await?;
        let named =
            of_class(command, context, element::REQUESTED_SOP_CLASS).and_then(|()| requested(command));
        let kept = match (named, report) {
            (Ok(instance), Ok(report)) => {
                self.service.change_step(self.session, self.peer, &instance, report).await
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
        };
        match kept {
            Ok(kept) if !kept.is_empty() => {
                count("changed");
                let comment = "what is fixed when a step begins stays as it is";
                let response = command.response(Status::ATTRIBUTE_LIST_ERROR, Some(comment));
                let response = response.with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, &kept);
                Ok(self.association.send_command(context.id, &response.encode()).await?)
            }
            done => self.step_reported(context, command, done.map(drop)).await,
        }
    }

    /// N-GET: the attributes that are asked for, or all.
    pub(super) async fn tell_step(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<(), MessageError> {
        self.discard(context, command, 0).await?;
        let named =
            of_class(command, context, element::REQUESTED_SOP_CLASS).and_then(|()| requested(command));
        let told = match named {
            Ok(instance) => self.service.performed_step(self.session, &instance).await,
            Err(failure) => Err(failure),
        };
        match told {
            Ok(step) => {
                let step = asked_for(&step, &command.tags(element::ATTRIBUTE_IDENTIFIER_LIST));
                let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
                let step = write::data_set(&charset::from_utf8(&step, None), encoding);
                let response = command.response(Status::SUCCESS, None).with_data_set().encode();
                Ok(self.association.send_message(context.id, &response, &step).await?)
            }
            Err(failure) => self.conclude(context, command, Err(failure)).await,
        }
    }

    async fn report_of_step(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<Result<DataSet, Failure>, MessageError> {
        let read = self.data_set(context, command, REPORT_BYTES_MAX, REPORT_ELEMENTS_MAX).await?;
        // An operation without arguments cannot have an invalid one (PS3.7 §10.1.3.1.9, §10.1.5.1.6).
        Ok(read.map_err(|failure| match failure.kind {
            FailureKind::InvalidArgument => Failure { kind: FailureKind::Processing, ..failure },
            _ => failure,
        }))
    }

    async fn step_reported(
        &mut self,
        context: &Context,
        command: &Command,
        done: Result<(), Failure>,
    ) -> Result<(), MessageError> {
        count(match (&done, command.field()) {
            (Err(_), _) => "refused",
            (Ok(()), CommandField::Request(Operation::Create)) => "begun",
            (Ok(()), _) => "changed",
        });
        self.conclude(context, command, done).await
    }
}

// === helpers ===

fn count(outcome: &'static str) {
    metrics::counter!("yingdun_dimse_performed_steps_total", "outcome" => outcome).increment(1);
}

fn of_class(command: &Command, context: &Context, element: u16) -> Result<(), Failure> {
    if command.uid(element).as_ref() == Some(&context.abstract_syntax) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::NoSuchClass, "not the class of its presentation context"))
}

/// The instance that a peer creates, or a new one.
fn created(command: &Command) -> Result<Uid, Failure> {
    if command.has_value(element::AFFECTED_SOP_INSTANCE) {
        return command.uid(element::AFFECTED_SOP_INSTANCE).ok_or_else(no_uid);
    }
    // A UID of its own, derived from a random number (PS3.5 §B.2).
    let number = u128::from_be_bytes(yingdun_crypto::random::array());
    Uid::new(&format!("2.25.{number}")).map_err(|_| no_uid())
}

fn requested(command: &Command) -> Result<Uid, Failure> {
    command.uid(element::REQUESTED_SOP_INSTANCE).ok_or_else(no_uid)
}

fn no_uid() -> Failure {
    Failure::new(FailureKind::InvalidSopInstance, "SOP instance UID missing or illegal")
}

fn asked_for(step: &DataSet, asked: &[Tag]) -> DataSet {
    let elements = step.elements().iter();
    elements.filter(|element| asked.is_empty() || asked.contains(&element.tag)).cloned().collect()
}
