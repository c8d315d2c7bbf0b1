//! One authorised reader while others flood the door: what it waits for a picture, with and without them.
//!
//! ```text
//! a program reads single frames, one after the other ─────────────► p50, p99
//! a person asks ten times as fast as one person may, 64 connections ─► 429
//! strangers with wrong tokens, ten times as many as one address may ─► 401, 429
//! 2,000 connections from 20 addresses: silent, a header that drips, a body that drips; opened again when closed
//! ```
//!
//! All of it runs on the machine of the server and takes processors from it, so what is measured is worse than a flood from outside.

use crate::case::{Measured, Size, retrieve};
use crate::data::{self, Images};
use crate::failure::{Outcome, While};
use crate::load::http::{Ask, HttpClient, HttpTarget};
use crate::load::store::send;
use crate::machine::settle;
use crate::statistics::Latencies;
use crate::subject::{Environment, Subject};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// What one person may read in a second unless told otherwise, and how often at once.
const PERSON_PER_SECOND: u64 = 1000;
/// What strangers of one address may ask for in a second unless told otherwise.
const STRANGERS_PER_SECOND: u64 = 50;
/// How many times as much is asked for.
const TIMES: u64 = 10;
/// Connections of the person.
const PERSON_CONNECTIONS: u64 = 64;
/// Connections of the strangers.
const STRANGER_CONNECTIONS: u64 = 16;
/// Connections that say next to nothing.
const SLOW_CONNECTIONS: u64 = 2000;
/// Addresses from which they come.
const SLOW_ADDRESSES: u64 = 20;
/// A byte from each of them so often.
const DRIP: Duration = Duration::from_secs(2);
/// They come again when they were closed for so long.
const COME_AGAIN: Duration = Duration::from_secs(5);
/// How long the flood runs before it is measured: until what the person may do at once is used up.
const WARM_UP: Duration = Duration::from_secs(25);
/// How long the reader rests between two pictures.
const THINKING: Duration = Duration::from_millis(5);

const SUBJECT: &str = "yingdun";
const QUIET: &str = "gateway-frame-quiet";
const QUIET_NEW: &str = "gateway-frame-over-a-new-connection-quiet";
const FLOODED: &str = "gateway-frame-flooded";
const FLOODED_NEW: &str = "gateway-frame-over-a-new-connection-flooded";
const FLOOD: &str = "gateway-flood";

/// What the others did.
#[derive(Default)]
struct Counts {
    asked: AtomicU64,
    served: AtomicU64,
    turned_away: AtomicU64,
    guessed: AtomicU64,
    slow_opened: AtomicU64,
    slow_open: AtomicU64,
}

/// Measures both.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let series = data::ct_studies(1, size.slices);
    let running = Subject::Yingdun { replicas: 3 }.start(environment).await?;
    send(&running.dicom, &series, 4).await?;
    settle()?;
    let person = running.http.clone().or_fail("there is no DICOMweb")?;
    let bearer = running.client.as_ref().map(|client| client.bearer.clone());
    let reader = HttpTarget { bearer, ..person.clone() };
    let asks = Arc::new(frames(series.first().or_fail("there is no study")?));
    let count = size.requests * 10;
    // The first requests open the study.
    read(&reader, &asks, 50).await?;
    for _ in 0..size.rounds {
        let quiet = read(&reader, &asks, count).await?;
        note(QUIET, &quiet, measured);
        note(QUIET_NEW, &read_anew(&reader, &asks, count / 10).await?, measured);
        let counts = Arc::new(Counts::default());
        let mut others = flood(&person, &asks, &counts);
        tokio::time::sleep(WARM_UP).await;
        let began = (
            Instant::now(),
            counts.asked.load(Ordering::Relaxed),
            counts.turned_away.load(Ordering::Relaxed),
        );
        let (served, guessed) =
            (counts.served.load(Ordering::Relaxed), counts.guessed.load(Ordering::Relaxed));
        let cpu = running.server.cpu_s()?;
        let flooded = read(&reader, &asks, count).await?;
        note(FLOODED, &flooded, measured);
        note(FLOODED_NEW, &read_anew(&reader, &asks, count / 10).await?, measured);
        let seconds = began.0.elapsed().as_secs_f64();
        let per_s = |now: &AtomicU64, before: u64| (now.load(Ordering::Relaxed) - before) as f64 / seconds;
        measured.add(FLOOD, SUBJECT, "asked_requests_per_s", per_s(&counts.asked, began.1));
        measured.add(FLOOD, SUBJECT, "served_requests_per_s", per_s(&counts.served, served));
        measured.add(FLOOD, SUBJECT, "turned_away_requests_per_s", per_s(&counts.turned_away, began.2));
        measured.add(FLOOD, SUBJECT, "guessed_requests_per_s", per_s(&counts.guessed, guessed));
        measured.add(FLOOD, SUBJECT, "slow_connections", counts.slow_open.load(Ordering::Relaxed) as f64);
        measured.add(
            FLOOD,
            SUBJECT,
            "slow_connections_opened",
            counts.slow_opened.load(Ordering::Relaxed) as f64,
        );
        measured.add(FLOOD, SUBJECT, "server_processors", (running.server.cpu_s()? - cpu) / seconds);
        others.abort_all();
        while others.join_next().await.is_some() {}
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (quiet, flooded) in [(QUIET, FLOODED), (QUIET_NEW, FLOODED_NEW)] {
            let p99 = |case| measured.median(case, SUBJECT, "p99_ms").unwrap_or(f64::NAN);
            measured.add(flooded, SUBJECT, "times_p99_quiet", p99(flooded) / p99(quiet));
        }
    }
    running.stop()
}

/// The table, in Markdown.
pub(crate) fn table(measured: &Measured) -> String {
    let mut table = "| case | metric | value |\n|---|---|---:|\n".to_owned();
    for case in measured.cases() {
        for (key, value) in measured.of_case(case) {
            let _ = writeln!(table, "| {case} | {} | {value:.2} |", key.metric);
        }
    }
    table
}

// === the reader ===

fn frames(series: &Images) -> Vec<Ask> {
    let path = |image: &crate::data::Image| {
        let instance = image.object.sop_instance.as_str();
        format!("{}/instances/{instance}/frames/1", retrieve::series_path(series))
    };
    let ask = |image| Ask {
        path: path(image),
        accept: "multipart/related; type=\"application/octet-stream\"",
        bytes_min: 512 * 512 * 2,
    };
    series.images.iter().map(ask).collect()
}

/// Reads frames one after the other over one connection.
async fn read(target: &HttpTarget, asks: &[Ask], count: usize) -> Outcome<Latencies> {
    let mut client = HttpClient::connect(target).await?;
    let mut latencies = Vec::with_capacity(count);
    for ask in asks.iter().cycle().take(count) {
        let asked = Instant::now();
        client.ask(ask).await?;
        latencies.push(asked.elapsed());
        tokio::time::sleep(THINKING).await;
    }
    Ok(Latencies::new(latencies))
}

/// The same, each over a connection of its own, whose handshake counts.
async fn read_anew(target: &HttpTarget, asks: &[Ask], count: usize) -> Outcome<Latencies> {
    let mut latencies = Vec::with_capacity(count);
    for ask in asks.iter().cycle().take(count) {
        let asked = Instant::now();
        HttpClient::connect(target).await?.ask(ask).await?;
        latencies.push(asked.elapsed());
        tokio::time::sleep(THINKING).await;
    }
    Ok(Latencies::new(latencies))
}

fn note(case: &str, latencies: &Latencies, measured: &mut Measured) {
    let (p50, p99) = (latencies.percentile_ms(0.5), latencies.percentile_ms(0.99));
    measured.add(case, SUBJECT, "p50_ms", p50);
    measured.add(case, SUBJECT, "p99_ms", p99);
    measured.add(case, SUBJECT, "requests", latencies.count() as f64);
    eprintln!("{case:<48} {p50:>8.2} ms p50 {p99:>8.2} ms p99");
}

// === the others ===

fn flood(person: &HttpTarget, asks: &Arc<Vec<Ask>>, counts: &Arc<Counts>) -> JoinSet<()> {
    let mut others = JoinSet::new();
    let pause =
        |connections: u64, per_second: u64| Duration::from_nanos(1_000_000_000 * connections / per_second);
    for _ in 0..PERSON_CONNECTIONS {
        let pause = pause(PERSON_CONNECTIONS, PERSON_PER_SECOND * TIMES);
        let (target, asks, counts) = (person.clone(), asks.clone(), counts.clone());
        others.spawn(async move { ask_on(&target, local(2, 1), &asks, pause, &counts, false).await });
    }
    for _ in 0..STRANGER_CONNECTIONS {
        let pause = pause(STRANGER_CONNECTIONS, STRANGERS_PER_SECOND * TIMES);
        let target = HttpTarget { bearer: Some("a-token-that-nobody-gave".to_owned()), ..person.clone() };
        let (asks, counts) = (asks.clone(), counts.clone());
        others.spawn(async move { ask_on(&target, local(2, 2), &asks, pause, &counts, true).await });
    }
    for number in 0..SLOW_CONNECTIONS {
        let (target, counts) = (person.clone(), counts.clone());
        let from = local(3, 1 + number % SLOW_ADDRESSES);
        others.spawn(async move {
            // Not all in the same moment.
            tokio::time::sleep(Duration::from_millis(number * 5)).await;
            loop {
                let _ended = dawdle(&target, from, number, &counts).await;
                tokio::time::sleep(COME_AGAIN).await;
            }
        });
    }
    others
}

/// Asks at a pace, whatever the answer is; over a new connection when it was closed.
async fn ask_on(
    target: &HttpTarget,
    from: IpAddr,
    asks: &[Ask],
    pause: Duration,
    counts: &Counts,
    guesses: bool,
) {
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    loop {
        let connected = async {
            HttpClient::connect_over(target, dial(target.address, from).await.or_fail("dialling")?).await
        };
        let Ok(mut client) = connected.await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        for ask in asks.iter().cycle() {
            ticks.tick().await;
            counts.asked.fetch_add(u64::from(!guesses), Ordering::Relaxed);
            counts.guessed.fetch_add(u64::from(guesses), Ordering::Relaxed);
            let Ok((status, _)) = client.text(&ask.path, ask.accept).await else { break };
            counts.served.fetch_add(u64::from(status.is_success()), Ordering::Relaxed);
            counts.turned_away.fetch_add(u64::from(status.as_u16() == 429), Ordering::Relaxed);
        }
    }
}

/// A connection that says next to nothing, until it is closed.
async fn dawdle(target: &HttpTarget, from: IpAddr, number: u64, counts: &Counts) -> Outcome<()> {
    let stream = dial(target.address, from).await.or_fail("dialling")?;
    counts.slow_opened.fetch_add(1, Ordering::Relaxed);
    let _open = Open::count(counts);
    let what = "dawdling";
    let Some(tls) = target.tls.clone().filter(|_| !number.is_multiple_of(3)) else {
        let mut stream = stream;
        let mut nothing = [0; 16];
        stream.read(&mut nothing).await.or_fail(what)?;
        return Ok(());
    };
    let name = rustls::pki_types::ServerName::from(target.address.ip());
    let mut stream = TlsConnector::from(tls).connect(name, stream).await.or_fail(what)?;
    let head: &[u8] = if number % 3 == 1 {
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: "
    } else {
        b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"
    };
    say(&mut stream, head).await?;
    loop {
        tokio::select! {
            read = stream.read_u8() => { read.or_fail(what)?; }
            () = tokio::time::sleep(DRIP) => say(&mut stream, b"a").await?,
        }
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Outcome<()> {
    stream.write_all(bytes).await.or_fail("dawdling")?;
    stream.flush().await.or_fail("dawdling")
}

struct Open<'a>(&'a Counts);

impl<'a> Open<'a> {
    fn count(counts: &'a Counts) -> Self {
        counts.slow_open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.slow_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An address of this machine that is not the one of the reader.
fn local(network: u8, host: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, network, u8::try_from(host).unwrap_or(u8::MAX)))
}

async fn dial(to: SocketAddr, from: IpAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
