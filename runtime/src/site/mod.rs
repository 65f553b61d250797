//! The public face: home, about, pricing, contact, health checks, the choice of light or dark.
//! Owns the messages that visitors leave, and nothing else.

mod actions;
mod pages;
mod routes;
mod store;

pub use actions::{ContactMessage, MessageLeft, count_messages, forget_sender, messages};

#[cfg(feature = "auth")]
pub(crate) use actions::MessageMail;

use crate::db::Migration;
use crate::flags::Flag;
use crate::http::{Access, Routes};
use crate::mail::MailSample;
use crate::module::{Module, NavItem, NavPlace};
use crate::pages::{ErrorPage, Sample};

/// Visitors may leave a message.
pub static CONTACT_FORM: Flag =
    Flag::on("contact_form", "The page where visitors leave a message.");
/// The public price list.
pub static PRICING_PAGE: Flag = Flag::on("pricing_page", "The public page with prices.");

/// The module that every application has.
pub(crate) struct Site;

impl Module for Site {
    fn name(&self) -> &'static str {
        "site"
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = include_str!("migrations/0001_contact_messages.sql");
        vec![Migration::portable("0001_contact_messages", sql)]
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn navigation(&self) -> Vec<NavItem> {
        let item = |label, path, place, flag, order| NavItem {
            label,
            path,
            place,
            access: Access::Public,
            flag,
            order,
        };
        vec![
            item(
                "Pricing",
                "/pricing",
                NavPlace::Main,
                Some(&PRICING_PAGE),
                20,
            ),
            item("About", "/about", NavPlace::Footer, None, 30),
            item(
                "Contact",
                "/contact",
                NavPlace::Footer,
                Some(&CONTACT_FORM),
                40,
            ),
        ]
    }

    fn flags(&self) -> Vec<&'static Flag> {
        vec![&CONTACT_FORM, &PRICING_PAGE]
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        vec![MailSample::of::<actions::MessageMail>()]
    }

    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::of::<ErrorPage>(),
            Sample::of::<pages::Home>(),
            Sample::of::<pages::About>(),
            Sample::of::<pages::Pricing>(),
            Sample::of::<pages::Contact>(),
        ]
    }
}
