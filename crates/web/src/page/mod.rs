//! Plain pages for people: signing in, setting a password from an invitation, and a list of the studies that
//! one may see. Chinese first, English beside it; nothing from elsewhere, and no script but the one that asks a browser for a passkey.

pub(crate) mod enrol;
pub(crate) mod form_token;
mod html;
pub(crate) mod passkeys;
pub(crate) mod provider;
pub(crate) mod record;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod studies;
