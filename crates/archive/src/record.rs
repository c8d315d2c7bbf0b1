//! What the three sealed parts of a record are bound to, and how the small ones are framed.
//! The format is described in the design note "The record".

use yingdun_crypto::Context;
use yingdun_model::{Grade, InstanceRef, InstitutionId, SeriesRef, StudyRef};

/// The place of one version of one instance, by references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) institution: InstitutionId,
    pub(crate) study: StudyRef,
    pub(crate) series: SeriesRef,
    pub(crate) instance: InstanceRef,
    /// 1 for the first object with this SOP Instance UID, one more for each that differs.
    pub(crate) version: u32,
    pub(crate) grade: Grade,
}

impl Place {
    pub(crate) fn object_context(&self) -> Context {
        self.context("yingdun/record/object/v1")
    }

    pub(crate) fn metadata_context(&self) -> Context {
        self.context("yingdun/record/metadata/v1")
    }

    fn context(&self, label: &'static str) -> Context {
        Context::new(label)
            .field(self.institution.as_str())
            .field(self.study.as_bytes())
            .field(self.series.as_bytes())
            .field(self.instance.as_bytes())
            .number(u64::from(self.version))
            .field(self.grade.as_str())
    }
}

/// The plain words in front of a sealed descriptor: what a scan must know to open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DescriptorPrefix {
    pub(crate) instance: InstanceRef,
    pub(crate) version: u32,
}

impl DescriptorPrefix {
    /// Bytes of the prefix: instance reference and version, big-endian.
    const BYTES: usize = 20;

    pub(crate) fn context(self, institution: &InstitutionId, study: StudyRef) -> Context {
        Context::new("yingdun/record/descriptor/v1")
            .field(institution.as_str())
            .field(study.as_bytes())
            .field(self.instance.as_bytes())
            .number(u64::from(self.version))
    }

    pub(crate) fn in_front_of(self, sealed: &[u8]) -> Vec<u8> {
        let mut framed = Vec::with_capacity(Self::BYTES + sealed.len());
        framed.extend_from_slice(self.instance.as_bytes());
        framed.extend_from_slice(&self.version.to_be_bytes());
        framed.extend_from_slice(sealed);
        framed
    }

    pub(crate) fn split(framed: &[u8]) -> Option<(Self, &[u8])> {
        let (instance, rest) = framed.split_first_chunk::<16>()?;
        let (version, sealed) = rest.split_first_chunk::<4>()?;
        let prefix =
            Self { instance: InstanceRef::from_bytes(*instance), version: u32::from_be_bytes(*version) };
        Some((prefix, sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            institution: InstitutionId::new("renmin").unwrap(),
            study: StudyRef::from_bytes([1; 16]),
            series: SeriesRef::from_bytes([2; 16]),
            instance: InstanceRef::from_bytes([3; 16]),
            version: 1,
            grade: Grade::L4,
        }
    }

    #[test]
    fn another_version_grade_or_part_is_another_context() {
        let one = place().object_context();
        assert_ne!(one, Place { version: 2, ..place() }.object_context());
        assert_ne!(one, Place { grade: Grade::L3, ..place() }.object_context());
        assert_ne!(one, place().metadata_context());
    }

    #[test]
    fn a_framed_descriptor_comes_apart_again_and_a_short_one_does_not() {
        let prefix = DescriptorPrefix { instance: InstanceRef::from_bytes([9; 16]), version: 7 };
        let framed = prefix.in_front_of(b"sealed");
        assert_eq!(DescriptorPrefix::split(&framed), Some((prefix, &b"sealed"[..])));
        assert_eq!(DescriptorPrefix::split(&framed[..19]), None);
    }
}
