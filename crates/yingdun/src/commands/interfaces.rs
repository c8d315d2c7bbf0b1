//! `interfaces`: every way into the archive that a configuration opens, and how its doors speak TLS.

use super::{CommandError, Verdict};
use crate::cli::InterfacesArgs;
use crate::config::Config;
use crate::messages::Language;
use crate::output::Output;
use crate::wiring::{Coverage, Listed, Posture, coverage, interfaces as list, postures};
use serde_json::json;
use std::fmt::Write;

/// Says what is there; bad when something is not encrypted, or a certificate is over.
pub(super) fn interfaces(args: &InterfacesArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    if args.tls {
        let postures = postures(&config)?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        output.say(&json!({"doors": postures}), |language| tls_words(language, &postures))?;
        let is_good = |door: &Posture| {
            !door.versions.is_empty() && door.certificate_not_after_ms.is_some_and(|end| end > now_ms)
        };
        return Ok(Verdict::of(postures.iter().all(is_good)));
    }
    let listed = list(&config);
    let covered = coverage(&listed);
    let zones_declared = !config.gateway.zones.is_empty();
    let said = json!({"coverage": covered, "zones_declared": zones_declared, "interfaces": listed});
    output.say(&said, |language| words(language, &listed, covered, zones_declared))?;
    Ok(Verdict::of(covered.owned == covered.interfaces && covered.encrypted == covered.interfaces))
}

fn words(language: Language, listed: &[Listed], covered: Coverage, zones_declared: bool) -> String {
    let mut text = String::new();
    for row in listed {
        let zones = row.zones.as_ref().map_or_else(String::new, |zones| format!("  {}", zones.join(",")));
        let _ = writeln!(
            text,
            "{:<9}  {:<22} {:<15} {:<16} {:<10}  {}  {}{zones}",
            row.door, row.owner, row.class, row.authentication, row.encryption, row.address, row.name
        );
    }
    let Coverage { interfaces, owned, encrypted, authenticated } = covered;
    text.push_str(&language.interfaces_covered(interfaces, owned, encrypted, authenticated));
    if !zones_declared {
        text.push('\n');
        text.push_str(&language.interfaces_without_zones());
    }
    text
}

fn tls_words(language: Language, postures: &[Posture]) -> String {
    let lines = postures.iter().map(|door| {
        let ends = door
            .certificate_not_after_ms
            .and_then(|end| jiff::Timestamp::from_millisecond(end).ok())
            .map_or_else(String::new, |end| end.to_string());
        let subject = door.certificate_subject.as_deref().unwrap_or_default();
        let (versions, suites, groups) =
            (door.versions.join(", "), door.suites.join(" "), door.key_exchange.join(" "));
        let named = format!("{}  {}", door.door, door.listen);
        let certificate = format!("{subject}, {ends}");
        language.tls_posture(named, versions, suites, groups, door.client_certificate, certificate)
    });
    lines.collect::<Vec<_>>().join("\n")
}
