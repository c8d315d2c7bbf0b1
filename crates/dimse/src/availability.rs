//! The words of instance availability notification on the wire (PS3.4 annex R). Pure.

use crate::commitment::Reference;
use std::collections::BTreeMap;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};
use yingdun_model::{AeTitle, Uid};

/// UID of the Instance Availability Notification SOP class (PS3.4 §R.3.3).
pub const INSTANCE_AVAILABILITY: &str = "1.2.840.10008.5.1.4.33";

/// What can be retrieved at once (PS3.4 table R.3.2-1).
const ONLINE: &str = "ONLINE";

/// Instances of one study that can be retrieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The study.
    pub study: Uid,
    /// Its instances, by their series.
    pub series: BTreeMap<Uid, Vec<Reference>>,
}

impl Notification {
    /// The attributes of an N-CREATE (PS3.4 table R.3.2-1). `retrieve` is the title by which the peer calls whoever has the
    /// instances. Which performed step they come from is not said.
    #[must_use]
    pub fn write(&self, retrieve: &AeTitle) -> DataSet {
        let instance = |reference: &Reference| {
            let mut item = reference.item();
            item.put_text(tags::RETRIEVE_AE_TITLE, Vr::AE, retrieve.as_str());
            item.put_text(tags::INSTANCE_AVAILABILITY, Vr::CS, ONLINE);
            item
        };
        let series = self.series.iter().map(|(uid, instances)| {
            let mut item = DataSet::new();
            item.put_items(tags::REFERENCED_SOP_SEQUENCE, instances.iter().map(instance).collect());
            item.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, uid.as_str());
            item
        });
        let mut set = DataSet::new();
        set.put_items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new());
        set.put_items(tags::REFERENCED_SERIES_SEQUENCE, series.collect());
        set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, self.study.as_str());
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_each_instance_and_where_it_is_retrieved() {
        let uid = |text: &str| Uid::new(text).unwrap();
        let reference = |number: u32| Reference {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: uid(&format!("1.2.3.{number}")),
        };
        let series = BTreeMap::from([
            (uid("1.2.1"), vec![reference(1), reference(2)]),
            (uid("1.2.2"), vec![reference(3)]),
        ]);
        let set = Notification { study: uid("1.2"), series }.write(&AeTitle::new("YINGDUN").unwrap());
        assert_eq!(set.uid(tags::STUDY_INSTANCE_UID), Some(uid("1.2")));
        assert!(set.get(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE).is_some(), "present and empty");
        let series = set.items(tags::REFERENCED_SERIES_SEQUENCE);
        let counts: Vec<usize> =
            series.iter().map(|item| item.items(tags::REFERENCED_SOP_SEQUENCE).len()).collect();
        assert_eq!(counts, [2, 1]);
        let last = &series[1].items(tags::REFERENCED_SOP_SEQUENCE)[0];
        assert_eq!(last.uid(tags::REFERENCED_SOP_INSTANCE_UID), Some(uid("1.2.3.3")));
        assert_eq!(last.bytes(tags::INSTANCE_AVAILABILITY), Some(&b"ONLINE"[..]));
        assert_eq!(last.bytes(tags::RETRIEVE_AE_TITLE), Some(&b"YINGDUN "[..]));
    }
}
