//! The application: QuickScale's modules, and your own.

pub mod modules;

use quickscale_runtime::{App, Environment};

/// Everything that the application is made of. Add your own modules here: `.module(my_module::module())`.
pub fn app(environment: Environment) -> App {
    modules::install(App::builder(modules::NAME, environment))
}
