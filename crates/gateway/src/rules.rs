//! Deny rules as data: what never passes, whoever sends it. Patterns are regular expressions that are matched in linear time.
//!
//! A rule fits when everything that it names fits. With `dry_run` it is only counted, so that it can be watched before it is meant.

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// Rules of one installation: each is tried on each request.
const RULES_MAX: usize = 64;

/// Bytes of one pattern.
const PATTERN_BYTES_MAX: usize = 512;

/// Bytes of a compiled pattern, and of what matching it keeps: a hundred kilobytes for each of 64 rules.
const COMPILED_BYTES_MAX: usize = 100 * 1024;

/// Bytes of a value that are looked at. The doors take no path, query or header that is longer.
const VALUE_BYTES_MAX: usize = 32 * 1024;

/// One rule, as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyRule {
    /// Its name, in metrics.
    pub name: String,
    /// The method, such as `DELETE`; any when absent.
    pub method: Option<String>,
    /// A pattern that occurs in the path, as it was sent.
    pub path: Option<String>,
    /// A pattern that occurs in the query string, as it was sent.
    pub query: Option<String>,
    /// The name of a header field.
    pub header: Option<String>,
    /// A pattern that occurs in a value of this field; the field alone is enough when absent.
    pub header_value: Option<String>,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Too many.
    #[error("at most {RULES_MAX} rules, these are {0}")]
    TooMany(usize),
    /// It would fit everything, or nothing.
    #[error("the rule `{0}` names nothing to deny: give it a method, path, query or header")]
    Empty(String),
    /// The name is none that a metric can carry, or is there twice.
    #[error(
        "the name `{0}` of a rule is empty, longer than 64 characters, or there twice; use a-z, 0-9 and -"
    )]
    Name(String),
    /// A value pattern without a field.
    #[error("the rule `{0}` has a header_value and no header")]
    NoHeader(String),
    /// A pattern is too long, or none.
    #[error("a pattern of the rule `{rule}` cannot be used: {cause}")]
    Pattern {
        /// Which rule.
        rule: String,
        /// What is wrong.
        cause: String,
    },
}

/// What rules look at.
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it was sent.
    pub path: &'a str,
    /// The query string, as it was sent.
    pub query: &'a str,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    method: Option<String>,
    path: Option<Regex>,
    query: Option<Regex>,
    header: Option<(String, Option<Regex>)>,
    dry_run: bool,
}

impl Rules {
    pub(crate) fn new(rules: &[DenyRule]) -> Result<Self, RuleError> {
        if rules.len() > RULES_MAX {
            return Err(RuleError::TooMany(rules.len()));
        }
        let mut compiled: Vec<Rule> = Vec::new();
        for rule in rules {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let name = rule.name.clone();
            if name.is_empty()
                || name.len() > 64
                || !name.chars().all(legal)
                || compiled.iter().any(|other| other.name == name)
            {
                return Err(RuleError::Name(name));
            }
            if rule.header.is_none() && rule.header_value.is_some() {
                return Err(RuleError::NoHeader(name));
            }
            if rule.method.is_none() && rule.path.is_none() && rule.query.is_none() && rule.header.is_none() {
                return Err(RuleError::Empty(name));
            }
            let pattern =
                |text: &Option<String>| text.as_deref().map(|text| compile(&rule.name, text)).transpose();
            let value = pattern(&rule.header_value)?;
            compiled.push(Rule {
                name,
                method: rule.method.as_deref().map(str::to_ascii_uppercase),
                path: pattern(&rule.path)?,
                query: pattern(&rule.query)?,
                header: rule.header.as_deref().map(|field| (field.to_ascii_lowercase(), value)),
                dry_run: rule.dry_run,
            });
        }
        Ok(Self(compiled))
    }

    /// Makes its counters seen before a rule fits.
    pub(crate) fn announce(&self) {
        for Rule { name, dry_run, .. } in &self.0 {
            count(name, *dry_run, 0);
        }
    }

    /// Whether a request is denied. Every rule that fits is counted.
    pub(crate) fn deny<'v>(&self, asked: &Asked<'_>, values: impl Fn(&str) -> Vec<&'v [u8]>) -> bool {
        let mut denied = false;
        for rule in self.0.iter().filter(|rule| rule.fits(asked, &values)) {
            count(&rule.name, rule.dry_run, 1);
            denied |= !rule.dry_run;
        }
        denied
    }
}

impl Rule {
    fn fits<'v>(&self, asked: &Asked<'_>, values: &impl Fn(&str) -> Vec<&'v [u8]>) -> bool {
        let occurs = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(within(text)))
        };
        self.method.as_deref().is_none_or(|method| method == asked.method)
            && occurs(&self.path, asked.path)
            && occurs(&self.query, asked.query)
            && self.header.as_ref().is_none_or(|(field, pattern)| {
                values(field).iter().any(|value| occurs(pattern, &String::from_utf8_lossy(value)))
            })
    }
}

// === helpers ===

fn count(rule: &str, dry_run: bool, times: u64) {
    let outcome = if dry_run { "would-deny" } else { "denied" };
    metrics::counter!("yingdun_gateway_rules_total", "rule" => rule.to_owned(), "outcome" => outcome)
        .increment(times);
}

fn compile(rule: &str, text: &str) -> Result<Regex, RuleError> {
    let wrong = |cause: String| RuleError::Pattern { rule: rule.to_owned(), cause };
    if text.len() > PATTERN_BYTES_MAX {
        return Err(wrong(format!("more than {PATTERN_BYTES_MAX} bytes")));
    }
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX).nest_limit(32);
    builder.build().map_err(|error| wrong(error.to_string()))
}

fn within(text: &str) -> &str {
    text.get(..text.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        deny: Vec<DenyRule>,
    }

    fn rules(text: &str) -> Result<Rules, RuleError> {
        Rules::new(&toml::from_str::<File>(text).unwrap().deny)
    }

    fn denied(rules: &Rules, method: &str, path: &str, query: &str, agent: &'static str) -> bool {
        let values =
            move |field: &str| if field == "user-agent" { vec![agent.as_bytes()] } else { Vec::new() };
        rules.deny(&Asked { method, path, query }, values)
    }

    #[test]
    fn a_rule_fits_when_all_that_it_names_fits() {
        let rules = rules(
            r#"
            [[deny]]
            name = "scanners"
            header = "User-Agent"
            header_value = "(?i)sqlmap|nikto"
            [[deny]]
            name = "media-by-name"
            method = "get"
            path = "^/dicom-web/media$"
            query = "PatientName="
            "#,
        )
        .unwrap();
        assert!(denied(&rules, "GET", "/", "", "SQLMap/1.7") && !denied(&rules, "GET", "/", "", "OHIF"));
        assert!(denied(&rules, "GET", "/dicom-web/media", "PatientName=a", ""));
        assert!(!denied(&rules, "POST", "/dicom-web/media", "PatientName=a", ""));
        assert!(!denied(&rules, "GET", "/dicom-web/media", "PatientID=a", ""));
    }

    #[test]
    fn a_dry_run_denies_nothing() {
        let rules = rules("[[deny]]\nname = \"all\"\npath = \"/\"\ndry_run = true").unwrap();
        assert!(!denied(&rules, "GET", "/", "", ""));
    }

    #[test]
    fn what_cannot_be_meant_or_would_cost_too_much_is_refused() {
        for (text, word) in [
            ("[[deny]]\nname = \"a\"", "names nothing"),
            ("[[deny]]\nname = \"A b\"\npath = \"x\"", "a-z"),
            ("[[deny]]\nname = \"a\"\npath = \"x\"\n[[deny]]\nname = \"a\"\npath = \"y\"", "twice"),
            ("[[deny]]\nname = \"a\"\nheader_value = \"x\"\npath = \"x\"", "no header"),
            ("[[deny]]\nname = \"a\"\npath = \"(\"", "cannot be used"),
            ("[[deny]]\nname = \"a\"\npath = \"(a{1000}){1000}\"", "cannot be used"),
        ] {
            let error = rules(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_pattern_that_other_engines_hang_on_is_matched_in_linear_time() {
        let rules = rules("[[deny]]\nname = \"a\"\nquery = \"^(a+)+$\"").unwrap();
        let query = format!("{}!", "a".repeat(8000));
        let began = std::time::Instant::now();
        assert!(!denied(&rules, "GET", "/", &query, ""));
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    }
}
