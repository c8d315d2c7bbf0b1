//! An object that is sent in parts. What was cut off goes on with the part where it was.

use super::BucketPlace;
use super::answers::{elements, expect, text};
use super::requests::Call;
use crate::replica::place::Content;
use md5::{Digest, Md5};
use rusty_s3::Method;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// Bytes of one request. A pack of 256 MiB is 32 of them; what is cut off loses one. S3 takes no parts below 5 MiB, but for the last one.
pub(super) const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts of one object that S3 takes (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const PARTS_MAX: u64 = 10_000;

/// Uploads of one object that are looked at: each is a kill between two answers.
const UPLOADS_MAX: usize = 100;

impl BucketPlace {
    /// Puts an object part by part; parts that arrived before something was cut off are not sent again.
    pub(super) fn put_in_parts(&self, key: &str, content: &dyn Content) -> io::Result<()> {
        let part_bytes = part_bytes(content.bytes());
        let mut under_way = self.uploads_under_way(key)?.into_iter().map(|(_, upload)| upload);
        let (upload, arrived) = match under_way.next_back() {
            Some(upload) => match self.parts_of(key, &upload) {
                Ok(arrived) => (upload, arrived),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Err(error),
                // Nobody can go on with it: it was given up by the server, or by its rules, or is listed in a way of its own.
                Err(_) => {
                    self.give_up(key, &upload);
                    (self.begin_upload(key)?, BTreeMap::new())
                }
            },
            None => (self.begin_upload(key)?, BTreeMap::new()),
        };
        let mut tags: Vec<String> = Vec::new();
        for number in 1..=content.bytes().div_ceil(part_bytes).max(1) {
            let offset = (number - 1) * part_bytes;
            let wanted = (content.bytes() - offset).min(part_bytes);
            let mut bytes = Vec::new();
            content.read(offset, wanted as usize, &mut bytes)?;
            let tag = match arrived.get(&number) {
                // A server that gives other tags than most is sent the part again.
                Some(tag) if tag.trim_matches('"') == hex::encode(Md5::digest(&bytes)) => tag.clone(),
                Some(_) | None => self.put_part(key, &upload, number, bytes)?,
            };
            tags.push(tag);
        }
        if let Err(error) = self.complete(key, &upload, content.bytes(), &tags) {
            if error.kind() != io::ErrorKind::NotConnected {
                // It would be refused again.
                self.give_up(key, &upload);
            }
            return Err(error);
        }
        for superfluous in under_way {
            self.give_up(key, &superfluous);
        }
        Ok(())
    }

    /// Uploads that were begun and neither completed nor given up, of keys with a prefix: key and identifier.
    pub(super) fn uploads_under_way(&self, prefix: &str) -> io::Result<Vec<(String, String)>> {
        let call = Call::new("list uploads", Method::Get, None).query("prefix", prefix).query("uploads", "");
        let body = self.requests.send(&call)?.text()?;
        let uploads = elements(expect(&body, "ListMultipartUploadsResult")?, "Upload");
        let uploads = uploads.filter_map(|upload| Some((text(upload, "Key")?, text(upload, "UploadId")?)));
        Ok(uploads.filter(|(key, _)| key.starts_with(prefix)).take(UPLOADS_MAX).collect())
    }

    /// Frees what an upload holds. That it does not work costs space only, and the next start tries again.
    pub(super) fn give_up(&self, key: &str, upload: &str) {
        let call = Call::new("give up an upload", Method::Delete, Some(key)).query("uploadId", upload);
        if let Err(error) = self.requests.send(&call) {
            tracing::debug!(%error, "an upload that was cut off stays in the bucket");
        }
    }

    fn begin_upload(&self, key: &str) -> io::Result<String> {
        let call = Call::new("begin an upload", Method::Post, Some(key)).query("uploads", "");
        let body = self.requests.send(&call)?.text()?;
        text(expect(&body, "InitiateMultipartUploadResult")?, "UploadId")
            .ok_or_else(|| io::Error::other("could not begin an upload: it came without an identifier"))
    }

    fn put_part(&self, key: &str, upload: &str, number: u64, bytes: Vec<u8>) -> io::Result<String> {
        let call = Call::new("put a part", Method::Put, Some(key));
        let call = call.query("partNumber", number.to_string()).query("uploadId", upload).body(bytes);
        let answer = self.requests.send(&call)?;
        let tag = answer.tag().ok_or_else(|| io::Error::other("a part came back without an entity tag"))?;
        Ok(tag.to_owned())
    }

    /// The tags of the parts that the server has.
    fn parts_of(&self, key: &str, upload: &str) -> io::Result<BTreeMap<u64, String>> {
        let mut parts = BTreeMap::new();
        let mut after = 0;
        loop {
            let call = Call::new("list parts", Method::Get, Some(key));
            let call = call.query("part-number-marker", after.to_string()).query("uploadId", upload);
            let body = self.requests.send(&call)?.text()?;
            // S3 says `ListPartsResult`, others `ListPartsResponse`.
            let body = expect(&body, "ListParts")?;
            let page = elements(body, "Part")
                .filter_map(|part| Some((text(part, "PartNumber")?.parse().ok()?, text(part, "ETag")?)));
            parts.extend(page);
            let next = parts.last_key_value().map_or(0, |(number, _)| *number);
            // A server that gives the same page for ever is not followed.
            if text(body, "IsTruncated").as_deref() != Some("true") || next <= after || next >= PARTS_MAX {
                return Ok(parts);
            }
            after = next;
        }
    }

    fn complete(&self, key: &str, upload: &str, bytes: u64, tags: &[String]) -> io::Result<()> {
        let mut body = "<CompleteMultipartUpload>".to_owned();
        for (number, tag) in (1..).zip(tags) {
            let tag = tag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            // Writing to a string does not fail.
            let _always = write!(body, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
        }
        body.push_str("</CompleteMultipartUpload>");
        let call = Call::new("complete an upload", Method::Post, Some(key)).query("uploadId", upload);
        match self.requests.send(&call.body(body)) {
            // S3 may say 200 and fail all the same.
            Ok(answer) => expect(&answer.text()?, "CompleteMultipartUploadResult").map(|_| ()),
            // The upload is over: the attempt before this one was heard, and its answer was not.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let there = self.requests.head(key).and_then(|answer| answer.object_bytes());
                if there == Some(bytes) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

/// Bytes of each part but the last, so that no object has more parts than S3 takes.
fn part_bytes(object_bytes: u64) -> u64 {
    PART_BYTES.max(object_bytes.div_ceil(PARTS_MAX).next_multiple_of(1024 * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_object_has_more_parts_than_s3_takes(bytes in 1..=crate::OBJECT_BYTES_MAX + (1 << 30)) {
            prop_assert!(bytes.div_ceil(part_bytes(bytes)) <= PARTS_MAX);
            prop_assert!(part_bytes(bytes) >= PART_BYTES);
        }
    }
}
