//! Clients in Python and TypeScript: written by `quickscale sdk` with the generators that it is made for, and used as
//! their users use them.

use std::process::Command;

use super::super::project::{Project, sealed, succeed};
use super::super::visitor::Program;

const PYTHON: &str = r#"
import os

from my_saas_app_api_client import AuthenticatedClient
from my_saas_app_api_client.api.credits_ import get_credit_balance
from my_saas_app_api_client.api.services import run_text_sentiment_analysis
from my_saas_app_api_client.models import InvalidInputProblem, TextSentimentAnalysisInput

client = AuthenticatedClient(base_url=os.environ["BASE_URL"], token=os.environ["API_KEY"])
with client as client:
    for _ in range(2):
        run = run_text_sentiment_analysis.sync(
            client=client,
            body=TextSentimentAnalysisInput(text="What a wonderful day, I love it!"),
            idempotency_key="python",
        )
    refused = run_text_sentiment_analysis.sync(client=client, body=TextSentimentAnalysisInput(text=""))
    assert isinstance(refused, InvalidInputProblem), refused
    balance = get_credit_balance.sync(client=client)
    print(run.status, run.output.sentiment, run.credits_.cost, balance.available)
"#;

const TYPESCRIPT: &str = r#"
import { client } from "./sdk/typescript/client";

async function main() {
  const api = client(process.env.API_KEY!);
  const path = "/api/v1/services/text_sentiment_analysis/runs";
  const header = { "Idempotency-Key": "typescript" };
  const body = { text: "What a terrible day, I hate it!" };
  const { data, error } = await api.POST(path, { params: { header }, body });
  if (!data) throw new Error(error.detail);
  const refused = await api.POST(path, { body: { text: "" } });
  if (refused.error?.code !== "invalid_input") throw new Error("an empty text is no input");
  const balance = await api.GET("/api/v1/credits/balance");
  console.log(data.status, data.output?.sentiment, data.credits.cost, balance.data?.available);
}

main();
"#;

/// `program` with what it is to call.
fn calling<'a>(command: &'a mut Command, program: &Program) -> &'a mut Command {
    let Program { address, key } = program;
    let url = format!("http://{address}");
    command.env("API_KEY", key).env("BASE_URL", url)
}

/// A program that was installed in the project.
fn installed(path: &str, project: &Project) -> Command {
    let program = project.folder().join(path);
    sealed(
        program.to_str().expect("the path is text"),
        &project.folder(),
    )
}

pub fn python(project: &Project, program: &Program) {
    let folder = project.folder();
    let pip = |packages: &str| {
        let mut pip = installed(".venv/bin/pip", project);
        succeed(pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            packages,
        ]))
    };
    succeed(sealed("python3", &folder).args(["-m", "venv", ".venv"]));
    pip("openapi-python-client==0.29.1");
    project.quickscale(&["sdk", "python"]);
    pip("./sdk/python");
    let mut script = installed(".venv/bin/python", project);
    let said = succeed(calling(script.args(["-c", PYTHON]), program));
    assert_eq!(said, "succeeded Positive 1 99");
}

pub fn typescript(project: &Project, program: &Program) {
    let folder = project.folder();
    let npm = [
        "install",
        "--silent",
        "--no-save",
        "--no-audit",
        "--no-fund",
    ];
    let packages = [
        "openapi-typescript@7.13.0",
        "typescript@5.9.3",
        "openapi-fetch@0.17.0",
        "@types/node@20",
    ];
    succeed(sealed("npm", &folder).args(npm).args(packages));
    project.quickscale(&["sdk", "typescript"]);
    std::fs::write(folder.join("main.ts"), TYPESCRIPT).expect("the project can be written to");
    let strict = [
        "--strict", "--module", "node16", "--target", "es2022", "--outDir", "out", "main.ts",
    ];
    succeed(installed("node_modules/.bin/tsc", project).args(strict));
    let said = succeed(calling(sealed("node", &folder).arg("out/main.js"), program));
    assert_eq!(said, "succeeded Negative 1 98");
}
