//! `audit policy`: a witness policy from the public keys and addresses of witnesses.

use super::{CommandError, Verdict};
use crate::output::{self, Output};
use serde_json::json;
use yingdun_audit::Policy;
use yingdun_crypto::sign::CosignatureVerifier;

/// Prints a policy that these witnesses fulfil (a key, its address, the next key, …) when so many of them have seen a checkpoint.
pub(super) fn print(witnesses: &[String], least: usize, output: Output) -> Result<Verdict, CommandError> {
    let text = text(witnesses, least).map_err(CommandError::Usage)?;
    if output.is_json() {
        output.say(&json!({ "policy": text }), |_| String::new())?;
    } else {
        // The text is the document.
        output::write(&text)?;
    }
    Ok(Verdict::Good)
}

/// The policy, or what is wrong.
fn text(witnesses: &[String], least: usize) -> Result<String, String> {
    let mut lines = String::from(
        "# Whose word counts of this log (C2SP tlog-policy): witnesses at other nodes, never its own.\n",
    );
    let mut names = Vec::new();
    for pair in witnesses.chunks(2) {
        let [key, url] = pair else { return Err("a witness is its key and its address".to_owned()) };
        let verifier = CosignatureVerifier::parse(key.trim())
            .map_err(|error| format!("`{key}` is no key of a witness: {error}"))?;
        if !url.starts_with("https://") {
            return Err(format!("`{url}` is no https address, as in https://node-b.example:8444"));
        }
        let name = verifier.name().to_owned();
        lines.push_str(&format!("witness {name} {verifier} {}\n", url.trim_end_matches('/')));
        names.push(name);
    }
    if least == 0 || least > names.len() {
        return Err(format!(
            "at least 1 and at most {} of these witnesses can be asked for, not {least}",
            names.len()
        ));
    }
    lines.push_str(&format!("group enough {least} {}\nquorum enough\n", names.join(" ")));
    // What is printed is what is read.
    Policy::parse(&lines).map_err(|error| error.to_string())?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::sign::{Cosigner, SigningKey};

    fn key(name: &str) -> String {
        Cosigner::new(name, SigningKey::generate()).unwrap().verifier().to_string()
    }

    #[test]
    fn a_policy_names_each_witness_and_asks_for_as_many_as_were_wanted() {
        let (b, c) = (key("b.example/witness"), key("c.example/witness"));
        let both = [b.clone(), "https://b.example:8444/".into(), c, "https://c.example:8444".into()];
        let policy = Policy::parse(&text(&both, 2).unwrap()).unwrap();
        let urls: Vec<_> = policy.witnesses().iter().map(|witness| witness.url.as_deref().unwrap()).collect();
        assert_eq!(urls, ["https://b.example:8444", "https://c.example:8444"]);
        let seen = |witness| yingdun_audit::Sighting { witness, size: 7, time_s: 1 };
        assert!(policy.quorum(&[seen(0)]).is_none() && policy.quorum(&[seen(0), seen(1)]).is_some());
        assert!(Policy::parse(&text(&both, 1).unwrap()).unwrap().quorum(&[seen(1)]).is_some());
        for least in [0, 3] {
            assert!(text(&both, least).unwrap_err().contains("at most 2"));
        }
        let twice = [b.clone(), "https://b.example".into(), b.clone(), "https://b.example".into()];
        assert!(text(&twice, 1).is_err());
        assert!(text(&[b, "http://b.example".into()], 1).unwrap_err().contains("https"));
        assert!(text(&["nonsense".into(), "https://b.example".into()], 1).unwrap_err().contains("no key"));
    }
}
