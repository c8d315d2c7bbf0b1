//! The unified worklist (PS3.4 annex CC), without event reports: N-CREATE, N-SET, N-GET and N-ACTION on workitems, and C-FIND.
//! Every workitem is of the class UPS Push, whichever of the classes a peer has agreed on: they differ in what may be asked.

use super::conversation::Conversation;
use super::habits::{answered_in, as_meant};
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, Operation, Status, element};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, charset, tags, transfer_syntax, write};
use yingdun_model::Uid;

/// UPS Push (PS3.4 §CC.3.1): creates workitems and asks that they be cancelled. The class of every workitem.
pub(super) const PUSH: &str = "1.2.840.10008.5.1.4.34.6.1";

/// UPS Watch (PS3.4 §CC.3.1): reads workitems and asks that they be cancelled.
pub(super) const WATCH: &str = "1.2.840.10008.5.1.4.34.6.2";

/// UPS Pull (PS3.4 §CC.3.1): finds, claims, changes and ends workitems.
pub(super) const PULL: &str = "1.2.840.10008.5.1.4.34.6.3";

/// UPS Query (PS3.4 §CC.3.1): finds workitems.
pub(super) const QUERY: &str = "1.2.840.10008.5.1.4.34.6.5";

/// Bytes of the attributes of a workitem: more than is kept of one, see [`yingdun_archive::WORKITEM_BYTES_MAX`].
const ATTRIBUTES_BYTES_MAX: usize = 256 << 10;

/// Elements and items of them: some hundred references of inputs and outputs.
const ATTRIBUTES_ELEMENTS_MAX: usize = 10_000;

/// Longest identifier of a query, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 64 << 10;

/// What is asked of one workitem.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkitemRequest {
    /// To create it.
    Create {
        /// Its UID; without one the archive makes one up.
        instance: Option<Uid>,
        /// What it says.
        attributes: DataSet,
    },
    /// To tell its attributes, these or all.
    Tell(Uid, Vec<Tag>),
    /// To change attributes, under the Transaction UID that stands among them.
    Change(Uid, DataSet),
    /// To claim, complete or cancel it, under the Transaction UID that stands beside the state.
    ChangeState(Uid, DataSet),
    /// That it be cancelled, with the words of whoever asks.
    Cancel(Uid, DataSet),
}

/// What came of it, where it did not fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkitemAnswer {
    /// Success or a warning.
    pub status: Status,
    /// The UID of what was created.
    pub created: Option<Uid>,
    /// What was asked for, texts in UTF-8.
    pub attributes: Option<DataSet>,
}

/// Whether an operation is one of a class of the unified worklist.
pub(super) fn takes(class: &Uid, operation: Operation) -> bool {
    use Operation::{Action, Create, Find, GetAttributes, SetAttributes};
    match class.as_str() {
        PUSH => matches!(operation, Create | GetAttributes | Action),
        WATCH => matches!(operation, GetAttributes | Action | Find),
        PULL => matches!(operation, Find | GetAttributes | SetAttributes | Action),
        QUERY => operation == Find,
        _ => false,
    }
}

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Anything that is asked of the unified worklist.
    pub(super) async fn workitem(
        &mut self,
        context: &Context,
        command: &Command,
        operation: Operation,
    ) -> Result<(), MessageError> {
        if operation == Operation::Find {
            return self.workitems(context, command).await;
        }
        let attributes = if command.has_data_set() {
            self.data_set(context, command, ATTRIBUTES_BYTES_MAX, ATTRIBUTES_ELEMENTS_MAX).await?
        } else {
            Ok(DataSet::new())
        };
        let asked = attributes.and_then(|attributes| request(context, command, operation, attributes));
        let done = match asked {
            Ok(asked) => self.service.workitem(self.session, asked).await,
            Err(failure) => Err(failure),
        };
        let WorkitemAnswer { status, created, attributes } = match done {
            Ok(answer) => answer,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let mut response = command.response(status, None);
        if let Some(created) = created {
            response = response.with_uid(element::AFFECTED_SOP_INSTANCE, &created);
        }
        self.counts.last = status;
        match attributes {
            None => Ok(self.association.send_command(context.id, &response.encode()).await?),
            Some(attributes) => {
                let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
                let attributes = charset::from_utf8(&attributes, answered_in(self.habits, None));
                let attributes = write::data_set(&attributes, encoding);
                let response = response.with_data_set().encode();
                Ok(self.association.send_message(context.id, &response, &attributes).await?)
            }
        }
    }

    /// C-FIND (PS3.4 §CC.2.8): one response per workitem, in the character set of whoever asks.
    async fn workitems(&mut self, context: &Context, command: &Command) -> Result<(), MessageError> {
        let read = self.data_set(context, command, IDENTIFIER_BYTES_MAX, ATTRIBUTES_ELEMENTS_MAX).await?;
        let identifier = match read {
            Ok(identifier) => as_meant(identifier, self.habits),
            Err(failure) => {
                let failure = Failure::new(FailureKind::CannotUnderstand, failure.comment);
                return self.conclude(context, command, Err(failure)).await;
            }
        };
        let found = match self.service.workitems(self.session, &identifier).await {
            Ok(found) => found,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let pending = command.response(Status::PENDING, None).with_data_set().encode();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        for workitem in found {
            if self.is_cancelled(command).await? {
                return self.answer(context, command, Status::CANCELLED, None).await;
            }
            let declared = identifier.bytes(tags::SPECIFIC_CHARACTER_SET);
            let workitem = charset::from_utf8(&workitem, answered_in(self.habits, declared));
            let workitem = write::data_set(&workitem, encoding);
            self.association.send_message(context.id, &pending, &workitem).await?;
            self.counts.found += 1;
        }
        self.conclude(context, command, Ok(())).await
    }
}

// === helpers ===

/// What a message asks of a workitem.
fn request(
    context: &Context,
    command: &Command,
    operation: Operation,
    attributes: DataSet,
) -> Result<WorkitemRequest, Failure> {
    let no_uid = || Failure::new(FailureKind::InvalidSopInstance, "SOP instance UID missing or illegal");
    let creates = operation == Operation::Create;
    let class = if creates { element::AFFECTED_SOP_CLASS } else { element::REQUESTED_SOP_CLASS };
    // That of the workitem is due; that of the context is what some send.
    let is_ours = |class: &Uid| class.as_str() == PUSH || *class == context.abstract_syntax;
    if !command.uid(class).as_ref().is_some_and(is_ours) {
        return Err(Failure::new(FailureKind::NoSuchClass, "not the class of a workitem (UPS Push)"));
    }
    if creates {
        let instance = command.has_value(element::AFFECTED_SOP_INSTANCE);
        let instance =
            instance.then(|| command.uid(element::AFFECTED_SOP_INSTANCE).ok_or_else(no_uid)).transpose()?;
        return Ok(WorkitemRequest::Create { instance, attributes });
    }
    let instance = command.uid(element::REQUESTED_SOP_INSTANCE).ok_or_else(no_uid)?;
    match (operation, command.number(element::ACTION_TYPE_ID), context.abstract_syntax.as_str()) {
        (Operation::GetAttributes, ..) => {
            Ok(WorkitemRequest::Tell(instance, command.tags(element::ATTRIBUTE_IDENTIFIER_LIST)))
        }
        (Operation::SetAttributes, ..) => Ok(WorkitemRequest::Change(instance, attributes)),
        // PS3.4 table CC.2.1-1 and following.
        (_, Some(1), PULL) => Ok(WorkitemRequest::ChangeState(instance, attributes)),
        (_, Some(2), PUSH | WATCH) => Ok(WorkitemRequest::Cancel(instance, attributes)),
        (_, Some(3..=5), WATCH) => {
            let comment = "no event reports over DIMSE; subscribe over UPS-RS";
            Err(Failure::new(FailureKind::OfService(Status::NO_EVENT_REPORTS), comment))
        }
        _ => Err(Failure::new(FailureKind::NoSuchAction, "no such action of this class")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn context(class: &str) -> Context {
        Context {
            id: 1,
            abstract_syntax: uid(class),
            transfer_syntax: uid("1.2.840.10008.1.2"),
            requestor_is_scp: false,
        }
    }

    fn action(class: &str, number: u16) -> Result<WorkitemRequest, u16> {
        let command = Command::request(Operation::Action, 1, &uid(PUSH))
            .with_uid(element::REQUESTED_SOP_INSTANCE, &uid("1.2.3"))
            .with_number(element::ACTION_TYPE_ID, number);
        request(&context(class), &command, Operation::Action, DataSet::new())
            .map_err(|failure| failure.status().0)
    }

    #[test]
    fn each_class_has_its_operations_and_no_other() {
        use Operation::{Action, Create, Delete, Find, GetAttributes, SetAttributes};
        let all = [Create, GetAttributes, SetAttributes, Action, Find, Delete];
        for (class, expected) in [
            (PUSH, "110100"),
            (WATCH, "010110"),
            (PULL, "011110"),
            (QUERY, "000010"),
            // UPS Event: nobody asks anything of it here.
            ("1.2.840.10008.5.1.4.34.6.4", "000000"),
        ] {
            let taken = all.iter().map(|one| if takes(&uid(class), *one) { '1' } else { '0' });
            assert_eq!(taken.collect::<String>(), expected, "{class}");
        }
    }

    #[test]
    fn each_class_has_its_actions_and_no_other() {
        let instance = uid("1.2.3");
        let change = Ok(WorkitemRequest::ChangeState(instance.clone(), DataSet::new()));
        let cancel = Ok(WorkitemRequest::Cancel(instance, DataSet::new()));
        for (class, expected) in [
            (PUSH, [Err(0x0123), cancel.clone(), Err(0x0123), Err(0x0123), Err(0x0123)]),
            (WATCH, [Err(0x0123), cancel, Err(0xC315), Err(0xC315), Err(0xC315)]),
            (PULL, [change, Err(0x0123), Err(0x0123), Err(0x0123), Err(0x0123)]),
        ] {
            assert_eq!([1, 2, 3, 4, 5].map(|number| action(class, number)), expected, "{class}");
        }
        assert_eq!(action(PULL, 0), Err(0x0123));
    }

    #[test]
    fn a_workitem_is_named_by_its_class_and_its_uid() {
        let get = |class: &str, instance: Option<&str>| {
            let mut command = Command::request(Operation::GetAttributes, 1, &uid(class));
            if let Some(instance) = instance {
                command = command.with_uid(element::REQUESTED_SOP_INSTANCE, &uid(instance));
            }
            request(&context(WATCH), &command, Operation::GetAttributes, DataSet::new())
                .map_err(|failure| failure.status().0)
        };
        assert!(get(PUSH, Some("1.2.3")).is_ok() && get(WATCH, Some("1.2.3")).is_ok());
        assert_eq!(get(PULL, Some("1.2.3")), Err(0x0118));
        assert_eq!(get(PUSH, None), Err(0x0117));
    }
}
