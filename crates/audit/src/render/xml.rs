//! Writes XML: elements and attributes in order, on one line. Reads none.

use std::fmt::Write as _;

/// A document that grows.
pub(super) struct Xml(String);

impl Xml {
    /// An empty document, with its declaration.
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned())
    }

    /// An element with what stands in it.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        let _ = write!(self.0, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
        inside(self);
        let _ = write!(self.0, "</{name}>");
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.element(name, attributes, |_| ());
    }

    /// Text, escaped. What no document may hold, however it is written, becomes U+FFFD.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                // A reader makes a space of them in an attribute, unless they are written so.
                '\t' | '\n' | '\r' => {
                    let _ = write!(self.0, "&#{};", u32::from(c));
                }
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
    }

    /// The whole.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_cannot_leave_its_place() {
        let mut xml = Xml::new();
        xml.element("a", &[("b", "\"><c/>&\n\u{1}\u{fffe}")], |xml| xml.text("<d>影"));
        let body = "<a b=\"&quot;&gt;&lt;c/&gt;&amp;&#10;\u{fffd}\u{fffd}\">&lt;d&gt;影</a>";
        assert_eq!(xml.finish().split_once("?>").unwrap().1, body);
    }
}
