//! Archives whose entries are read in place: zip, tar, and those that lie in one of them as they are. Names of entries mean
//! nothing: no file is made of them.

mod span;
mod tarred;
mod zipped;

pub(super) use span::Span;
pub(super) use zipped::Zipped;

use super::{Candidate, Origin};
use crate::tally::{Skip, Verdict};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tarred::Tarred;

/// Archives inside each other.
pub(super) const DEPTH_MAX: usize = 4;

/// A kind of archive that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
}

/// What a name says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// An archive that is read.
    Archive(Kind),
    /// An archive that is not: images may be in it.
    OtherArchive,
    /// Anything else.
    Plain,
}

/// An archive that is being read, entry after entry.
pub(super) enum Open {
    Zip(Arc<Zipped>, usize),
    Tar(Tarred),
}

/// An entry: its name for people, and what it is.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) what: What,
}

pub(super) enum What {
    /// A file, or why it is none.
    File(Result<Candidate, Verdict>),
    /// An archive that lies there as it is.
    Archive(Kind, Span),
}

/// Names that end so are archives, or something packed, of other kinds.
const OTHER_ENDS: [&str; 7] = ["7z", "rar", "gz", "tgz", "bz2", "xz", "zst"];

/// What a name says.
pub(super) fn named(name: &Path) -> Named {
    let is = |end: &str| name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    if is("zip") {
        Named::Archive(Kind::Zip)
    } else if is("tar") {
        Named::Archive(Kind::Tar)
    } else if OTHER_ENDS.into_iter().any(is) {
        Named::OtherArchive
    } else {
        Named::Plain
    }
}

impl Open {
    /// Opens an archive that is a file.
    ///
    /// # Errors
    /// Why it cannot be read, for a person.
    pub(super) fn file(kind: Kind, path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        Self::span(kind, Span::new(file, bytes))
    }

    /// Opens an archive that is a part of a file.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub(super) fn span(kind: Kind, span: Span) -> Result<Self, String> {
        match kind {
            Kind::Zip => Ok(Self::Zip(Arc::new(Zipped::open(span)?), 0)),
            Kind::Tar => Ok(Self::Tar(Tarred::new(span))),
        }
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Option<Entry> {
        match self {
            Self::Zip(archive, next) => {
                let index = *next;
                *next += 1;
                (index < archive.len()).then(|| zip_entry(archive, index))
            }
            Self::Tar(archive) => {
                let tarred::Entry { name, what } = archive.next()?;
                let what = match what {
                    Ok(tarred::What::File(span)) => match named(Path::new(&name)) {
                        Named::Archive(kind) => What::Archive(kind, span),
                        Named::OtherArchive => What::File(Err(Verdict::Skipped(Skip::OtherArchive))),
                        Named::Plain => {
                            let candidate = Candidate { bytes: span.bytes(), origin: Origin::Span(span) };
                            What::File(Ok(candidate))
                        }
                    },
                    Ok(tarred::What::Link) => What::File(Err(Verdict::Skipped(Skip::SymbolicLink))),
                    Ok(tarred::What::Special) => What::File(Err(Verdict::Skipped(Skip::SpecialFile))),
                    Err(reason) => What::File(Err(Verdict::Unreadable(reason))),
                };
                Some(Entry { name, what })
            }
        }
    }
}

fn zip_entry(archive: &Arc<Zipped>, index: usize) -> Entry {
    let looked = match archive.look(index) {
        Ok(looked) => looked,
        Err(reason) => {
            return Entry { name: index.to_string(), what: What::File(Err(Verdict::Unreadable(reason))) };
        }
    };
    let zipped::Looked { name, bytes, as_it_is } = looked;
    let what = match (named(Path::new(&name)), as_it_is) {
        (Named::Archive(kind), Some(span)) => What::Archive(kind, span),
        (Named::Archive(_), None) => {
            let reason = "an archive that is packed inside another; unpack the outer one".to_owned();
            What::File(Err(Verdict::Unreadable(reason)))
        }
        (Named::OtherArchive, _) => What::File(Err(Verdict::Skipped(Skip::OtherArchive))),
        (Named::Plain, _) => {
            What::File(Ok(Candidate { bytes, origin: Origin::Entry(Arc::clone(archive), index) }))
        }
    };
    Entry { name, what }
}
