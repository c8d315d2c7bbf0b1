//! The addresses from which a device may call.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses and networks, or the word `any`. Empty means none: an address that was never entered does not
/// open the door (promise I9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressList {
    /// From anywhere. Has to be spelled out.
    Any,
    /// From these networks only.
    Only(Vec<Network>),
}

/// An address with the number of leading bits that must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text is not a list of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressListError {
    /// One entry is neither an address nor a network.
    #[error("`{0}` is neither an IP address nor a network such as 10.1.0.0/16, nor the word `any` alone")]
    Entry(String),
    /// Too many entries.
    #[error("a device has at most {max} addresses, these are {0}", max = AddressList::ENTRIES_MAX)]
    TooMany(usize),
}

impl AddressList {
    /// The most entries of one device: a device with more is a network, which can be written as one.
    pub const ENTRIES_MAX: usize = 64;

    /// From one address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::Only(vec![Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } }])
    }

    /// Whether a call from this address is expected.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Only(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = AddressListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressListError::Entry(text.chars().take(64).collect());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |text| text.parse::<u8>().map_err(|_| wrong()))?;
        // An IPv4 address written inside IPv6 would never fit what the socket reports.
        if prefix > bits || address != address.to_canonical() {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

/// Entries divided by blanks or commas.
impl FromStr for AddressList {
    type Err = AddressListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "any" {
            return Ok(Self::Any);
        }
        let entries = text.split([' ', ',', '\n', '\t']).filter(|entry| !entry.is_empty());
        let networks = entries.map(str::parse).collect::<Result<Vec<Network>, _>>()?;
        if networks.len() > Self::ENTRIES_MAX {
            return Err(AddressListError::TooMany(networks.len()));
        }
        Ok(Self::Only(networks))
    }
}

impl fmt::Display for AddressList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Only(networks) => {
                for (position, network) in networks.iter().enumerate() {
                    let blank = if position == 0 { "" } else { " " };
                    write!(f, "{blank}{}/{}", network.address, network.prefix)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> AddressList {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_empty_list_lets_nobody_in_and_any_has_to_be_spelled_out() {
        assert!(!list("").contains(ip("127.0.0.1")));
        assert!(list("any").contains(ip("2001:db8::1")));
    }

    #[test]
    fn the_list_of_one_address_holds_it_and_no_other() {
        for (address, other) in
            [("192.0.2.7", "192.0.2.6"), ("2001:db8::1", "2001:db8::2"), ("::ffff:192.0.2.7", "192.0.2.6")]
        {
            let one = AddressList::of(ip(address));
            assert!(one.contains(ip(address)) && !one.contains(ip(other)), "{one}");
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn networks_hold_what_shares_their_prefix() {
        let networks = list("10.1.0.0/16, 192.0.2.7 2001:db8::/32");
        for inside in ["10.1.255.255", "192.0.2.7", "2001:db8:ffff::1", "::ffff:10.1.2.3"] {
            assert!(networks.contains(ip(inside)), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.8", "2001:db9::", "::1", "127.0.0.1"] {
            assert!(!networks.contains(ip(outside)), "{outside}");
        }
        assert!(list("0.0.0.0/0").contains(ip("203.0.113.9")));
        assert!(!list("0.0.0.0/0").contains(ip("2001:db8::1")));
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0",
            "any 10.0.0.1",
            "::ffff:10.0.0.1",
            "1.2.3.4/-1",
        ] {
            assert!(wrong.parse::<AddressList>().is_err(), "{wrong}");
        }
        assert_eq!("10.0.0.1 ".repeat(65).parse::<AddressList>(), Err(AddressListError::TooMany(65)));
    }

    proptest! {
        #[test]
        fn a_list_reads_back_from_its_text(entries in prop::collection::vec((any::<u32>(), 0_u8..=32), 0..8)) {
            let networks = entries
                .into_iter()
                .map(|(bits, prefix)| Network { address: IpAddr::from(bits.to_be_bytes()), prefix })
                .collect();
            let only = AddressList::Only(networks);
            prop_assert_eq!(only.to_string().parse::<AddressList>(), Ok(only));
        }
    }
}
