//! Which algorithm suite new studies get.

use std::collections::BTreeMap;
use yingdun_crypto::Suite;
use yingdun_model::Grade;

/// The suite of new studies, by grade. A study keeps the suite that it began with: its images stay as they are, and
/// what arrives later is sealed like them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suites {
    /// For every grade that is not named below.
    pub default: Suite,
    /// For single grades.
    pub of_grade: BTreeMap<Grade, Suite>,
}

impl Suites {
    /// The suite of new studies of a grade.
    #[must_use]
    pub fn of(&self, grade: Grade) -> Suite {
        self.of_grade.get(&grade).copied().unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_that_is_named_has_its_own_suite_and_the_others_the_default() {
        assert_eq!(Suites::default().of(Grade::L4), Suite::Cobblestone256);
        let sm = Suite::Sm4GcmSm3;
        let suites = Suites { of_grade: [(Grade::L5, sm)].into(), ..Suites::default() };
        assert_eq!([Grade::L4, Grade::L5].map(|grade| suites.of(grade)), [Suite::Cobblestone256, sm]);
    }
}
