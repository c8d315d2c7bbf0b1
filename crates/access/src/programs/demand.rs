//! What an account demands of each of its requests beside a token.

use std::collections::BTreeSet;
use std::str::FromStr;

/// One thing that a service client has to show beside its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    /// A registered certificate on the connection (RFC 8705).
    Certificate,
    /// A proof of a key with each request (RFC 9449).
    Dpop,
    /// A signature over each request (RFC 9421).
    Signature,
}

impl Demand {
    /// Every demand.
    pub const ALL: [Self; 3] = [Self::Certificate, Self::Dpop, Self::Signature];

    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Dpop => "dpop",
            Self::Signature => "signature",
        }
    }
}

/// The word is none of the demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a demand is `certificate`, `dpop` or `signature`")]
pub struct UnknownDemand;

impl FromStr for Demand {
    type Err = UnknownDemand;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|demand| demand.as_str() == word).ok_or(UnknownDemand)
    }
}

/// The demands of a row. A word that is not known is from the future: what it demands cannot be looked at here.
pub(crate) fn parse_demands(words: &str) -> Result<BTreeSet<Demand>, UnknownDemand> {
    words.split_ascii_whitespace().map(str::parse).collect()
}

/// Demands as a row keeps them.
pub(crate) fn demand_words(demands: &BTreeSet<Demand>) -> String {
    demands.iter().map(|demand| demand.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_come_back_and_one_of_another_time_is_none_that_can_be_met() {
        let all = BTreeSet::from(Demand::ALL);
        assert_eq!(parse_demands(&demand_words(&all)), Ok(all));
        assert_eq!(parse_demands(""), Ok(BTreeSet::new()));
        assert_eq!(parse_demands("certificate attestation"), Err(UnknownDemand));
    }
}
