//! Other users of this machine, where the system tells who has opened a connection.
//!
//! What lets a browser in is not as secret as it should be: a browser is given a link on its command line, which
//! all users of a machine can read, and it sends the cookies of `localhost` to each port of it, whoever listens
//! there. So whoever has these must be the user who runs this node, too.

use std::net::SocketAddr;

use axum::{extract::ConnectInfo, http::Extensions};

/// Whether a request has come from a program of another user. Not where that can't be told: on other systems than
/// Linux, and through what leads in from another machine or container.
pub(super) async fn is_another_user(request: &Extensions, port: u16) -> bool {
    let Some(ConnectInfo(client)) = request.get::<ConnectInfo<SocketAddr>>() else {
        return false;
    };
    let client = *client;
    let told = tokio::task::spawn_blocking(move || users(client, port)).await;
    told.ok().flatten().is_some_and(differ)
}

/// The users at both ends of a connection: that of the program that has opened it, and that of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Users {
    client: u32,
    server: u32,
}

/// Root could do all this without us, and leads connections from elsewhere to here.
fn differ(users: Users) -> bool {
    users.client != users.server && users.client != 0
}

#[cfg(target_os = "linux")]
fn users(client: SocketAddr, port: u16) -> Option<Users> {
    // A program may use a socket of the newer kind for the older addresses.
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let tables = tables.map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines());
    users_in(lines, client.port(), port)
}

#[cfg(not(target_os = "linux"))]
fn users(_client: SocketAddr, _port: u16) -> Option<Users> {
    None
}

/// The users at the ends of the connection between two ports of this machine, as the lines of the system's tables
/// name them.
#[cfg(any(target_os = "linux", test))]
fn users_in<'a>(lines: impl Iterator<Item = &'a str>, client: u16, port: u16) -> Option<Users> {
    let (mut at_client, mut at_server) = (None, None);
    for line in lines {
        let Some((local, remote, user)) = socket(line) else {
            continue;
        };
        match (local, remote) {
            ends if ends == (client, port) => at_client = Some(user),
            ends if ends == (port, client) => at_server = Some(user),
            _ => {}
        }
    }
    Some(Users {
        client: at_client?,
        server: at_server?,
    })
}

/// The ports and the user of a socket that has a connection within this machine.
#[cfg(any(target_os = "linux", test))]
fn socket(line: &str) -> Option<(u16, u16, u32)> {
    // Established, or one end has said all that it will say. One that is closed belongs to nobody any more.
    const OPEN: [&str; 4] = ["01", "04", "05", "08"];
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, remote, state, _, _, _, user, ..] = fields[..] else {
        return None;
    };
    if !OPEN.contains(&state) {
        return None;
    }
    let port = |end: &str| {
        let (address, port) = end.split_once(':')?;
        let is_here = match address.len() {
            // Bytes of each four in the order of this machine: 127 is the last two digits.
            8 => address.ends_with("7F"),
            _ => address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F"),
        };
        is_here
            .then(|| u16::from_str_radix(port, 16).ok())
            .flatten()
    };
    Some((port(local)?, port(remote)?, user.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1D71 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:1D71 0100007F:A001 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: 0100007F:A001 0100007F:1D71 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
   3: 0100007F:1D71 0100007F:A002 01 00000000:00000000 00:00000000 00000000  1000        0 4 1 0 20 4 30 10 -1
   4: 0100007F:A002 0100007F:1D71 05 00000000:00000000 00:00000000 00000000  1001        0 5 1 0 20 4 30 10 -1
   5: 0100007F:1D71 0100007F:A003 01 00000000:00000000 00:00000000 00000000  1000        0 6 1 0 20 4 30 10 -1
   6: 0100007F:A003 0100007F:1D71 01 00000000:00000000 00:00000000 00000000     0        0 7 1 0 20 4 30 10 -1
   7: 0100007F:1D71 0100007F:A004 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0 20 4 30 10 -1
   8: 0A01A8C0:A005 0A01A8C0:1D71 01 00000000:00000000 00:00000000 00000000  1001        0 9 1 0 20 4 30 10 -1
   9: 0100007F:1D71 0100007F:A006 01 00000000:00000000 00:00000000 00000000  1000        0 10 1 0 20 4 30 10 -1
  10: 0000000000000000FFFF00000100007F:A006 0000000000000000FFFF00000100007F:1D71 01 00000000:00000000 00:00000000 00000000  1002        0 11 1 0 20 4 30 10 -1
  11: nonsense";

    #[test]
    fn another_user_is_told_from_the_one_who_runs_this() {
        let told = |client| {
            let users = users_in(TABLE.lines(), client, 7537);
            (users.map(|users| users.client), users.is_some_and(differ))
        };
        for (client, user, is_other) in [
            (0xA001, Some(1000), false),
            // It has said all that it will say.
            (0xA002, Some(1001), true),
            (0xA003, Some(0), false),
            // From elsewhere.
            (0xA004, None, false),
            (0xA005, None, false),
            (0xA006, Some(1002), true),
            (0xA007, None, false),
        ] {
            assert_eq!(told(client), (user, is_other), "{client:x}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_ends_of_a_connection_of_our_own_are_ours() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _server = listener.accept().unwrap();
        let users = users(client.local_addr().unwrap(), port).unwrap();
        assert_eq!(users.client, users.server);
        assert!(!differ(users));
    }
}
