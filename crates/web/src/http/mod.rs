//! The parts of HTTP that every room of this door shares: media types, query strings, bodies, problems.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod compress;
pub(crate) mod conditional;
pub(crate) mod cors;
pub(crate) mod form;
pub(crate) mod held;
pub(crate) mod json;
pub(crate) mod media;
pub(crate) mod problem;
pub(crate) mod signed;
