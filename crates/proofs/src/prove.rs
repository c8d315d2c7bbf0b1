//! Asks the solver whether a property holds, for every kind of request; what it finds against it is decided again by the
//! engine that decides in the archive, so that nobody has to take the solver's word.

use crate::policies::{Policies, PoliciesError, bound};
use crate::property::{Bound, Property};
use cedar_policy::{Authorizer, Decision, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};
use std::path::Path;
use tokio::process::Command;

/// Why nothing was proved.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The policies, the bound or the mutant cannot be used.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// The solver could not be started or asked. A question that it cannot decide in its time is one of these.
    #[error("the solver did not answer: {0}")]
    Solver(String),
    /// A property speaks of no kind of request: of a principal type or an action that is not in the schema.
    #[error("property `{0}` speaks of no request of the schema")]
    Nothing(&'static str),
    /// Solver and engine do not agree on a counterexample.
    #[error("the solver's counterexample is none to the engine: {0}")]
    Disagreement(String),
}

/// What was found about one property.
pub struct Finding {
    /// Kinds of requests (principal type, action, resource type) that were looked at.
    pub kinds: usize,
    /// Against the policies as they are: none, if the property holds.
    pub against: Option<String>,
    /// Against the weakened ones: none would mean that the property cannot fail.
    pub against_mutant: Option<String>,
}

/// A solver and the policies.
pub struct Prover<'a> {
    policies: &'a Policies,
    set: PolicySet,
    compiler: CedarSymCompiler<LocalSolver>,
}

impl<'a> Prover<'a> {
    /// Starts the solver: `python` runs the program `solver`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(policies: &'a Policies, python: &Path, solver: &Path) -> Result<Self, ProofError> {
        let solver = LocalSolver::from_command(Command::new(python).arg(solver).kill_on_drop(true))
            .map_err(unanswered)?;
        Ok(Self {
            policies,
            set: policies.set()?,
            compiler: CedarSymCompiler::new(solver).map_err(unanswered)?,
        })
    }

    /// Whether the property holds, and whether its mutant breaks it.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn property(&mut self, property: &Property) -> Result<Finding, ProofError> {
        let kinds = kinds(&self.policies.schema, property);
        if kinds.is_empty() {
            return Err(ProofError::Nothing(property.name));
        }
        let as_they_are = self.set.clone();
        let against = self.against(property, &as_they_are, &kinds).await?;
        let weakened = self.policies.weakened(property.mutant)?;
        let against_mutant = self.against(property, &weakened, &kinds).await?;
        Ok(Finding { kinds: kinds.len(), against, against_mutant })
    }

    /// The names of policies that can end in an error, and for which kind of request. A policy in error is left out of a
    /// decision, which is the last thing that a guardrail may do.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn errors(&mut self) -> Result<(usize, Vec<String>), ProofError> {
        let mut found = Vec::new();
        let mut asked = 0;
        for kind in self.policies.schema.request_envs() {
            for policy in &self.policies.policies {
                let compiled =
                    CompiledPolicy::compile(policy, &kind, &self.policies.schema).map_err(unanswered)?;
                asked += 1;
                if !self.compiler.check_never_errors_opt(&compiled).await.map_err(unanswered)? {
                    found.push(format!("{} for {}", policy.id(), describe(&kind)));
                }
            }
        }
        Ok((asked, found))
    }

    /// What the policies allow and `before` did not, one example for each kind of request.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn newly_allowed(&mut self, before: &Policies) -> Result<Vec<(String, String)>, ProofError> {
        let (new, old) = (self.set.clone(), before.set()?);
        let mut found = Vec::new();
        for kind in self.policies.schema.request_envs() {
            if let Some(example) = self.allowed_beyond(&new, &old, &kind).await? {
                found.push((describe(&kind), example));
            }
        }
        Ok(found)
    }

    async fn against(
        &mut self,
        property: &Property,
        set: &PolicySet,
        kinds: &[RequestEnv],
    ) -> Result<Option<String>, ProofError> {
        let bound_set = bound(&property.bound)?;
        for kind in kinds {
            let example = match property.bound {
                Bound::AtMost(_) => self.allowed_beyond(set, &bound_set, kind).await?,
                Bound::AtLeast(_) => self.allowed_beyond(&bound_set, set, kind).await?,
            };
            if let Some(example) = example {
                return Ok(Some(format!("{}\n{example}", describe(kind))));
            }
        }
        Ok(None)
    }

    /// A request that `wider` allows and `narrower` does not, if there is one, decided by the engine as well.
    async fn allowed_beyond(
        &mut self,
        wider: &PolicySet,
        narrower: &PolicySet,
        kind: &RequestEnv,
    ) -> Result<Option<String>, ProofError> {
        let schema = &self.policies.schema;
        let left = CompiledPolicySet::compile(wider, kind, schema).map_err(unanswered)?;
        let right = CompiledPolicySet::compile(narrower, kind, schema).map_err(unanswered)?;
        let found =
            self.compiler.check_implies_with_counterexample_opt(&left, &right).await.map_err(unanswered)?;
        match found {
            None => Ok(None),
            Some(example) => {
                let engine = (decide(&example, wider), decide(&example, narrower));
                if engine == (Decision::Allow, Decision::Deny) {
                    Ok(Some(example.to_string()))
                } else {
                    Err(ProofError::Disagreement(format!("{engine:?}\n{example}")))
                }
            }
        }
    }
}

// === helpers ===

fn unanswered(error: impl std::fmt::Display) -> ProofError {
    ProofError::Solver(error.to_string())
}

fn decide(example: &Env, set: &PolicySet) -> Decision {
    Authorizer::new().is_authorized(&example.request, set, &example.entities).decision()
}

fn kinds(schema: &Schema, property: &Property) -> Vec<RequestEnv> {
    schema
        .request_envs()
        .filter(|kind| property.principals.iter().any(|name| kind.principal().to_string() == *name))
        .filter(|kind| {
            let action = kind.action().id().unescaped();
            property.actions.is_empty() || property.actions.contains(&action)
        })
        .collect()
}

fn describe(kind: &RequestEnv) -> String {
    format!("{} {} {}", kind.principal(), kind.action().id().unescaped(), kind.resource())
}
