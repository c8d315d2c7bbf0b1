//! People of other directories: whether the provider of sign-ins answers, until when its certificate lasts, and how its clock goes.

use super::{CLOCK_TOLERANCE, EXPIRY_NOTICE, error, note, warning};
use crate::config::{Config, Finding};
use crate::wiring::Provider;
use yingdun_model::{Clock, SystemClock, Timestamp};

const OPTION: &str = "identity.oidc.issuer";

/// What is to be said of the provider; nothing where none is configured.
pub(super) async fn directories(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.identity.oidc else { return Vec::new() };
    let provider = match Provider::new(settings.clone()) {
        Ok(provider) => provider,
        Err(cause) => {
            let remedy = "put secret and authority where the configuration says";
            return vec![error("identity.oidc.client_secret_file", cause.to_string(), remedy)];
        }
    };
    let looked = match provider.look().await {
        Ok(looked) => looked,
        Err(cause) => {
            let remedy =
                "start it, or correct issuer and ca_file; accounts with a password sign in meanwhile";
            return vec![error(OPTION, cause.to_string(), remedy)];
        }
    };
    let now = SystemClock.now();
    let ends = looked.certificate.as_deref().and_then(end_of);
    let mut findings: Vec<Finding> = looked.time_ms.and_then(|time| clock(time, now)).into_iter().collect();
    findings.push(match ends {
        Some(end) if end <= now.after(EXPIRY_NOTICE) => warning(
            OPTION,
            format!("the certificate of the provider ends on {}", day(end)),
            "tell whoever looks after the provider; nobody signs in with it after that",
        ),
        Some(end) => note(
            OPTION,
            format!("the provider answers with {} key(s); its certificate ends on {}", looked.keys, day(end)),
            "nothing",
        ),
        None => {
            note(OPTION, format!("the provider answers with {} key(s), without TLS", looked.keys), "nothing")
        }
    });
    findings
}

// === helpers ===

fn clock(theirs_ms: i64, now: Timestamp) -> Option<Finding> {
    let apart_ms = theirs_ms.abs_diff(now.as_ms());
    (u128::from(apart_ms) > CLOCK_TOLERANCE.as_millis()).then(|| {
        error(
            "clock",
            format!("the clock of the provider of sign-ins is {} s apart from ours", apart_ms / 1000),
            "set both clocks and keep them with NTP: tokens that are more than a minute off are refused",
        )
    })
}

fn end_of(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(Timestamp::from_ms(certificate.validity().not_after.timestamp().saturating_mul(1000)))
}

fn day(at: Timestamp) -> String {
    let text = jiff::Timestamp::from_millisecond(at.as_ms()).map(|at| at.to_string());
    text.unwrap_or_default().chars().take("2026-11-23".len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_minute_off() {
        let now = Timestamp::from_ms(1_800_000_000_000);
        assert!(clock(1_800_000_060_000, now).is_none() && clock(1_799_999_940_000, now).is_none());
        assert!(clock(1_800_000_061_000, now).is_some() && clock(1_799_999_939_000, now).is_some());
        assert_eq!(day(now), "2027-01-15");
    }
}
