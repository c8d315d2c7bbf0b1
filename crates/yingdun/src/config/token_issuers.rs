//! The sections `[[identity.token_issuers]]`: other issuers whose access tokens are taken from programs that are registered here.

use super::Finding;
use super::finding::Severity;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use yingdun_access::{CLOCK_SKEW_MAX, EXTERNAL_LIFETIME_MAX, TokenAlgorithm, TokenIssuerRules, is_protected};

/// Issuers, far above what hospitals of one archive have of them.
const ISSUERS_MAX: usize = 16;
/// The longest issuer or audience, as registrations keep it.
const NAME_BYTES_MAX: usize = 255;
const SECONDS_PER_MINUTE: u64 = 60;

/// An issuer. None means that only tokens of this archive are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenIssuer {
    /// The issuer, exactly as its tokens name it.
    pub(crate) issuer: String,
    /// By what it knows this archive.
    pub(crate) audience: String,
    /// How its tokens may be signed.
    pub(crate) algorithms: BTreeSet<TokenAlgorithm>,
    /// Where its keys are; unset means that it says so itself.
    pub(crate) jwks_uri: Option<String>,
    /// The authorities that its certificate must come from.
    pub(crate) ca_file: PathBuf,
    /// How far its clock may be from ours.
    #[serde(default = "default_clock_skew_seconds")]
    pub(crate) clock_skew_seconds: u32,
    /// For how long a token may be good.
    #[serde(default = "default_lifetime_minutes")]
    pub(crate) lifetime_minutes: u32,
}

impl TokenIssuer {
    /// What is made of its tokens. What [`check`] calls too long is cut to what may be.
    pub(crate) fn rules(&self) -> TokenIssuerRules {
        let minutes = u64::from(self.lifetime_minutes) * SECONDS_PER_MINUTE;
        TokenIssuerRules {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithms: self.algorithms.clone(),
            skew: Duration::from_secs(self.clock_skew_seconds.into()).min(CLOCK_SKEW_MAX),
            lifetime_max: Duration::from_secs(minutes).min(EXTERNAL_LIFETIME_MAX),
        }
    }
}

/// Judges the sections.
pub(super) fn check(issuers: &[TokenIssuer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |option, cause: String, remedy| {
        findings.push(Finding { severity: Severity::Error, option, cause, remedy });
    };
    if issuers.len() > ISSUERS_MAX {
        let cause = format!("there are more than {ISSUERS_MAX} issuers");
        say("identity.token_issuers", cause, "name those whose programs use this archive");
    }
    let names: BTreeSet<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    if names.len() < issuers.len() {
        let cause = "an issuer is named twice".to_owned();
        say("identity.token_issuers", cause, "name each once; it has one audience here");
    }
    for issuer in issuers {
        let name = &issuer.issuer;
        if !is_protected(name, false) || name.contains('?') || name.len() > NAME_BYTES_MAX {
            let cause = format!("`{name}` is not an https address without a query");
            say(
                "identity.token_issuers.issuer",
                cause,
                "write the issuer as its tokens do (iss); there is no way without TLS",
            );
        }
        if issuer.audience.trim().is_empty() || issuer.audience.len() > NAME_BYTES_MAX {
            let cause = "there is no audience, or none of so many characters".to_owned();
            let remedy = "name this archive as the issuer does in its tokens (aud), such as its own address: what is for others must not open it";
            say("identity.token_issuers.audience", cause, remedy);
        }
        if issuer.algorithms.is_empty() {
            let cause = "no algorithm is named, so no token is taken".to_owned();
            say(
                "identity.token_issuers.algorithms",
                cause,
                "name those by which the issuer signs, such as [\"RS256\"]",
            );
        }
        if let Some(address) = issuer.jwks_uri.as_ref().filter(|address| !is_protected(address, false)) {
            let cause = format!("`{address}` is not an https address");
            say(
                "identity.token_issuers.jwks_uri",
                cause,
                "write https://, or leave it out: the issuer says where its keys are",
            );
        }
        if !issuer.ca_file.is_file() {
            let cause = format!("there is no file `{}`", issuer.ca_file.display());
            say(
                "identity.token_issuers.ca_file",
                cause,
                "name a PEM file with the authority of the issuer; those of the machine are not asked",
            );
        }
        if u64::from(issuer.clock_skew_seconds) > CLOCK_SKEW_MAX.as_secs() {
            let cause = format!("{} is more than {}", issuer.clock_skew_seconds, CLOCK_SKEW_MAX.as_secs());
            say("identity.token_issuers.clock_skew_seconds", cause, "keep both clocks with NTP, and set 30");
        }
        let lifetime_max = EXTERNAL_LIFETIME_MAX.as_secs() / SECONDS_PER_MINUTE;
        if !(1..=lifetime_max).contains(&issuer.lifetime_minutes.into()) {
            let cause = format!("{} is not between 1 and {lifetime_max}", issuer.lifetime_minutes);
            let remedy =
                "set 60 or less, and have the issuer give tokens of some minutes: it cannot take them back";
            say("identity.token_issuers.lifetime_minutes", cause, remedy);
        }
    }
    findings
}

// === helpers ===

/// Two machines that keep their clocks.
const fn default_clock_skew_seconds() -> u32 {
    30
}

/// As long as tokens of ours.
const fn default_lifetime_minutes() -> u32 {
    60
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(more: &str) -> Result<TokenIssuer, toml::de::Error> {
        toml::from_str(&format!("ca_file = \"/dev/null\"\n{more}"))
    }

    fn told(more: &str) -> Vec<&'static str> {
        let folder = tempfile::tempdir().unwrap();
        let mut issuer = issuer(more).unwrap();
        issuer.ca_file = folder.path().join("ca.pem");
        std::fs::write(&issuer.ca_file, "c").unwrap();
        check(&[issuer]).into_iter().map(|finding| finding.option).collect()
    }

    const GOOD: &str = "issuer = \"https://sso.example/realms/a\"\naudience = \"https://archive.example\"\nalgorithms = [\"RS256\", \"ES256\"]\n";

    #[test]
    fn an_issuer_is_protected_and_its_tokens_are_for_us_and_soon_over() {
        assert_eq!(told(GOOD), [""; 0]);
        let with = |name: &str, value: &str| {
            let lines: Vec<_> = GOOD.lines().filter(|line| !line.starts_with(&format!("{name} "))).collect();
            told(&format!("{}\n{name} = {value}", lines.join("\n")))
        };
        for (name, value) in [
            ("issuer", "\"http://127.0.0.1:8080\""),
            ("issuer", "\"https://sso.example/?realm=a\""),
            ("audience", "\" \""),
            ("algorithms", "[]"),
            ("jwks_uri", "\"http://sso.example/keys\""),
            ("clock_skew_seconds", "61"),
            ("lifetime_minutes", "0"),
            ("lifetime_minutes", "61"),
        ] {
            assert_eq!(with(name, value), [format!("identity.token_issuers.{name}")], "{value}");
        }
        let one = issuer(GOOD).unwrap();
        let twice: Vec<_> = check(&[one.clone(), one]).into_iter().map(|finding| finding.option).collect();
        assert!(twice.contains(&"identity.token_issuers"));
    }

    #[test]
    fn shared_secrets_and_no_signature_are_no_algorithms_and_an_audience_must_be_named() {
        for algorithm in ["none", "HS256", "RS512", "rs256"] {
            let text = GOOD.replace("ES256", algorithm);
            assert!(issuer(&text).is_err(), "{algorithm}");
        }
        for line in GOOD.lines() {
            assert!(issuer(&GOOD.replace(line, "")).is_err(), "without {line}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_even_where_nobody_checks() {
        let rules =
            issuer(&format!("{GOOD}clock_skew_seconds = 9999\nlifetime_minutes = 9999")).unwrap().rules();
        assert_eq!((rules.skew, rules.lifetime_max), (CLOCK_SKEW_MAX, EXTERNAL_LIFETIME_MAX));
    }
}
