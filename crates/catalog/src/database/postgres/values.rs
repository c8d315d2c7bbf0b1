//! Values as PostgreSQL takes and gives them.

use super::failure::error_of;
use crate::{CatalogError, Row, Value};
use bytes::{BufMut as _, BytesMut};
use std::error::Error as StdError;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// Whether a value can be sent to a parameter of this type without a cast.
pub(super) fn fits(value: &Value, ty: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Int(number) => *ty == Type::INT8 || (*ty == Type::INT4 && i32::try_from(*number).is_ok()),
        Value::Text(_) => *ty == Type::TEXT,
        Value::Bytes(_) => *ty == Type::BYTEA,
    }
}

/// Sends values that were found to fit.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) if *ty == Type::INT4 => out.put_i32((*number).try_into()?),
            Self::Int(number) => out.put_i64(*number),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Whether type and value fit is known only with the value; see `fits`.
        true
    }

    to_sql_checked!();
}

pub(super) fn row_of(row: &tokio_postgres::Row) -> Result<Row, CatalogError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, column)| match *column.type_() {
            Type::INT8 => Ok(row.try_get::<_, Option<i64>>(index).map_err(error_of)?.into()),
            Type::INT4 => Ok(row.try_get::<_, Option<i32>>(index).map_err(error_of)?.into()),
            Type::BOOL => Ok(row.try_get::<_, Option<bool>>(index).map_err(error_of)?.into()),
            Type::TEXT => Ok(row.try_get::<_, Option<String>>(index).map_err(error_of)?.into()),
            Type::BYTEA => Ok(row.try_get::<_, Option<Vec<u8>>>(index).map_err(error_of)?.into()),
            ref other => Err(CatalogError::Misuse(format!(
                "column {index} is of type {other}; cast it to BIGINT, TEXT or BYTEA"
            ))),
        })
        .collect::<Result<_, _>>()
        .map(Row::new)
}
