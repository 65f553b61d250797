//! What every request passes through: access rules, CSRF, security headers, error pages, static files.

mod access;
mod assets;
mod csrf;
mod edge;
mod forms;
mod guard;
mod proxies;
mod request;
mod routes;

pub use access::{Access, Authenticator, Permission, Principal, Role, Rule};
pub use assets::Assets;
pub use edge::edge;
pub use forms::{Form, Upload, UploadedFile};
pub(crate) use guard::guard;
pub use proxies::TrustedProxies;
pub use request::{Level, Message, Visit, VisitCookie, local_path};
pub use routes::{RouteInfo, Routes};
