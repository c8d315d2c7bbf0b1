//! WADO-URI (PS3.18 §9): one object by the parameters of one address, as viewers and report systems have asked for it
//! since before there was WADO-RS.

use super::view::{Picture, Wish};
use super::{negotiate, rendered, retrieve};
use crate::http::form::Parameters;
use crate::http::media::{Accept, Media};
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use yingdun_model::Uid;

/// Retrieves an object as it is stored, or one frame of it as a picture.
pub(crate) async fn retrieve(call: Call) -> Result<Response<Body>, Problem> {
    let Asked { study, series, instance, form } = Asked::parse(&call.query, &call.accept)?;
    let (opened, entries) = retrieve::open_at(&call, &study, series.as_ref(), Some(&instance)).await?;
    match form {
        Form::Object { transfer_syntax } => {
            let accept = format!("application/dicom; transfer-syntax={transfer_syntax}");
            let accept = Accept::parse([accept.as_str()]).map_err(|_| malformed("transferSyntax"))?;
            retrieve::objects_of(&call, opened, entries, &accept, true).await
        }
        Form::Picture { wish, frame } => {
            let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
            rendered::answer(&call, &opened, entry, &[frame], wish).await
        }
    }
}

/// What the address asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    study: Uid,
    series: Option<Uid>,
    instance: Uid,
    form: Form,
}

#[derive(Debug, PartialEq)]
enum Form {
    /// The object; a transfer syntax or `*`.
    Object { transfer_syntax: String },
    /// A frame of it, from 1.
    Picture { wish: Wish, frame: u32 },
}

impl Asked {
    fn parse(query: &Parameters, accept: &Accept) -> Result<Self, Problem> {
        if query.required("requestType")? != "WADO" {
            return Err(Problem::bad_request("requestType=WADO", "another type"));
        }
        if query.one("anonymize")?.is_some_and(|value| value != "no") {
            return Err(Problem::bad_request("an object as it is stored", "`anonymize`")
                .remedy("retrieve the object and take the names out on your side"));
        }
        let uid = |name: &str, text: &str| {
            Uid::new(text)
                .map_err(|error| Problem::bad_request(format!("a UID as {name}"), error.to_string()))
        };
        Ok(Self {
            study: uid("studyUID", query.required("studyUID")?)?,
            series: query.one("seriesUID")?.map(|text| uid("seriesUID", text)).transpose()?,
            instance: uid("objectUID", query.required("objectUID")?)?,
            form: form(query, accept)?,
        })
    }
}

/// The first type of `contentType` that can be served decides; without it, what the client accepts. A picture is the
/// default (PS3.18 §9.1.2.2.2).
fn form(query: &Parameters, accept: &Accept) -> Result<Form, Problem> {
    const OFFERED: [&str; 3] = ["image/jpeg", "image/png", "application/dicom"];
    let essences: Vec<String> = match query.one("contentType")? {
        Some(list) => list
            .split(',')
            .map(|text| Media::parse(text.trim()).map(|media| media.essence()))
            .collect::<Result<_, _>>()
            .map_err(|_| malformed("contentType"))?,
        None => accept.choose(&OFFERED).into_iter().map(str::to_owned).collect(),
    };
    let not_acceptable = || {
        Problem::new(Kind::NotAcceptable)
            .expected("contentType=application/dicom, image/jpeg or image/png")
            .available(OFFERED.map(str::to_owned))
    };
    match essences.iter().find(|essence| OFFERED.contains(&essence.as_str())).map(String::as_str) {
        None => Err(not_acceptable()),
        Some("application/dicom") => {
            let transfer_syntax = match query.one("transferSyntax")? {
                None => "*".to_owned(),
                Some(text) => Uid::new(text).map_err(|_| malformed("transferSyntax"))?.to_string(),
            };
            Ok(Form::Object { transfer_syntax })
        }
        Some(picture) => {
            let picture = if picture == "image/png" { Picture::Png } else { Picture::Jpeg };
            let wish = Wish::of_uri(query, picture)?;
            let frame = match query.one("frameNumber")? {
                None => 1,
                Some(text) => match negotiate::frame_list(text)?.as_slice() {
                    [number] => *number,
                    _ => return Err(Problem::bad_request("one frame number from 1", text)),
                },
            };
            Ok(Form::Picture { wish, frame })
        }
    }
}

fn malformed(name: &str) -> Problem {
    Problem::bad_request(format!("a well-formed `{name}`"), "another value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rest: &str) -> Result<Asked, Problem> {
        let query = format!("requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4{rest}");
        Asked::parse(&Parameters::parse(&query).unwrap(), &Accept::parse(["*/*"]).unwrap())
    }

    #[test]
    fn an_object_comes_as_it_is_stored_unless_a_transfer_syntax_is_named() {
        let syntax = |rest: &str| match asked(rest).unwrap().form {
            Form::Object { transfer_syntax } => transfer_syntax,
            Form::Picture { .. } => panic!("an object"),
        };
        assert_eq!(syntax("&contentType=application/dicom"), "*");
        assert_eq!(
            syntax("&contentType=application%2Fdicom&transferSyntax=1.2.840.10008.1.2.1"),
            "1.2.840.10008.1.2.1"
        );
    }

    #[test]
    fn a_picture_is_the_default_and_the_first_type_that_can_be_made_wins() {
        for (rest, picture) in [
            ("", Picture::Jpeg),
            ("&contentType=image/gif,image/png;q=0.5,image/jpeg", Picture::Png),
            ("&contentType=image/jpeg&frameNumber=3", Picture::Jpeg),
        ] {
            let Form::Picture { wish, .. } = asked(rest).unwrap().form else { panic!("a picture") };
            assert_eq!(wish.picture, picture, "{rest}");
        }
    }

    #[test]
    fn what_is_missing_malformed_or_not_done_here_is_said() {
        for rest in [
            "&anonymize=yes",
            "&frameNumber=0",
            "&frameNumber=1,2",
            "&contentType=x",
            "&studyUID=1.2",
            "&rows=x",
        ] {
            assert_eq!(asked(rest).unwrap_err().kind(), Kind::BadRequest, "{rest}");
        }
        assert_eq!(asked("&contentType=text/html").unwrap_err().kind(), Kind::NotAcceptable);
        for query in [
            "",
            "requestType=WADO",
            "requestType=X&studyUID=1.2&objectUID=1.4",
            "requestType=WADO&studyUID=1.2",
        ] {
            let parameters = Parameters::parse(query).unwrap();
            let refused = Asked::parse(&parameters, &Accept::parse(["*/*"]).unwrap()).unwrap_err();
            assert_eq!(refused.kind(), Kind::BadRequest, "{query}");
        }
    }
}
