//! A place that is a bucket behind the S3 protocol. Nothing that it says is believed: what it gives back is checked against
//! digests by those who read, entity tags are handed back to it or spare a second sending, and what it lists is only looked for.
//!
//! | module | |
//! |---|---|
//! | `requests` | HTTP: signed, bounded in time and bytes, tried again |
//! | `answers` | what a server writes |
//! | `upload` | objects that are sent in parts |
//! | `probe` | what the bucket really does |
//!
//! Every call is bounded: a time to connect, a time for the answer that grows with the bytes asked for, a few attempts with
//! pauses between them. Errors name the operation and what the server answered, never an address that was signed. No name is
//! taken twice by two writers, and nothing depends on a server that refuses to overwrite.

mod answers;
mod probe;
mod requests;
mod upload;

pub use probe::{BucketProbe, Kept};

use super::{Content, Object, Place};
use crate::{BucketAddress, BucketConfig, Retention, RetentionMode};
use answers::{elements, expect, text};
use requests::{Answer, Call, Requests};
use rusty_s3::{Bucket, Credentials, Method, UrlStyle};
use std::fmt;
use std::io;
use std::time::Duration;
use upload::PART_BYTES;

/// Pages of a listing that are read: at a thousand names each, 2.5 PiB of packs. A server that never ends a listing is
/// not followed for ever.
const PAGES_MAX: usize = 10_000;

/// A bucket with a copy.
pub(crate) struct BucketPlace {
    /// What all names begin with: empty, or ends with a slash.
    prefix: String,
    retention: Option<Retention>,
    requests: Requests,
}

impl BucketPlace {
    /// # Errors
    /// `InvalidInput` with the sentence, when the address is none.
    pub(crate) fn new(config: &BucketConfig) -> io::Result<Self> {
        let BucketAddress { endpoint, bucket, prefix, region, path_style } = &config.address;
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let url =
            endpoint.parse().map_err(|error| invalid(format!("`{endpoint}` is no address: {error}")))?;
        let style = if *path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = Bucket::new(url, style, bucket.clone(), region.clone());
        let bucket =
            bucket.map_err(|error| invalid(format!("`{endpoint}` is no address of a server: {error}")))?;
        let keys = &config.keys;
        let credentials = match &keys.session_token {
            Some(token) => Credentials::new_with_token(
                keys.access_key_id.clone(),
                keys.secret_access_key.expose().clone(),
                token.expose().clone(),
            ),
            None => Credentials::new(keys.access_key_id.clone(), keys.secret_access_key.expose().clone()),
        };
        let prefix = prefix.trim_matches('/');
        Ok(Self {
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            retention: config.retention.clone(),
            requests: Requests::new(bucket, credentials, config.ca_pem.clone()),
        })
    }

    fn key(&self, object: Object) -> String {
        format!("{}{}", self.prefix, object.name())
    }

    /// Puts bytes in one request. A second attempt is made only when the bytes of the first are not there: where there are
    /// versions, it would make another one.
    fn put_at_once(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        let call = Call::new("put an object", Method::Put, Some(key)).body(bytes);
        let tag = call.tag();
        let is_there = |answer: &Answer| answer.tag().is_some_and(|there| there.trim_matches('"') == tag);
        self.requests.send_unless_found(&call, || self.requests.head(key).filter(is_there)).map(|_| ())
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        match self.requests.send(&Call::new("remove an object", Method::Delete, Some(key))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Locks an object that is there for a time from now. A lock that ends later stays as it is where the server has it so.
    fn lock(&self, key: &str, mode: RetentionMode, time: Duration) -> io::Result<()> {
        let until = jiff::Timestamp::now() + time;
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{}</Mode>\
             <RetainUntilDate>{}</RetainUntilDate></Retention>",
            mode.name(),
            until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        );
        let call = Call::new("lock an object", Method::Put, Some(key)).query("retention", "");
        self.requests.send(&call.body(body)).map(|_| ())
    }

    /// The names behind our prefix that begin with `folder`, with their lengths.
    fn names(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut call = Call::new("list the bucket", Method::Get, None)
                .query("list-type", "2")
                .query("prefix", format!("{}{folder}", self.prefix));
            if let Some(after) = after {
                call = call.query("continuation-token", after);
            }
            let body = self.requests.send(&call)?.text()?;
            let page = expect(&body, "ListBucketResult")?;
            names.extend(elements(page, "Contents").filter_map(|content| {
                let name = text(content, "Key")?.strip_prefix(&self.prefix)?.to_owned();
                Some((name, text(content, "Size")?.parse().ok()?))
            }));
            after = text(page, "NextContinuationToken");
            if after.is_none() {
                return Ok(names);
            }
        }
        Err(io::Error::other("the listing of the bucket does not end"))
    }
}

impl Place for BucketPlace {
    /// Gives up uploads of pieces: the next piece has another name. Uploads of packs are taken up again.
    fn prepare(&self) -> io::Result<()> {
        for (key, upload) in self.uploads_under_way(&format!("{}tail/", self.prefix))? {
            self.give_up(&key, &upload);
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<(Object, u64)>> {
        let names = self.names("")?;
        Ok(names.iter().filter_map(|(name, bytes)| Some((Object::of_name(name)?, *bytes))).collect())
    }

    fn put(&self, object: Object, content: &dyn Content) -> io::Result<()> {
        let key = self.key(object);
        if content.bytes() > PART_BYTES {
            return self.put_in_parts(&key, content);
        }
        let mut bytes = Vec::new();
        content.read(0, content.bytes() as usize, &mut bytes)?;
        self.put_at_once(&key, bytes)
    }

    fn read_at(&self, object: Object, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        let key = self.key(object);
        let call = Call::new("read an object", Method::Get, Some(&key));
        self.requests.get_range(call, buffer, bytes, offset)
    }

    fn remove(&self, object: Object) -> io::Result<()> {
        self.delete(&self.key(object))
    }

    fn keep(&self, object: Object) -> io::Result<()> {
        let Some(Retention { mode, time }) = &self.retention else { return Ok(()) };
        self.lock(&self.key(object), *mode, *time)
    }

    fn address(&self) -> String {
        let bucket = self.requests.bucket();
        let host = bucket.base_url().host_str().unwrap_or_default();
        format!("s3://{}/{} ({host})", bucket.name(), self.prefix)
    }
}

impl fmt::Debug for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BucketPlace").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BucketKeys;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};
    use yingdun_model::Secret;

    /// Reads one request: its first line.
    fn request_on(stream: &mut TcpStream) -> Option<String> {
        let mut bytes = Vec::new();
        let mut one = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut one).ok()?;
            bytes.push(one[0]);
        }
        let head = String::from_utf8(bytes).ok()?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        stream.read_exact(&mut body).ok()?;
        head.lines().next().map(str::to_owned)
    }

    /// A mock of a server: it gives the answers in their order, one on each connection; an empty one is a connection that breaks. Says what
    /// was asked.
    fn mock_server(answers: &'static [&'static str]) -> (BucketPlace, Arc<Mutex<Vec<String>>>) {
        // Another test may have been first.
        let _first = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let config = BucketConfig {
            address: BucketAddress {
                endpoint: format!("http://{}", listener.local_addr().unwrap()),
                bucket: "images".to_owned(),
                prefix: "/far/".to_owned(),
                region: "us-east-1".to_owned(),
                path_style: true,
            },
            keys: BucketKeys {
                access_key_id: "name-of-the-key".to_owned(),
                secret_access_key: Secret::new("the-key".to_owned()),
                session_token: None,
            },
            ca_pem: None,
            retention: None,
        };
        let written = Arc::clone(&asked);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let Some(line) = request_on(&mut stream) else { continue };
                let method = line.split(' ').next().unwrap_or_default().to_owned();
                written.lock().unwrap().push(method);
                stream.write_all(answer.replace('\n', "\r\n").as_bytes()).unwrap();
            }
        });
        let mut place = BucketPlace::new(&config).unwrap();
        place.requests.hurry();
        (place, asked)
    }

    const BYTES: &[u8] = b"bytes";

    #[test]
    fn what_arrived_although_the_answer_was_lost_is_not_sent_twice() {
        // The entity tag is the MD5 digest of `bytes`.
        let there = "HTTP/1.1 200 OK\netag: \"4b3a6218bb3e3a7303e8a171a60fcf92\"\ncontent-length: 5\nconnection: close\n\n";
        let (place, asked) = mock_server(Box::leak(Box::new(["", there])));
        place.put(Object::Identity, &BYTES).unwrap();
        assert_eq!(*asked.lock().unwrap(), ["put", "head"]);
    }

    #[test]
    fn what_did_not_arrive_is_sent_again() {
        let (place, asked) = mock_server(&[
            "HTTP/1.1 503 Slow\ncontent-length: 0\nconnection: close\n\n",
            "HTTP/1.1 200 OK\netag: \"other\"\ncontent-length: 5\nconnection: close\n\n",
            "HTTP/1.1 200 OK\ncontent-length: 0\nconnection: close\n\n",
        ]);
        place.put(Object::Identity, &BYTES).unwrap();
        assert_eq!(*asked.lock().unwrap(), ["put", "head", "put"]);
    }

    #[test]
    fn a_refusal_stands_and_tells_no_secret() {
        let (place, asked) = mock_server(&["HTTP/1.1 403 No\ncontent-length: 82\nconnection: close\n\n\
             <Error><Code>AccessDenied</Code><Message>name-of-the-key the-key</Message></Error>"]);
        let refused = place.put(Object::Identity, &BYTES).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(refused.to_string(), "could not put an object: the server answered 403 AccessDenied");
        assert_eq!(*asked.lock().unwrap(), ["put"]);
        assert!(!format!("{place:?}").contains("key"));
    }

    #[test]
    fn a_server_that_is_gone_is_given_up_after_a_few_attempts() {
        let (place, asked) = mock_server(&["", "", "", "", "", "", "", "", "", "", ""]);
        let lost = place.remove(Object::Pack(1)).unwrap_err();
        assert_eq!(lost.kind(), io::ErrorKind::NotConnected);
        assert!(!lost.to_string().contains("X-Amz") && !lost.to_string().contains("http://"), "{lost}");
        assert!((2..=11).contains(&asked.lock().unwrap().len()));
    }

    #[test]
    fn a_listing_goes_on_page_by_page_and_knows_our_objects_only() {
        let page = |inner: &str| {
            let body = format!("<ListBucketResult xmlns=\"s\">{inner}</ListBucketResult>");
            format!("HTTP/1.1 200 OK\ncontent-length: {}\nconnection: close\n\n{body}", body.len())
        };
        let one = page(
            "<NextContinuationToken>a&amp;b</NextContinuationToken>\
             <Contents><Key>far/packs/0000000000000001.pack</Key><Size>7</Size></Contents>\
             <Contents><Key>far/probe/x</Key><Size>7</Size></Contents>",
        );
        let two = page(
            "<Contents><Key>far/store-id</Key><Size>40</Size></Contents><Contents><Key>elsewhere</Key><Size>1</Size></Contents>",
        );
        let answers: &'static [&'static str] = Box::leak(Box::new([&*one.leak(), &*two.leak()]));
        let (place, _) = mock_server(answers);
        assert_eq!(place.list().unwrap(), [(Object::Pack(1), 7), (Object::Identity, 40)]);
    }

    /// A sound answer with a body and an entity tag.
    fn answer(body: &str, tag: &str) -> &'static str {
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\netag: \"{tag}\"\ncontent-length: {length}\nconnection: close\n\n");
        (head + body).leak()
    }

    const UNDER_WAY: &str = "<ListMultipartUploadsResult><Upload><Key>far/packs/0000000000000001.pack</Key>\
        <UploadId>one</UploadId></Upload></ListMultipartUploadsResult>";

    #[test]
    fn a_part_that_arrived_before_a_kill_is_not_sent_again() {
        let content = vec![7; PART_BYTES as usize + 3];
        let first = Call::new("", Method::Put, None).body(content[..PART_BYTES as usize].to_vec()).tag();
        let parts = format!(
            "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;{first}&quot;</ETag></Part></ListPartsResult>"
        );
        let (place, asked) = mock_server(Box::leak(Box::new([
            answer(UNDER_WAY, ""),
            answer(&parts, ""),
            answer("", "second"),
            answer("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>", ""),
        ])));
        place.put(Object::Pack(1), &content.as_slice()).unwrap();
        assert_eq!(*asked.lock().unwrap(), ["get", "get", "put", "post"]);
    }

    #[test]
    fn an_upload_that_is_refused_at_its_end_is_not_taken_up_again() {
        let content = vec![7; PART_BYTES as usize + 3];
        let (place, asked) = mock_server(Box::leak(Box::new([
            answer(UNDER_WAY, ""),
            answer("<ListPartsResponse></ListPartsResponse>", ""),
            answer("", "first"),
            answer("", "second"),
            answer("<Error><Code>InvalidPart</Code></Error>", ""),
            answer("", ""),
        ])));
        let refused = place.put(Object::Pack(1), &content.as_slice()).unwrap_err();
        assert!(refused.to_string().contains("InvalidPart"), "status 200 is no success: {refused}");
        assert_eq!(*asked.lock().unwrap(), ["get", "get", "put", "put", "post", "delete"]);
    }
}
