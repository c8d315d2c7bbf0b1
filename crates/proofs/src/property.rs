//! What a property is: requests it speaks of, what may be allowed at most or must be allowed at least, and how to weaken
//! the policies so that it no longer holds.

/// A sentence about the policies that has to hold for every request there can be.
pub struct Property {
    /// Short name, unique.
    pub name: &'static str,
    /// What it says, to a person.
    pub says: &'static str,
    /// Whose requests: names of principal types.
    pub principals: &'static [&'static str],
    /// Which actions; empty for all there are.
    pub actions: &'static [&'static str],
    /// What the policies are compared with.
    pub bound: Bound,
    /// Changes of the policies, made together, that must break it.
    pub mutant: &'static [Mutant],
}

/// With what the policies are compared, as the condition of a Cedar policy.
pub enum Bound {
    /// Whatever is allowed fulfils this condition.
    AtMost(&'static str),
    /// Whatever fulfils this condition is allowed.
    AtLeast(&'static str),
}

/// A change of the policies by which a property must fail. A property that survives its mutant proves nothing.
pub enum Mutant {
    /// The policy of this name is missing.
    Without(&'static str),
    /// In the policy of this name one text, which stands in it exactly once, is another.
    Changed(&'static str, &'static str, &'static str),
    /// A further policy.
    With(&'static str),
}

/// People.
pub(crate) const PEOPLE: &[&str] = &["Person"];
/// Everybody who can ask.
pub(crate) const EVERYBODY: &[&str] = &["Person", "Device", "Service", "System"];
/// Everybody but people.
pub(crate) const MACHINES: &[&str] = &["Device", "Service", "System"];
/// Actions by which the content or the description of one study leaves.
pub(crate) const LOOKS: &[&str] = &["list", "view", "export"];
