//! People of a directory, on both engines: a mock says what the test wants it to say.

use crate::house::{House, PASSWORD, REMOTE, actor, login_of};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, Department, DirectoryCall, DirectoryError, DirectoryLook, GroupName, LdapDirectory,
    LdapPerson, LdapRules, LdapSetup, NameFound, SignIn, SignInError, SignedIn, Stage,
};
use yingdun_model::{DepartmentId, Role, Secret};

crate::on_both_engines!(
    a_person_is_counted_by_subject_and_gets_what_the_groups_give,
    who_left_is_out_with_the_next_look_and_a_mover_has_what_the_groups_give_now,
    a_name_is_tried_on_one_side_and_no_account_made_beside_it,
    a_directory_that_is_away_counts_no_attempt_and_ends_no_session,
);

const WRONG: &str = "a wrong password";

/// Knows people, whose names it compares without case, and whose password is [`PASSWORD`].
#[derive(Default)]
struct MockDirectory {
    people: Mutex<BTreeMap<String, LdapPerson>>,
    away: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl MockDirectory {
    fn knows(&self, name: &str, subject: &str, groups: &[&str]) {
        let person = LdapPerson {
            dn: format!("uid={name}"),
            subject: subject.into(),
            name: Some(name.into()),
            groups: groups.iter().map(|group| format!("CN={group}, dc=h")).collect(),
        };
        self.people.lock().unwrap().insert(name.to_lowercase(), person);
    }

    fn forgets(&self, name: &str) {
        self.people.lock().unwrap().remove(name);
    }

    fn is_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    fn asked(&self, what: &str) -> Result<(), DirectoryError> {
        self.asked.lock().unwrap().push(what.to_owned());
        match *self.away.lock().unwrap() {
            true => Err(DirectoryError::Away("switched off".into())),
            false => Ok(()),
        }
    }

    fn was_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl LdapDirectory for MockDirectory {
    fn find<'a>(&'a self, name: &'a str) -> DirectoryCall<'a, NameFound> {
        Box::pin(async move {
            self.asked(name)?;
            let found = self.people.lock().unwrap().get(&name.to_lowercase()).cloned();
            Ok(found.map_or(NameFound::Nobody, NameFound::One))
        })
    }

    fn look<'a>(&'a self, subjects: &'a [String]) -> DirectoryCall<'a, Vec<LdapPerson>> {
        Box::pin(async move {
            self.asked("look")?;
            let people = self.people.lock().unwrap();
            Ok(people.values().filter(|person| subjects.contains(&person.subject)).cloned().collect())
        })
    }

    fn prove<'a>(&'a self, person: &'a LdapPerson, password: &'a Secret<String>) -> DirectoryCall<'a, bool> {
        Box::pin(async move {
            assert!(!password.expose().is_empty(), "an empty password is never sent");
            self.asked(&person.dn)?;
            Ok(password.expose() == PASSWORD)
        })
    }
}

struct Scene {
    access: Access,
    directory: Arc<MockDirectory>,
}

fn scene(house: &House, provision: bool) -> Scene {
    let directory = Arc::new(MockDirectory::default());
    let role = |group: &str, role| (GroupName::new(&format!("cn={group},dc=h")), role);
    let rules = LdapRules {
        directory: "ldap".into(),
        roles: BTreeMap::from([
            role("doctors", Role::Clinician),
            role("readers", Role::Radiologist),
            // Configuration calls this an error; here it gives nothing.
            role("bosses", Role::SecurityAdministrator),
        ]),
        departments: BTreeMap::from([(
            GroupName::new("cn=surgeons,dc=h"),
            DepartmentId::new("surgery").unwrap(),
        )]),
        provision,
    };
    let access = house.node_with_directory(LdapSetup { rules, directory: directory.clone() });
    Scene { access, directory }
}

impl Scene {
    async fn login(&self, name: &str, password: &str) -> Result<SignedIn, SignInError> {
        self.access.login(login_of(name, password, None, REMOTE)).await
    }

    async fn is_refused(&self, name: &str, password: &str) -> bool {
        matches!(self.login(name, password).await, Err(SignInError::Refused))
    }

    async fn lives(&self, signed_in: &SignedIn) -> bool {
        self.access.bearer(signed_in.token.expose(), REMOTE).await.is_ok()
    }
}

async fn roles_of(house: &House, name: &str) -> Option<Vec<Role>> {
    let people = house.access.people(&house.system_officer).await.unwrap();
    Some(people.into_iter().find(|person| person.actor == actor(name))?.roles)
}

async fn a_person_is_counted_by_subject_and_gets_what_the_groups_give(house: House) {
    let scene = scene(&house, true);
    scene.directory.knows("Li", "1", &["doctors", "bosses"]);
    for _ in 0..5 {
        assert!(scene.is_refused("li", WRONG).await);
    }
    scene.directory.was_asked();
    // After that, strangers wait, under whatever spelling; and the directory tries no password meanwhile.
    assert!(scene.is_refused("lI", PASSWORD).await);
    assert_eq!(house.last_leaf(), "authentication refused held-back");
    assert_eq!(scene.directory.was_asked(), ["lI"]);
    assert_eq!(roles_of(&house, "Li").await, None);
    house.clock.advance(Duration::from_secs(2));
    let signed_in = scene.login("li", PASSWORD).await.unwrap();
    assert_eq!(signed_in.session.actor(), &actor("Li"), "the account is called as the directory writes it");
    assert_eq!((signed_in.session.sign_in(), signed_in.session.stage()), (SignIn::Ldap, Stage::Whole));
    assert_eq!(signed_in.session.methods(), ["pwd"]);
    assert_eq!(house.last_leaf(), "authentication permitted ldap");
    assert_eq!(roles_of(&house, "Li").await.unwrap(), [Role::Clinician]);
    // With an account it is counted there: five failures stop the desk, and an empty password is none of the directory's business.
    assert!(scene.is_refused("Li", "").await);
    for name in ["LI", "Li", "li", "LI"] {
        assert!(scene.is_refused(name, WRONG).await);
    }
    assert!(scene.is_refused("li", PASSWORD).await);
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    // Whoever gets no role gets no account, and no password is tried.
    scene.directory.was_asked();
    scene.directory.knows("guest", "2", &["bosses"]);
    assert!(scene.is_refused("guest", PASSWORD).await);
    assert_eq!(house.last_leaf(), "authentication refused no-role-given");
    assert_eq!(scene.directory.was_asked(), ["guest"]);
}

async fn who_left_is_out_with_the_next_look_and_a_mover_has_what_the_groups_give_now(house: House) {
    let scene = scene(&house, true);
    let surgery = Department { id: DepartmentId::new("surgery").unwrap(), name: "外科".into() };
    house.access.enter_department(&house.security_officer, &surgery).await.unwrap();
    for (name, subject) in [("li", "1"), ("wang", "2"), ("zhao", "3")] {
        scene.directory.knows(name, subject, &["doctors", "surgeons"]);
    }
    let li = scene.login("li", PASSWORD).await.unwrap();
    let wang = scene.login("wang", PASSWORD).await.unwrap();
    let members = async || {
        let (_, members) = house.access.departments(&house.security_officer).await.unwrap();
        members.into_iter().map(|member| member.actor.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(members().await, ["li", "wang"]);
    let same = scene.access.look_at_directory().await.unwrap();
    assert_eq!(same, DirectoryLook { looked: 2, gone: 0, changed: 0 }, "zhao has no session");
    scene.directory.forgets("li");
    scene.directory.knows("wang", "2", &["readers"]);
    let found = scene.access.look_at_directory().await.unwrap();
    assert_eq!(found, DirectoryLook { looked: 2, gone: 1, changed: 1 });
    assert!(!scene.lives(&li).await && !scene.lives(&wang).await);
    assert_eq!(roles_of(&house, "li").await.unwrap(), []);
    assert_eq!(roles_of(&house, "wang").await.unwrap(), [Role::Radiologist]);
    assert_eq!(members().await, Vec::<String>::new());
    assert!(house.leaves().iter().any(|leaf| leaf.reason.to_string() == "left-directory"));
    assert!(scene.is_refused("li", PASSWORD).await);
    assert_eq!(house.last_leaf(), "authentication refused gone-from-directory");
    // The name, given to somebody else there, does not open the account of the first.
    scene.directory.knows("li", "9", &["doctors"]);
    assert!(scene.is_refused("li", PASSWORD).await);
}

async fn a_name_is_tried_on_one_side_and_no_account_made_beside_it(house: House) {
    let scene = scene(&house, true);
    house.person_with_password("Wang", Role::Radiologist).await;
    scene.directory.knows("wang", "1", &["doctors"]);
    for name in ["Wang", "wang", "WANG"] {
        assert!(scene.is_refused(name, WRONG).await, "{name}");
    }
    assert!(scene.is_refused("wang", PASSWORD).await);
    assert!(scene.login("Wang", PASSWORD).await.is_ok());
    assert_eq!(scene.directory.was_asked(), Vec::<String>::new());
    // Found under another name, and called so: not made beside it.
    let person = scene.directory.people.lock().unwrap().remove("wang").unwrap();
    scene.directory.people.lock().unwrap().insert("w.wang".into(), person);
    assert!(matches!(scene.login("w.wang", PASSWORD).await, Err(SignInError::NameTaken)));
    assert_eq!(house.last_leaf(), "authentication refused name-taken");
    assert_eq!(
        scene.access.unbound_beside_provisioning().await.unwrap(),
        Some(1),
        "officers are never bound"
    );
    // Bound, it is tried there only, and has no password here; a link of before opens nothing behind the back of the directory.
    let system = house.access.system_session();
    let link = scene.access.create_login_link(&system, &actor("Wang"), Role::Radiologist).await.unwrap();
    scene.access.bind_person(&house.system_officer, &actor("Wang"), "1").await.unwrap();
    let opened = scene.access.redeem_login_link(link.token.expose(), REMOTE).await;
    assert!(matches!(opened, Err(SignInError::Refused)), "{opened:?}");
    assert_eq!(scene.access.unbound_beside_provisioning().await.unwrap(), Some(0));
    let held = scene.login("Wang", PASSWORD).await;
    assert!(matches!(held, Err(SignInError::ChooseRole { .. })), "{held:?}");
    scene.directory.was_asked();
    assert!(scene.is_refused("Wang", WRONG).await);
    assert_eq!(scene.directory.was_asked(), ["look", "uid=wang"]);
    let invited = scene.access.invite_again(&house.system_officer, &actor("Wang")).await;
    assert!(matches!(invited, Err(AdminError::PasswordElsewhere)));
    // Nor when the section is taken away.
    assert!(matches!(house.login("Wang", PASSWORD, None).await, Err(SignInError::DirectoryUnavailable(_))));
}

async fn a_directory_that_is_away_counts_no_attempt_and_ends_no_session(house: House) {
    let scene = scene(&house, true);
    scene.directory.knows("li", "1", &["doctors"]);
    let li = scene.login("li", PASSWORD).await.unwrap();
    scene.directory.is_away(true);
    for _ in 0..8 {
        let away = scene.login("li", WRONG).await;
        assert!(matches!(away, Err(SignInError::DirectoryUnavailable(_))));
    }
    assert_eq!(house.last_leaf(), "authentication refused directory-unavailable");
    let looked = scene.access.look_at_directory().await;
    assert!(matches!(looked, Err(SignInError::DirectoryUnavailable(_))));
    assert!(scene.lives(&li).await);
    scene.directory.is_away(false);
    assert!(scene.login("li", PASSWORD).await.is_ok(), "nobody was stopped by what nobody answered");
}
