//! People and programs of other directories: whether the provider of sign-ins, the issuers of tokens and the directory answer, until when their certificates last, how the
//! clock of the provider goes, and whether anybody would be found in the directory.

use super::{CLOCK_TOLERANCE, EXPIRY_NOTICE, error, note, warning};
use crate::config::{Config, Finding, TokenIssuer};
use crate::wiring::{Directory, Issuer, Provider, Shown};
use yingdun_ldap::LdapError;
use yingdun_model::{Clock, SystemClock, Timestamp};

const OPTION: &str = "identity.oidc.issuer";
const ISSUER: &str = "identity.token_issuers.issuer";
const LDAP: &str = "identity.ldap.url";

/// What is to be said of provider, issuers and directory; nothing where none is configured.
pub(super) async fn directories(config: &Config) -> Vec<Finding> {
    let mut findings = provider(config).await;
    for settings in &config.identity.token_issuers {
        findings.push(issuer(settings).await);
    }
    findings.extend(ldap(config).await);
    findings
}

/// What is to be said of an issuer of tokens.
async fn issuer(settings: &TokenIssuer) -> Finding {
    let name = &settings.issuer;
    let issuer = match Issuer::new(settings.clone()) {
        Ok(issuer) => issuer,
        Err(cause) => {
            let remedy = "put the authority of the issuer where the configuration says";
            return error("identity.token_issuers.ca_file", cause.to_string(), remedy);
        }
    };
    match issuer.look().await {
        Ok((keys, certificate)) => match certificate.as_deref().and_then(end_of) {
            Some(end) if end <= SystemClock.now().after(EXPIRY_NOTICE) => warning(
                ISSUER,
                format!("the certificate of {name} ends on {}", day(end)),
                "tell whoever looks after the issuer; its tokens open nothing after that",
            ),
            Some(end) => note(
                ISSUER,
                format!("{name} shows {keys} key(s); its certificate ends on {}", day(end)),
                "nothing",
            ),
            None => note(ISSUER, format!("{name} shows {keys} key(s)"), "nothing"),
        },
        Err(cause) => error(
            ISSUER,
            format!("{name}: {cause}"),
            "start it, or correct issuer, jwks_uri and ca_file; programs with credentials of this archive go on meanwhile",
        ),
    }
}

async fn provider(config: &Config) -> Vec<Finding> {
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

async fn ldap(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.identity.ldap else { return Vec::new() };
    let directory = match Directory::new(settings.clone()) {
        Ok(directory) => directory,
        Err(cause) => {
            let remedy = "put password and authority where the configuration says";
            return vec![error("identity.ldap.bind_password_file", cause.to_string(), remedy)];
        }
    };
    match directory.examine().await {
        Ok(shown) => judge(&shown, SystemClock.now()),
        Err(cause) => vec![unanswered(&cause)],
    }
}

// === helpers ===

/// What a directory that answers is told of.
fn judge(shown: &Shown, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(missing) = &shown.missing {
        let remedy = "name attributes that every person has, and let bind_dn read them";
        findings.push(error("identity.ldap.subject_attribute", missing.clone(), remedy));
    }
    match (shown.anybody, shown.with_disabled) {
        (true, _) => {}
        (false, true) => findings.push(error(
            "identity.ldap.disabled_filter",
            "everybody is disabled: the filter is of attributes that this directory does not know, or lets nobody pass".into(),
            "correct it: as long as the directory cannot judge it, nobody signs in",
        )),
        (false, false) => findings.push(error(
            "identity.ldap.filter",
            "nobody is found below the base whom the filter lets pass".into(),
            "correct base and filter, or let bind_dn read people",
        )),
    }
    findings.push(match shown.certificate.as_deref().and_then(end_of) {
        Some(end) if end <= now.after(EXPIRY_NOTICE) => warning(
            LDAP,
            format!("the certificate of the directory ends on {}", day(end)),
            "tell whoever looks after the directory; nobody signs in with it after that",
        ),
        Some(end) => {
            note(LDAP, format!("the directory answers; its certificate ends on {}", day(end)), "nothing")
        }
        None => note(LDAP, "the directory answers".into(), "nothing"),
    });
    findings
}

/// Why a directory gives no answer, and what to do.
fn unanswered(cause: &LdapError) -> Finding {
    let (option, remedy) = match cause {
        LdapError::Unreachable { .. } | LdapError::Silent { .. } | LdapError::Protocol { .. } => (
            LDAP,
            "start it, or correct host and port; accounts with a password of this archive sign in meanwhile",
        ),
        LdapError::NoTls { .. } => {
            (LDAP, "have it take StartTLS, or write ldaps://; there is no way without TLS")
        }
        LdapError::Untrusted { .. } => (
            "identity.ldap.ca_file",
            "name the authority that its certificate comes from, and the host as it stands in the certificate",
        ),
        LdapError::Refused { question: "search", .. } => {
            ("identity.ldap.filter", "correct the filters, or let bind_dn search")
        }
        LdapError::Refused { .. } | LdapError::EmptyPassword => {
            ("identity.ldap.bind_dn", "correct bind_dn and the password in bind_password_file")
        }
        LdapError::NoBase { .. } => {
            ("identity.ldap.base", "name the entry below which people are, and let bind_dn read it")
        }
        LdapError::Filter(_) => ("identity.ldap.filter", "correct the filter"),
    };
    error(option, cause.to_string(), remedy)
}

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
