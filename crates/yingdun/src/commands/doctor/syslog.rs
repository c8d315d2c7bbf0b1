//! The collector of audit records: whether it answers and takes our certificate, and how far it has the log.

use super::{error, note};
use crate::config::{Config, Finding};
use crate::wiring;
use yingdun_syslog::{position_of, try_connection};

const OPTION: &str = "syslog.collector";

/// What is to be said of the collector; nothing where none is configured.
pub(super) async fn syslog(config: &Config) -> Vec<Finding> {
    let to = match wiring::syslog(config) {
        Ok(Some(to)) => to,
        Ok(None) => return Vec::new(),
        Err(cause) => {
            let remedy = "name files with certificate, key and authority";
            return vec![error("syslog.certificate_file", cause.to_string(), remedy)];
        }
    };
    let mut findings = Vec::new();
    if let Err(cause) = try_connection(&to).await {
        let remedy = "start it, or correct address and certificates of both sides; records wait in the audit log meanwhile";
        findings.push(error(OPTION, cause.to_string(), remedy));
    }
    let collector = to.collector.to_string();
    findings.push(match position_of(&config.audit.directory) {
        Ok(Some(position)) if position.log == config.audit.origin && position.collector == collector => {
            let cause = format!("{collector} has the audit log up to number {} for certain", position.next);
            note(OPTION, cause, "nothing")
        }
        Ok(_) => {
            let cause = format!("{collector} has none of the audit log for certain yet");
            note(OPTION, cause, "nothing, as long as this is so for a minute after the first start only")
        }
        Err(cause) => {
            error(OPTION, cause.to_string(), "give the account of the archive its audit folder back")
        }
    });
    findings
}
