//! What a server writes, as far as it is needed. It is searched and not parsed: elements are found by their names wherever they stand, in one pass and
//! without nesting, so that no answer costs more than its bytes.

/// What lies between the tags of each element of a name, in order.
pub(super) fn elements<'a>(body: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = body;
    std::iter::from_fn(move || {
        let (inner, behind) = rest.split_once(&open)?.1.split_once(&close)?;
        rest = behind;
        Some(inner)
    })
}

/// The text of the first element of a name.
pub(super) fn text(body: &str, name: &str) -> Option<String> {
    let inner = elements(body, name).next()?;
    Some(inner.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// The code of an error, when it is one word.
pub(super) fn code_of(body: &str) -> Option<&str> {
    let plain = |code: &&str| {
        code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    elements(body, "Code").next().filter(plain)
}

/// The element that must stand in every answer of a kind: an error page that came with status 200 has none.
pub(super) fn expect<'a>(body: &'a str, element: &str) -> std::io::Result<&'a str> {
    if body.contains(&format!("<{element}")) {
        return Ok(body);
    }
    let code = code_of(body).unwrap_or("nothing that is understood");
    Err(std::io::Error::other(format!("the server answered {code} where {element} was expected")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_found_by_name_in_their_order() {
        let body = "<?xml version=\"1.0\"?><R xmlns=\"x\"><Upload><Key>a</Key><UploadId>x&amp;y</UploadId></Upload>\
            <Upload>\n<Key>b</Key></Upload><Upload><Key>c</Key></R>";
        let keys: Vec<_> = elements(body, "Upload").filter_map(|one| text(one, "Key")).collect();
        assert_eq!(keys, ["a", "b"], "the last one has no end");
        assert_eq!(text(body, "UploadId").as_deref(), Some("x&y"));
        assert_eq!(text(body, "Nothing"), None);
        assert_eq!(code_of("<Error><Code>NoSuchKey</Code></Error>"), Some("NoSuchKey"));
        assert_eq!(code_of("<Code>not a word</Code>"), None);
        assert!(expect(body, "R").is_ok());
        let error = expect("<Error><Code>InternalError</Code></Error>", "R").unwrap_err();
        assert!(error.to_string().contains("InternalError"));
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_writes_stops_the_search(body in "(<|>|/|Key|&amp;|a| |<Key>|</Key>){0,40}") {
            prop_assert!(elements(&body, "Key").count() <= body.len());
            let _text = text(&body, "Key");
        }
    }
}
