//! A database as one stream of rows, and a new file made from it: for backups, which must not carry along what was deleted.
//!
//! A copy of the pages of a file holds deleted rows too, and one shifted page makes every later one look new. Rows in the order
//! of their keys hold what is there, and what did not change stands together as it did before, so that a backup which
//! keeps equal pieces once stays small.
//!
//! ```text
//! YDROWS01 | kind (1) | steps of the schema (u32)
//! 'T' | name | columns (u16) | names        a table
//! 'R' | values                              a row of it: 0, or 1 and i64, or 2 and text, or 3 and bytes
//! 'E' | rows (u64)                          the end
//! ```
//!
//! Numbers are little-endian; a name is a `u16` length and UTF-8, a text or bytes a `u32` length and as many bytes.

use super::DatabaseKind;
use crate::{CatalogError, Value};
use bytes::Bytes;
use std::io::{self, BufReader, Read};
use tokio::sync::mpsc;

const MAGIC: &[u8; 8] = b"YDROWS01";

/// Bytes that are handed out at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the reader.
pub(super) const PIECES_AHEAD: usize = 4;
/// The longest value: far above any column, far below what a damaged length would ask for.
const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most columns of a table, and bytes of a name.
const COLUMNS_MAX: u16 = 1000;
const NAME_BYTES_MAX: u16 = 256;

/// Why a database could not be handed out, or made from what was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] CatalogError),
    /// The rows cannot be read.
    #[error("the rows cannot be read: {0}")]
    Source(#[from] io::Error),
    /// What came is not what a database of this program hands out.
    #[error("these are not the rows of such a database: {0}")]
    Format(&'static str),
    /// Another version of the program wrote them.
    #[error(
        "the rows have step {found} of the schema, this program makes step {ours}; restore with the version that took them"
    )]
    Steps {
        /// The step of the rows.
        found: u32,
        /// The step that this program makes.
        ours: u32,
    },
    /// Nobody took the rows in time.
    #[error("the rows were not taken within {seconds} s")]
    NotTaken {
        /// The time that they were kept ready.
        seconds: u64,
    },
    /// Where a database is to be made, there is one.
    #[error("the database has a schema `{0}` already; rows are restored into one that does not")]
    NotNew(&'static str),
}

/// Every row of a database as of one moment.
#[derive(Debug)]
pub struct Dump(pub(super) mpsc::Receiver<Result<Bytes, DumpError>>);

impl Dump {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`DumpError`]; what came until then is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, DumpError> {
        self.0.recv().await.transpose()
    }
}

const fn code(kind: DatabaseKind) -> u8 {
    match kind {
        DatabaseKind::Catalogue => b'C',
        DatabaseKind::Keys => b'K',
        DatabaseKind::Identity => b'I',
    }
}

/// The steps of the schema that this program makes.
pub(super) fn steps(kind: DatabaseKind) -> u32 {
    u32::try_from(kind.migrations().len()).unwrap_or(u32::MAX)
}

/// Makes the bytes.
pub(super) struct Encoder {
    out: Vec<u8>,
    rows: u64,
}

impl Encoder {
    pub(super) fn begin(kind: DatabaseKind) -> Self {
        let mut out = MAGIC.to_vec();
        out.push(code(kind));
        out.extend_from_slice(&steps(kind).to_le_bytes());
        Self { out, rows: 0 }
    }

    pub(super) fn table(&mut self, name: &str, columns: &[&str]) {
        self.out.push(b'T');
        self.name(name);
        self.out.extend_from_slice(&u16::try_from(columns.len()).unwrap_or(u16::MAX).to_le_bytes());
        columns.iter().for_each(|column| self.name(column));
    }

    pub(super) fn row(&mut self, values: &[Value]) {
        self.rows += 1;
        self.out.push(b'R');
        for value in values {
            match value {
                Value::Null => self.out.push(0),
                Value::Int(number) => {
                    self.out.push(1);
                    self.out.extend_from_slice(&number.to_le_bytes());
                }
                Value::Text(text) => self.bytes(2, text.as_bytes()),
                Value::Bytes(bytes) => self.bytes(3, bytes),
            }
        }
    }

    /// What is ready, when it is enough to hand out.
    pub(super) fn full(&mut self) -> Option<Vec<u8>> {
        (self.out.len() >= PIECE_BYTES).then(|| std::mem::take(&mut self.out))
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.push(b'E');
        self.out.extend_from_slice(&self.rows.to_le_bytes());
        self.out
    }

    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.out.extend_from_slice(name.as_bytes());
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.out.push(tag);
        self.out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }
}

/// A table that begins, or a row of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Table { name: String, columns: Vec<String> },
    Row(Vec<Value>),
}

/// Reads the bytes back. They may come from anywhere: every length is bounded, and an end without its count is none.
pub(super) struct Reader<R: Read> {
    source: BufReader<R>,
    columns: usize,
    rows: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn begin(source: R, kind: DatabaseKind) -> Result<Self, DumpError> {
        let mut reader = Self { source: BufReader::new(source), columns: 0, rows: 0 };
        if reader.take::<8>()? != *MAGIC {
            return Err(DumpError::Format("they begin with other bytes"));
        }
        if reader.take::<1>()? != [code(kind)] {
            return Err(DumpError::Format("they are of another kind"));
        }
        let (found, ours) = (u32::from_le_bytes(reader.take()?), steps(kind));
        if found == ours { Ok(reader) } else { Err(DumpError::Steps { found, ours }) }
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, DumpError> {
        match self.take::<1>()? {
            [b'T'] => {
                let name = self.name()?;
                let count = u16::from_le_bytes(self.take()?);
                if !(1..=COLUMNS_MAX).contains(&count) {
                    return Err(DumpError::Format("a table has too many columns, or none"));
                }
                let columns = (0..count).map(|_| self.name()).collect::<Result<Vec<_>, _>>()?;
                self.columns = columns.len();
                Ok(Some(Entry::Table { name, columns }))
            }
            [b'R'] if self.columns > 0 => {
                self.rows += 1;
                (0..self.columns)
                    .map(|_| self.value())
                    .collect::<Result<_, _>>()
                    .map(|row| Some(Entry::Row(row)))
            }
            [b'E'] if u64::from_le_bytes(self.take()?) == self.rows => Ok(None),
            _ => Err(DumpError::Format("a part begins that is none")),
        }
    }

    fn value(&mut self) -> Result<Value, DumpError> {
        Ok(match self.take::<1>()? {
            [0] => Value::Null,
            [1] => Value::Int(i64::from_le_bytes(self.take()?)),
            [2] => Value::Text(
                String::from_utf8(self.bytes()?).map_err(|_| DumpError::Format("a text is not UTF-8"))?,
            ),
            [3] => Value::Bytes(self.bytes()?),
            _ => return Err(DumpError::Format("a value is of no type that there is")),
        })
    }

    fn bytes(&mut self) -> Result<Vec<u8>, DumpError> {
        let length = usize::try_from(u32::from_le_bytes(self.take()?)).unwrap_or(usize::MAX);
        if length > VALUE_BYTES_MAX {
            return Err(DumpError::Format("a value is longer than any may be"));
        }
        self.exactly(length)
    }

    fn name(&mut self) -> Result<String, DumpError> {
        let length = u16::from_le_bytes(self.take()?);
        if length > NAME_BYTES_MAX {
            return Err(DumpError::Format("a name is longer than any may be"));
        }
        String::from_utf8(self.exactly(length.into())?).map_err(|_| DumpError::Format("a name is not UTF-8"))
    }

    /// Grows with what really comes, not with what a length says.
    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, DumpError> {
        let mut bytes = Vec::new();
        (&mut self.source).take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DumpError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, NewDatabase, Statement};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            ".{0,40}".prop_map(Value::Text),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_went_and_a_cut_is_never_an_end(
            rows in prop::collection::vec(prop::collection::vec(value(), 3), 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut out = Encoder::begin(DatabaseKind::Keys);
            out.table("t", &["a", "b", "c"]);
            rows.iter().for_each(|row| out.row(row));
            let bytes = out.end();
            let read = |bytes: &[u8]| {
                let mut reader = Reader::begin(bytes, DatabaseKind::Keys)?;
                let mut entries = Vec::new();
                while let Some(entry) = reader.next()? {
                    entries.push(entry);
                }
                Ok::<_, DumpError>(entries)
            };
            let entries = read(&bytes).unwrap();
            prop_assert_eq!(entries.len(), rows.len() + 1);
            let back: Vec<Vec<Value>> = entries.into_iter().filter_map(|entry| match entry {
                Entry::Row(row) => Some(row),
                Entry::Table { .. } => None,
            }).collect();
            prop_assert_eq!(back, rows);
            prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn hostile_rows_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut whole = Encoder::begin(DatabaseKind::Keys).out;
            whole.extend_from_slice(&bytes);
            let mut reader = Reader::begin(whole.as_slice(), DatabaseKind::Keys).unwrap();
            while let Ok(Some(_)) = reader.next() {}
        }
    }

    #[tokio::test]
    async fn a_database_made_from_rows_has_the_same_rows_and_none_that_were_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from.db"), folder.path().join("to.db"));
        let database = Database::open_sqlite(&from, DatabaseKind::Keys).await.unwrap();
        let insert = |name: &str, secret: &[u8]| {
            Statement::new(
                "INSERT INTO institution_secret (institution, name, wrapped, created_ms) VALUES ('renmin', $1, $2, 0)",
                vec![Value::Text(name.to_owned()), Value::Bytes(secret.to_vec())],
            )
        };
        database
            .execute(vec![insert("kept", b"a wrapped key"), insert("gone", b"a shredded key")])
            .await
            .unwrap();
        let gone = Statement::new("DELETE FROM institution_secret WHERE name = 'gone'", vec![]);
        database.execute(vec![gone]).await.unwrap();
        let mut dump = database.dump();
        let mut bytes = Vec::new();
        while let Some(piece) = dump.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        assert!(!bytes.windows(14).any(|window| window == b"a shredded key"));
        let new = NewDatabase::Sqlite(to.clone());
        assert_eq!(new.load(DatabaseKind::Keys, bytes.as_slice()).unwrap(), 1);
        let copy = Database::open_sqlite(&to, DatabaseKind::Keys).await.unwrap();
        let all = || Statement::new("SELECT * FROM institution_secret", vec![]);
        assert_eq!(copy.query(all()).await.unwrap(), database.query(all()).await.unwrap());
        assert!(matches!(
            new.load(DatabaseKind::Keys, bytes.as_slice()),
            Err(DumpError::Source(error)) if error.kind() == io::ErrorKind::AlreadyExists
        ));
        let other = NewDatabase::Sqlite(folder.path().join("x"));
        assert!(other.load(DatabaseKind::Identity, bytes.as_slice()).is_err());
    }
}
