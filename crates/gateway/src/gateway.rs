//! The gateway itself: zones, buckets and turns of one process, asked by both doors.

use crate::buckets::Buckets;
use crate::class::Class;
use crate::rate::{Rate, TooMany};
use crate::recent::{Credential, Recent};
use crate::refusal::Refusal;
use crate::rules::{Asked, Rules};
use crate::settings::{Settings, SettingsError};
use crate::turns::{Turn, Turns};
use crate::zones::Zones;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_access::Session;
use yingdun_model::{ActorId, ActorKind, Role};

/// What is let through. One per process; clones are the same.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    zones: Zones,
    rules: Rules,
    began: Instant,
    connections: Buckets<IpAddr>,
    strangers: Buckets<IpAddr>,
    subjects: Buckets<(ActorKind, ActorId, Work)>,
    recent: Recent,
    turns: Turns,
}

/// What a subject has a rate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Work {
    Of(Class),
    Associations,
}

/// Whose rate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing acts.
    pub kind: ActorKind,
    /// Who.
    pub actor: ActorId,
    /// In which role.
    pub role: Role,
}

impl From<&Session> for Subject {
    fn from(session: &Session) -> Self {
        Self { kind: session.actor_kind(), actor: session.actor().clone(), role: session.role() }
    }
}

impl Gateway {
    /// A gateway by the settings of an installation.
    ///
    /// # Errors
    /// [`SettingsError`] names what cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let zones = Zones::new(&settings)?;
        let rules = Rules::new(&settings.deny)?;
        // What is counted must be seen before it happens, so that somebody can be woken by it.
        for class in Class::ALL {
            metrics::counter!("yingdun_gateway_waits_total", "class" => class.as_str()).increment(0);
            for door in ["http", "dimse"] {
                let class = class.as_str();
                metrics::counter!("yingdun_gateway_refusals_total", "door" => door, "class" => class, "reason" => "rate").increment(0);
            }
        }
        rules.announce();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self(Arc::new(Inner {
            settings,
            zones,
            rules,
            began: Instant::now(),
            connections: Buckets::default(),
            strangers: Buckets::default(),
            subjects: Buckets::default(),
            recent: Recent::default(),
            turns: Turns::new(cores),
        })))
    }

    /// Where requests may come from.
    #[must_use]
    pub fn zones(&self) -> &Zones {
        &self.0.zones
    }

    /// A new connection, before a byte of it is read.
    ///
    /// # Errors
    /// [`Refusal::Zone`] from outside of every zone, [`Refusal::Rate`] for too many from one address.
    pub fn connection(&self, address: IpAddr) -> Result<(), Refusal> {
        if !self.0.zones.admit(address) {
            return Err(Refusal::Zone);
        }
        let taken = self.0.connections.take(network_of(address), self.0.settings.connections(), self.now());
        taken.map_err(refusal)
    }

    /// A request as it was sent, against the rules of the installation. `values` gives the values of a header field by its name in
    /// lower case.
    ///
    /// # Errors
    /// [`Refusal::Rule`].
    pub fn rules<'v>(
        &self,
        asked: &Asked<'_>,
        values: impl Fn(&str) -> Vec<&'v [u8]>,
    ) -> Result<(), Refusal> {
        if self.0.rules.deny(asked, values) { Err(Refusal::Rule) } else { Ok(()) }
    }

    /// A request of a class, before anybody knows whose it is.
    ///
    /// # Errors
    /// [`Refusal::Zone`] when the class is bound to zones elsewhere.
    pub fn arrival(&self, class: Class, address: IpAddr) -> Result<(), Refusal> {
        if self.0.zones.admit_class(class, address) { Ok(()) } else { Err(Refusal::Zone) }
    }

    /// A request of nobody in particular: what needs no token, or came with a wrong one.
    ///
    /// # Errors
    /// [`Refusal::Rate`] for too many from one address.
    pub fn stranger(&self, address: IpAddr) -> Result<(), Refusal> {
        let taken = self.0.strangers.take(network_of(address), self.0.settings.strangers(), self.now());
        taken.map_err(refusal)
    }

    /// A credential that is about to be looked up.
    ///
    /// # Errors
    /// [`Refusal::Rate`] while its address sends too many wrong ones, unless it was good a short while ago.
    pub fn credential(&self, credential: Credential<'_>, address: IpAddr) -> Result<(), Refusal> {
        let now = self.now();
        match self.0.strangers.look(&network_of(address), self.0.settings.strangers(), now) {
            Err(_) if self.0.recent.has(credential, now) => Ok(()),
            looked => looked.map_err(refusal),
        }
    }

    /// A credential that has used up its rate for a class is refused until then without being looked up.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn held(&self, credential: Credential<'_>, class: Class) -> Result<(), Refusal> {
        match self.0.recent.held(credential, class, self.now()) {
            Some(retry_after) => Err(Refusal::Rate { retry_after }),
            None => Ok(()),
        }
    }

    /// Somebody who is known was refused: the credential waits as long as was said.
    pub fn hold(&self, credential: Credential<'_>, class: Class, refused: Refusal) {
        if let Refusal::Rate { retry_after } | Refusal::Quota { retry_after } = refused {
            let now = self.now();
            self.0.recent.hold(credential, class, now + retry_after.min(HOLD_MAX), now);
        }
    }

    /// A credential was good.
    pub fn is_good(&self, credential: Credential<'_>) {
        self.0.recent.note(credential, self.now());
    }

    /// A request of somebody who is known. What comes from elsewhere takes of the rate too: each refusal of a zone is written down.
    ///
    /// # Errors
    /// [`Refusal::Rate`] or [`Refusal::Quota`] for too many, [`Refusal::Zone`] when the role is bound to zones elsewhere.
    pub fn admit(&self, class: Class, subject: &Subject, address: IpAddr) -> Result<(), Refusal> {
        let is_here = self.0.zones.admit_role(subject.role, address);
        let rate = self.rates(subject.kind).and_then(|(rates, is_program)| rates.of(class, is_program));
        match rate {
            Some(rate) => self.take(subject, Work::Of(class), rate)?,
            // Refusals of classes without a rate are counted with those of strangers.
            None if !is_here => self.stranger(address)?,
            None => {}
        }
        if is_here { Ok(()) } else { Err(Refusal::Zone) }
    }

    /// An association of a device.
    ///
    /// # Errors
    /// As [`Gateway::admit`].
    pub fn association(&self, subject: &Subject, address: IpAddr) -> Result<(), Refusal> {
        self.take(subject, Work::Associations, self.0.settings.device.associations())?;
        if self.0.zones.admit_role(subject.role, address) { Ok(()) } else { Err(Refusal::Zone) }
    }

    /// A turn for somebody who is known, or for an address.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when none becomes free in time.
    pub async fn turn(
        &self,
        class: Class,
        subject: Option<&Subject>,
        address: IpAddr,
    ) -> Result<Turn, Refusal> {
        let taker = match subject {
            Some(subject) => format!("{} {}", subject.kind, subject.actor),
            None => network_of(address).to_string(),
        };
        self.0.turns.take(class, taker.into()).await
    }

    fn take(&self, subject: &Subject, work: Work, rate: Rate) -> Result<(), Refusal> {
        let key = (subject.kind, subject.actor.clone(), work);
        self.0.subjects.take(key, rate, self.now()).map_err(refusal)
    }

    fn rates(&self, kind: ActorKind) -> Option<(&crate::settings::SubjectRates, bool)> {
        let settings = &self.0.settings;
        match kind {
            ActorKind::Person => Some((&settings.person, false)),
            ActorKind::Service => Some((&settings.client, true)),
            ActorKind::Device => Some((&settings.device, true)),
            ActorKind::System => None,
        }
    }

    fn now(&self) -> Duration {
        self.0.began.elapsed()
    }
}

impl Refusal {
    /// Notes it in the metrics, under the door and the class where it happened.
    pub fn note(self, door: &'static str, class: Option<Class>) {
        let class = class.map_or("connection", Class::as_str);
        metrics::counter!("yingdun_gateway_refusals_total", "door" => door, "class" => class, "reason" => self.as_str()).increment(1);
    }
}

// === helpers ===

/// The longest time for which a credential is not looked up: who was given a larger rate meanwhile does not wait for longer.
const HOLD_MAX: Duration = Duration::from_secs(5);

fn refusal(TooMany { after, of_day }: TooMany) -> Refusal {
    if of_day { Refusal::Quota { retry_after: after } } else { Refusal::Rate { retry_after: after } }
}

/// One IPv6 host owns a whole /64, so the network counts as one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(text: &str) -> Gateway {
        Gateway::new(toml::from_str(text).unwrap()).unwrap()
    }

    fn subject(kind: ActorKind, name: &str, role: Role) -> Subject {
        Subject { kind, actor: ActorId::new(name).unwrap(), role }
    }

    fn token(token: &str) -> Credential<'_> {
        Credential { door: "http", token }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn each_person_each_kind_and_each_class_has_a_rate_of_its_own() {
        let gateway = gateway(
            "person = { reading = { per_second = 1, burst = 2 }, search = { per_second = 1, burst = 3 } }",
        );
        let (li, wang) = (
            subject(ActorKind::Person, "li", Role::Radiologist),
            subject(ActorKind::Person, "wang", Role::Radiologist),
        );
        let program = subject(ActorKind::Service, "li", Role::Service);
        let taken =
            |who: &Subject, class| (0..20).filter(|_| gateway.admit(class, who, HERE).is_ok()).count();
        assert_eq!(taken(&li, Class::Reading), 2);
        assert_eq!(taken(&li, Class::Search), 3);
        assert_eq!(taken(&wang, Class::Reading), 2);
        assert_eq!(taken(&program, Class::Reading), 20, "a program of the same name is somebody else");
    }

    #[test]
    fn a_refusal_says_when_it_is_worth_asking_again() {
        let gateway = gateway("address = { strangers = { per_second = 1, burst = 1 } }");
        assert!(gateway.stranger(HERE).is_ok());
        let refused = gateway.stranger(HERE).unwrap_err();
        assert!(matches!(refused, Refusal::Rate { .. }) && refused.retry_after_s() == Some(1));
        assert!(gateway.stranger("192.0.2.7".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_flood_of_wrong_credentials_does_not_keep_those_out_who_work_there() {
        let gateway = gateway("address = { strangers = { per_second = 1, burst = 3 } }");
        gateway.is_good(token("of a reader"));
        while gateway.credential(token("guessed"), HERE).is_ok() {
            let _counted = gateway.stranger(HERE);
        }
        assert!(gateway.credential(token("of a reader"), HERE).is_ok());
        assert!(gateway.credential(token("another guess"), HERE).is_err());
        assert!(gateway.credential(token("guessed"), "192.0.2.7".parse().unwrap()).is_ok());
    }

    #[test]
    fn what_comes_from_elsewhere_takes_of_the_rate_so_that_its_leaves_are_bounded() {
        let rate = "{ per_second = 1, burst = 2 }";
        let gateway = gateway(&format!(
            "zones = {{ office = [\"192.0.2.0/24\"], ward = [\"127.0.0.1\"] }}\n\
             roles = {{ radiologist = [\"office\"], device = [\"office\"] }}\n\
             person = {{ reading = {rate} }}\ndevice = {{ associations = {rate} }}\naddress = {{ strangers = {rate} }}"
        ));
        let li = subject(ActorKind::Person, "li", Role::Radiologist);
        let device = subject(ActorKind::Device, "CT1", Role::Device);
        let written =
            |ask: &dyn Fn() -> Result<(), Refusal>| (0..20).filter(|_| ask() == Err(Refusal::Zone)).count();
        assert_eq!(written(&|| gateway.admit(Class::Reading, &li, HERE)), 2);
        assert_eq!(written(&|| gateway.association(&device, HERE)), 2);
        assert_eq!(written(&|| gateway.admit(Class::Open, &li, HERE)), 2, "a class without a rate");
    }

    #[test]
    fn a_host_does_not_get_more_by_roaming_in_its_network() {
        let gateway = gateway("address = { connections = { per_second = 1, burst = 1 } }");
        assert!(gateway.connection("2001:db8::1".parse().unwrap()).is_ok());
        assert!(gateway.connection("2001:db8::2".parse().unwrap()).is_err());
        assert!(gateway.connection("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
