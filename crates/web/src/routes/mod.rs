//! The route table: the one place where a path of this door is born.
//!
//! From [`RouteId`] and [`RouteId::describe`] come the router ([`mount`]), the OpenAPI document ([`openapi`])
//! and the route × identity matrix of the tests. Every `match` on [`RouteId`] names every route, so a route
//! without a description, a handler and an expected row does not compile, and a handler outside the table
//! cannot be mounted.

mod answers;
mod call;
mod checkpoint;
mod console;
mod dispatch;
mod gate;
mod interface;
pub(crate) mod mount;
pub(crate) mod openapi;
mod schema;
mod shapes;
mod table;
mod validate;
mod vendor;
pub(crate) mod wadl;
mod words;

pub(crate) use call::{Call, Service};
pub use interface::{Authentication, Interface, Owner, interfaces};
pub use schema::{Schema, Shape};
pub use table::RouteId;
pub use words::{BodyRule, Family, Method, Needs, Parameter, Place, Route};
