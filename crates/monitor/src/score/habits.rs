//! How somebody came to a patient: by a search or through a list, from a device of theirs or from another. Says nothing by itself; together
//! with a missing reason it tells curiosity from work whose reason nobody wrote down.

use crate::key::Key;
use crate::record::Access;
use std::collections::HashMap;

/// People whose habits are kept.
const PEOPLE_MAX: usize = 100_000;
/// Devices that are remembered of a person, the last ones.
const DEVICES_MAX: usize = 64;
/// Days after which somebody is known well enough for a device to be unknown.
const KNOWN_DAYS: i64 = 3;
/// How long before an access a search in the same session counts as having led to it.
const SEARCHED_MS: i64 = 10 * 60_000;

/// How an access came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// A search stood right before it in the same session.
    pub searched: bool,
    /// The person was never seen on the device before this day, and is known for some days.
    pub unknown_device: bool,
}

/// Habits of everybody.
#[derive(Debug, Default)]
pub(super) struct Habits {
    people: HashMap<Key, Habit>,
}

#[derive(Debug)]
struct Habit {
    first_day: i64,
    /// Each with the day on which it was seen first.
    devices: Vec<(Key, i64)>,
    /// The session and the moment of a search that has led to nothing yet.
    searched: Option<(Key, i64)>,
}

impl Habits {
    /// How this access came about. Accesses are given in their order.
    pub(super) fn of(&mut self, access: &Access, day: i64) -> Circumstances {
        let person = Key::of(&access.person);
        if self.people.len() >= PEOPLE_MAX && !self.people.contains_key(&person) {
            return Circumstances::default();
        }
        let fresh = || Habit { first_day: day, devices: Vec::new(), searched: None };
        let habit = self.people.entry(person).or_insert_with(fresh);
        let unknown_device =
            access.device.as_deref().is_some_and(|device| habit.is_new_on(Key::of(device), day));
        let session = Key::of(&access.session);
        if access.action == "search" {
            habit.searched = Some((session, access.at_ms));
        }
        if access.patient.is_none() {
            return Circumstances { searched: false, unknown_device };
        }
        let led = |(of, at): (Key, i64)| of == session && access.at_ms.saturating_sub(at) <= SEARCHED_MS;
        let searched = habit.searched.is_some_and(led);
        if searched {
            habit.searched = None;
        }
        Circumstances { searched, unknown_device }
    }
}

impl Habit {
    fn is_new_on(&mut self, device: Key, day: i64) -> bool {
        let is_known = day >= self.first_day.saturating_add(KNOWN_DAYS);
        if let Some((_, first)) = self.devices.iter().find(|(known, _)| *known == device) {
            return is_known && *first >= day;
        }
        if self.devices.len() >= DEVICES_MAX {
            self.devices.remove(0);
        }
        self.devices.push((device, day));
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(at_ms: i64, session: &str, device: &str, action: &str, patient: Option<&str>) -> Access {
        Access {
            at_ms,
            sequence: 0,
            person: "p".into(),
            session: session.into(),
            device: Some(device.into()),
            place: None,
            action: action.into(),
            purpose: None,
            patient: patient.map(str::to_owned),
            study: None,
            instances: 0,
            bytes: 0,
            allowed: true,
        }
    }

    #[test]
    fn a_search_leads_to_the_next_patient_of_its_session_and_to_no_other() {
        let mut habits = Habits::default();
        let mut searched = |at_ms, session: &str, action: &str, patient| {
            habits.of(&access(at_ms, session, "d", action, patient), 0).searched
        };
        assert!(!searched(0, "one", "search", None));
        assert!(!searched(1, "two", "view", Some("q")), "another session");
        assert!(searched(2, "one", "list", Some("q")));
        assert!(!searched(3, "one", "view", Some("r")), "one search leads to one patient");
        assert!(!searched(4, "one", "search", None));
        assert!(!searched(5 + SEARCHED_MS, "one", "list", Some("q")), "too long ago");
    }

    #[test]
    fn a_device_is_unknown_for_a_day_once_the_person_is_known() {
        let mut habits = Habits::default();
        let mut unknown =
            |day, device: &str| habits.of(&access(0, "s", device, "view", Some("q")), day).unknown_device;
        assert!(!unknown(0, "one") && !unknown(KNOWN_DAYS - 1, "two"), "nobody knows the person yet");
        assert!(unknown(KNOWN_DAYS, "three") && unknown(KNOWN_DAYS, "three") && !unknown(KNOWN_DAYS, "one"));
        assert!(!unknown(KNOWN_DAYS + 1, "three"));
        for n in 0..1000 {
            unknown(9, &format!("d{n}"));
        }
        assert!(habits.people.values().all(|habit| habit.devices.len() <= DEVICES_MAX));
    }
}
