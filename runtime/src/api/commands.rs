//! `openapi`: the API's description, for generators of clients.

use crate::cli::say;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    let cli =
        clap::Command::new("openapi").about("Print the API's description, OpenAPI 3.1 in JSON");
    vec![Command {
        cli,
        run: Box::new(|core, _| {
            Box::pin(async move {
                let document = super::document(&core);
                say(&serde_json::to_string_pretty(&document)?);
                Ok(())
            })
        }),
    }]
}
