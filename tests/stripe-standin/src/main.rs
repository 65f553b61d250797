//! The stand-in as a process of its own: says where it listens, then answers and sends its events until it is ended.

use std::io::Write as _;

use stripe_standin::{Mischief, StandIn};
use tokio::net::TcpListener;

const USAGE: &str = "usage: stripe-standin KEY ENDPOINT SECRET [--confused]
Answers as Stripe does to whoever has KEY, and sends its events to ENDPOINT, signed with SECRET.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (key, endpoint, secret, mischief) = match arguments[..] {
        [key, endpoint, secret] => (key, endpoint, secret, Mischief::None),
        [key, endpoint, secret, "--confused"] => (key, endpoint, secret, Mischief::Confused),
        _ => return complain(USAGE),
    };
    let listener = match TcpListener::bind("127.0.0.1:0").await {
        Ok(listener) => listener,
        Err(fault) => return complain(&format!("error: no port to listen on: {fault}")),
    };
    let stand_in = StandIn::on(&listener, key);
    let mut output = std::io::stdout().lock();
    let said = writeln!(output, "{}", stand_in.address()).and_then(|()| output.flush());
    drop(output);
    if said.is_err() {
        return complain("error: nobody reads where it listens");
    }
    tokio::join!(
        stand_in.clone().serve(listener),
        stand_in.tell(endpoint, secret, mischief)
    );
    std::process::ExitCode::SUCCESS
}

fn complain(text: &str) -> std::process::ExitCode {
    eprintln!("{text}");
    std::process::ExitCode::FAILURE
}
