//! The steps of a schema, and which of them a database still needs. A pure decision; the engines carry it out.

use crate::CatalogError;

/// One step of a schema. The name and text of a released step never change: its digest is kept in the database.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: i64,
    /// A few words, for people. One that begins with `expand: ` only adds what programs without it need not know of.
    pub name: &'static str,
    /// The statements for SQLite, separated by semicolons.
    pub sqlite: &'static str,
    /// The statements for PostgreSQL, separated by semicolons.
    pub postgres: &'static str,
}

/// How the names of steps begin that only add: tables, indexes, columns that may be missing or have a default. A
/// program that does not know such a step works on beside it, so an upgrade node by node has a way back without a
/// copy of the databases.
pub(crate) const EXPAND: &str = "expand: ";

/// Which steps may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// Every one: nobody else works on the schema.
    All,
    /// Those that only add: others work on it.
    ThatOnlyAdd,
}

/// A step that a database says it has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) sha256: Vec<u8>,
}

/// One text for both engines: where the steps taken are written down.
pub(super) const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
     (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL)";
pub(super) const SELECT_APPLIED: &str = "SELECT version, name, sha256 FROM schema_migration ORDER BY version";
pub(super) const INSERT_APPLIED: &str =
    "INSERT INTO schema_migration (version, name, sha256) VALUES ($1, $2, $3)";

/// The digest under which a step is written down.
pub(super) fn sha256(text: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

/// The steps that are still to be taken, after a check that those taken are ours, or only add to ours.
pub(super) fn pending<'a>(
    ours: &'a [Migration],
    text_of: impl Fn(&Migration) -> &'static str,
    applied: &[Applied],
) -> Result<&'a [Migration], CatalogError> {
    for (position, done) in applied.iter().enumerate() {
        let Some(step) = ours.get(position) else {
            if done.name.starts_with(EXPAND) {
                continue;
            }
            return Err(CatalogError::Schema(format!(
                "the database is at version {}, this program knows up to {}, and step {} does more than add; install \
                 a newer program",
                applied.last().map_or(0, |last| last.version),
                ours.len(),
                done.version
            )));
        };
        if step.version != done.version {
            return Err(CatalogError::Schema(format!(
                "step {} (`{}`) was not applied, but step {} was",
                step.version, step.name, done.version
            )));
        }
        if sha256(text_of(step)) != done.sha256 {
            return Err(CatalogError::Schema(format!(
                "step {} (`{}`) was applied with another text than this program has",
                done.version, step.name
            )));
        }
    }
    Ok(ours.get(applied.len()..).unwrap_or_default())
}

impl Steps {
    /// Refuses what others who work on the schema do not know how to work with.
    pub(super) fn check(self, pending: &[Migration]) -> Result<(), CatalogError> {
        let more = pending.iter().find(|step| self == Self::ThatOnlyAdd && !step.name.starts_with(EXPAND));
        match more {
            None => Ok(()),
            Some(step) => Err(CatalogError::Schema(format!(
                "step {} (`{}`) does more than add, and other nodes serve; stop all of them, start one, then the others",
                step.version, step.name
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatabaseKind;

    const STEPS: &[Migration] = &[
        Migration { version: 1, name: "one", sqlite: "CREATE TABLE a (x BIGINT)", postgres: "" },
        Migration { version: 2, name: "two", sqlite: "CREATE TABLE b (x BIGINT)", postgres: "" },
    ];

    fn applied(versions: &[i64]) -> Vec<Applied> {
        versions
            .iter()
            .map(|v| Applied {
                version: *v,
                name: STEPS.get(*v as usize - 1).map_or("three", |s| s.name).to_owned(),
                sha256: STEPS.get(*v as usize - 1).map_or(vec![0], |s| sha256(s.sqlite)),
            })
            .collect()
    }

    #[test]
    fn only_the_missing_steps_are_taken() {
        let versions = |done: &[i64]| {
            pending(STEPS, |s| s.sqlite, &applied(done))
                .unwrap()
                .iter()
                .map(|s| s.version)
                .collect::<Vec<_>>()
        };
        assert_eq!(versions(&[]), [1, 2]);
        assert_eq!(versions(&[1]), [2]);
        assert_eq!(versions(&[1, 2]), [] as [i64; 0]);
    }

    #[test]
    fn a_newer_or_foreign_schema_is_refused() {
        assert!(pending(STEPS, |s| s.sqlite, &applied(&[1, 2, 3])).is_err());
        let mut edited = applied(&[1]);
        edited[0].sha256[0] ^= 1;
        assert!(pending(STEPS, |s| s.sqlite, &edited).is_err());
    }

    #[test]
    fn what_a_newer_program_only_added_stops_no_older_one() {
        let mut newer = applied(&[1, 2, 3, 4]);
        newer[2].name = format!("{EXPAND}three");
        let half = pending(STEPS, |s| s.sqlite, &newer).unwrap_err();
        assert!(half.to_string().contains("at version 4") && half.to_string().contains("step 4"), "{half}");
        newer[3].name = format!("{EXPAND}four");
        assert_eq!(pending(STEPS, |s| s.sqlite, &newer).unwrap().len(), 0);
        newer[0].sha256[0] ^= 1;
        assert!(pending(STEPS, |s| s.sqlite, &newer).is_err(), "what both know has to be the same");
    }

    #[test]
    fn beside_others_only_steps_are_taken_that_add() {
        let mut steps = STEPS.to_vec();
        assert!(Steps::All.check(&steps).is_ok() && Steps::ThatOnlyAdd.check(&[]).is_ok());
        steps[0].name = "expand: one";
        let refused = Steps::ThatOnlyAdd.check(&steps).unwrap_err().to_string();
        assert!(
            refused.contains("step 2 (`two`) does more than add") && refused.contains("stop all"),
            "{refused}"
        );
        steps[1].name = "expand: two";
        assert!(Steps::ThatOnlyAdd.check(&steps).is_ok());
    }

    #[test]
    fn steps_that_are_said_to_add_only_add() {
        // A column needs a default or no value at all: older programs do not name it.
        let adds = |statement: &str| {
            let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
            let column = statement.starts_with("ALTER TABLE ") && statement.contains(" ADD COLUMN ");
            let index = statement.starts_with("CREATE INDEX ");
            index
                || statement.starts_with("CREATE TABLE ")
                || (column && (statement.contains(" DEFAULT ") || !statement.contains(" NOT NULL")))
        };
        assert!(adds("ALTER TABLE a ADD COLUMN b TEXT") && adds("CREATE INDEX i ON a (b)"));
        assert!(
            !adds("ALTER TABLE a ADD COLUMN b TEXT NOT NULL")
                && !adds("DELETE FROM a")
                && !adds("DROP TABLE a")
        );
        let steps = DatabaseKind::ALL.into_iter().flat_map(DatabaseKind::migrations);
        for step in steps.filter(|step| step.name.starts_with(EXPAND)) {
            for text in [step.sqlite, step.postgres] {
                // What has to be unique in a table or in columns that older programs do not know is no bother to them.
                let of_new = |statement: &str| {
                    let index = statement
                        .strip_prefix("CREATE UNIQUE INDEX ")
                        .and_then(|rest| rest.split_once(" ON ")?.1.split_once(" ("));
                    index.is_some_and(|(table, columns)| {
                        let mut columns = columns.trim_end_matches(')').split(", ");
                        text.contains(&format!("CREATE TABLE {table} ("))
                            || columns.all(|column| {
                                text.contains(&format!("ALTER TABLE {table} ADD COLUMN {column} "))
                            })
                    })
                };
                let mut statements = text.split(';').map(str::trim).filter(|text| !text.is_empty());
                assert!(
                    statements.all(|statement| adds(statement) || of_new(statement)),
                    "step {} (`{}`)",
                    step.version,
                    step.name
                );
            }
        }
    }

    #[test]
    fn a_gap_names_the_step_that_is_missing() {
        let gap = pending(STEPS, |s| s.sqlite, &applied(&[2])).unwrap_err();
        assert!(gap.to_string().contains("step 1 (`one`) was not applied, but step 2 was"), "{gap}");
        let mut edited = applied(&[1, 2]);
        edited[1].sha256[0] ^= 1;
        let edited = pending(STEPS, |s| s.sqlite, &edited).unwrap_err();
        assert!(edited.to_string().contains("step 2 (`two`) was applied with another text"), "{edited}");
    }

    #[test]
    fn the_versions_of_every_kind_count_from_one_without_gaps() {
        for kind in DatabaseKind::ALL {
            for (position, step) in kind.migrations().iter().enumerate() {
                assert_eq!(step.version, position as i64 + 1, "{kind:?} `{}`", step.name);
            }
        }
    }
}
