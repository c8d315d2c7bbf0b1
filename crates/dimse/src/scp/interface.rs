//! What kind of work each service of the DICOM door is: for its list of interfaces.

use crate::commitment::STORAGE_COMMITMENT;
use crate::query::{Model, Verb};
use crate::{PERFORMED_STEP, VERIFICATION};
use yingdun_gateway::Class;
use yingdun_model::{Action, Uid};

/// The class of what is asked for under a SOP class, and the action that `access` decides first.
#[must_use]
pub fn work_of(sop_class: &Uid) -> (Class, Action) {
    if let Some(model) = Model::of(sop_class) {
        return match model.verb {
            Verb::Find => (Class::Search, Action::Search),
            Verb::Get | Verb::Move => (Class::Bulk, Action::View),
        };
    }
    match sop_class.as_str() {
        VERIFICATION => (Class::Operations, Action::Echo),
        STORAGE_COMMITMENT => (Class::Store, Action::Commit),
        PERFORMED_STEP => (Class::Store, Action::ReportStep),
        class if yingdun_dicom::dictionary::is_storage_sop_class(class) => (Class::Store, Action::Store),
        // Worklists, and what is read of workitems and steps.
        _ => (Class::Search, Action::ReadWorklist),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scp::service_classes;

    #[test]
    fn what_is_carried_away_is_bulk_and_what_comes_in_is_store() {
        let of = |uid: &str| work_of(&Uid::new(uid).unwrap());
        assert_eq!(of("1.2.840.10008.5.1.4.1.2.2.1"), (Class::Search, Action::Search));
        assert_eq!(of("1.2.840.10008.5.1.4.1.2.2.2"), (Class::Bulk, Action::View));
        assert_eq!(of("1.2.840.10008.5.1.4.1.1.2"), (Class::Store, Action::Store));
        assert_eq!(of("1.2.840.10008.5.1.4.31"), (Class::Search, Action::ReadWorklist));
        assert!(service_classes().count() > 10);
    }
}
