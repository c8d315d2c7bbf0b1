//! The whole room on real engines: SQLite and PostgreSQL, a real audit log, real policies, a clock that obeys.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod administration;
mod alerts;
mod approvals;
mod audit_reviews;
mod consents;
mod consultations;
mod decisions;
mod departments;
mod devices;
mod dissents;
mod external;
mod freeze;
mod grants;
mod house;
mod ladder;
mod ldap;
mod maintenance;
mod oauth;
mod oidc;
mod passkeys;
mod patients;
mod policy;
mod programs;
mod second_factor;
mod sessions;
mod setup;
mod sign_in;
mod waiting;

/// Turns behaviours (`async fn name(house: House)`) into tests on each engine.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::house::House::on_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(house) = crate::house::House::on_postgres().await else { return };
                super::$name(house).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;
