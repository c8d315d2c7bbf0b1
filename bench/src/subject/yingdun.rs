//! Yingdun, installed and administered as a hospital would: `init`, three officers, a device with its certificate,
//! a radiologist who signs in. Everything goes through the command line and HTTPS, nothing past them.

use super::{CALLING, Client, Environment, Running, destination, settings};
use crate::failure::{Failure, Outcome, While};
use crate::load::http::{HttpClient, HttpTarget};
use crate::load::sink::Sink;
use crate::load::store::DicomTarget;
use crate::process::{Server, run};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use yingdun_dimse::scp::Transport;
use yingdun_dimse::tls::{Identity, Trust, client_config, server_config};

/// The AE title by which the device calls the archive.
const CALLED: &str = "YINGDUN";

/// The program that imports and exports.
pub(crate) const CLIENT: &str = "transfer";

/// The password of everybody in a benchmark.
const PASSWORD: &str = "correct horse battery staple";

/// What a form carries twice (hidden field and cookie). Browsers get it from the page; a program may choose it.
const FORM_TOKEN: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

pub(super) async fn start(environment: &Environment, folder: &Path, replicas: usize) -> Outcome<Running> {
    let installation = folder.join("installation");
    let storage = folder.join("replicas");
    let mut init = Command::new(&environment.binary);
    init.args(["init", "--json", "--institution", "benchmark", "--web-listen", "127.0.0.1:0"]);
    init.args(["--dicom-tls-listen", "127.0.0.1:0", "--directory"]).arg(&installation);
    if let Some(catalogue) = &environment.catalogue {
        init.arg("--catalogue-url").arg(format!("sqlite:{}", catalogue.display()));
    }
    for replica in 0..replicas {
        init.arg("--replica").arg(storage.join(replica.to_string()));
    }
    let installed = json_of(&run(&mut init)?)?;
    let config = text(&installed, "config")?;
    let authority_file = PathBuf::from(text(&installed, "ca_file")?);
    let authority = fs::read(&authority_file).or_fail("reading the authority")?;
    let trust = Trust::from_pem(&authority).or_fail("reading the authority")?;
    let device = issue(environment, &installation)?;
    let receiving = server_config(device.identity()?, &trust).or_fail("setting up TLS")?;
    let sink = Sink::listen(Transport::Tls(receiving)).await?;

    let mut serve = Command::new(&environment.binary);
    serve.args(["serve", "--json", "--config", config]);
    let (server, line) = Server::start_and_read_line(&mut serve, &folder.join("log"))?;
    let ready = json_of(&line)?;
    let address: SocketAddr =
        text(&ready, "web")?.trim_start_matches("https://").parse().or_fail("reading the address")?;
    let dicom: SocketAddr = text(&ready, "dicom_tls")?.parse().or_fail("reading the address")?;

    let https = client_config(None, &trust).or_fail("setting up TLS")?;
    let web = HttpTarget { address, tls: Some(https), bearer: None };
    let accounts = administer(&web, &installed, &device.sha256, &sink).await?;
    let tls = client_config(Some(device.identity()?), &trust).or_fail("setting up TLS")?;
    let secret = folder.join("client.secret");
    fs::write(&secret, &accounts.client_secret).or_fail("keeping a secret")?;
    Ok(Running {
        server,
        helper: None,
        dicom: DicomTarget {
            destination: destination(CALLED, dicom.port())?,
            settings: settings()?.with_tls(tls),
        },
        http: Some(HttpTarget { bearer: Some(accounts.radiologist), ..web }),
        sink: Some(sink),
        client: Some(Client {
            server: text(&ready, "web")?.to_owned(),
            authority: authority_file,
            secret,
            bearer: accounts.client,
        }),
        storage,
    })
}

/// The certificate of the device.
struct Device {
    certificate: Vec<u8>,
    key: Vec<u8>,
    sha256: String,
}

impl Device {
    fn identity(&self) -> Outcome<Identity> {
        Identity::from_pem(&self.certificate, &self.key).or_fail("reading a certificate")
    }
}

/// What those who work with the archive sign in with.
struct Accounts {
    /// A token.
    radiologist: String,
    /// A token.
    client: String,
    client_secret: String,
}

fn issue(environment: &Environment, installation: &Path) -> Outcome<Device> {
    let mut command = Command::new(&environment.binary);
    // Good for the receiver of a C-MOVE too.
    command.args(["certificate", "issue", CALLING, "--host", "localhost", "--json", "--directory"]);
    command.arg(installation);
    let issued = json_of(&run(&mut command)?)?;
    let read = |name: &str| -> Outcome<Vec<u8>> {
        fs::read(PathBuf::from(text(&issued, name)?)).or_fail("reading a certificate")
    };
    Ok(Device {
        certificate: read("certificate_file")?,
        key: read("private_key_file")?,
        sha256: text(&issued, "sha256")?.to_owned(),
    })
}

/// Enrols two officers, registers the device, gives a radiologist and a program an account.
async fn administer(
    web: &HttpTarget,
    installed: &Value,
    certificate_sha256: &str,
    sink: &Sink,
) -> Outcome<Accounts> {
    let mut system = officer(web, installed, "system-administrator").await?;
    let mut security = officer(web, installed, "security-administrator").await?;
    let device = json!({
        "ae_title": CALLING,
        "called_ae": CALLED,
        "certificate_sha256": certificate_sha256,
        "addresses": ["127.0.0.1"],
        "destination": format!("localhost:{}", sink.port()),
    });
    call(&mut system, Method::POST, "/api/v1/devices", &device).await?;
    let scopes = json!({"called_ae": CALLED, "scopes": ["store", "view"]});
    call(&mut security, Method::PUT, &format!("/api/v1/devices/{CALLING}/scopes"), &scopes).await?;
    let client = call(&mut system, Method::POST, "/api/v1/clients", &json!({"client_id": CLIENT})).await?;
    let scopes = json!({"scopes": ["store", "search", "view", "export"]});
    call(&mut security, Method::PUT, &format!("/api/v1/clients/{CLIENT}/scopes"), &scopes).await?;
    let client_secret = text(&client, "client_secret")?.to_owned();
    let person = json!({"name": "radiologist"});
    let created = call(&mut system, Method::POST, "/api/v1/people", &person).await?;
    call(&mut security, Method::PUT, "/api/v1/people/radiologist/roles/radiologist", &Value::Null).await?;
    let link = text(&created, "link")?;
    Ok(Accounts {
        radiologist: sign_in(web, link.rsplit('/').next().unwrap_or(link), "radiologist", "radiologist")
            .await?,
        client: token(web, &client_secret).await?,
        client_secret,
    })
}

/// A connection with the token of an officer.
async fn officer(web: &HttpTarget, installed: &Value, role: &str) -> Outcome<HttpClient> {
    let invitation = installed
        .get("invitations")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find(|one| one.get("role").and_then(Value::as_str) == Some(role)))
        .or_fail("an invitation is missing")?;
    let name = text(invitation, "name")?;
    let bearer = sign_in(web, text(invitation, "token")?, name, role).await?;
    HttpClient::connect(&HttpTarget { bearer: Some(bearer), ..web.clone() }).await
}

/// Sets a password behind an invitation and signs in. The session of a browser and that of a program are one.
async fn sign_in(web: &HttpTarget, invitation: &str, name: &str, role: &str) -> Outcome<String> {
    let mut client = HttpClient::connect(web).await?;
    let cookie = format!("__Host-yingdun-form={FORM_TOKEN}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let password = PASSWORD.replace(' ', "+");
    let form = format!("password={password}&again={password}&form_token={FORM_TOKEN}");
    let (answer, _) = client.send(Method::POST, &format!("/enrol/{invitation}"), &headers, form).await?;
    expect(answer.status() == StatusCode::OK, "accepting an invitation", answer.status())?;
    let form = format!("name={name}&password={password}&role={role}&form_token={FORM_TOKEN}");
    let (answer, _) = client.send(Method::POST, "/login", &headers, form).await?;
    expect(answer.status() == StatusCode::SEE_OTHER, "signing in", answer.status())?;
    answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.strip_prefix("__Host-yingdun-session="))
        .filter_map(|cookie| cookie.split(';').next())
        .map(str::to_owned)
        .next()
        .or_fail("signing in gave no session")
}

/// The token of the program's account (RFC 6749 §4.4).
async fn token(web: &HttpTarget, secret: &str) -> Outcome<String> {
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let mut client = HttpClient::connect(web).await?;
    let (answer, body) = client.send(Method::POST, "/oauth2/token", &headers, form).await?;
    expect(answer.status().is_success(), "asking for a token", answer.status())?;
    let granted = serde_json::from_slice(&body).or_fail("reading a token")?;
    Ok(text(&granted, "access_token")?.to_owned())
}

async fn call(client: &mut HttpClient, method: Method, path: &str, body: &Value) -> Outcome<Value> {
    let (headers, body): (&[(&str, &str)], String) = match body {
        Value::Null => (&[], String::new()),
        body => (&[("content-type", "application/json")], body.to_string()),
    };
    let (answer, body) = client.send(method, path, headers, body).await?;
    expect(answer.status().is_success(), path, answer.status())?;
    Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn expect(holds: bool, what: &str, status: StatusCode) -> Outcome<()> {
    if holds { Ok(()) } else { Err(Failure::new(format!("{what}: the archive answered {status}"))) }
}

fn json_of(text: &str) -> Outcome<Value> {
    serde_json::from_str(text).or_fail("reading JSON of the archive")
}

fn text<'a>(value: &'a Value, name: &str) -> Outcome<&'a str> {
    value.get(name).and_then(Value::as_str).or_fail(format!("`{name}` is missing"))
}
