//! Plain pages for people: signing in, setting a password from an invitation, and a list of the studies that
//! one may see; and the first hour of an installation. Chinese or English; nothing from elsewhere, and no script but the one that asks a browser for a passkey.

pub(crate) mod console;
pub(crate) mod enrol;
pub(crate) mod form_token;
mod html;
pub(crate) mod passkeys;
pub(crate) mod provider;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod studies;
