//! DICOMweb (PS3.18): STOW-RS, QIDO-RS, WADO-RS, WADO-URI and UPS-RS over the use cases of `yingdun-archive`.
//!
//! Nothing here decides who may see what, and nothing here touches a key or a file: a handler reads a request,
//! asks the archive with the caller's session, and writes the answer.

pub(crate) mod bulk;
pub(crate) mod capabilities;
mod compose;
pub(crate) mod copies;
mod desk;
pub(crate) mod destroy;
pub(crate) mod event_channel;
pub(crate) mod media;
mod negotiate;
pub(crate) mod problems;
mod receipt;
pub(crate) mod region;
pub(crate) mod rendered;
pub(crate) mod retrieve;
pub(crate) mod search;
mod stamps;
pub(crate) mod store;
pub(crate) mod studio;
pub(crate) mod subscriptions;
mod view;
pub(crate) mod wado_uri;
pub(crate) mod workitems;
