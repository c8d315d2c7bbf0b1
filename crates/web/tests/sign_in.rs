//! OAuth 2, one-time links, invitations and plain pages, as browsers and programs use them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]

mod harness;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{PASSWORD, Running, ct, files};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use yingdun_access::Scope;
use yingdun_model::Role;

const REDIRECT: &str = "https://viewer.example/cb";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123456789";

/// The cookie of this name that an answer sets.
fn cookie(answer: &Response, name: &str) -> String {
    let all = answer.headers().get_all("set-cookie").iter();
    let found = all.filter_map(|value| value.to_str().ok()).find(|value| value.starts_with(name));
    found.unwrap().split(';').next().unwrap().to_owned()
}

/// The hidden field that proves that a form was opened here.
fn form_token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn authorize_query() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(yingdun_crypto::digest::sha256(VERIFIER.as_bytes()));
    format!(
        "response_type=code&client_id=viewer&redirect_uri=https%3A%2F%2Fviewer.example%2Fcb&state=xyz\
         &code_challenge={challenge}&code_challenge_method=S256"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_for_a_program_by_code_and_pkce() {
    let running = Running::start().await;
    running.person("rad", Role::Radiologist).await;
    let secret = running.service("viewer", &[Scope::View], &[REDIRECT]).await;
    let origin = running.origin.clone();

    let page =
        running.client.get(format!("{origin}/oauth2/authorize?{}", authorize_query())).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self' https://viewer.example;"), "{policy}");
    let form_cookie = cookie(&page, "__Host-yingdun-form");
    let token = form_token(&page.text().await.unwrap());
    let send = async |password: &str, role: &str, cookie: &str, token: &str| {
        let body =
            format!("{}&name=rad&password={password}&role={role}&form_token={token}", authorize_query());
        running
            .client
            .post(format!("{origin}/oauth2/authorize"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body(body)
            .send()
            .await
            .unwrap()
    };
    let encoded = PASSWORD.replace(' ', "+");
    assert_eq!(send(&encoded, "radiologist", "", &token).await.status(), 403, "no cookie, no form");
    assert_eq!(send(&encoded, "radiologist", &form_cookie, "forged").await.status(), 403);
    assert_eq!(send("wrong", "radiologist", &form_cookie, &token).await.status(), 401);
    assert_eq!(send(&encoded, "chief", &form_cookie, &token).await.status(), 400, "a role that is not held");
    let back = send(&encoded, "radiologist", &form_cookie, &token).await;
    assert_eq!(back.status(), 303);
    let location = back.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with("https://viewer.example/cb?iss=https%3A%2F%2F127.0.0.1"), "{location}");
    assert!(location.ends_with("&state=xyz"));
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();

    let exchange = async |code: &str, verifier: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        let request =
            running.client.post(format!("{origin}/oauth2/token")).basic_auth("viewer", Some(&secret));
        request.form(&form).send().await.unwrap()
    };
    let granted = exchange(&code, VERIFIER).await;
    assert_eq!(granted.status(), 200);
    assert_eq!(granted.headers()["cache-control"], "no-store");
    let granted: Value = granted.json().await.unwrap();
    assert_eq!((&granted["token_type"], &granted["role"]), (&json!("Bearer"), &json!("radiologist")));
    let token = granted["access_token"].as_str().unwrap();
    assert_eq!(running.get("/dicom-web/studies", token).send().await.unwrap().status(), 200);

    // A code works once, and trying it twice ends what came of it.
    let again = exchange(&code, VERIFIER).await;
    assert_eq!(again.status(), 400);
    assert_eq!(again.json::<Value>().await.unwrap()["error"], "invalid_grant");
    assert_eq!(running.get("/dicom-web/studies", token).send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_address_is_never_redirected_to() {
    let running = Running::start().await;
    running.service("viewer", &[Scope::View], &[REDIRECT]).await;
    let get = async |query: String| {
        running.client.get(format!("{}/oauth2/authorize?{query}", running.origin)).send().await.unwrap()
    };
    for query in [
        authorize_query().replace("viewer.example", "evil.example"),
        authorize_query().replace("client_id=viewer", "client_id=unknown"),
        authorize_query() + "&client_id=viewer",
        String::new(),
    ] {
        let answer = get(query).await;
        assert_eq!(answer.status(), 400);
        assert!(answer.headers().get("location").is_none());
    }
    for (from, to, error) in [
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("=S256", "=plain", "invalid_request"),
        ("&code_challenge=", "&code_challenge=%20", "invalid_request"),
    ] {
        let answer = get(authorize_query().replace(from, to)).await;
        assert_eq!(answer.status(), 303);
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.contains(&format!("error={error}&state=xyz")), "{location}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_signs_in_with_its_secret_and_can_end_its_token() {
    let running = Running::start().await;
    let secret = running.service("gateway", &[Scope::Store, Scope::Search], &[]).await;
    let token = running.service_token("gateway", &secret).await;
    let ask = async || running.get("/dicom-web/studies", &token).send().await.unwrap();
    assert_eq!(ask().await.status(), 200);
    let end = running.client.post(format!("{}/oauth2/revoke", running.origin)).form(&[("token", &token)]);
    assert_eq!(end.send().await.unwrap().status(), 200);
    let refused = ask().await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));

    for (form, status, error) in [
        (
            vec![("grant_type", "client_credentials"), ("client_id", "gateway"), ("client_secret", "wrong")],
            401,
            "invalid_client",
        ),
        (vec![("grant_type", "client_credentials"), ("client_id", "gateway")], 401, "invalid_client"),
        (
            vec![("grant_type", "password"), ("client_id", "gateway"), ("client_secret", &secret)],
            400,
            "unsupported_grant_type",
        ),
        (vec![("client_id", "gateway"), ("client_secret", &secret)], 400, "invalid_request"),
    ] {
        let answer =
            running.client.post(format!("{}/oauth2/token", running.origin)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], error);
    }
    let metadata = running.client.get(format!("{}/.well-known/oauth-authorization-server", running.origin));
    let metadata: Value = metadata.send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], running.origin.as_str());
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_link_opens_the_page_once_and_signing_out_closes_it() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    running.person("rad", Role::Radiologist).await;
    let study = ct(1, 1);
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    let link = running.login_link("rad", Role::Radiologist).await;
    let address = format!("{}/login/{link}", running.origin);
    let look = async || running.client.get(&address).send().await.unwrap();
    // A mail scanner, a link preview: they open the link, follow what they find, and spend nothing.
    for _ in 0..3 {
        let seen = look().await;
        assert_eq!(seen.status(), 200);
        assert!(seen.headers()["content-security-policy"].to_str().unwrap().contains("form-action 'self';"));
        let cookies: Vec<_> = seen.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies.len(), 1, "the proof of the form and no session: {cookies:?}");
    }
    let page = look().await;
    let form_cookie = cookie(&page, "__Host-yingdun-form");
    let text = page.text().await.unwrap();
    assert!(text.contains(&format!("<form method=\"post\" action=\"/login/{link}\">")), "{text}");
    let token = form_token(&text);
    let press = async |cookie: &str, origin: &str, token: &str| {
        let request = running.client.post(&address).header("cookie", cookie).header("origin", origin);
        request.form(&[("form_token", token)]).send().await.unwrap()
    };
    assert_eq!(press("", &running.origin, &token).await.status(), 403, "not opened in this browser");
    assert_eq!(press(&form_cookie, &running.origin, "forged").await.status(), 403);
    assert_eq!(press(&form_cookie, "https://evil.example", &token).await.status(), 403);
    let opened = press(&form_cookie, &running.origin, &token).await;
    assert_eq!((opened.status().as_u16(), &opened.headers()["location"]), (303, &"/".parse().unwrap()));
    let session = cookie(&opened, "__Host-yingdun-session");
    assert_eq!(press(&form_cookie, &running.origin, &token).await.status(), 401, "the link is spent");
    assert_eq!(look().await.status(), 200, "and looking at it tells a stranger nothing");

    let page = async |path: &str| {
        let request = running.client.get(format!("{}{path}", running.origin)).header("cookie", &session);
        request.send().await.unwrap()
    };
    let list = page("/studies").await;
    assert_eq!(list.status(), 200);
    assert!(list.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let form_cookie = cookie(&list, "__Host-yingdun-form");
    let text = list.text().await.unwrap();
    assert!(text.contains(&format!("/studies/{}", study.study)), "{text}");
    assert!(!text.contains("<script"));
    let token = form_token(&text);
    assert!(page(&format!("/studies/{}", study.study)).await.text().await.unwrap().contains("CT"));

    // The cookie opens pages, and nothing else unless a page of our own asks.
    let with_cookie =
        running.client.get(format!("{}/dicom-web/studies", running.origin)).header("cookie", &session);
    assert_eq!(with_cookie.send().await.unwrap().status(), 401);

    let leave = running
        .client
        .post(format!("{}/logout", running.origin))
        .header("cookie", format!("{session}; {form_cookie}"))
        .form(&[("form_token", token)])
        .send()
        .await
        .unwrap();
    assert_eq!(leave.status(), 303);
    for path in ["/", "/studies", "/console/"] {
        let text = page(path).await.text().await.unwrap();
        assert!(text.contains("name=\"password\""), "the sign-in form again: {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_sets_a_password_once() {
    let running = Running::start().await;
    let sys = running.officer(Role::SystemAdministrator);
    let created: Value = running
        .post("/api/v1/people", sys)
        .json(&json!({"name": "new"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let link = created["link"].as_str().unwrap();
    let page = running.client.get(link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let form_cookie = cookie(&page, "__Host-yingdun-form");
    let token = form_token(&page.text().await.unwrap());
    let send = async |password: &str, again: &str| {
        let form = [("password", password), ("again", again), ("form_token", token.as_str())];
        running
            .client
            .post(link)
            .header("cookie", &form_cookie)
            .form(&form)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(send(PASSWORD, "something else").await, 400);
    assert_eq!(send("short", "short").await, 400);
    assert_eq!(send(PASSWORD, PASSWORD).await, 200);
    assert_eq!(send(PASSWORD, PASSWORD).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_read_by_its_officer_and_proves_its_leaves() {
    let running = Running::start().await;
    let aud = running.officer(Role::AuditAdministrator);
    let leaves: Vec<Value> =
        running.get("/api/v1/audit/tail?count=5", aud).send().await.unwrap().json().await.unwrap();
    assert_eq!(leaves.len(), 5);
    let refused: Vec<Value> = running
        .get("/api/v1/audit/search?kind=authentication&outcome=permitted&actor=sys&limit=2", aud)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(!refused.is_empty() && refused.iter().all(|leaf| leaf["leaf"]["actor"] == "sys"), "{refused:?}");
    let checkpoint = running.get("/api/v1/audit/checkpoint", aud).send().await.unwrap();
    assert!(checkpoint.text().await.unwrap().starts_with("h1.example/audit\n"));
    let proof = running.get("/api/v1/audit/proofs/0", aud).send().await.unwrap();
    assert_eq!(proof.status(), 200);
    assert!(proof.text().await.unwrap().contains("h1.example/audit"));
    for (path, status) in
        [("proofs/99999999", 404), ("proofs/x", 400), ("search?kind=nonsense", 400), ("tail?count=-1", 400)]
    {
        assert_eq!(
            running.get(&format!("/api/v1/audit/{path}"), aud).send().await.unwrap().status(),
            status,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_officers_administer_by_the_api_and_cannot_take_two_offices() {
    let running = Running::start().await;
    let sys = running.officer(Role::SystemAdministrator);
    let sec = running.officer(Role::SecurityAdministrator);
    let put = async |path: &str, token: &str| running.request(Method::PUT, path, token).send().await.unwrap();
    let conflict = put("/api/v1/people/aud/roles/system-administrator", sec).await;
    assert_eq!(conflict.status(), 409);
    assert_eq!(put("/api/v1/people/nobody/roles/chief", sec).await.status(), 404);
    assert_eq!(put("/api/v1/people/aud/roles/device", sec).await.status(), 400);
    let device = json!({"ae_title": "CT01", "called_ae": "YINGDUN", "certificate_sha256": "ab".repeat(32),
                        "addresses": ["10.0.0.0/24", "::1"]});
    let register = async |body: &Value| running.post("/api/v1/devices", sys).json(body).send().await.unwrap();
    assert_eq!(register(&device).await.status(), 201);
    assert_eq!(register(&device).await.status(), 409);
    for (field, wrong) in [
        ("ae_title", json!("TOO-LONG-A-TITLE-X")),
        ("addresses", json!(["10.0.0.0/99"])),
        ("certificate_sha256", json!("ab")),
    ] {
        let mut body = device.clone();
        body[field] = wrong;
        assert_eq!(register(&body).await.status(), 400, "{field}");
    }
    let unknown_field = json!({"ae_title": "CT02", "called_ae": "YINGDUN", "plain_alowed": true});
    assert_eq!(register(&unknown_field).await.status(), 400);
    let listed: Vec<Value> = running.get("/api/v1/devices", sys).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["addresses"].as_array().unwrap().len(), 2, "{listed:?}");

    // A disabled person is signed out everywhere, at once.
    let token = running.person("rad", Role::Radiologist).await;
    let disable = running.request(Method::PATCH, "/api/v1/people/rad", sys).json(&json!({"disabled": true}));
    assert_eq!(disable.send().await.unwrap().status(), 204);
    assert_eq!(running.get("/dicom-web/studies", &token).send().await.unwrap().status(), 401);

    let document: Value = running
        .client
        .get(format!("{}/api/openapi.json", running.origin))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let metrics = running.get("/metrics", harness::METRICS_TOKEN).send().await.unwrap();
    assert_eq!(
        (metrics.status().as_u16(), metrics.text().await.unwrap().as_str()),
        (200, "yingdun_test 1\n")
    );
}
