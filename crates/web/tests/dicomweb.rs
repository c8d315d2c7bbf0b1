//! DICOMweb over HTTPS against the real rooms.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]

mod harness;

use harness::{Running, ct, files, multipart, parts};
use serde_json::Value;
use std::io::Read;
use yingdun_dicom::part10::{HeaderLook, read_header};
use yingdun_model::Role;

/// The data set of a DICOM file.
fn data_set(file: &[u8]) -> &[u8] {
    match read_header(file, true).unwrap() {
        HeaderLook::Found(header) => &file[header.data_set_offset..],
        HeaderLook::NeedMore => panic!("a whole file has a whole header"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_comes_back_bit_for_bit() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let radiologist = running.person("rad", Role::Radiologist).await;
    let study = ct(1, 5);
    let sent = files(&study);
    let stored = running.stow(&technician, &sent).await;
    assert_eq!(stored.status(), 200);
    assert_eq!(stored.headers()["content-type"], "application/dicom+json");
    let receipt: Value = stored.json().await.unwrap();
    assert_eq!(receipt["00081199"]["Value"].as_array().unwrap().len(), 5);
    let url = receipt["00081190"]["Value"][0].as_str().unwrap();
    assert_eq!(url, format!("{}/dicom-web/studies/{}", running.origin, study.study));

    // The whole study and the whole series, over HTTP/2 and HTTP/1.1.
    let mut expected: Vec<&[u8]> = sent.iter().map(|file| data_set(file)).collect();
    expected.sort_unstable();
    for path in [
        format!("/dicom-web/studies/{}", study.study),
        format!("/wado/studies/{}/series/{}", study.study, study.series),
    ] {
        for client in [running.client.clone(), running.client_http1()] {
            let answer = client
                .get(format!("{}{path}", running.origin))
                .bearer_auth(&radiologist)
                .header("accept", "multipart/related; type=\"application/dicom\"; transfer-syntax=*")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            let parts = parts(answer).await;
            let mut came: Vec<&[u8]> = parts.iter().map(|part| data_set(part)).collect();
            came.sort_unstable();
            assert_eq!(came, expected, "{path}");
            assert!(parts.iter().all(|part| part[..128] == [0; 128]), "the preamble is neutral");
        }
    }

    // One instance, alone.
    let instance = study.instance(0);
    let path = format!(
        "/dicom-web/studies/{}/series/{}/instances/{}",
        study.study, study.series, instance.sop_instance
    );
    let one = running.get(&path, &radiologist).header("accept", "application/dicom").send().await.unwrap();
    assert_eq!(one.status(), 200);
    assert!(
        one.headers()["content-type"].to_str().unwrap().starts_with("application/dicom; transfer-syntax=")
    );
    assert_eq!(data_set(&one.bytes().await.unwrap()), data_set(&sent[0]));

    // One frame: the pixels of the data set are its last bytes.
    let frame = running
        .get(&format!("{path}/frames/1"), &radiologist)
        .header("accept", "application/octet-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(frame.status(), 200);
    let frame = frame.bytes().await.unwrap();
    assert_eq!(frame.len(), 64 * 64 * 2);
    assert!(data_set(&sent[0]).windows(frame.len()).any(|window| window == frame));
    let frames = running.get(&format!("{path}/frames/1"), &radiologist).send().await.unwrap();
    assert_eq!(parts(frames).await, [frame.to_vec()]);
    for (list, status) in [("2", 404), ("0", 400), ("1,x", 400)] {
        let wrong = running.get(&format!("{path}/frames/{list}"), &radiologist).send().await.unwrap();
        assert_eq!(wrong.status(), status, "frames/{list}");
    }

    // Another transfer syntax, another type.
    for accept in [
        "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.102",
        "image/png",
        "multipart/related; type=\"application/dicom+xml\"",
    ] {
        let refused = running.get(&path, &radiologist).header("accept", accept).send().await.unwrap();
        assert_eq!(refused.status(), 406, "{accept}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_an_array_whose_bulk_data_can_be_fetched() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(2, 3);
    let sent = files(&study);
    assert_eq!(running.stow(&technician, &sent).await.status(), 200);
    let base = format!("/dicom-web/studies/{}", study.study);
    for (path, count) in [
        (format!("{base}/metadata"), 3),
        (format!("{base}/series/{}/metadata", study.series), 3),
        (format!("{base}/series/{}/instances/{}/metadata", study.series, study.instance(1).sop_instance), 1),
    ] {
        let answer = running.get(&path, &technician).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/dicom+json");
        let rows: Vec<Value> = answer.json().await.unwrap();
        assert_eq!(rows.len(), count);
        let row = &rows[0];
        assert_eq!(row["0020000D"]["Value"][0], study.study.as_str());
        let bulk = row["7FE00010"]["BulkDataURI"].as_str().unwrap();
        let bulk_path = bulk.strip_prefix(&running.origin).unwrap();
        let value = running
            .get(bulk_path, &technician)
            .header("accept", "application/octet-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(value.status(), 200);
        assert_eq!(value.content_length(), Some(64 * 64 * 2));
        let multipart = running.get(bulk_path, &technician).send().await.unwrap();
        assert_eq!(parts(multipart).await, [value.bytes().await.unwrap().to_vec()]);
    }
    let unknown =
        format!("{base}/series/{}/instances/{}/bulk/00000000", study.series, study.instance(1).sop_instance);
    assert_eq!(running.get(&unknown, &technician).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_match_page_and_explain_themselves() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let studies: Vec<_> = (10..13).map(|seed| ct(seed, 2)).collect();
    for study in &studies {
        assert_eq!(running.stow(&technician, &files(study)).await.status(), 200);
    }
    let rows = async |query: &str| -> Vec<Value> {
        let answer = running.get(&format!("/dicom-web/{query}"), &technician).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json().await.unwrap()
    };
    assert_eq!(rows("studies").await.len(), 3);
    assert_eq!(rows("studies?PatientID=nobody").await, Vec::<Value>::new());
    let uid = &studies[1].study;
    for query in [
        format!("studies?StudyInstanceUID={uid}"),
        format!("studies?0020000d={uid}"),
        format!("studies?StudyInstanceUID={uid},1.2.3"),
        format!("studies?AccessionNumber={}", studies[1].accession_number),
    ] {
        let found = rows(&query).await;
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0]["0020000D"]["Value"][0], uid.as_str());
        assert_eq!(
            found[0]["00081190"]["Value"][0],
            format!("{}/dicom-web/studies/{uid}", running.origin),
            "where it can be retrieved"
        );
    }
    assert_eq!(rows(&format!("studies/{uid}/series")).await.len(), 1);
    assert_eq!(rows(&format!("studies/{uid}/instances")).await.len(), 2);
    assert_eq!(rows(&format!("studies/{uid}/series/{}/instances", studies[1].series)).await.len(), 2);
    assert_eq!(rows(&format!("series?StudyInstanceUID={uid}")).await.len(), 1);
    assert_eq!(rows(&format!("instances?StudyInstanceUID={uid}&limit=1")).await.len(), 1);

    // Pages do not overlap and cover everything.
    let mut seen: Vec<String> = Vec::new();
    for offset in 0..3 {
        let page = rows(&format!("studies?limit=1&offset={offset}")).await;
        seen.push(page[0]["0020000D"]["Value"][0].as_str().unwrap().to_owned());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);

    let more = running.get("/dicom-web/studies?limit=1&KVP=120", &technician).send().await.unwrap();
    let warnings: Vec<_> = more.headers().get_all("warning").iter().collect();
    assert_eq!(warnings.len(), 2, "a key that is not matched, and more rows");

    for query in
        ["studies?NoSuchAttribute=1", "studies?limit=x", "studies?limit=1&limit=2", "series?SeriesNumber=x"]
    {
        let wrong = running.get(&format!("/dicom-web/{query}"), &technician).send().await.unwrap();
        assert_eq!(wrong.status(), 400, "{query}");
        let problem: Value = wrong.json().await.unwrap();
        assert!(problem["title_zh"].is_string() && problem["expected"].is_string(), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_says_what_became_of_every_part() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(3, 2);
    let sent = files(&study);

    // A single body without multipart.
    let single = running
        .post("/dicom-web/studies", &technician)
        .header("content-type", "application/dicom")
        .body(sent[0].clone())
        .send()
        .await
        .unwrap();
    assert_eq!(single.status(), 200);

    // One good part, one that is no DICOM: 202 and both are named.
    let mixed = running.stow(&technician, &[sent[1].clone(), b"<html>not an image</html>".to_vec()]).await;
    assert_eq!(mixed.status(), 202);
    let receipt: Value = mixed.json().await.unwrap();
    assert_eq!(receipt["00081199"]["Value"].as_array().unwrap().len(), 1);
    assert_eq!(receipt["0008119A"]["Value"][0]["00081197"]["Value"][0], 0xC000);

    // The wrong study in the address.
    let other = running
        .post("/dicom-web/studies/1.2.3.4", &technician)
        .header("content-type", "application/dicom")
        .body(files(&ct(4, 1))[0].clone())
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 409);
    let receipt: Value = other.json().await.unwrap();
    assert_eq!(receipt["00081198"]["Value"][0]["00081197"]["Value"][0], 0xA900);

    let send = async |content_type: &str, body: Vec<u8>| {
        running
            .post("/dicom-web/studies", &technician)
            .header("content-type", content_type)
            .body(body)
            .send()
            .await
            .unwrap()
    };
    let related = "multipart/related; type=\"application/dicom\"; boundary=b";
    let whole = multipart(&files(&ct(5, 2)), "b");
    // Cut in the second part: the first one is stored, the request is refused and says so.
    let cut = send(related, whole[..whole.len() - 20].to_vec()).await;
    assert_eq!(cut.status(), 400);
    let problem: Value = cut.json().await.unwrap();
    assert!(problem["came"].as_str().unwrap().contains("closing delimiter"), "{problem}");
    assert!(problem["do"].as_str().unwrap().contains("1 complete instances"), "{problem}");

    for (content_type, body, status) in [
        ("multipart/related; type=\"application/dicom\"", whole.clone(), 400),
        ("multipart/related; type=\"application/dicom+json\"; boundary=b", whole.clone(), 400),
        ("multipart/related; type=\"application/dicom+xml\"; boundary=b", whole.clone(), 415),
        ("multipart/form-data; boundary=b", whole.clone(), 415),
        ("text/plain", whole.clone(), 415),
        (related, b"--b--\r\n".to_vec(), 400),
        (related, Vec::new(), 400),
        ("application/dicom", Vec::new(), 409),
        ("application/dicom", vec![0; 200], 409),
        ("application/dicom", b"DICM".repeat(100), 409),
    ] {
        assert_eq!(send(content_type, body).await.status(), status, "{content_type}");
    }
    let xml = running
        .post("/dicom-web/studies", &technician)
        .header("content-type", related)
        .header("accept", "application/dicom+xml")
        .body(whole)
        .send()
        .await
        .unwrap();
    assert_eq!(xml.status(), 406);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_whether_a_study_exists_that_is_not_for_them() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let clinician = running.person("doc", Role::Clinician).await;
    let study = ct(6, 1);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let series = format!("/series/{}", study.series);
    let frame = format!("{series}/instances/{}/frames/1/rendered", study.instance(0).sop_instance);
    for suffix in ["", "/metadata", "/bulkdata", "/pixeldata", "/thumbnail", &series, &frame] {
        let hidden = running.get(&format!("/dicom-web/studies/{}{suffix}", study.study), &clinician);
        let absent = running.get(&format!("/dicom-web/studies/1.2.3{suffix}"), &clinician);
        let (hidden, absent) = (hidden.send().await.unwrap(), absent.send().await.unwrap());
        assert_eq!((hidden.status(), absent.status()), (404.try_into().unwrap(), 404.try_into().unwrap()));
        assert_eq!(hidden.text().await.unwrap(), absent.text().await.unwrap());
    }
    let listed = running.get("/dicom-web/studies", &clinician).send().await.unwrap();
    assert_eq!(listed.json::<Vec<Value>>().await.unwrap(), Vec::<Value>::new());

    // With a care relation the same study opens, without a new login.
    let patient = &study.patient;
    let body = serde_json::json!({
        "name": "doc",
        "patient_id": patient.id,
        "valid_from_ms": running.now().as_ms() - 1000,
        "valid_until_ms": running.now().as_ms() + 3_600_000,
    });
    let security = running.officer(Role::SecurityAdministrator);
    let given = running.request(reqwest::Method::PUT, "/api/v1/care-relations", security).json(&body);
    assert_eq!(given.send().await.unwrap().status(), 204);
    let opened =
        running.get(&format!("/dicom-web/studies/{}", study.study), &clinician).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    assert_eq!(parts(opened).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_and_the_attempt_is_on_the_ledger() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(7, 1);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let path = format!("/dicom-web/studies/{}", study.study);
    let refused = running.request(reqwest::Method::DELETE, &path, &technician).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["came"], "destruction-not-available");
    assert_eq!(running.get(&path, &technician).send().await.unwrap().status(), 200);
    let found = running.audit.reader().tail(10).unwrap();
    assert!(found.iter().any(|leaf| leaf.leaf.reason.as_str() == "destruction-not-available"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_has_already_is_not_sent_again_and_a_part_can_be_had_alone() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let clinician = running.person("doc", Role::Clinician).await;
    let study = ct(8, 2);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let series = format!("/dicom-web/studies/{}/series/{}", study.study, study.series);
    let path = format!("{series}/instances/{}", study.instance(0).sop_instance);
    let get = async |path: &str, token: &str, fields: &[(&str, &str)]| {
        let request = running.get(path, token);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    };
    let single = ("accept", "application/dicom");
    let octets = ("accept", "application/octet-stream");
    let any = ("accept", "*/*");
    let bulk = format!("{path}/bulk/7FE00010");
    let mut tags = Vec::new();
    for (path, accept) in [
        (path.clone(), single),
        (path.clone(), any),
        (series.clone(), any),
        (format!("{path}/frames/1"), octets),
        (format!("{path}/frames/1"), any),
        (format!("{path}/metadata"), any),
        (format!("{series}/metadata"), any),
        (bulk.clone(), octets),
        (bulk.clone(), any),
    ] {
        let first = get(&path, &technician, &[accept]).await;
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let body = first.bytes().await.unwrap();
        let again = get(&path, &technician, &[accept]).await;
        assert_eq!(again.headers()["etag"], tag.as_str());
        assert_eq!(again.bytes().await.unwrap(), body, "the same validator, the same bytes: {path}");
        let known = get(&path, &technician, &[accept, ("if-none-match", &tag)]).await;
        assert_eq!(known.status(), 304, "{path}");
        assert_eq!(known.headers()["etag"], tag.as_str());
        let hidden = get(&path, &clinician, &[accept, ("if-none-match", &tag)]).await;
        assert_eq!(hidden.status(), 404, "who may not see it learns nothing from a validator");
        assert!(hidden.headers().get("etag").is_none());
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 9, "no two representations share a validator");

    for (path, accept) in [(path.as_str(), single), (bulk.as_str(), octets)] {
        let whole = get(path, &technician, &[accept]).await;
        assert_eq!(whole.headers()["accept-ranges"], "bytes");
        let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
        let whole = whole.bytes().await.unwrap();
        let length = whole.len();
        for (range, from, until) in [
            ("bytes=0-0".to_owned(), 0, 1),
            ("bytes=100-899".to_owned(), 100, 900),
            (format!("bytes={}-", length - 7), length - 7, length),
            ("bytes=-5000".to_owned(), length - 5000, length),
            (format!("bytes=1-{}", length * 2), 1, length),
        ] {
            let part = get(path, &technician, &[accept, ("range", &range), ("if-range", &tag)]).await;
            assert_eq!(part.status(), 206, "{range}");
            assert_eq!(
                part.headers()["content-range"],
                format!("bytes {from}-{}/{length}", until - 1).as_str()
            );
            assert_eq!(part.bytes().await.unwrap(), whole[from..until], "{range}");
        }
        let behind = get(path, &technician, &[accept, ("range", &format!("bytes={length}-"))]).await;
        assert_eq!(behind.status(), 416);
        assert_eq!(behind.headers()["content-range"], format!("bytes */{length}").as_str());
        let stale = get(path, &technician, &[accept, ("range", "bytes=0-0"), ("if-range", "\"old\"")]).await;
        assert_eq!((stale.status().as_u16(), stale.content_length()), (200, Some(length as u64)));
    }

    // Another version of the same instance is other bytes.
    let before = get(&path, &technician, &[single]).await.headers()["etag"].to_str().unwrap().to_owned();
    let mut changed = files(&study)[0].clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(running.stow(&technician, &[changed]).await.status(), 200);
    let now = get(&path, &technician, &[single, ("if-none-match", &before)]).await;
    assert_eq!(now.status(), 200);
    assert_ne!(now.headers()["etag"], before.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_searches_are_compressed_for_those_who_take_it_and_pages_never_are() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(9, 20);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let metadata = format!("/dicom-web/studies/{}/metadata", study.study);
    let search = format!("/dicom-web/studies/{}/instances", study.study);
    for path in [&metadata, &search] {
        let plain = running.get(path, &technician).send().await.unwrap();
        assert!(plain.headers().get("content-encoding").is_none(), "only who asks gets it");
        let plain = plain.bytes().await.unwrap();
        for coding in ["gzip", "zstd"] {
            let answer =
                running.get(path, &technician).header("accept-encoding", coding).send().await.unwrap();
            assert_eq!(answer.headers()["content-encoding"], coding);
            assert_eq!(answer.headers()["vary"], "Accept-Encoding");
            let pressed = answer.bytes().await.unwrap();
            assert!(pressed.len() * 3 < plain.len(), "{} of {}", pressed.len(), plain.len());
            let mut came = Vec::new();
            match coding {
                "gzip" => flate2::read::GzDecoder::new(&pressed[..]).read_to_end(&mut came).unwrap(),
                _ => zstd::stream::read::Decoder::new(&pressed[..]).unwrap().read_to_end(&mut came).unwrap(),
            };
            assert_eq!(came, plain);
        }
    }
    let tag = async |coding: &str| {
        let answer =
            running.get(&metadata, &technician).header("accept-encoding", coding).send().await.unwrap();
        answer.headers()["etag"].to_str().unwrap().to_owned()
    };
    assert_ne!(tag("gzip").await, tag("identity").await, "other bytes, another validator");
    let object = running.get(&format!("/dicom-web/studies/{}", study.study), &technician);
    let page = running.client.get(format!("{}/login", running.origin));
    for request in [object, page] {
        let answer = request.header("accept-encoding", "gzip, zstd").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().get("content-encoding").is_none());
    }
}
