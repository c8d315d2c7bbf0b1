//! Every bound of the door, met on purpose; and what hostile requests get.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]

mod harness;

use harness::{Running, ct, files};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yingdun_model::Role;
use yingdun_web::limits;

#[tokio::test(flavor = "multi_thread")]
async fn long_heads_and_addresses_and_many_parameters_are_refused() {
    let running = Running::start().await;
    let token = running.person("rad", Role::Radiologist).await;
    for client in [running.client.clone(), running.client_http1()] {
        let get = async |path: &str| {
            let request = client.get(format!("{}{path}", running.origin)).bearer_auth(&token);
            request.send().await.unwrap().status().as_u16()
        };
        let long = format!("/dicom-web/studies?PatientID={}", "x".repeat(limits::URI_BYTES_MAX));
        assert_eq!(get(&long).await, 414);
        let many = "PatientID=&".repeat(limits::QUERY_PARAMETERS_MAX + 1);
        assert_eq!(get(&format!("/dicom-web/studies?{many}")).await, 400);
        assert_eq!(get(&format!("/dicom-web/studies?PatientID={}", "x".repeat(2000))).await, 400);
        let ranges = "a/b,".repeat(limits::ACCEPT_RANGES_MAX + 1);
        let accept = client
            .get(format!("{}/dicom-web/studies", running.origin))
            .bearer_auth(&token)
            .header("accept", ranges);
        assert_eq!(accept.send().await.unwrap().status(), 400);
    }
    // More headers than the bound: refused by the door, or by the HTTP layer before it.
    let mut request = running.client_http1().get(format!("{}/health/live", running.origin));
    for n in 0..limits::HEADER_FIELDS_MAX {
        request = request.header(format!("x-{n}"), "y");
    }
    assert_eq!(request.send().await.unwrap().status(), 431);
    let large = running.client_http1().get(format!("{}/health/live", running.origin));
    let large = large.header("x-large", "y".repeat(limits::HEADER_BYTES_MAX)).send().await.unwrap();
    assert_eq!(large.status(), 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_their_bounds_and_of_other_kinds_are_refused() {
    let running = Running::start().await;
    let sys = running.officer(Role::SystemAdministrator);
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = running.post("/api/v1/people", sys).header("content-type", content_type).body(body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("application/json", vec![b' '; limits::JSON_BYTES_MAX + 1]).await, 413);
    assert_eq!(post("application/json", vec![b'['; limits::JSON_BYTES_MAX]).await, 400);
    assert_eq!(post("application/json", b"{\"name\":1}".to_vec()).await, 400);
    assert_eq!(post("text/json", b"{}".to_vec()).await, 415);
    let form = running.client.post(format!("{}/oauth2/revoke", running.origin));
    let form = form.form(&[("token", "x".repeat(limits::FORM_BYTES_MAX))]).send().await.unwrap();
    assert_eq!(form.status(), 413);
    let zipped = running
        .post("/api/v1/people", sys)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    assert_eq!(zipped.send().await.unwrap().status(), 415);
    // A body without an announced length meets the same bound.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 8192]));
    let streamed = running
        .post("/api/v1/people", sys)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(endless));
    match streamed.send().await {
        Ok(answer) => assert_eq!(answer.status(), 413),
        // The door stops reading and answers; a client that still writes may see the end of the stream first.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_paths_and_values_are_harmless() {
    let running = Running::start().await;
    let token = running.person("rad", Role::Radiologist).await;
    for (path, status) in [
        ("/dicom-web/studies/..%2f..%2fetc%2fpasswd", 400),
        ("/dicom-web/studies/%2e%2e/metadata", 404),
        ("/dicom-web/studies/1.2%0d%0aSet-Cookie:%20x", 400),
        ("/dicom-web/studies/1.2%00", 400),
        ("/dicom-web/studies/%ff", 400),
        ("/dicom-web/studies/1.2'%20OR%20'1'='1", 400),
        ("/dicom-web/studies?PatientName=%0d%0aX", 400),
        ("/dicom-web/studies?StudyInstanceUID=1.2%5C..", 400),
        ("/dicom-web/studies?PatientName=%25'%20OR%201=1--", 200),
        ("/dicom-web/studies?StudyDate=yesterday", 400),
    ] {
        let answer = running.get(path, &token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.headers().get("set-cookie").is_none());
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(answer.headers().contains_key("strict-transport-security"));
    }
    for header in ["Basic eDp5", "Bearer ", "Bearer a b", "Bearer ünicode", "Token x"] {
        let value = reqwest::header::HeaderValue::from_bytes(header.as_bytes()).unwrap();
        let request = running.client.get(format!("{}/dicom-web/studies", running.origin));
        let answer = request.header("authorization", value).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_on_the_tls_port_and_a_silent_peer_do_not_stop_others() {
    let running = Running::start().await;
    let address = running.origin.strip_prefix("https://").unwrap();
    let mut plain = tokio::net::TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ended = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "nothing is told without TLS");
    let _silent: Vec<_> = {
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        silent
    };
    let live = running.client.get(format!("{}/health/live", running.origin)).send().await.unwrap();
    assert_eq!(live.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_stores_nothing_of_the_open_object() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(1, 1);
    let file = files(&study).remove(0);
    let half = file[..file.len() / 2].to_vec();
    let pieces = futures_util::stream::iter([Ok(half), Err(std::io::Error::other("the line went dead"))]);
    let cut = running
        .post("/dicom-web/studies", &technician)
        .header("content-type", "application/dicom")
        .body(reqwest::Body::wrap_stream(pieces))
        .send()
        .await;
    assert!(cut.is_err() || cut.is_ok_and(|answer| answer.status() == 400));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let path = format!("/dicom-web/studies/{}", study.study);
    assert_eq!(running.get(&path, &technician).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_an_open_answer_finish_and_takes_no_more() {
    let mut running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let study = ct(1, 40);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let path = format!("/dicom-web/studies/{}", study.study);
    let mut answer = running.request(Method::GET, &path, &technician).send().await.unwrap();
    let expected = answer.content_length().unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    let reading = tokio::spawn(async move {
        let mut length = first.len() as u64;
        while let Some(chunk) = answer.chunk().await.unwrap() {
            length += chunk.len() as u64;
        }
        length
    });
    running.stop().await;
    assert_eq!(reading.await.unwrap(), expected);
    let refused = running.client.get(format!("{}/health/live", running.origin)).send().await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_bounded_belong_to_their_owner_and_end_with_the_door() {
    let mut running = Running::start().await;
    let (owner, other) =
        (running.person("tech", Role::Technician).await, running.person("rad", Role::Radiologist).await);
    let study = ct(8, 2);
    assert_eq!(running.stow(&owner, &files(&study)).await.status(), 200);
    let sys = running.officer(Role::SystemAdministrator).to_owned();
    for title in ["DEAF", "WS07"] {
        let device =
            json!({"ae_title": title, "called_ae": "YINGDUN", "destination": "plain://127.0.0.1:104"});
        let made = running.post("/api/v1/devices", &sys).json(&device).send().await.unwrap();
        assert_eq!(made.status(), 201);
    }
    let send = async |title: &str| {
        let body = json!({"studies": [study.study.as_str()]});
        let path = format!("/api/v1/devices/{title}/store");
        let sent = running.post(&path, &owner).json(&body).send().await.unwrap();
        (sent.status().as_u16(), sent.json::<Value>().await.unwrap())
    };
    let mut jobs = Vec::new();
    for _ in 0..limits::JOBS_RUNNING_MAX {
        let (status, job) = send("DEAF").await;
        assert_eq!((status, &job["state"]), (202, &json!("running")));
        jobs.push(format!("/api/v1/jobs/{}", job["job"].as_str().unwrap()));
    }
    assert_eq!(send("DEAF").await.0, 429);
    // Nobody else sees one or ends one.
    for method in [Method::GET, Method::DELETE] {
        let asked = running.request(method, &jobs[0], &other).send().await.unwrap();
        assert_eq!(asked.status(), 404);
    }
    let cancelled = running.request(Method::DELETE, &jobs[0], &owner).send().await.unwrap();
    assert_eq!(cancelled.status(), 202);
    let state = async |path: &str| {
        let job: Value = running.get(path, &owner).send().await.unwrap().json().await.unwrap();
        (job["state"].as_str().unwrap().to_owned(), job["remaining"].as_u64().unwrap())
    };
    while state(&jobs[0]).await.0 == "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(state(&jobs[0]).await, ("cancelled".to_owned(), 2));
    // Its place is free.
    let (status, job) = send("WS07").await;
    assert_eq!(status, 202);
    let path = format!("/api/v1/jobs/{}", job["job"].as_str().unwrap());
    while state(&path).await.0 == "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(state(&path).await, ("completed".to_owned(), 0));
    tokio::time::timeout(Duration::from_secs(60), running.stop()).await.unwrap();
}
