//! The state machine of a workitem (PS3.4 table CC.1.1-2): pure decisions over the present state, what is asked, and
//! whether the asker holds the lock.

use super::WorkitemError;
use yingdun_model::WorkitemState;

/// How the Transaction UID of a request stands to the one under which a workitem was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The request names none.
    Missing,
    /// The workitem was never claimed.
    Free,
    /// The request names another one.
    Wrong,
    /// The same.
    Right,
}

/// What a permitted change of state does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// To this state.
    To(WorkitemState),
    /// Nothing: the workitem is in that state already (B304, B306).
    Already(WorkitemState),
}

/// What a request of cancellation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancellation {
    /// Nobody performs it, so it is cancelled at once.
    Now,
    /// Whoever performs it is told.
    TellPerformer,
    /// Nothing: it is cancelled already (B304).
    Already,
}

/// Decides a change of state (N-ACTION, Change UPS State).
pub(super) const fn change(
    now: WorkitemState,
    to: WorkitemState,
    lock: Lock,
) -> Result<Change, WorkitemError> {
    use WorkitemState::{Canceled, Completed, InProgress, Scheduled};
    match (to, now, lock) {
        (_, _, Lock::Missing) => Err(WorkitemError::TransactionMissing),
        (InProgress, Scheduled, _) => Ok(Change::To(InProgress)),
        // C303; C302 for the slower one of two claimers, whatever it sends; C310.
        (Scheduled, _, _) | (InProgress, _, _) | (Completed | Canceled, Scheduled, _) => {
            Err(WorkitemError::State(now))
        }
        (Completed | Canceled, InProgress | Completed, Lock::Wrong | Lock::Free)
        | (Completed | Canceled, Canceled, Lock::Wrong) => Err(WorkitemError::TransactionIncorrect),
        (Completed | Canceled, InProgress, Lock::Right) => Ok(Change::To(to)),
        (Completed, Completed, Lock::Right) | (Canceled, Canceled, Lock::Right | Lock::Free) => {
            Ok(Change::Already(now))
        }
        (Completed, Canceled, Lock::Right | Lock::Free) | (Canceled, Completed, Lock::Right) => {
            Err(WorkitemError::State(now))
        }
    }
}

/// Decides whether attributes may be changed (N-SET). Who has scheduled a workitem may change it until it is claimed.
pub(super) const fn update(now: WorkitemState, lock: Lock) -> Result<(), WorkitemError> {
    match (now, lock) {
        (WorkitemState::Scheduled, _) | (WorkitemState::InProgress, Lock::Right) => Ok(()),
        (WorkitemState::Completed | WorkitemState::Canceled, _) => Err(WorkitemError::State(now)),
        (WorkitemState::InProgress, Lock::Missing) => Err(WorkitemError::TransactionMissing),
        (WorkitemState::InProgress, Lock::Wrong | Lock::Free) => Err(WorkitemError::TransactionIncorrect),
    }
}

/// Decides a request of cancellation (N-ACTION, Request UPS Cancel).
pub(super) const fn cancellation(now: WorkitemState) -> Result<Cancellation, WorkitemError> {
    match now {
        WorkitemState::Scheduled => Ok(Cancellation::Now),
        WorkitemState::InProgress => Ok(Cancellation::TellPerformer),
        WorkitemState::Canceled => Ok(Cancellation::Already),
        WorkitemState::Completed => Err(WorkitemError::Completed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WorkitemState::{Canceled, Completed, InProgress, Scheduled};

    /// A row of the table, one letter per present state: `>` changes, `=` is there already, `m` misses the lock, `i` has a
    /// wrong one, `s` does not fit the state.
    fn row(to: WorkitemState, lock: Lock) -> String {
        let letter = |now| match change(now, to, lock) {
            Ok(Change::To(state)) => {
                assert_eq!(state, to);
                '>'
            }
            Ok(Change::Already(_)) => '=',
            Err(WorkitemError::TransactionMissing) => 'm',
            Err(WorkitemError::TransactionIncorrect) => 'i',
            Err(WorkitemError::State(_)) => 's',
            Err(other) => panic!("{other}"),
        };
        [Scheduled, InProgress, Completed, Canceled].map(letter).into_iter().collect()
    }

    #[test]
    fn states_change_as_the_table_of_the_standard_says() {
        for (to, right, wrong, free) in [
            (Scheduled, "ssss", "ssss", "ssss"),
            (InProgress, ">sss", ">sss", ">sss"),
            (Completed, "s>=s", "siii", "siis"),
            (Canceled, "s>s=", "siii", "sii="),
        ] {
            assert_eq!(row(to, Lock::Right), right, "{to} with the lock");
            assert_eq!(row(to, Lock::Wrong), wrong, "{to} with another lock");
            assert_eq!(row(to, Lock::Free), free, "{to} of what nobody claimed");
            assert_eq!(row(to, Lock::Missing), "mmmm", "{to} without a lock");
        }
    }

    #[test]
    fn only_the_holder_of_the_lock_changes_a_claimed_workitem_and_nobody_a_final_one() {
        for lock in [Lock::Missing, Lock::Free, Lock::Wrong, Lock::Right] {
            assert!(update(Scheduled, lock).is_ok());
            assert_eq!(update(InProgress, lock).is_ok(), lock == Lock::Right);
            assert!(update(Completed, lock).is_err() && update(Canceled, lock).is_err());
        }
    }

    #[test]
    fn a_request_of_cancellation_cancels_only_what_nobody_performs() {
        assert_eq!(cancellation(Scheduled).ok(), Some(Cancellation::Now));
        assert_eq!(cancellation(InProgress).ok(), Some(Cancellation::TellPerformer));
        assert_eq!(cancellation(Canceled).ok(), Some(Cancellation::Already));
        assert!(matches!(cancellation(Completed), Err(WorkitemError::Completed)));
    }
}
