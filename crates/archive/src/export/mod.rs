//! Export: studies as a medium (PS3.10 §8) in one zip archive, made while it is sent.
//!
//! Every study is decided upon and on the ledger as an *export* before the first byte; its instances are then read under that
//! window like those of any other look. Objects are stored in the archive as they were sent, with new file meta information.
//! The DICOMDIR comes last, made of what went by, so that nothing is read twice.

mod head;
mod zip;

use crate::error::OpenError;
use crate::open::OpenStudy;
use crate::request::{ByteStream, InstanceEntry};
use crate::shared::Core;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use head::Head;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_dicom::dicomdir::{Directory, DirectoryFile};
use yingdun_model::{Action, Uid};
use zip::Zip;

/// Instances of one medium. Each costs its rows, its directory record and its place in the table of the archive, about a
/// kilobyte and a half: 75 MB at the limit.
pub const EXPORT_INSTANCES_MAX: usize = 50_000;

/// Objects up to this size are held while their check sum is made, so that it stands before them and programs that read an
/// archive from its beginning can. Larger ones pass through, and their check sum follows.
const HELD_BYTES_MAX: u64 = 4 << 20;

/// Instances that are opened before their turn.
const INSTANCES_AHEAD: usize = 8;

/// Why an export does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A study cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// More than one medium holds.
    #[error("one export holds at most {EXPORT_INSTANCES_MAX} instances, these studies have {0}")]
    TooMany(usize),
}

/// A medium that is being made.
pub struct Export {
    files: BoxStream<'static, (File, Opened)>,
    /// A large object that is passing through.
    passing: Option<(File, ByteStream, Head)>,
    ready: VecDeque<Bytes>,
    directory: Directory,
    /// `None` when the archive is complete.
    zip: Option<Zip>,
}

/// The length of a file and its bytes.
type Opened = Result<(u64, ByteStream), OpenError>;

/// One file of the medium.
struct File {
    entry: InstanceEntry,
    /// Components of its file ID: upper case, at most eight characters (PS3.10 §8.2).
    id: [String; 4],
}

impl Export {
    /// Decides on every study, writes the leaves and finds the instances; those of one series only, if asked.
    pub(crate) async fn open(
        core: &Arc<Core>,
        session: &Session,
        studies: &[Uid],
        series: Option<&Uid>,
    ) -> Result<Self, ExportError> {
        let mut opened = Vec::with_capacity(studies.len());
        let mut instances = 0;
        for study in studies {
            let study = OpenStudy::open(core, session, study, Action::Export).await?;
            let entries = study.instances(series, None).await?;
            if entries.is_empty() {
                return Err(OpenError::NotFound.into());
            }
            instances += entries.len();
            if instances > EXPORT_INSTANCES_MAX {
                return Err(ExportError::TooMany(instances));
            }
            opened.push((Arc::new(study), entries));
        }
        let files = stream::iter((1..).zip(opened))
            .flat_map(|(number, (study, entries))| {
                stream::iter(named(number, entries)).map(move |file| (Arc::clone(&study), file))
            })
            .map(|(study, file)| {
                let content = study.part10_ahead(file.entry.clone());
                async move { (file, content.await) }
            })
            .buffered(INSTANCES_AHEAD)
            .boxed();
        let (directory, zip) = (Directory::new(), Some(Zip::default()));
        Ok(Self { files, passing: None, ready: VecDeque::new(), directory, zip })
    }

    /// The next bytes of the archive; `None` when it is complete.
    ///
    /// # Errors
    /// [`OpenError`]: what has been sent is no archive then, and must not be taken for one.
    pub async fn next(&mut self) -> Result<Option<Bytes>, OpenError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if let Some((_, content, head)) = &mut self.passing {
                if let Some(chunk) = content.try_next().await? {
                    head.feed(&chunk);
                    if let Some(zip) = &mut self.zip {
                        zip.count(&chunk);
                    }
                    return Ok(Some(chunk));
                }
                self.passed();
            } else if let Some((file, content)) = self.files.next().await {
                let (bytes, content) = content?;
                self.begin(file, bytes, content).await?;
            } else if let Some(zip) = self.zip.take() {
                self.finish(zip)?;
            } else {
                return Ok(None);
            }
        }
    }

    async fn begin(&mut self, file: File, bytes: u64, mut content: ByteStream) -> Result<(), OpenError> {
        let Some(zip) = &mut self.zip else { return Ok(()) };
        let mut head = Head::of(&file.entry, bytes);
        let name = file.id.join("/");
        if bytes > HELD_BYTES_MAX {
            self.ready.push_back(zip.begin(&name, bytes));
            self.passing = Some((file, content, head));
            return Ok(());
        }
        let mut chunks = Vec::new();
        while let Some(chunk) = content.try_next().await? {
            head.feed(&chunk);
            chunks.push(chunk);
        }
        self.ready.push_back(zip.whole(&name, &chunks));
        self.ready.extend(chunks.into_iter().filter(|chunk| !chunk.is_empty()));
        self.describe(&file, &head);
        Ok(())
    }

    fn passed(&mut self) {
        let Some((file, _, head)) = self.passing.take() else { return };
        if let Some(zip) = &mut self.zip {
            self.ready.push_back(zip.end());
        }
        self.describe(&file, &head);
    }

    fn describe(&mut self, file: &File, head: &Head) {
        let InstanceEntry { sop_class, sop_instance, transfer_syntax, .. } = &file.entry;
        let id = file.id.each_ref().map(String::as_str);
        let file = DirectoryFile { id: &id, sop_class, sop_instance, transfer_syntax };
        self.directory.add(&file, head.data_set());
    }

    fn finish(&mut self, mut zip: Zip) -> Result<(), OpenError> {
        // A UID of its own, derived from a random number (PS3.5 §B.2).
        let number = u128::from_be_bytes(yingdun_crypto::random::array());
        let instance = Uid::new(&format!("2.25.{number}")).map_err(|_| OpenError::Damaged)?;
        let directory = std::mem::take(&mut self.directory).finish(&instance).ok_or(OpenError::Damaged)?;
        let content = [Bytes::from(directory)];
        self.ready.push_back(zip.whole("DICOMDIR", &content));
        self.ready.extend(content);
        self.ready.push_back(zip.finish());
        Ok(())
    }
}

/// Gives every instance of a study its place on the medium: `DICOM/ST000001/SE000001/IM000001`.
fn named(study: u32, entries: Vec<InstanceEntry>) -> Vec<File> {
    let mut series: HashMap<Uid, (usize, u32)> = HashMap::new();
    entries
        .into_iter()
        .map(|entry| {
            let next = series.len() + 1;
            let (series, images) = series.entry(entry.series.clone()).or_insert((next, 0));
            *images += 1;
            let id = [
                "DICOM".to_owned(),
                format!("ST{study:06}"),
                format!("SE{series:06}"),
                format!("IM{images:06}"),
            ];
            File { entry, id }
        })
        .collect()
}
