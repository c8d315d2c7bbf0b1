//! A DICOMweb server: lists of studies and instances (QIDO-RS), and objects as they are stored (WADO-RS).

use super::window::{End, crawl};
use super::{STUDIES_MAX, SeriesListing};
use crate::TransferError;
use crate::migrate::listing::{Dates, Gaps, Listed};
use crate::migrate::passing::Piece;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use yingdun_model::Secret;
use yingdun_web::multipart::{MultipartError, Reader};

/// Rows that are asked for at once. Servers may send fewer.
const PAGE_ROWS: usize = 500;

/// Bytes of one page of rows: some kilobytes each.
const PAGE_BYTES_MAX: usize = 64 << 20;

/// Parts of one answer: the instances of one series.
const PARTS_MAX: usize = 200_000;

/// How long a connection may take to be made, and how long a server may say nothing: a large study is read from slow disks.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// Objects as they are stored (PS3.18 §8.7.3.5.2).
pub(in crate::migrate) const AS_STORED: &str =
    "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

const NO_IDENTIFIER: &str = "a row without its identifier";

/// How we are known to the server.
pub enum Credentials {
    /// Not at all.
    None,
    /// A token.
    Bearer(Secret<String>),
    /// `user:password`.
    Basic(Secret<String>),
}

/// A server from which objects are taken.
pub struct Remote {
    http: Client,
    base: Url,
    credentials: Credentials,
}

/// The parts of one answer, as they arrive.
pub(in crate::migrate) type Parts = Reader<Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>>;

impl Remote {
    /// A server at the address of its DICOMweb service, as in `https://pacs.example/dicom-web`.
    ///
    /// # Errors
    /// [`TransferError::Unexpected`] for another address, [`TransferError::Http`] for an authority that cannot be read.
    pub fn new(base: &str, ca: Option<&[u8]>, credentials: Credentials) -> Result<Self, TransferError> {
        let base =
            Url::parse(base).map_err(|_| TransferError::Unexpected("no address of a DICOMweb service"))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(TransferError::Unexpected("no address of a DICOMweb service"));
        }
        let mut builder = Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIME_MAX)
            .read_timeout(SILENCE_MAX);
        if let Some(pem) = ca {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        Ok(Self { http: builder.build()?, base, credentials })
    }

    /// All studies; each page is handed over before the next is asked for.
    pub(super) async fn studies(
        &self,
        dates: &Dates,
        rows_max: usize,
        sink: &mut dyn FnMut(&[Listed]) -> Result<(), TransferError>,
    ) -> Result<Gaps, TransferError> {
        crawl(dates, rows_max, sink, async |window, listing| {
            let (date, time) = window.keys();
            let keys = [("StudyDate", date.as_str()), ("StudyTime", time.as_str())];
            let keys: Vec<_> = keys.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            self.pages(&["studies"], &keys, |rows| {
                // A row that is left out would be a study that nobody misses: identifiers are taken as they are, legal or not.
                let listed = |row: &Value| {
                    let study = text(row, "0020000D").ok_or(NO_IDENTIFIER)?.to_owned();
                    Ok(Listed { study, instances: number(row, "00201208") })
                };
                let rows = rows.iter().map(listed).collect::<Result<_, &'static str>>();
                listing.tell(rows.map_err(TransferError::Unexpected)?)
            })
            .await?;
            Ok(End::All)
        })
        .await
    }

    /// The instances of a study.
    pub(super) async fn instances(&self, study: &str) -> Result<Vec<SeriesListing>, TransferError> {
        let mut found: BTreeMap<String, SeriesListing> = BTreeMap::new();
        self.pages(&["studies", study, "instances"], &[], |rows| {
            for row in rows {
                let ids = text(row, "0020000E").zip(text(row, "00080018"));
                let (series, instance) = ids.ok_or(TransferError::Unexpected(NO_IDENTIFIER))?;
                let listing = found.entry(series.to_owned()).or_default();
                listing.instances.insert(instance.to_owned());
            }
            Ok(())
        })
        .await?;
        Ok(found.into_iter().map(|(series, listing)| SeriesListing { series, ..listing }).collect())
    }

    /// The objects of a series, as they are stored.
    pub(super) async fn series(&self, study: &str, series: &str) -> Result<Parts, TransferError> {
        let request = self.request(&["studies", study, "series", series])?;
        parts(request.header("accept", AS_STORED).send().await?).await
    }

    async fn pages(
        &self,
        path: &[&str],
        keys: &[(&str, &str)],
        mut take: impl FnMut(&[Value]) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let mut offset = 0;
        while offset < STUDIES_MAX {
            let paging = [("limit", PAGE_ROWS.to_string()), ("offset", offset.to_string())];
            let request = self.request(path)?.header("accept", "application/dicom+json").query(keys);
            let answer = accepted(request.query(&paging).send().await?).await?;
            let mut body = Vec::new();
            let mut chunks = answer.bytes_stream();
            while let Some(chunk) = chunks.next().await.transpose()? {
                if body.len() + chunk.len() > PAGE_BYTES_MAX {
                    return Err(TransferError::Unexpected("a page of rows that is far too long"));
                }
                body.extend_from_slice(&chunk);
            }
            // No content is how some servers say that there are no more.
            if body.is_empty() {
                return Ok(());
            }
            let rows: Vec<Value> = serde_json::from_slice(&body)
                .map_err(|_| TransferError::Unexpected("no list of DICOM JSON"))?;
            if rows.is_empty() {
                return Ok(());
            }
            take(&rows)?;
            // A server that knows no paging sends everything at once, and again for ever.
            if rows.len() > PAGE_ROWS {
                return Ok(());
            }
            offset += rows.len();
        }
        Ok(())
    }

    fn request(&self, path: &[&str]) -> Result<RequestBuilder, TransferError> {
        let mut url = self.base.clone();
        let mut segments =
            url.path_segments_mut().map_err(|()| TransferError::Unexpected("an address without a path"))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        let request = self.http.get(url);
        Ok(match &self.credentials {
            Credentials::None => request,
            Credentials::Bearer(token) => request.bearer_auth(token.expose()),
            Credentials::Basic(pair) => match pair.expose().split_once(':') {
                Some((user, password)) => request.basic_auth(user, Some(password)),
                None => request.basic_auth(pair.expose(), None::<&str>),
            },
        })
    }
}

/// Hands the parts of an answer on to their end.
///
/// # Errors
/// Why they ended before, in words.
pub(in crate::migrate) async fn forward(parts: &mut Parts, out: &mpsc::Sender<Piece>) -> Result<(), String> {
    let broken = |error: MultipartError<reqwest::Error>| error.to_string();
    let send =
        async |piece| out.send(piece).await.map_err(|_| "nobody takes the objects any more".to_owned());
    while parts.next_part().await.map_err(broken)?.is_some() {
        send(Piece::Begin).await?;
        while let Some(chunk) = parts.chunk().await.map_err(broken)? {
            send(Piece::Bytes(chunk)).await?;
        }
    }
    Ok(())
}

/// The parts of an answer to WADO-RS.
pub(in crate::migrate) async fn parts(answer: Response) -> Result<Parts, TransferError> {
    let answer = accepted(answer).await?;
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let boundary = content_type
        .and_then(boundary_of)
        .ok_or(TransferError::Unexpected("no multipart/related with a boundary"))?;
    let body: Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>> =
        Box::pin(answer.bytes_stream());
    Reader::new(body, &boundary, PARTS_MAX).map_err(|_| TransferError::Unexpected("a boundary that is none"))
}

async fn accepted(answer: Response) -> Result<Response, TransferError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    Err(TransferError::Refused { status, words: "the DICOMweb service of the source".to_owned() })
}

/// The parameter `boundary` (RFC 2046 §5.1.1), quoted or not.
fn boundary_of(content_type: &str) -> Option<String> {
    let (media, parameters) = content_type.split_once(';')?;
    if !media.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    // No other parameter of the answer holds a semicolon in its quotes.
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn text<'r>(row: &'r Value, tag: &str) -> Option<&'r str> {
    row.get(tag)?.get("Value")?.get(0)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A number, which some servers write as a text.
fn number(row: &Value, tag: &str) -> Option<u64> {
    let value = row.get(tag)?.get("Value")?.get(0)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_boundary_of_an_answer_is_found_however_it_is_written() {
        for text in [
            "multipart/related; type=\"application/dicom\"; boundary=abc-1",
            "Multipart/Related;BOUNDARY=\"abc-1\"; type=application/dicom",
        ] {
            assert_eq!(boundary_of(text).as_deref(), Some("abc-1"), "{text}");
        }
        for text in ["multipart/related", "application/dicom; boundary=a", "multipart/related; type=x"] {
            assert_eq!(boundary_of(text), None, "{text}");
        }
    }

    #[test]
    fn counts_are_read_as_numbers_and_as_texts() {
        let row = |value: Value| json!({"00201208": {"vr": "IS", "Value": [value]}});
        assert_eq!(number(&row(json!(7)), "00201208"), Some(7));
        assert_eq!(number(&row(json!("7 ")), "00201208"), Some(7));
        assert_eq!(number(&json!({}), "00201208"), None);
    }
}
