//! Statements, the values bound to them, and the rows that come back. No engine is named here.
//!
//! The text of a statement is static or composed of static pieces; everything that comes from outside is a
//! bound [`Value`]. So an injection cannot be written.

use crate::CatalogError;
use std::borrow::Cow;
use yingdun_model::{
    ActorId, Grade, InstanceRef, InstitutionId, PatientRef, PerformedStepRef, SeriesRef, StepRef, StudyRef,
    Timestamp, Uid, WorkitemRef,
};

/// The text of one statement, with `$1` to `$n` for its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sql(Cow<'static, str>);

impl Sql {
    /// Takes a text that stands in the program.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

/// A value bound to a statement or read from a row.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT; also truth values (0 and 1) and moments (epoch milliseconds).
    Int(i64),
    /// TEXT.
    Text(String),
    /// BYTEA (a BLOB in SQLite).
    Bytes(Vec<u8>),
}

/// Shows the type and size only: a value may be a token or a name.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Int(_) => f.write_str("Int(…)"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

impl Value {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "BIGINT",
            Self::Text(_) => "TEXT",
            Self::Bytes(_) => "BYTEA",
        }
    }
}

/// One statement with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: Sql,
    values: Vec<Value>,
    expected: Option<u64>,
}

impl Statement {
    /// A statement and the values of `$1` to `$n`, in this order.
    #[must_use]
    pub fn new(sql: impl Into<Sql>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values, expected: None }
    }

    /// Demands that the statement changes exactly `rows` rows. Otherwise its whole transaction is rolled back
    /// with [`CatalogError::UnexpectedRows`]. So a one-time link can be spent only once: `UPDATE … SET used_ms
    /// = $1 WHERE … AND used_ms IS NULL`, expecting 1.
    #[must_use]
    pub const fn expecting(mut self, rows: u64) -> Self {
        self.expected = Some(rows);
        self
    }

    /// The statement that tells how an engine would run this one, in its words for that.
    #[cfg(test)]
    pub(crate) fn explained_by(&self, explain: &str) -> Self {
        let text = format!("{explain} {}", self.text());
        Self { sql: Sql(Cow::Owned(text)), values: self.values.clone(), expected: None }
    }

    pub(crate) fn text(&self) -> &str {
        self.sql.as_str()
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Checks the number of changed rows against what the caller demanded.
    pub(crate) fn check_rows(&self, position: usize, came: u64) -> Result<u64, CatalogError> {
        match self.expected {
            Some(expected) if expected != came => {
                Err(CatalogError::UnexpectedRows { statement: position, expected, came })
            }
            Some(_) | None => Ok(came),
        }
    }
}

/// Composes a statement whose shape depends on what is asked: static pieces and bound values only.
#[derive(Debug, Default)]
pub struct StatementBuilder {
    text: String,
    values: Vec<Value>,
}

impl StatementBuilder {
    /// An empty statement.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a piece of SQL.
    pub fn push(&mut self, piece: &'static str) -> &mut Self {
        self.text.push_str(piece);
        self
    }

    /// Appends the next parameter and binds its value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Appends `(v1, v2, …)` for use after `IN`. The list is filled up to a power of two by repeating its last
    /// value, so that lists of any length give few different texts and the caches of prepared statements stay
    /// small. An empty list becomes `(NULL)`, which nothing equals.
    pub fn bind_list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        let list: Vec<Value> = values.into_iter().map(Into::into).collect();
        if list.is_empty() {
            return self.push("(NULL)");
        }
        self.bind_row(filled_up(list))
    }

    /// Appends `(v1, v2, …)` for use after `VALUES`.
    pub fn bind_row(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        self.push("(");
        for (position, value) in values.into_iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(")")
    }

    /// The finished statement.
    #[must_use]
    pub fn finish(self) -> Statement {
        Statement { sql: Sql(Cow::Owned(self.text)), values: self.values, expected: None }
    }
}

/// Fills a list up to a power of two by repeating its last element.
pub(crate) fn filled_up<T: Clone>(mut list: Vec<T>) -> Vec<T> {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
    list
}

/// One row of a result. Columns are counted from 0, in the order of the SELECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    pub(crate) const fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// A whole number that is not NULL.
    ///
    /// # Errors
    /// [`CatalogError::Misuse`] when the column is of another type or does not exist.
    pub fn get_i64(&self, column: usize) -> Result<i64, CatalogError> {
        self.opt_i64(column)?.ok_or_else(|| is_null(column))
    }

    /// A whole number or NULL.
    ///
    /// # Errors
    /// As [`Self::get_i64`].
    pub fn opt_i64(&self, column: usize) -> Result<Option<i64>, CatalogError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            other @ (Value::Text(_) | Value::Bytes(_)) => Err(wrong_type(column, "BIGINT", other)),
        }
    }

    /// A truth value kept as 0 or 1.
    ///
    /// # Errors
    /// As [`Self::get_i64`].
    pub fn get_bool(&self, column: usize) -> Result<bool, CatalogError> {
        Ok(self.get_i64(column)? != 0)
    }

    /// A moment kept as epoch milliseconds.
    ///
    /// # Errors
    /// As [`Self::get_i64`].
    pub fn get_timestamp(&self, column: usize) -> Result<Timestamp, CatalogError> {
        self.get_i64(column).map(Timestamp::from_ms)
    }

    /// A number that must fit a narrower or unsigned type.
    ///
    /// # Errors
    /// As [`Self::get_i64`]; [`CatalogError::Corrupt`] when the number does not fit.
    pub fn get_number<N: TryFrom<i64>>(&self, column: usize) -> Result<N, CatalogError> {
        N::try_from(self.get_i64(column)?).map_err(|_| out_of_domain(column, std::any::type_name::<N>()))
    }

    /// A number that must fit a narrower or unsigned type, or NULL.
    ///
    /// # Errors
    /// As [`Self::get_number`].
    pub fn opt_number<N: TryFrom<i64>>(&self, column: usize) -> Result<Option<N>, CatalogError> {
        self.opt_i64(column)?
            .map(|number| N::try_from(number).map_err(|_| out_of_domain(column, std::any::type_name::<N>())))
            .transpose()
    }

    /// A text that is not NULL.
    ///
    /// # Errors
    /// [`CatalogError::Misuse`] when the column is of another type or does not exist.
    pub fn get_text(&self, column: usize) -> Result<&str, CatalogError> {
        self.opt_text(column)?.ok_or_else(|| is_null(column))
    }

    /// A text or NULL.
    ///
    /// # Errors
    /// As [`Self::get_text`].
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, CatalogError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other @ (Value::Int(_) | Value::Bytes(_)) => Err(wrong_type(column, "TEXT", other)),
        }
    }

    /// A text that must be a word of a closed kind: a grade, a role, a UID.
    ///
    /// # Errors
    /// As [`Self::get_text`]; [`CatalogError::Corrupt`] when the text is not such a word.
    pub fn get_word<T: std::str::FromStr>(&self, column: usize) -> Result<T, CatalogError> {
        self.get_text(column)?.parse().map_err(|_| out_of_domain(column, std::any::type_name::<T>()))
    }

    /// A text checked by `T`'s own constructor: a UID, an institution.
    ///
    /// # Errors
    /// As [`Self::get_text`]; [`CatalogError::Corrupt`] when the text is not legal.
    pub fn get_checked<T: TryFrom<String>>(&self, column: usize) -> Result<T, CatalogError> {
        T::try_from(self.get_text(column)?.to_owned())
            .map_err(|_| out_of_domain(column, std::any::type_name::<T>()))
    }

    /// Bytes that are not NULL.
    ///
    /// # Errors
    /// [`CatalogError::Misuse`] when the column is of another type or does not exist.
    pub fn get_bytes(&self, column: usize) -> Result<&[u8], CatalogError> {
        self.opt_bytes(column)?.ok_or_else(|| is_null(column))
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// As [`Self::get_bytes`].
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, CatalogError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            other @ (Value::Int(_) | Value::Text(_)) => Err(wrong_type(column, "BYTEA", other)),
        }
    }

    /// Bytes of a fixed length: a digest, a token.
    ///
    /// # Errors
    /// As [`Self::get_bytes`]; [`CatalogError::Corrupt`] when the length differs.
    pub fn get_array<const N: usize>(&self, column: usize) -> Result<[u8; N], CatalogError> {
        self.get_bytes(column)?
            .try_into()
            .map_err(|_| out_of_domain(column, std::any::type_name::<[u8; N]>()))
    }

    /// A keyed pseudonym: [`StudyRef`], [`PatientRef`], [`SeriesRef`] or [`InstanceRef`].
    ///
    /// # Errors
    /// As [`Self::get_bytes`]; [`CatalogError::Corrupt`] when there are not 16 bytes.
    pub fn get_reference<T: for<'a> TryFrom<&'a [u8]>>(&self, column: usize) -> Result<T, CatalogError> {
        T::try_from(self.get_bytes(column)?).map_err(|_| out_of_domain(column, std::any::type_name::<T>()))
    }

    /// All of it, as it came.
    pub(crate) fn values(&self) -> &[Value] {
        &self.0
    }

    fn value(&self, column: usize) -> Result<&Value, CatalogError> {
        self.0.get(column).ok_or_else(|| {
            CatalogError::Misuse(format!("column {column} was read, the row has {} columns", self.0.len()))
        })
    }
}

// === errors of a row ===

fn is_null(column: usize) -> CatalogError {
    CatalogError::Misuse(format!("column {column} is NULL where a value was expected"))
}

fn wrong_type(column: usize, expected: &str, came: &Value) -> CatalogError {
    CatalogError::Misuse(format!("column {column} was read as {expected}, it is {}", came.kind()))
}

fn out_of_domain(column: usize, expected: &str) -> CatalogError {
    CatalogError::Corrupt(format!("column {column} does not hold a legal {expected}"))
}

// === values of our words ===

macro_rules! value_from {
    ($($from:ty, $value:ident => $into:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })+
    };
}

value_from! {
    i64, value => Self::Int(value);
    i32, value => Self::Int(value.into());
    u32, value => Self::Int(value.into());
    u16, value => Self::Int(value.into());
    bool, value => Self::Int(value.into());
    &str, value => Self::Text(value.to_owned());
    String, value => Self::Text(value);
    &[u8], value => Self::Bytes(value.to_vec());
    Vec<u8>, value => Self::Bytes(value);
    Timestamp, value => Self::Int(value.as_ms());
    Grade, value => Self::Text(value.as_str().to_owned());
    &InstitutionId, value => Self::Text(value.as_str().to_owned());
    &ActorId, value => Self::Text(value.as_str().to_owned());
    &Uid, value => Self::Text(value.as_str().to_owned());
    PatientRef, value => Self::Bytes(value.as_bytes().to_vec());
    StudyRef, value => Self::Bytes(value.as_bytes().to_vec());
    SeriesRef, value => Self::Bytes(value.as_bytes().to_vec());
    StepRef, value => Self::Bytes(value.as_bytes().to_vec());
    PerformedStepRef, value => Self::Bytes(value.as_bytes().to_vec());
    InstanceRef, value => Self::Bytes(value.as_bytes().to_vec());
    WorkitemRef, value => Self::Bytes(value.as_bytes().to_vec());
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debug_print_shows_no_value() {
        let statement = Statement::new("SELECT $1, $2", vec!["王小明".into(), 4711_i64.into()]);
        let print = format!("{statement:?} {:?}", Row::new(vec!["secret".into(), [7_u8; 3].into()]));
        assert!(!print.contains("王") && !print.contains("4711") && !print.contains("secret"), "{print}");
        assert!(print.contains("Text(9 bytes)") && print.contains("Bytes(3 bytes)"), "{print}");
    }

    #[test]
    fn lists_are_filled_up_to_a_power_of_two_with_their_last_value() {
        let mut builder = StatementBuilder::new();
        builder.push("SELECT 1 WHERE x IN ").bind_list([1_i64, 2, 3]).push(" AND y = ").bind("z");
        let statement = builder.finish();
        assert_eq!(statement.text(), "SELECT 1 WHERE x IN ($1, $2, $3, $4) AND y = $5");
        let expected: Vec<Value> = vec![1_i64.into(), 2_i64.into(), 3_i64.into(), 3_i64.into(), "z".into()];
        assert_eq!(statement.values(), expected);
    }

    #[test]
    fn nothing_is_in_an_empty_list() {
        let mut builder = StatementBuilder::new();
        builder.push("x IN ").bind_list(Vec::<i64>::new());
        assert_eq!(builder.finish().text(), "x IN (NULL)");
    }

    #[test]
    fn a_column_is_read_only_as_what_it_is() {
        let row =
            Row::new(vec![Value::Int(300), Value::Text("L4".into()), Value::Bytes(vec![1; 16]), Value::Null]);
        assert_eq!(row.get_i64(0), Ok(300));
        assert_eq!(row.get_word::<Grade>(1), Ok(Grade::L4));
        assert_eq!(row.get_reference::<StudyRef>(2), Ok(StudyRef::from_bytes([1; 16])));
        assert_eq!(row.opt_text(3), Ok(None));
        assert!(matches!(row.get_text(0), Err(CatalogError::Misuse(_))));
        assert!(matches!(row.get_i64(3), Err(CatalogError::Misuse(_))));
        assert!(matches!(row.get_i64(4), Err(CatalogError::Misuse(_))));
        assert!(matches!(row.get_number::<u8>(0), Err(CatalogError::Corrupt(_))));
        assert!(matches!(row.get_array::<15>(2), Err(CatalogError::Corrupt(_))));
    }
}
