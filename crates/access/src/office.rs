//! Whether what an officer said still counts. An approval is of an office, and lapses with it: who lost the role or was disabled since has approved
//! nothing any more, also when the role was given back or the account enabled again. Approving anew is one step; an approval that
//! comes back to life would be one that nobody looked at.

use yingdun_catalog::identity::people::Holding;
use yingdun_model::Timestamp;

/// Whether an approval of this moment has lapsed, by what is known now of the account that gave it and of the office in which it did.
pub(crate) fn has_lapsed(holding: &Holding, approved: Timestamp) -> bool {
    let held_since_then = holding.since.is_some_and(|since| since <= approved);
    let disabled_since = holding.disabled || holding.disabled_last.is_some_and(|at| at >= approved);
    !held_since_then || disabled_since
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What happens to an officer, moment by moment.
    #[derive(Clone, Copy, Debug)]
    enum Happens {
        Nothing,
        Given,
        Taken,
        Disabled,
        Enabled,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        use Happens::{Disabled, Enabled, Given, Nothing, Taken};
        prop_oneof![Just(Nothing), Just(Given), Just(Taken), Just(Disabled), Just(Enabled)]
    }

    /// As the rows keep it.
    fn after(holding: Holding, what: Happens, at: Timestamp) -> Holding {
        match what {
            Happens::Nothing => holding,
            Happens::Given => Holding { since: holding.since.or(Some(at)), ..holding },
            Happens::Taken => Holding { since: None, ..holding },
            Happens::Disabled if holding.disabled => holding,
            Happens::Disabled => Holding { disabled: true, disabled_last: Some(at), ..holding },
            Happens::Enabled => Holding { disabled: false, ..holding },
        }
    }

    proptest! {
        /// An approval counts exactly as long as its officer never was without the office since.
        #[test]
        fn it_counts_while_the_office_was_held_without_a_break(
            before in prop::collection::vec(happens(), 0..6),
            since in prop::collection::vec(happens(), 0..6),
        ) {
            let mut holding = Holding { disabled: false, disabled_last: None, since: Some(Timestamp::from_ms(0)) };
            let mut ms = 0;
            for what in before {
                ms += 1;
                holding = after(holding, what, Timestamp::from_ms(ms));
            }
            let holds = |holding: &Holding| holding.since.is_some() && !holding.disabled;
            // Who holds no office approves nothing.
            prop_assume!(holds(&holding));
            ms += 1;
            let approved = Timestamp::from_ms(ms);
            let mut counts = true;
            prop_assert!(!has_lapsed(&holding, approved));
            for what in since {
                ms += 1;
                holding = after(holding, what, Timestamp::from_ms(ms));
                counts &= holds(&holding);
                prop_assert_eq!(has_lapsed(&holding, approved), !counts);
            }
        }
    }

    #[test]
    fn who_is_gone_from_the_table_holds_nothing() {
        assert!(has_lapsed(&Holding::default(), Timestamp::from_ms(0)));
    }
}
