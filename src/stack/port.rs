//! Ports: whether one is free, which to take instead, and who listens on it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Result;
use listeners::{Protocol, SocketState};

use crate::error::Fault;

/// How many ports after a taken one are looked at.
const REACH: u16 = 200;

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// This port or none.
    Exactly(u16),
    /// This port, else the next free one.
    From(u16),
}

/// The port to take, and the one that was wanted but is taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    pub port: u16,
    pub taken: Option<u16>,
}

/// Finds a port that `host` can listen on.
pub fn choose(host: IpAddr, wish: Wish) -> Result<Choice> {
    match wish {
        Wish::Exactly(port) => match state(host, port) {
            State::Free => Ok(Choice { port, taken: None }),
            State::Taken => Err(taken(port).into()),
            State::Refused(why) => Err(refused(host, port, &why).into()),
        },
        Wish::From(first) => {
            for port in first..=first.saturating_add(REACH) {
                match state(host, port) {
                    State::Free => {
                        return Ok(Choice {
                            port,
                            taken: (port != first).then_some(first),
                        });
                    }
                    State::Taken => {}
                    State::Refused(why) => return Err(refused(host, port, &why).into()),
                }
            }
            Err(
                Fault::new(format!("port {first} and the {REACH} after it are taken"))
                    .hint("choose another with --port N")
                    .into(),
            )
        }
    }
}

fn taken(port: u16) -> Fault {
    let by = occupant(port)
        .map(|who| format!(" by {who}"))
        .unwrap_or_default();
    Fault::new(format!("port {port} is taken{by}"))
        .hint("choose another port, leave --port out to get the next free one, or stop what listens there")
}

fn refused(host: IpAddr, port: u16, why: &std::io::Error) -> Fault {
    let fault = Fault::new(format!(
        "cannot listen on {}: {why}",
        SocketAddr::new(host, port)
    ));
    match why.kind() {
        ErrorKind::PermissionDenied => {
            fault.hint("ports below 1024 need privileges: choose a higher one with --port")
        }
        _ => fault
            .hint("check HOST in .env: it must be an address of this machine, such as 127.0.0.1"),
    }
}

enum State {
    Free,
    Taken,
    Refused(std::io::Error),
}

/// Both questions are needed: some systems let one listen on 127.0.0.1:P beside another that has 0.0.0.0:P.
fn state(host: IpAddr, port: u16) -> State {
    if answers(port) {
        return State::Taken;
    }
    match TcpListener::bind((host, port)) {
        Ok(_) => State::Free,
        Err(error) if error.kind() == ErrorKind::AddrInUse => State::Taken,
        Err(error) => State::Refused(error),
    }
}

/// Whether anything on this machine accepts connections on the port.
pub fn answers(port: u16) -> bool {
    let loopbacks = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    loopbacks.iter().any(|&address| {
        TcpStream::connect_timeout(&SocketAddr::new(address, port), Duration::from_millis(200))
            .is_ok()
    })
}

/// Who listens on the port, for a message; none when the system does not tell.
pub fn occupant(port: u16) -> Option<String> {
    let process = listeners_of(port).into_iter().next()?;
    Some(format!("`{}` (process {})", process.name, process.pid))
}

/// False when somebody else listens on the port and the process does not. Where the system does not tell, true.
pub fn may_belong_to(port: u16, pid: u32) -> bool {
    let found = listeners_of(port);
    found.is_empty() || found.iter().any(|process| process.pid == pid)
}

fn listeners_of(port: u16) -> Vec<listeners::Process> {
    let Ok(all) = listeners::get_all() else {
        return Vec::new();
    };
    all.into_iter()
        .filter(|one| {
            one.socket.port() == port
                && one.protocol == Protocol::TCP
                && one.state == SocketState::Listen
        })
        .map(|one| one.process)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind((HERE, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        (listener, port)
    }

    #[test]
    fn takes_another_than_the_taken_one() {
        let (_held, port) = listener();
        let choice = choose(HERE, Wish::From(port)).expect("another");
        assert!(choice.port > port);
        assert_eq!(choice.taken, Some(port));
    }

    #[test]
    fn an_explicit_port_that_is_taken_is_refused_and_names_who_has_it() {
        let (_held, port) = listener();
        let said = choose(HERE, Wish::Exactly(port))
            .expect_err("taken")
            .to_string();
        assert!(
            said.starts_with(&format!("port {port} is taken by `")),
            "{said}"
        );
        assert!(
            said.ends_with(&format!("(process {})", std::process::id())),
            "{said}"
        );
    }

    #[test]
    fn knows_whose_port_it_is() {
        let (_held, port) = listener();
        assert!(may_belong_to(port, std::process::id()));
        assert!(!may_belong_to(port, 1));
    }

    #[test]
    fn a_foreign_address_is_refused() {
        let said = choose(IpAddr::from([192, 0, 2, 1]), Wish::From(8000))
            .expect_err("not here")
            .to_string();
        assert!(said.starts_with("cannot listen on 192.0.2.1:"), "{said}");
    }
}
