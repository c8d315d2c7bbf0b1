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
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The login name, and the role, of who reads.
pub(crate) const READER: &str = "radiologist";

/// Whose archive it is.
pub(super) const INSTITUTION: &str = "benchmark";

/// What a form carries twice (hidden field and cookie). Browsers get it from the page; a program may choose it.
const FORM_TOKEN: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

/// Starts one, with settings above its configuration.
pub(super) async fn start(
    environment: &Environment,
    folder: &Path,
    replicas: usize,
    settings: &[(&str, String)],
) -> Outcome<Running> {
    let storage = folder.join("replicas");
    let installed = Installed::make(environment, &folder.join("installation"), |init| {
        if let Some(catalogue) = &environment.catalogue {
            init.arg("--catalogue-url").arg(format!("sqlite:{}", catalogue.display()));
        }
        for replica in 0..replicas {
            init.arg("--replica").arg(storage.join(replica.to_string()));
        }
    })
    .await?;
    let serving = serve(environment, &installed.config, settings, &folder.join("log"))?;
    let accounts = installed.administer(&serving).await?;
    let secret = folder.join("client.secret");
    fs::write(&secret, &accounts.client_secret).or_fail("keeping a secret")?;
    Ok(Running {
        dicom: installed.dicom(&serving)?,
        http: Some(installed.http(&serving, Some(accounts.radiologist))?),
        client: Some(Client {
            server: format!("https://{}", serving.web),
            authority: installed.authority,
            secret,
            bearer: accounts.client,
        }),
        server: serving.server,
        helper: None,
        sink: Some(installed.sink),
        storage,
    })
}

/// What `init` has made, and the device that sends and receives.
pub(super) struct Installed {
    pub(super) folder: PathBuf,
    pub(super) config: PathBuf,
    /// The certificate of its authority.
    pub(super) authority: PathBuf,
    trust: Trust,
    device: Device,
    sink: Sink,
    /// What `init` told.
    told: Value,
}

/// A server that runs.
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) web: SocketAddr,
    dicom: SocketAddr,
}

/// What those who work with the archive sign in with.
pub(super) struct Accounts {
    /// A token.
    pub(super) radiologist: String,
    /// A token.
    client: String,
    client_secret: String,
}

impl Installed {
    /// Makes an installation in a folder, with more words for `init`.
    pub(super) async fn make(
        environment: &Environment,
        folder: &Path,
        more: impl FnOnce(&mut Command),
    ) -> Outcome<Self> {
        let mut init = Command::new(&environment.binary);
        init.args(["init", "--json", "--institution", INSTITUTION, "--web-listen", "127.0.0.1:0"]);
        init.args(["--dicom-tls-listen", "127.0.0.1:0", "--directory"]).arg(folder);
        more(&mut init);
        let told = json_of(&run(&mut init)?)?;
        let authority = PathBuf::from(text(&told, "ca_file")?);
        let pem = fs::read(&authority).or_fail("reading the authority")?;
        let trust = Trust::from_pem(&pem).or_fail("reading the authority")?;
        // Good for the receiver of a C-MOVE too.
        let device = Device::read(&issue(environment, folder, CALLING, "localhost")?)?;
        let receiving = server_config(device.identity()?, &trust).or_fail("setting up TLS")?;
        let sink = Sink::listen(Transport::Tls(receiving)).await?;
        let config = PathBuf::from(text(&told, "config")?);
        Ok(Self { folder: folder.to_owned(), config, authority, trust, device, sink, told })
    }

    /// Enrols who administers it, and gives the device and those who work with it what they need.
    pub(super) async fn administer(&self, serving: &Serving) -> Outcome<Accounts> {
        let web = self.http(serving, None)?;
        administer(&web, &self.told, &self.device.sha256, &self.sink).await
    }

    pub(super) fn dicom(&self, serving: &Serving) -> Outcome<DicomTarget> {
        let tls = client_config(Some(self.device.identity()?), &self.trust).or_fail("setting up TLS")?;
        Ok(DicomTarget {
            destination: destination(CALLED, serving.dicom.port())?,
            settings: settings()?.with_tls(tls),
        })
    }

    pub(super) fn http(&self, serving: &Serving, bearer: Option<String>) -> Outcome<HttpTarget> {
        let https = client_config(None, &self.trust).or_fail("setting up TLS")?;
        Ok(HttpTarget { address: serving.web, tls: Some(https), bearer })
    }
}

/// Starts a server, with settings that stand above its configuration, as in `("WEB__LISTEN", "127.0.0.1:0")`.
pub(super) fn serve(
    environment: &Environment,
    config: &Path,
    settings: &[(&str, String)],
    log: &Path,
) -> Outcome<Serving> {
    let mut serve = Command::new(&environment.binary);
    serve.args(["serve", "--json", "--config"]).arg(config).envs(above(settings));
    let (server, line) = Server::start_and_read_line(&mut serve, log)?;
    let ready = json_of(&line)?;
    let web = text(&ready, "web")?.trim_start_matches("https://").parse().or_fail("reading the address")?;
    let dicom = text(&ready, "dicom_tls")?.parse().or_fail("reading the address")?;
    Ok(Serving { server, web, dicom })
}

/// Settings as variables of the environment.
pub(super) fn above(settings: &[(&str, String)]) -> impl Iterator<Item = (String, String)> {
    settings.iter().map(|(name, value)| (format!("YINGDUN__{name}"), value.clone()))
}

/// Issues a certificate of the installation's authority, and gives what the program says of it.
pub(super) fn issue(
    environment: &Environment,
    installation: &Path,
    name: &str,
    host: &str,
) -> Outcome<Value> {
    let mut command = Command::new(&environment.binary);
    command.args(["certificate", "issue", name, "--host", host, "--json", "--directory"]).arg(installation);
    json_of(&run(&mut command)?)
}

/// The certificate of the device.
struct Device {
    certificate: Vec<u8>,
    key: Vec<u8>,
    sha256: String,
}

impl Device {
    /// Reads what was issued.
    fn read(issued: &Value) -> Outcome<Self> {
        let read = |name: &str| -> Outcome<Vec<u8>> {
            fs::read(PathBuf::from(text(issued, name)?)).or_fail("reading a certificate")
        };
        Ok(Self {
            certificate: read("certificate_file")?,
            key: read("private_key_file")?,
            sha256: text(issued, "sha256")?.to_owned(),
        })
    }

    fn identity(&self) -> Outcome<Identity> {
        Identity::from_pem(&self.certificate, &self.key).or_fail("reading a certificate")
    }
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
    let person = json!({"name": READER});
    let created = call(&mut system, Method::POST, "/api/v1/people", &person).await?;
    call(&mut security, Method::PUT, "/api/v1/people/radiologist/roles/radiologist", &Value::Null).await?;
    let link = text(&created, "link")?;
    Ok(Accounts {
        radiologist: sign_in(web, link.rsplit('/').next().unwrap_or(link), READER, READER).await?,
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

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Outcome<&'a str> {
    value.get(name).and_then(Value::as_str).or_fail(format!("`{name}` is missing"))
}
