//! Prints which properties of the policies are proved. `script/prove` installs the solver and runs this.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what was proved is what it is run for")]

use clap::{Parser, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use yingdun_proofs::{CONSENTS, OUTSIDE, PROPERTIES, Policies, ProofError, Prover};

/// Proves what the policies can never do.
#[derive(Parser)]
struct Arguments {
    /// Folder with `schema.cedarschema` and `*.cedar`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../access/policies"))]
    policies: PathBuf,
    /// Folder with rules of an institution, beside them. Whether each mutant is refuted is not asked then: what a rule closes, a mutant does not
    /// open.
    #[arg(long)]
    local: Option<PathBuf>,
    /// A Python in which the package cvc5 is installed.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// The program that speaks to the solver.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/solver.py"))]
    solver: PathBuf,
    /// One JSON record a line.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Every property, its mutant, and that no policy ends in an error. What is done when nothing is named.
    Properties {
        /// Only the property of this name.
        #[arg(long)]
        only: Option<String>,
    },
    /// What these policies allow that those of another folder do not, with an example for each kind of request.
    Difference {
        /// The policies before the change.
        before: PathBuf,
    },
    /// What the rules of `--local` newly forbid and newly allow, with an example for each kind of request; compared with those of another
    /// folder, or with none.
    Local {
        /// The rules of the institution before the change.
        #[arg(long)]
        before: Option<PathBuf>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        None => properties(&arguments, None).await,
        Some(Task::Properties { only }) => properties(&arguments, only.as_deref()).await,
        Some(Task::Difference { before }) => difference(&arguments, before).await,
        Some(Task::Local { before }) => local(&arguments, before.as_deref()).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn properties(arguments: &Arguments, only: Option<&str>) -> Result<bool, ProofError> {
    let policies = with_local(arguments, arguments.local.as_deref())?;
    let mut prover = Prover::start(&policies, &arguments.python, &arguments.solver)?;
    let (mut proved, mut refuted, mut asked) = (0, 0, 0);
    let all = PROPERTIES.iter().chain(OUTSIDE).chain(CONSENTS);
    for property in all.filter(|property| only.is_none_or(|name| name == property.name)) {
        let begun = Instant::now();
        let finding = prover.property(property).await?;
        let (holds, mutant_refuted) = (finding.against.is_none(), finding.against_mutant.is_some());
        asked += 1;
        proved += usize::from(holds);
        refuted += usize::from(mutant_refuted);
        if arguments.json {
            println!(
                "{}",
                json!({"property": property.name, "says": property.says, "kinds": finding.kinds, "proved": holds,
                       "mutant_refuted": mutant_refuted, "milliseconds": begun.elapsed().as_millis(),
                       "counterexample": finding.against})
            );
        } else {
            let word = if holds { "proved" } else { "REFUTED" };
            let mutant = if mutant_refuted { "mutant refuted" } else { "MUTANT SURVIVES" };
            println!(
                "{word:8} {:32} {:3} kinds of requests, {mutant}: {}",
                property.name, finding.kinds, property.says
            );
            if let Some(example) = &finding.against {
                println!("{example}");
            }
        }
    }
    if asked == 0 {
        return Err(ProofError::Solver(format!("there is no property `{}`", only.unwrap_or_default())));
    }
    let (errors_asked, errors) = if only.is_none() { prover.errors().await? } else { (0, Vec::new()) };
    if arguments.json {
        println!(
            "{}",
            json!({"properties": asked, "proved": proved, "mutants_refuted": refuted, "policies": policies.policies.len(),
                   "error_questions": errors_asked, "policies_that_can_err": errors})
        );
    } else {
        for policy in &errors {
            println!("CAN END IN AN ERROR: {policy}");
        }
        println!(
            "{proved} of {asked} properties proved over {} policies, {refuted} of {asked} mutants refuted; {} of {errors_asked} pairs of \
             policy and kind of request can end in an error",
            policies.policies.len(),
            errors.len()
        );
    }
    let mutants_count = arguments.local.is_none();
    Ok(proved == asked && (refuted == asked || !mutants_count) && errors.is_empty())
}

/// What the rules of an institution change, in both directions.
async fn local(arguments: &Arguments, before: Option<&std::path::Path>) -> Result<bool, ProofError> {
    let (new, old) = (with_local(arguments, arguments.local.as_deref())?, with_local(arguments, before)?);
    for (word, of, against) in [("newly forbidden", &old, &new), ("newly allowed", &new, &old)] {
        let found = Prover::start(of, &arguments.python, &arguments.solver)?.newly_allowed(against).await?;
        for (kind, example) in &found {
            if arguments.json {
                println!("{}", json!({"change": word, "kind": kind, "example": example}));
            } else {
                println!("{word}: {kind}\n{example}");
            }
        }
        if !arguments.json {
            println!("{} kinds of requests have something that is {word}", found.len());
        }
    }
    Ok(true)
}

fn with_local(arguments: &Arguments, folder: Option<&std::path::Path>) -> Result<Policies, ProofError> {
    let policies = Policies::read(&arguments.policies)?;
    Ok(match folder {
        None => policies,
        Some(folder) => policies.with_local(folder)?,
    })
}

async fn difference(arguments: &Arguments, before: &std::path::Path) -> Result<bool, ProofError> {
    let (new, old) = (Policies::read(&arguments.policies)?, Policies::read(before)?);
    let found = Prover::start(&new, &arguments.python, &arguments.solver)?.newly_allowed(&old).await?;
    for (kind, example) in &found {
        if arguments.json {
            println!("{}", json!({"kind": kind, "example": example}));
        } else {
            println!("newly allowed: {kind}\n{example}");
        }
    }
    if !arguments.json {
        println!("{} kinds of requests have something that is newly allowed", found.len());
    }
    Ok(found.is_empty())
}
