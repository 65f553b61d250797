//! The staff's area: an overview, the users, the messages of visitors. Owns no table: it shows what other
//! domains know and calls their actions.

mod actions;
mod audit;
mod pages;
mod routes;

use crate::http::{Access, Permission, Routes};
use crate::module::{Module, NavItem, NavPlace};
use crate::pages::Sample;

/// The module's options, as `quickscale.yml` has them: none yet.
#[derive(Debug, Clone)]
pub struct Settings {}

/// The module.
pub fn module(settings: Settings) -> impl Module {
    let Settings {} = settings;
    Admin
}

struct Admin;

impl Module for Admin {
    fn name(&self) -> &'static str {
        "admin"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn routes(&self) -> Routes {
        routes::routes().merge(audit::routes())
    }

    fn navigation(&self) -> Vec<NavItem> {
        let item = |label, path, permission, order| NavItem {
            label,
            path,
            place: NavPlace::Staff,
            access: Access::Staff(permission),
            flag: None,
            order,
        };
        vec![
            item("Overview", "/admin", Permission::ViewStaffArea, 0),
            item("Users", "/admin/users", Permission::ViewUsers, 10),
            item("Messages", "/admin/messages", Permission::ViewMessages, 20),
            item("Record", "/admin/audit", Permission::ViewAudit, 80),
            item("Jobs", "/admin/jobs", Permission::ManageJobs, 90),
        ]
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = pages::samples();
        samples.push(Sample::of::<audit::AuditPage>());
        samples
    }
}
