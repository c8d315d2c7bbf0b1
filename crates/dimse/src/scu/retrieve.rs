//! The client's side of queries and retrievals: C-FIND, C-GET and C-MOVE (PS3.4 annex C).

use super::{Answer, Scu, ScuError};
use crate::IMPLICIT_LITTLE_ENDIAN;
use crate::association::{OPERATIONS_MAX, Proposals, ProposalsError, Received};
use crate::message::{
    Command, CommandField, MessageError, Operation, Status, SubOperations, element, read_command, read_data,
};
use crate::query::{Model, Root, Verb};
use crate::scp::{Failure, FailureKind, Incoming, Object};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::scan;
use yingdun_dicom::transfer_syntax::{self, EXPLICIT_VR_LITTLE_ENDIAN};
use yingdun_dicom::{tags, write};
use yingdun_model::{AeTitle, Uid};

/// Longest data set of a response, in bytes: a list of 65535 UIDs that failed has 4.3 MB.
const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Elements and items of a response, at most: a storage commitment report on ten thousand instances has four for each.
const RESPONSE_ELEMENTS_MAX: usize = 64_000;

/// How a retrieval ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retrieved {
    /// The last status.
    pub answer: Answer,
    /// How many objects arrived and did not.
    pub counts: SubOperations,
    /// Those that did not, as far as the peer names them.
    pub failed: Vec<Uid>,
}

impl Proposals {
    /// What queries and retrievals of a model are asked with: its SOP class in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never for the first model of an association.
    pub fn add_model(&mut self, model: Model) -> Result<(), ProposalsError> {
        for syntax in [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN] {
            if let (Some(class), Ok(syntax)) = (model.sop_class(), Uid::new(syntax)) {
                self.add(class, syntax)?;
            }
        }
        Ok(())
    }

    /// One kind of object that a C-GET may bring: the peer sends, this side takes. The peer may send the next ones before the
    /// answer to the first.
    ///
    /// # Errors
    /// [`ProposalsError`] when no number is left for it.
    pub fn add_taken(&mut self, sop_class: Uid, transfer_syntax: Uid) -> Result<(), ProposalsError> {
        self.add(sop_class.clone(), transfer_syntax)?;
        self.provide(sop_class);
        self.perform(OPERATIONS_MAX);
        Ok(())
    }
}

impl Scu {
    /// C-FIND: asks, and hands over every match as it comes, in the character set that it declares.
    ///
    /// A status that is not success is an [`Answer`], not an error: the association goes on.
    ///
    /// # Errors
    /// [`ScuError::NotOffered`] before anything is sent. Any other error ends the association.
    pub async fn find(
        &mut self,
        root: Root,
        identifier: &DataSet,
        found: impl FnMut(DataSet),
    ) -> Result<Answer, ScuError> {
        let class = Model { root, verb: Verb::Find }.sop_class().ok_or(ScuError::NotOffered)?;
        self.find_in(class.as_str(), identifier, found).await
    }

    /// C-FIND in a class of whatever service.
    pub(super) async fn find_in(
        &mut self,
        class: &str,
        identifier: &DataSet,
        mut found: impl FnMut(DataSet),
    ) -> Result<Answer, ScuError> {
        let (context, request) = self.ask_in(class, identifier, Command::find_request).await?;
        loop {
            let (response, row) = self.response(context, &request, Operation::Find).await?;
            match (status_of(&response, &request)?, row) {
                (status, Some(row)) if status.is_pending() => found(row),
                (status, None) if status.is_pending() => return Err(wrong(&request)),
                (status, _) => return Ok(Answer { status, comment: response.error_comment() }),
            }
        }
    }

    /// C-MOVE: has objects sent to a title that the peer knows.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn move_to(
        &mut self,
        root: Root,
        identifier: &DataSet,
        destination: &AeTitle,
        mut progress: impl FnMut(SubOperations),
    ) -> Result<Retrieved, ScuError> {
        let (context, request) = self
            .ask(Model { root, verb: Verb::Move }, identifier, |id, class| {
                Command::move_request(id, class, destination)
            })
            .await?;
        loop {
            let (response, list) = self.response(context, &request, Operation::Move).await?;
            if status_of(&response, &request)?.is_pending() {
                progress(response.sub_operations());
            } else {
                return retrieved(&response, &request, list.as_ref());
            }
        }
    }

    /// C-GET: fetches objects over this association. `take` begins to receive each of them; what it refuses, and what
    /// fails while it is written, is answered to the peer and counted there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn get<I: Incoming, F: Future<Output = Result<I, Failure>>>(
        &mut self,
        root: Root,
        identifier: &DataSet,
        mut take: impl FnMut(Object) -> F,
        mut progress: impl FnMut(SubOperations),
    ) -> Result<Retrieved, ScuError> {
        let (asked, request) =
            self.ask(Model { root, verb: Verb::Get }, identifier, Command::get_request).await?;
        loop {
            let (context, command) = self.command().await?;
            match command.field() {
                CommandField::Request(Operation::Store) => self.take(context, &command, &mut take).await?,
                CommandField::Response(Operation::Get) if context == asked => {
                    let list = self.data_set(context, &command).await?;
                    if status_of(&command, &request)?.is_pending() {
                        progress(command.sub_operations());
                    } else {
                        return retrieved(&command, &request, list.as_ref());
                    }
                }
                CommandField::Request(_) | CommandField::Response(_) | CommandField::Cancel => {
                    return Err(wrong(&request));
                }
            }
        }
    }

    /// Sends a request with its identifier. Gives the context and the request.
    async fn ask(
        &mut self,
        model: Model,
        identifier: &DataSet,
        request: impl FnOnce(u16, &Uid) -> Command,
    ) -> Result<(u8, Command), ScuError> {
        let class = model.sop_class().ok_or(ScuError::NotOffered)?;
        self.ask_in(class.as_str(), identifier, request).await
    }

    async fn ask_in(
        &mut self,
        class: &str,
        identifier: &DataSet,
        request: impl FnOnce(u16, &Uid) -> Command,
    ) -> Result<(u8, Command), ScuError> {
        let mut contexts = self.association.contexts().iter();
        let context = contexts.find(|context| context.abstract_syntax.as_str() == class).cloned();
        let context = context.ok_or(ScuError::NotOffered)?;
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        let request = request(self.next_message_id(), &context.abstract_syntax);
        let identifier = write::data_set(identifier, encoding);
        self.association.send_message(context.id, &request.encode(), &identifier).await?;
        Ok((context.id, request))
    }

    /// The next response to a request, with its data set.
    pub(super) async fn response(
        &mut self,
        context: u8,
        request: &Command,
        operation: Operation,
    ) -> Result<(Command, Option<DataSet>), ScuError> {
        let (came_in, response) = self.command().await?;
        if came_in != context || response.field() != CommandField::Response(operation) {
            return Err(wrong(request));
        }
        let data_set = self.data_set(context, &response).await?;
        Ok((response, data_set))
    }

    pub(super) async fn command(&mut self) -> Result<(u8, Command), ScuError> {
        let wait = self.association.timeouts().response;
        match self.association.receive(wait).await? {
            Received::Fragment(first) => Ok(read_command(&mut self.association, first).await?),
            Received::Release => Err(MessageError::ReleaseInside.into()),
        }
    }

    /// The data set behind a response; nothing for one that cannot be read.
    pub(super) async fn data_set(
        &mut self,
        context: u8,
        response: &Command,
    ) -> Result<Option<DataSet>, ScuError> {
        if !response.has_data_set() {
            return Ok(None);
        }
        let mut whole = Vec::new();
        loop {
            let (bytes, is_last) = read_data(&mut self.association, context).await?;
            if whole.len() + bytes.len() > RESPONSE_BYTES_MAX {
                return Err(ScuError::ResponseTooLong { limit_bytes: RESPONSE_BYTES_MAX });
            }
            whole.extend_from_slice(&bytes);
            if is_last {
                break;
            }
        }
        let syntax = transfer_syntax::lookup(&self.association.context(context)?.transfer_syntax);
        let limits = Limits {
            value_bytes_max: RESPONSE_BYTES_MAX,
            kept_bytes_max: RESPONSE_BYTES_MAX,
            elements_max: RESPONSE_ELEMENTS_MAX,
            ..Limits::message()
        };
        Ok(scan(&whole, syntax, limits).ok().map(|scanned| scanned.data_set))
    }

    /// Takes one object that the peer sends, and answers it.
    async fn take<I: Incoming, F: Future<Output = Result<I, Failure>>>(
        &mut self,
        context: u8,
        command: &Command,
        take: &mut impl FnMut(Object) -> F,
    ) -> Result<(), ScuError> {
        let agreed = self.association.context(context)?.clone();
        let begun = match command.uid(element::AFFECTED_SOP_INSTANCE) {
            Some(sop_instance) => {
                let (sop_class, transfer_syntax) = (agreed.abstract_syntax, agreed.transfer_syntax);
                take(Object { sop_class, sop_instance, transfer_syntax }).await
            }
            None => {
                let comment = "SOP instance UID missing or illegal";
                Err(Failure::new(FailureKind::InvalidSopInstance, comment))
            }
        };
        let (mut incoming, mut failure) = match begun {
            Ok(incoming) => (Some(incoming), None),
            Err(failure) => (None, Some(failure)),
        };
        let mut is_last = !command.has_data_set();
        while !is_last {
            let (bytes, last) = read_data(&mut self.association, context).await?;
            is_last = last;
            if let Some(open) = &mut incoming
                && let Err(error) = open.write(bytes).await
            {
                (incoming, failure) = (None, Some(error));
            }
        }
        if let Some(whole) = incoming {
            failure = whole.finish().await.err();
        }
        let response = match &failure {
            None => command.response(Status::SUCCESS, None),
            Some(failure) => command.response(failure.status(), Some(&failure.comment)),
        };
        Ok(self.association.send_command(context, &response.encode()).await?)
    }
}

// === helpers ===

/// The status of a response to our request.
pub(super) fn status_of(response: &Command, request: &Command) -> Result<Status, ScuError> {
    match response.status() {
        Some(status) if response.message_id_responded_to() == request.message_id() => Ok(status),
        _ => Err(wrong(request)),
    }
}

fn retrieved(response: &Command, request: &Command, list: Option<&DataSet>) -> Result<Retrieved, ScuError> {
    let status = status_of(response, request)?;
    let bytes = list.and_then(|list| list.bytes(tags::FAILED_SOP_INSTANCE_UID_LIST)).unwrap_or_default();
    let uids = bytes.split(|byte| *byte == b'\\').filter_map(|uid| std::str::from_utf8(uid).ok());
    Ok(Retrieved {
        answer: Answer { status, comment: response.error_comment() },
        counts: response.sub_operations(),
        failed: uids.filter_map(|uid| Uid::new(uid).ok()).collect(),
    })
}

fn wrong(request: &Command) -> ScuError {
    ScuError::WrongResponse { message_id: request.message_id().unwrap_or_default() }
}
