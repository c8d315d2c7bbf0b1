//! Which replicas together are enough: so many copies, in so many failure domains. Pure.

use crate::StoreConfig;
use crate::config::REPLICAS_MAX;

/// A set of replicas, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replicas(u16);

const _: () = assert!(REPLICAS_MAX <= u16::BITS as usize, "each replica has a bit");

/// What a record reaches before it is acknowledged. More replicas never are too few where fewer were enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quorum {
    copies: usize,
    domains: usize,
    /// The domain of each replica, as a place in `names`.
    domain_of: Vec<usize>,
    names: Vec<String>,
}

/// What replicas lack that are not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shortfall {
    /// They are too few.
    Copies { required: usize, able: usize },
    /// They are enough, and lie in too few failure domains; those in which none of them lies.
    Domains { required: usize, able: usize, missing: String },
}

impl Replicas {
    pub(crate) fn with(self, index: usize) -> Self {
        Self(self.0 | bit(index))
    }

    pub(crate) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn contains(self, index: usize) -> bool {
        self.0 & bit(index) != 0
    }

    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..REPLICAS_MAX).filter(move |index| self.contains(*index))
    }
}

impl FromIterator<usize> for Replicas {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        indexes.into_iter().fold(Self::default(), Self::with)
    }
}

impl Quorum {
    pub(crate) fn new(config: &StoreConfig) -> Self {
        let domains = config.replicas.iter().map(|replica| replica.failure_domain.as_str());
        Self::of(config.write_quorum, config.write_domains, domains)
    }

    /// So many copies in so many domains, with the domain of each replica.
    pub(crate) fn of<'a>(
        copies: usize,
        domains: usize,
        domain_of: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut place = |name: &str| {
            names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        let domain_of = domain_of.into_iter().map(&mut place).collect();
        Self { copies, domains, domain_of, names }
    }

    /// How many copies it takes.
    pub(crate) fn copies(&self) -> usize {
        self.copies
    }

    /// In how many domains it takes them.
    pub(crate) fn domains(&self) -> usize {
        self.domains
    }

    /// The domains in the order of their first replicas, each with its replicas.
    pub(crate) fn by_domain(&self) -> impl Iterator<Item = (&str, Replicas)> {
        self.names.iter().enumerate().map(|(domain, name)| {
            let of_it = self.domain_of.iter().enumerate().filter(move |(_, other)| **other == domain);
            (name.as_str(), of_it.map(|(index, _)| index).collect())
        })
    }

    /// Whether these replicas are enough. Those that are not of this store do not count.
    pub(crate) fn is_met(&self, holders: Replicas) -> bool {
        let holders = self.known(holders);
        holders.count() >= self.copies && self.domains_of(holders).count_ones() as usize >= self.domains
    }

    /// What these replicas lack, if they are not enough.
    pub(crate) fn shortfall(&self, able: Replicas) -> Option<Shortfall> {
        let able = self.known(able);
        if able.count() < self.copies {
            return Some(Shortfall::Copies { required: self.copies, able: able.count() });
        }
        let domains = self.domains_of(able);
        let count = domains.count_ones() as usize;
        if count >= self.domains {
            return None;
        }
        let missing = self.names.iter().enumerate().filter(|(domain, _)| domains & bit(*domain) == 0);
        let missing = missing.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        Some(Shortfall::Domains { required: self.domains, able: count, missing })
    }

    /// In how many domains these replicas lie.
    pub(crate) fn domains_among(&self, holders: Replicas) -> usize {
        self.domains_of(self.known(holders)).count_ones() as usize
    }

    fn known(&self, holders: Replicas) -> Replicas {
        holders.iter().take_while(|index| *index < self.domain_of.len()).collect()
    }

    /// A bit for each domain in which one of these replicas lies; there are no more domains than replicas.
    fn domains_of(&self, holders: Replicas) -> u16 {
        let of = |index: usize| self.domain_of.get(index).map_or(0, |domain| bit(*domain));
        holders.iter().fold(0, |domains, index| domains | of(index))
    }
}

fn bit(index: usize) -> u16 {
    u32::try_from(index).ok().and_then(|index| 1_u16.checked_shl(index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn replicas(indexes: &[usize]) -> Replicas {
        indexes.iter().copied().collect()
    }

    #[test]
    fn copies_in_one_domain_are_too_few_where_two_are_asked_for_and_what_is_missing_is_named() {
        let quorum = Quorum::of(2, 2, ["room-1", "room-1", "room-2", "room-3"]);
        assert!(!quorum.is_met(replicas(&[0, 1])) && quorum.is_met(replicas(&[1, 2])));
        let missing = "room-2, room-3".to_owned();
        let short = Shortfall::Domains { required: 2, able: 1, missing };
        assert_eq!(quorum.shortfall(replicas(&[0, 1])), Some(short));
        assert_eq!(
            quorum.shortfall(replicas(&[2])),
            Some(Shortfall::Copies { required: 2, able: 1 }),
            "copies come first"
        );
        assert_eq!(quorum.shortfall(replicas(&[0, 2])), None);
        assert!(!quorum.is_met(replicas(&[0, 9])), "a replica that is not of this store");
    }

    #[test]
    fn with_one_domain_asked_for_only_copies_count() {
        let quorum = Quorum::of(2, 1, ["room", "room", "room"]);
        assert!(quorum.is_met(replicas(&[0, 2])) && !quorum.is_met(replicas(&[1])));
    }

    #[test]
    fn the_domains_are_listed_with_their_replicas() {
        let quorum = Quorum::of(2, 2, ["b", "a", "b"]);
        let listed: Vec<_> = quorum.by_domain().map(|(name, of)| (name, of.iter().collect())).collect();
        let expected: Vec<(&str, Vec<usize>)> = vec![("b", vec![0, 2]), ("a", vec![1])];
        assert_eq!(listed, expected);
    }

    proptest! {
        #[test]
        fn it_counts_as_a_list_of_names_would_and_more_replicas_never_are_too_few(
            domains in proptest::collection::vec(0_u8..5, 1..=REPLICAS_MAX),
            (copies, wanted) in (1_usize..6, 1_usize..6),
            (holders, more) in (any::<u16>(), any::<u16>()),
        ) {
            let names: Vec<String> = domains.iter().map(|domain| format!("d{domain}")).collect();
            let quorum = Quorum::of(copies, wanted, names.iter().map(String::as_str));
            let held: Vec<usize> = Replicas(holders).iter().filter(|index| *index < names.len()).collect();
            let distinct: BTreeSet<&str> = held.iter().map(|index| names[*index].as_str()).collect();
            prop_assert_eq!(quorum.is_met(Replicas(holders)), held.len() >= copies && distinct.len() >= wanted);
            prop_assert_eq!(quorum.is_met(Replicas(holders)), quorum.shortfall(Replicas(holders)).is_none());
            prop_assert_eq!(quorum.domains_among(Replicas(holders)), distinct.len());
            prop_assert!(!quorum.is_met(Replicas(holders)) || quorum.is_met(Replicas(holders | more)));
        }
    }
}
