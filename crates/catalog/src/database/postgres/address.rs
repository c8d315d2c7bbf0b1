//! The address of PostgreSQL: one server, or several of which one is the primary. Read, refused when remote, and taken apart
//! into the servers that it names.

use crate::CatalogError;
use crate::database::{DatabaseKind, QUERY_TIME_MAX, WAIT_MAX};
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

/// How the server is to plan, unless the address says otherwise. Searches read few rows by index, which the defaults for
/// spinning disks make look dear; and to compile such a plan or to start workers for it takes longer than to run it.
const PLANNING: &str = "-c jit=off -c random_page_cost=1.1 -c max_parallel_workers_per_gather=0";

/// The port of PostgreSQL where the address names none.
const DEFAULT_PORT: u16 = 5432;

/// A machine that vanished answers nothing; without probes its connections would hang for hours. They end after about
/// [`PROBE_AFTER`] and [`PROBES`] times [`PROBE_EVERY`]: 20 s.
const PROBE_AFTER: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 2;

/// One server of an address.
#[derive(Clone)]
pub(super) struct Server {
    /// Host and port, for people. Never the account or its password.
    pub(super) name: String,
    pub(super) config: Config,
}

/// How long a transaction may rest between two statements: a node that stands still must not keep its locks from the others.
const IDLE_IN_TRANSACTION_MAX: Duration = Duration::from_secs(15);

/// Reads the address, refuses remote hosts, and sets the schema and the time limit of each statement.
pub(super) fn servers(
    address: &str,
    kind: DatabaseKind,
    reads_only: bool,
) -> Result<Vec<Server>, CatalogError> {
    let mut config = near(address)?;
    let options = format!(
        "{PLANNING} {} -c search_path={} -c statement_timeout={} -c idle_in_transaction_session_timeout={}{}",
        config.get_options().unwrap_or_default(),
        kind.schema_name(),
        QUERY_TIME_MAX.as_millis(),
        IDLE_IN_TRANSACTION_MAX.as_millis(),
        if reads_only { " -c default_transaction_read_only=on" } else { "" },
    );
    config.options(options.trim_start()).application_name("yingdun").connect_timeout(WAIT_MAX);
    config.keepalives_idle(PROBE_AFTER).keepalives_interval(PROBE_EVERY).keepalives_retries(PROBES);
    config.tcp_user_timeout(PROBE_AFTER + PROBE_EVERY * PROBES);
    Ok(apart(&config))
}

/// Reads the address and refuses remote hosts.
fn near(address: &str) -> Result<Config, CatalogError> {
    let config: Config = address.parse().map_err(|_| {
        // The parser's own message may quote the address, and an address may hold a password.
        CatalogError::Address("it is not a connection string or URL of PostgreSQL".to_owned())
    })?;
    let is_near = !config.get_hosts().is_empty()
        && config.get_hosts().iter().all(is_near)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    if !is_near {
        return Err(CatalogError::Address(
            "expected a Unix socket, `localhost` or a loopback address, because the connection has no TLS"
                .to_owned(),
        ));
    }
    let (hosts, ports, addresses) =
        (config.get_hosts().len(), config.get_ports().len(), config.get_hostaddrs().len());
    if (ports > 1 && ports != hosts) || (addresses > 0 && addresses != hosts) {
        return Err(CatalogError::Address(format!(
            "it names {hosts} hosts, {ports} ports and {addresses} addresses; expected one port for all or one for each"
        )));
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
        return Err(CatalogError::Address(
            "target_session_attrs asks for a standby; an archive writes, and always looks for the primary"
                .to_owned(),
        ));
    }
    Ok(config)
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// A configuration of several servers as one for each.
fn apart(config: &Config) -> Vec<Server> {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate();
    hosts
        .map(|(position, host)| {
            let port = ports.get(position).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
            let mut one = without_servers(config);
            let name = match host {
                Host::Tcp(name) => {
                    one.host(name);
                    format!("{name}:{port}")
                }
                Host::Unix(folder) => {
                    one.host_path(folder);
                    format!("{}:{port}", folder.display())
                }
            };
            if let Some(address) = config.get_hostaddrs().get(position) {
                one.hostaddr(*address);
            }
            one.port(port);
            Server { name, config: one }
        })
        .collect()
}

/// Everything but hosts, addresses and ports, which a configuration only gains and never loses.
fn without_servers(config: &Config) -> Config {
    let mut other = Config::new();
    if let Some(user) = config.get_user() {
        other.user(user);
    }
    if let Some(password) = config.get_password() {
        other.password(password);
    }
    if let Some(name) = config.get_dbname() {
        other.dbname(name);
    }
    if let Some(options) = config.get_options() {
        other.options(options);
    }
    if let Some(name) = config.get_application_name() {
        other.application_name(name);
    }
    if let Some(limit) = config.get_connect_timeout() {
        other.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        other.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        other.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        other.keepalives_retries(retries);
    }
    other.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    other.ssl_mode(config.get_ssl_mode()).channel_binding(config.get_channel_binding());
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configure(address: &str) -> Result<Vec<Server>, CatalogError> {
        servers(address, DatabaseKind::Catalogue, false)
    }

    #[test]
    fn only_a_socket_or_a_loopback_address_is_accepted() {
        for near in [
            "postgresql://u@127.0.0.1/db",
            "postgresql://u@[::1]/db",
            "postgresql://u@localhost:5433/db",
            "host=/run/postgresql user=u dbname=db",
        ] {
            assert!(configure(near).is_ok(), "{near}");
        }
        for far in [
            "postgresql://u@10.0.0.7/db",
            "postgresql://u@db.example.org/db",
            "postgresql://u@127.0.0.1,10.0.0.7/db",
            "host=localhost hostaddr=10.0.0.7 user=u",
            "user=u dbname=db",
            "not an address",
        ] {
            assert!(matches!(configure(far), Err(CatalogError::Address(_))), "{far}");
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated_in_the_error() {
        let error = near("postgresql://u:geheim@10.0.0.7/db").unwrap_err();
        assert!(!error.to_string().contains("geheim") && !error.to_string().contains("10.0.0.7"), "{error}");
    }

    #[test]
    fn each_server_of_an_address_is_asked_by_itself_with_everything_else_the_same() {
        for address in [
            "postgres://u:p@127.0.0.1:5433,[::1]:5434/db?target_session_attrs=read-write",
            "host=127.0.0.1,::1 port=5433,5434 user=u password=p dbname=db target_session_attrs=read-write",
        ] {
            let servers = configure(address).unwrap();
            let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
            assert!(matches!(names[..], ["127.0.0.1:5433", "::1:5434" | "[::1]:5434"]), "{names:?}");
            for Server { config, .. } in servers {
                assert_eq!((config.get_hosts().len(), config.get_ports().len()), (1, 1));
                assert_eq!(config.get_user(), Some("u"));
                assert_eq!(config.get_password(), Some(&b"p"[..]));
                assert_eq!(config.get_dbname(), Some("db"));
                assert!(config.get_options().unwrap().contains("search_path=yingdun_catalogue"));
                assert_eq!(config.get_keepalives_idle(), PROBE_AFTER);
            }
        }
        let one_port = configure("host=/a,/b port=5440 user=u").unwrap();
        assert_eq!([&*one_port[0].name, &*one_port[1].name], ["/a:5440", "/b:5440"]);
    }

    #[test]
    fn ports_that_do_not_match_and_a_wish_for_a_standby_are_refused() {
        for wrong in ["host=/a,/b,/c port=1,2 user=u", "host=/a user=u target_session_attrs=read-only"] {
            assert!(matches!(configure(wrong), Err(CatalogError::Address(_))), "{wrong}");
        }
    }
}
