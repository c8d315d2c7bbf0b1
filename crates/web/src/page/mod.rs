//! Plain pages for people: signing in, setting a password from an invitation, and a list of the studies that
//! one may see. Chinese first, English beside it; no script, nothing from elsewhere.

pub(crate) mod enrol;
pub(crate) mod form_token;
mod html;
pub(crate) mod provider;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod studies;
