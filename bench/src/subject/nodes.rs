//! Yingdun as several nodes on one PostgreSQL: the first made by `init`, the others as an administrator lets them join.

use super::Environment;
use super::yingdun::{self, INSTITUTION, Installed, Serving, above, issue};
use crate::failure::{Outcome, While};
use crate::load::http::HttpTarget;
use crate::load::store::DicomTarget;
use crate::process::{Server, cpu_s_with_children, free_address, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use yingdun_testkit::PostgresServer;

/// Where the certificates of a node lie in its folder.
const PKI: &str = "pki";

/// Where the keys lie that all nodes have.
const KEYS: &str = "keys";

/// How an installation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many nodes serve.
    pub(crate) nodes: usize,
    /// Whether they may reach each other (section `[node]`); one alone may be closed.
    pub(crate) open: bool,
}

/// Nodes that serve, and their database server.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    // After the nodes, so that it ends after them.
    postgres: PostgresServer,
}

/// One node.
pub(crate) struct Node {
    server: Server,
    pub(crate) dicom: DicomTarget,
    pub(crate) http: HttpTarget,
    /// Its configuration, keys and replicas.
    folder: PathBuf,
}

impl Nodes {
    /// Makes an installation in an empty folder and starts its nodes, each with the three replicas that `init` makes.
    pub(crate) async fn start(environment: &Environment, folder: &Path, shape: Shape) -> Outcome<Self> {
        let cluster = folder.join("postgres");
        fs::create_dir_all(&cluster).or_fail("making a folder")?;
        // PostgreSQL runs as somebody else where this runs as root.
        for passable in [folder, &cluster] {
            fs::set_permissions(passable, fs::Permissions::from_mode(0o711)).or_fail("opening a folder")?;
        }
        let postgres = yingdun_testkit::postgres_server(&cluster)
            .or_fail("PostgreSQL is not installed (apt-get install postgresql)")?;
        let installed = Installed::make(environment, &folder.join("node-1"), |init| {
            for kind in ["--catalogue-url", "--keys-url", "--identity-url"] {
                init.arg(kind).arg(postgres.address());
            }
        })
        .await?;
        let reached = if shape.open { reached()? } else { Vec::new() };
        let first = yingdun::serve(environment, &installed.config, &reached, &folder.join("log-1"))?;
        let bearer = installed.administer(&first).await?.radiologist;
        let mut nodes = vec![node(&installed, first, installed.folder.clone(), &bearer)?];
        for number in 2..=shape.nodes {
            let own = folder.join(format!("node-{number}"));
            let serving = join(environment, &installed, &own, number)?;
            nodes.push(node(&installed, serving, own, &bearer)?);
        }
        Ok(Self { nodes, postgres })
    }

    /// The nodes in the order in which they came.
    pub(crate) fn all(&self) -> &[Node] {
        &self.nodes
    }

    /// CPU seconds of all nodes and of PostgreSQL.
    pub(crate) fn cpu_s(&self) -> Outcome<f64> {
        let postgres = self.postgres.process().or_fail("PostgreSQL has ended")?;
        let nodes: f64 = self.nodes.iter().map(|node| node.server.cpu_s()).sum::<Outcome<_>>()?;
        Ok(nodes + cpu_s_with_children(postgres)?)
    }

    /// The largest resident sets of all nodes, added, in megabytes (10⁶).
    pub(crate) fn peak_rss_mb(&self) -> Outcome<f64> {
        self.nodes.iter().map(|node| node.server.peak_rss_mb()).sum()
    }

    /// Bytes of all packs that are on disk, without what was allocated ahead.
    pub(crate) fn pack_bytes(&self) -> Outcome<u64> {
        let mut bytes = 0;
        for node in &self.nodes {
            bytes += pack_bytes(&node.folder).or_fail("measuring the packs")?;
        }
        Ok(bytes)
    }

    /// Ends all of them.
    pub(crate) fn stop(self) -> Outcome<()> {
        self.nodes.into_iter().try_for_each(|node| node.server.stop())
    }
}

// === helpers ===

fn node(installed: &Installed, serving: Serving, folder: PathBuf, bearer: &str) -> Outcome<Node> {
    Ok(Node {
        dicom: installed.dicom(&serving)?,
        http: installed.http(&serving, Some(bearer.to_owned()))?,
        server: serving.server,
        folder,
    })
}

/// The settings by which others reach a node.
fn reached() -> Outcome<Vec<(&'static str, String)>> {
    let address = free_address()?;
    Ok(vec![
        ("WEB__LISTEN", address.to_string()),
        ("NODE__ADDRESS", format!("https://{address}")),
        ("NODE__CA_FILE", format!("{PKI}/ca.pem")),
    ])
}

/// Carries configuration and keys over, gives the node a certificate, lets it join and starts it.
fn join(environment: &Environment, first: &Installed, folder: &Path, number: usize) -> Outcome<Serving> {
    const WHAT: &str = "carrying an installation over";
    let name = format!("node-{number}");
    for below in [PKI, KEYS] {
        fs::create_dir_all(folder.join(below)).or_fail(WHAT)?;
    }
    let carry = |from: &Path, to: &Path| fs::copy(from, folder.join(to)).map(drop).or_fail(WHAT);
    for entry in fs::read_dir(first.folder.join(KEYS)).or_fail(WHAT)? {
        let entry = entry.or_fail(WHAT)?;
        carry(&entry.path(), &Path::new(KEYS).join(entry.file_name()))?;
    }
    carry(&first.authority, &Path::new(PKI).join("ca.pem"))?;
    let config = first.config.file_name().or_fail(WHAT)?;
    carry(&first.config, config.as_ref())?;
    let issued = issue(environment, &first.folder, &name, "127.0.0.1")?;
    for (file, kind) in [("server.pem", "certificate_file"), ("server.key", "private_key_file")] {
        carry(yingdun::text(&issued, kind)?.as_ref(), &Path::new(PKI).join(file))?;
    }
    let config = folder.join(config);
    let mut settings = reached()?;
    settings.push(("AUDIT__ORIGIN", format!("{INSTITUTION}/audit/{name}")));
    let mut join = Command::new(&environment.binary);
    run(join.args(["nodes", "join", "--json", "--config"]).arg(&config).envs(above(&settings)))?;
    yingdun::serve(environment, &config, &settings, &folder.with_file_name(format!("log-{number}")))
}

/// What the files in folders called `packs` hold: as far as they were written, which is before the zeros at their end.
fn pack_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        bytes += match path.file_name().is_some_and(|name| name == "packs") {
            false => pack_bytes(&path)?,
            true => written(&path)?,
        };
    }
    Ok(bytes)
}

fn written(packs: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(packs)? {
        let content = fs::read(entry?.path())?;
        bytes += content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    }
    Ok(bytes)
}
