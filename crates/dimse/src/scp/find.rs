//! C-FIND: one response per match, as fast as the peer takes them (PS3.4 §C.4.1).

use super::conversation::Conversation;
use super::habits::answered_in;
use super::service::{Failure, Matches, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, Status};
use crate::query::{Identifier, Query, Root};
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::charset;
use yingdun_dicom::data_set::{DataSet, Value};
use yingdun_dicom::{Vr, dictionary, tags, transfer_syntax, write};
use yingdun_model::AeTitle;

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Answers a query.
    pub(super) async fn find(
        &mut self,
        context: &Context,
        command: &Command,
        root: Root,
    ) -> Result<(), MessageError> {
        let identifier = match self.identifier(context, command, root).await? {
            Ok(identifier) => identifier,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let (query, mut matches) = match self.begin_find(context, &identifier).await {
            Ok(begun) => begun,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let all_known = query.wanted.iter().all(|tag| matches.known.contains(tag));
        let pending =
            if all_known && matches.all_matched { Status::PENDING } else { Status::PENDING_KEYS_IGNORED };
        let response = command.response(pending, None).with_data_set().encode();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        loop {
            if self.is_cancelled(command).await? {
                return self.answer(context, command, Status::CANCELLED, None).await;
            }
            let row = match matches.rows.next().await {
                None => return self.conclude(context, command, Ok(())).await,
                Some(Err(failure)) => return self.conclude(context, command, Err(failure)).await,
                Some(Ok(row)) => row,
            };
            let row = answer(&row, &query, &matches, &self.peer.called);
            let row = charset::from_utf8(&row, answered_in(self.habits, identifier.declared_character_set()));
            self.association.send_message(context.id, &response, &write::data_set(&row, encoding)).await?;
            self.counts.found += 1;
        }
    }

    async fn begin_find(
        &mut self,
        context: &Context,
        identifier: &Identifier,
    ) -> Result<(Query, Matches), Failure> {
        let options = self.options(context);
        let query = identifier.query(options.relational, options.matching)?;
        let matches = self.service.find(self.session, query.clone()).await?;
        Ok((query, matches))
    }
}

// === helpers ===

/// What of a match was asked for: known attributes without a value are there with none, unknown ones are not (PS3.4
/// §C.2.2.1.3), and the asker learns where to retrieve (PS3.4 §C.4.1.1.3.2).
fn answer(row: &DataSet, query: &Query, matches: &Matches, called: &AeTitle) -> DataSet {
    let mut answer = DataSet::new();
    for tag in &query.wanted {
        match row.get(*tag) {
            Some(element) => answer.put(*tag, element.vr, element.value.clone()),
            None if matches.known.contains(tag) => {
                answer.put(*tag, dictionary::vr_of(*tag).unwrap_or(Vr::UN), Value::Bytes(Vec::new()));
            }
            None => {}
        }
    }
    // In which zone its dates and times are, where it says so (PS3.4 §C.4.1.1.3.2).
    if let Some(zone) = row.get(tags::TIMEZONE_OFFSET_FROM_UTC) {
        answer.put(zone.tag, zone.vr, zone.value.clone());
    }
    answer.put_text(tags::QUERY_RETRIEVE_LEVEL, Vr::CS, query.level.as_str());
    answer.put_text(tags::RETRIEVE_AE_TITLE, Vr::AE, called.as_str());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Level;
    use yingdun_dicom::Tag;
    use yingdun_dicom::query::Matching;

    #[test]
    fn a_match_holds_what_was_asked_for_and_the_zone_of_its_times() {
        let mut row = DataSet::new();
        row.put_text(tags::PATIENT_NAME, Vr::PN, "Zhang^San");
        row.put_text(tags::PATIENT_SEX, Vr::CS, "F");
        row.put_text(tags::TIMEZONE_OFFSET_FROM_UTC, Vr::SH, "+0800");
        let query = Query {
            level: Level::Study,
            keys: Vec::new(),
            wanted: vec![tags::PATIENT_NAME, tags::STUDY_DATE, Tag(0x0008, 0x1080)],
            matching: Matching::default(),
        };
        let matches = Matches {
            known: vec![tags::PATIENT_NAME, tags::STUDY_DATE],
            all_matched: true,
            rows: Box::pin(futures_util::stream::empty()),
        };
        let answer = answer(&row, &query, &matches, &AeTitle::new("YINGDUN").unwrap());
        let held: Vec<Tag> = answer.elements().iter().map(|element| element.tag).collect();
        let expected = [
            tags::STUDY_DATE,
            tags::QUERY_RETRIEVE_LEVEL,
            tags::RETRIEVE_AE_TITLE,
            tags::TIMEZONE_OFFSET_FROM_UTC,
            tags::PATIENT_NAME,
        ];
        assert_eq!(held, expected);
        assert_eq!(answer.bytes(tags::STUDY_DATE), Some(&b""[..]));
    }
}
