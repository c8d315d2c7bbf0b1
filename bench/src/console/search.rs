//! Rows while somebody types, on a whole server whose catalogue is that of a large hospital.

use super::browser::drive;
use super::table::About;
use super::{OURS, Size, record};
use crate::case::Measured;
use crate::catalogue;
use crate::data;
use crate::failure::{Failure, Outcome, While};
use crate::machine::settle;
use crate::subject::Environment;
use crate::subject::filled::Filled;
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

pub(super) const ROWS: &str = "console-search-asked-to-rows";
pub(super) const KEY: &str = "console-search-key-to-rows";
pub(super) const ANSWER: &str = "console-search-answer";

pub(super) async fn run(
    environment: &Environment,
    size: Size,
    measured: &mut Measured,
    about: &mut About,
) -> Outcome<()> {
    let folder = environment.work.join("console-search");
    let filled = Filled::make(environment, &folder, &data::small_studies(1, 1)).await?;
    let (institution, tokens, columns) = filled.keys().await?;
    let database = filled.catalogue().await?;
    let keyed = catalogue::Keyed::new(institution, &tokens, columns, &database).await?;
    let started = Instant::now();
    let of = catalogue::Size { studies: size.studies, instances_per_series: 1 };
    catalogue::fill(&database, of, keyed).await?;
    drop(database);
    eprintln!("{} studies loaded after {:.0} s", size.studies, started.elapsed().as_secs_f64());
    settle()?;
    let (server, web) = filled.serve(environment)?;
    let told = drive(json!({
        "task": "search",
        "web": web,
        "session": filled.session,
        "typed": catalogue::typed(size.studies, size.typed),
    }))
    .await?;
    let found = told.get("found").and_then(Value::as_array).into_iter().flatten();
    if found.clone().count() != size.typed as usize || found.clone().any(|rows| rows.as_u64() == Some(0)) {
        return Err(Failure::new(
            "everybody who is looked for is in the catalogue, and somebody was not found",
        ));
    }
    record(measured, ROWS, OURS, &told, "since_asking");
    record(measured, KEY, OURS, &told, "since_key");
    record(measured, ANSWER, OURS, &told, "answered");
    about.chromium = told.get("chromium").and_then(Value::as_str).map(str::to_owned);
    server.stop()?;
    fs::remove_dir_all(&folder).or_fail("removing a folder")
}
