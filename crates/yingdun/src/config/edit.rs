//! Changes what a configuration file says of the root key, and nothing else in it: comments and order are those of its owner.
//!
//! Lines are taken out and put in, and then both texts are read: unless the new one says what it should, and of everything else what the
//! old one says, nothing is changed and a person is asked to.

use super::template::{RootValues, quote, root_lines};
use super::{Pkcs11, Transit};
use std::path::Path;
use toml::{Table, Value};

/// What `[keys]` says of the root key, beside its section.
const OPTIONS: [&str; 3] = ["root", "root_file", "passphrase_file"];

/// Why a configuration file was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    #[error("the configuration cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    #[error(
        "the section [keys] is not written as this program can change it; write each of its options on a line of its own, as `yingdun init` \
         does, and try again"
    )]
    Unfamiliar,
}

/// The text, with another keeper of the root key. `epoch_file` is written where it has to be said from now on.
///
/// # Errors
/// [`EditError`].
pub(crate) fn with_root(
    text: &str,
    values: &RootValues,
    epoch_file: Option<&Path>,
) -> Result<String, EditError> {
    let mut wanted: Table = text.parse()?;
    describe(&mut wanted, values, epoch_file).ok_or(EditError::Unfamiliar)?;
    // Files from before there were keepers to choose from do not say `root`.
    let says_root = text.parse::<Table>()?.get("keys").is_some_and(|keys| keys.get("root").is_some());
    let edited = edit(text, values, epoch_file, says_root);
    match edited.parse::<Table>() {
        Ok(says) if says == wanted => Ok(edited),
        Ok(_) | Err(_) => Err(EditError::Unfamiliar),
    }
}

/// What the file is to say. None where there is no `[keys]`.
fn describe(config: &mut Table, values: &RootValues, epoch_file: Option<&Path>) -> Option<()> {
    let keys = config.get_mut("keys")?.as_table_mut()?;
    for option in OPTIONS.iter().chain(&["pkcs11", "transit"]) {
        keys.remove(*option);
    }
    let text = |text: &str| Value::String(text.to_owned());
    let path = |path: &Path| text(&path.display().to_string());
    let mut section = Table::new();
    let root = match values {
        RootValues::File { root_file, passphrase_file } => {
            keys.insert("root_file".into(), text(root_file));
            if let Some(file) = passphrase_file {
                keys.insert("passphrase_file".into(), text(file));
            }
            "file"
        }
        RootValues::Pkcs11(Pkcs11 { module, token_label, key_label, pin_file }) => {
            section.insert("module".into(), path(module));
            section.insert("token_label".into(), text(token_label));
            section.insert("key_label".into(), text(key_label));
            if let Some(file) = pin_file {
                section.insert("pin_file".into(), path(file));
            }
            "pkcs11"
        }
        RootValues::Transit(Transit { address, mount, key, token_file, ca_file }) => {
            section.insert("address".into(), text(address));
            section.insert("mount".into(), text(mount));
            section.insert("key".into(), text(key));
            section.insert("token_file".into(), path(token_file));
            section.insert("ca_file".into(), path(ca_file));
            "transit"
        }
    };
    keys.insert("root".into(), text(root));
    if !section.is_empty() {
        keys.insert(root.into(), Value::Table(section));
    }
    if let Some(file) = epoch_file {
        keys.insert("epoch_file".into(), path(file));
    }
    Some(())
}

/// Takes the old lines out and puts the new ones in. What comes of it is judged afterwards.
fn edit(text: &str, values: &RootValues, epoch_file: Option<&Path>, says_root: bool) -> String {
    let (lines, section) = root_lines(values);
    let ours = comments_of_ours();
    let mut out: Vec<&str> = Vec::new();
    let epoch_line = epoch_file.map(|file| format!("epoch_file = {}", quote(&file.display().to_string())));
    let mut place = Place::Elsewhere;
    // Behind the last line of [keys] that says something: what follows is the comment of the next section.
    let mut end_of_keys = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            place = match trimmed.split('#').next().map(str::trim_end) {
                Some("[keys]") => Place::Keys,
                Some("[keys.pkcs11]" | "[keys.transit]") => Place::Old,
                _ => Place::Elsewhere,
            };
        }
        match place {
            Place::Elsewhere => out.push(line),
            Place::Old if trimmed.is_empty() || (trimmed.starts_with('#') && !ours.contains(trimmed)) => {
                out.push(line);
            }
            Place::Old => {}
            Place::Keys => {
                let option = trimmed.split(['=', '.']).next().unwrap_or_default().trim();
                if option == "root" {
                    out.extend(lines.lines().chain(epoch_line.as_deref()));
                } else if !OPTIONS.contains(&option) && !ours.contains(trimmed) {
                    out.push(line);
                    if trimmed.starts_with('[') && !says_root {
                        out.extend(lines.lines().chain(epoch_line.as_deref()));
                    }
                } else {
                    continue;
                }
                if !trimmed.is_empty() {
                    end_of_keys = Some(out.len());
                }
            }
        }
    }
    if let Some(at) = end_of_keys {
        out.splice(at..at, section.lines());
    }
    let mut text = out.join("\n");
    text.push('\n');
    text
}

enum Place {
    /// The section that is changed.
    Keys,
    /// A section of a keeper, which goes.
    Old,
    Elsewhere,
}

/// The comments that the template writes about a keeper: they go with what they explain.
fn comments_of_ours() -> std::collections::BTreeSet<String> {
    let (none, path) = (String::new, std::path::PathBuf::new);
    let token = Pkcs11 { module: path(), token_label: none(), key_label: none(), pin_file: None };
    let transit =
        Transit { address: none(), mount: none(), key: none(), token_file: path(), ca_file: path() };
    let file = RootValues::File { root_file: none(), passphrase_file: None };
    [file, RootValues::Pkcs11(token), RootValues::Transit(transit)]
        .iter()
        .map(root_lines)
        .flat_map(|(keys, section)| [keys, section])
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with('#'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, TemplateValues, render};
    use super::*;
    use std::path::PathBuf;

    fn file() -> RootValues {
        let passphrase_file = Some("keys/passphrase".to_owned());
        RootValues::File { root_file: "keys/root.key".into(), passphrase_file }
    }

    fn shared() -> RootValues {
        RootValues::File { root_file: "keys/root.key".into(), passphrase_file: None }
    }

    fn token() -> RootValues {
        RootValues::Pkcs11(Pkcs11 {
            module: "/usr/lib/vendor.so".into(),
            token_label: "the \"house\"".into(),
            key_label: "root".into(),
            pin_file: None,
        })
    }

    fn transit() -> RootValues {
        RootValues::Transit(Transit {
            address: "https://vault.example:8200".into(),
            mount: "transit".into(),
            key: "root".into(),
            token_file: "keys/token".into(),
            ca_file: "pki/vault.pem".into(),
        })
    }

    #[test]
    fn from_every_keeper_to_every_other_the_file_is_as_if_it_had_been_written_for_that_one() {
        let all = [file, shared, token, transit];
        for from in all {
            for to in all {
                let text = render(&TemplateValues { root: from(), ..TemplateValues::example() });
                let wanted = render(&TemplateValues { root: to(), ..TemplateValues::example() });
                let edited = with_root(&text, &to(), None).unwrap();
                assert_eq!(edited.parse::<Table>().unwrap(), wanted.parse::<Table>().unwrap());
                let lines = |text: &str| -> Vec<String> {
                    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
                };
                assert_eq!(lines(&edited), lines(&wanted));
            }
        }
    }

    #[test]
    fn what_its_owner_wrote_stays_and_the_epoch_file_is_said_where_it_has_to_be() {
        let text = render(&TemplateValues::example())
            .replace("suite = ", "# our own note\nsuite = ")
            .replace("[log]", "# another note\n[log]");
        let epoch = PathBuf::from("/mnt/keys/epoch.key");
        let edited = with_root(&text, &token(), Some(&epoch)).unwrap();
        assert!(edited.contains("# our own note\nsuite = ") && edited.contains("# another note\n[log]"));
        let config = Config::of_text(&edited, Path::new("/etc/yingdun.toml")).unwrap();
        assert_eq!(config.keys.epoch_file(), epoch);
    }

    #[test]
    fn a_section_that_is_written_in_another_way_is_left_for_a_person() {
        let text = render(&TemplateValues::example());
        let inline = text.replace(
            "root = \"file\"",
            "root = \"file\"\npkcs11 = { module = \"/m\", token_label = \"t\", key_label = \"k\" }",
        );
        let quoted = text.replace("root_file = ", "\"root_file\" = ");
        for unfamiliar in [inline, quoted] {
            assert!(matches!(with_root(&unfamiliar, &transit(), None), Err(EditError::Unfamiliar)));
        }
        let without = text.replace("root = \"file\"\n", "");
        assert!(with_root(&without, &transit(), None).is_ok(), "as it was written before one could choose");
        assert!(matches!(with_root("[keys", &transit(), None), Err(EditError::Malformed(_))));
    }
}
