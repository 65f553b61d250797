//! A stand-in for a generated app: the standard library only, compiled in a second, with the same outside. It answers
//! `/health/ready`, listens on PORT, and has commands. `behaviour` in the working directory makes it misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("serve") => serve(),
        Some("echo") => println!("{}", args[1..].join("|")),
        Some("env") => std::env::vars().for_each(|(name, value)| println!("{name}={value}")),
        Some("exit") => std::process::exit(args[1].parse().expect("a code")),
        _ => panic!("unknown command {args:?}"),
    }
}

fn serve() {
    let behaviour = std::fs::read_to_string("behaviour").unwrap_or_default();
    match behaviour.trim() {
        "dies" => {
            println!("connecting to the database");
            eprintln!("the database is on fire");
            std::process::exit(3);
        }
        "silent death" => std::process::exit(4),
        "ignores SIGTERM" if std::env::var_os("DEAF").is_none() => become_deaf(),
        _ => {}
    }
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a port");
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let listener = match TcpListener::bind((host.as_str(), port)) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {port}: {error}");
            std::process::exit(1);
        }
    };
    println!("listening on {port} as {}", std::env::var("APP_URL").expect("APP_URL"));
    let began = Instant::now();
    for stream in listener.incoming().flatten() {
        let ready = match behaviour.trim() {
            "never ready" => false,
            "slow" => began.elapsed() > Duration::from_millis(1500),
            _ => true,
        };
        answer(stream, ready);
    }
}

fn answer(mut stream: TcpStream, ready: bool) {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    if reader.read_line(&mut request).is_err() || request.is_empty() {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    if request.starts_with("GET /say/") {
        println!("{}", request.split('/').nth(2).and_then(|rest| rest.split(' ').next()).expect("a word"));
    }
    let status = if ready { "200 OK" } else { "503 Service Unavailable" };
    let body = format!("pid {}", std::process::id());
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A client that went away is no concern of a server.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

#[cfg(unix)]
fn become_deaf() {
    use std::os::unix::process::CommandExt;
    let own = std::env::current_exe().expect("own path");
    let script = r#"trap "" TERM; exec "$0" serve"#;
    panic!("{}", std::process::Command::new("sh").arg("-c").arg(script).arg(own).env("DEAF", "1").exec());
}

#[cfg(not(unix))]
fn become_deaf() {}
