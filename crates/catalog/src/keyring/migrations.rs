//! The schema of the keyring database, step by step.

use crate::Migration;

/// In ascending order of version. A step that was released is never edited: add the next one.
pub(crate) const MIGRATIONS: &[Migration] = &[];
