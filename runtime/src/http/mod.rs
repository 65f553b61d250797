//! What every request passes through: access rules, CSRF, security headers, error pages, static files.

mod access;
mod assets;
mod cross_origin;
mod csrf;
mod edge;
mod endpoint;
mod forms;
pub(crate) mod guard;
pub mod limits;
mod permission;
mod proxies;
mod request;
mod routes;
mod staff;

pub use access::{ACTING_END, Access, ActedBy, Authenticator, FRESH, Principal, Rule};
pub use assets::Assets;
pub use cross_origin::CrossOrigin;
pub use edge::edge;
pub use endpoint::{
    About, Answer, Answered, Call, Endpoint, Gate, Headers, Member, MemberValue, Parameter, Place,
    Refusal, Reply, Scope, Shape, Special, example_of, type_name,
};
pub use forms::{Form, Upload, UploadedFile};
pub(crate) use guard::guard;
pub use permission::{Permission, Permit, Role, may};
pub use proxies::TrustedProxies;
pub use request::{Level, Message, Visit, VisitCookie, local_path};
pub use routes::{RouteInfo, Routes};
pub use staff::{Permitted, RuleFor, Signature, Staff, permitted};
