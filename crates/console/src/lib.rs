//! The files of the console, as a browser gets them.
//!
//! They are built beforehand (`script/console build`) and are part of the program: nothing is read from a disk while it serves, and what a
//! browser runs is what was released. Without them the program is whole but for the console, and [`page`] says so by being nothing.

/// One file of the console.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path below the console, with `/`. All but the page have a digest of what they hold in their name.
    pub name: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
    /// The same in Brotli (RFC 7932), where that is shorter.
    pub brotli: Option<&'static [u8]>,
}

/// All of them, by name.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The name of the one page.
const PAGE: &str = "index.html";

/// What stands in the page where the nonce of its answer belongs (CSP Level 3 §2.3.1).
const NONCE: &str = "__nonce__";

/// A file by its path below the console; nothing where there is none of that name. The page is not among them: it has to have its nonce.
#[must_use]
pub fn file(name: &str) -> Option<&'static File> {
    let found = FILES.binary_search_by(|file| file.name.cmp(name)).ok()?;
    FILES.get(found).filter(|file| file.name != PAGE)
}

/// A part of the console that is loaded when it is needed, by the name of the module that it is made of: `Workspace`.
#[must_use]
pub fn part(module: &str) -> Option<&'static File> {
    let is_it = |name: &str| {
        let digest =
            name.strip_prefix("assets/").and_then(|name| name.strip_prefix(module)?.strip_prefix('-'));
        digest.is_some_and(|digest| digest.ends_with(".js") && !digest.trim_end_matches(".js").contains('.'))
    };
    FILES.iter().find(|file| is_it(file.name))
}

/// The page with the nonce of its answer; nothing where the console was not built into this program.
#[must_use]
pub fn page(nonce: &str) -> Option<String> {
    let found = FILES.binary_search_by(|file| file.name.cmp(PAGE)).ok()?;
    let text = std::str::from_utf8(FILES.get(found)?.bytes).ok()?;
    Some(text.replace(NONCE, nonce))
}

/// Whether the console was built into this program.
#[must_use]
pub fn is_built() -> bool {
    FILES.binary_search_by(|file| file.name.cmp(PAGE)).is_ok()
}

impl File {
    /// The media type, by the end of the name.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, end)| end) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("wasm") => "application/wasm",
            Some("json") => "application/json",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_and_the_page_is_none_of_them() {
        assert!(FILES.is_sorted_by(|one, other| one.name < other.name));
        assert!(FILES.iter().all(|found| !found.name.contains("..") && !found.bytes.is_empty()));
        for found in FILES.iter().filter(|found| found.name != PAGE) {
            assert_eq!(file(found.name).map(|file| file.name), Some(found.name));
            assert_ne!(found.media_type(), "application/octet-stream", "{}", found.name);
        }
        assert!(file(PAGE).is_none() && file("").is_none() && file("../Cargo.toml").is_none());
    }

    #[test]
    fn a_part_is_found_by_the_name_of_its_module() {
        assert_eq!(part("Workspace").is_some(), is_built());
        assert!(part("Workspac").is_none() && part("").is_none());
        if let Some(workspace) = part("Workspace") {
            assert!(
                workspace.name.starts_with("assets/Workspace-") && workspace.name.ends_with(".js"),
                "{}",
                workspace.name
            );
        }
    }

    #[test]
    fn each_answer_has_a_nonce_of_its_own() {
        assert_eq!(page("abc").is_some(), is_built());
        if let Some(text) = page("abc") {
            assert!(text.contains("abc") && !text.contains(NONCE));
        }
    }
}
