//! Other users of this machine, where the system says who has opened a connection.
//!
//! A link may be seen by others: a browser gets it on its command line, which all users of a
//! machine can read, and it sends the cookies of `localhost` to each port of it, whoever listens
//! there. So the program at the other end must be one of the user who runs this node, too. A
//! connection is told from all others by both of its ends, each an address with a port: a port
//! alone is anyone's, on another of the many addresses of this machine.

use axum::http::Extensions;

use crate::gateway::server::Ends;

/// Why the control pages are not for whoever has opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It is another user of this machine.
    OtherUser,
    /// The system does not say who it is, though it can.
    Unknown,
}

/// Checks that a request comes from a program of this user, or of root, who could do all this
/// without us, and who leads connections from elsewhere to here. Systems other than Linux do not
/// say: there the cookie alone decides.
pub(super) async fn check(request: &Extensions) -> Result<(), Stranger> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let ends = *request.get::<Ends>().ok_or(Stranger::Unknown)?;
    let told = tokio::task::spawn_blocking(move || users(ends)).await;
    match told.ok().flatten() {
        Some(users) if users.client == users.server || users.client == 0 => Ok(()),
        Some(_) => Err(Stranger::OtherUser),
        None => Err(Stranger::Unknown),
    }
}

/// The users at both ends of a connection: that of the program that has opened it, and that of
/// this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Users {
    client: u32,
    server: u32,
}

/// How often the tables are read. While sockets come and go, one reading can miss a line.
const READINGS: usize = 4;

fn users(ends: Ends) -> Option<Users> {
    // A program may use a socket of the newer kind for the older addresses.
    (0..READINGS).find_map(|_| {
        let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
        let tables = tables.map(|table| std::fs::read_to_string(table).unwrap_or_default());
        table::users(tables.iter().flat_map(|table| table.lines()), ends)
    })
}

/// The system's tables of connections, as `proc_pid_net(5)` has them.
mod table {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    use super::{Ends, Users};

    /// The users at the ends of a connection within this machine. `None` if a line is missing, or
    /// lines contradict each other.
    pub(super) fn users<'a>(lines: impl Iterator<Item = &'a str>, ends: Ends) -> Option<Users> {
        let (client, server) = (canonical(ends.client), canonical(ends.server));
        let (mut at_client, mut at_server) = (End::Missing, End::Missing);
        for socket in lines.filter_map(socket) {
            match (socket.local, socket.remote) {
                both if both == (client, server) => at_client.add(socket.user),
                both if both == (server, client) => at_server.add(socket.user),
                _ => {}
            }
        }
        Some(Users {
            client: at_client.user()?,
            server: at_server.user()?,
        })
    }

    /// What the tables say of one end of a connection.
    enum End {
        Missing,
        Of(u32),
        Contradicted,
    }

    impl End {
        fn add(&mut self, user: u32) {
            *self = match self {
                Self::Missing => Self::Of(user),
                // A line that moved while the table was read comes twice.
                Self::Of(known) if *known == user => Self::Of(user),
                Self::Of(_) | Self::Contradicted => Self::Contradicted,
            };
        }

        fn user(self) -> Option<u32> {
            match self {
                Self::Of(user) => Some(user),
                Self::Missing | Self::Contradicted => None,
            }
        }
    }

    struct Socket {
        local: SocketAddr,
        remote: SocketAddr,
        user: u32,
    }

    /// A socket that has a connection and a program.
    fn socket(line: &str) -> Option<Socket> {
        // Established, or one end has said all that it will say.
        const OPEN: [&str; 4] = ["01", "04", "05", "08"];
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (fields.next()?, fields.next()?);
        let state = fields.next()?;
        let mut fields = fields.skip(3);
        let (user, _timeout, inode) = (fields.next()?, fields.next()?, fields.next()?);
        // A program that is gone has left it without an inode, and then its user reads as root.
        if !OPEN.contains(&state) || inode == "0" {
            return None;
        }
        Some(Socket {
            local: address(local)?,
            remote: address(remote)?,
            user: user.parse().ok()?,
        })
    }

    /// `0100007F:1D71`: groups of four bytes in the order of this machine, and the port.
    fn address(text: &str) -> Option<SocketAddr> {
        let (address, port) = text.split_once(':')?;
        let mut bytes = [0; 16];
        let length = address.len() / 2;
        if !matches!(address.len(), 8 | 32) || !address.is_ascii() {
            return None;
        }
        for (group, into) in bytes[..length].chunks_mut(4).enumerate() {
            let group = address.get(8 * group..8 * group + 8)?;
            into.copy_from_slice(&u32::from_str_radix(group, 16).ok()?.to_ne_bytes());
        }
        let address = match length {
            4 => IpAddr::from(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
            _ => IpAddr::from(Ipv6Addr::from(bytes)),
        };
        let port = u16::from_str_radix(port, 16).ok()?;
        Some(canonical((address, port).into()))
    }

    /// The same address however a socket names it. The tables have no scopes.
    fn canonical(address: SocketAddr) -> SocketAddr {
        (address.ip().to_canonical(), address.port()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    const SERVER: &str = "127.0.0.1:7537";

    /// A line of the tables of a little-endian machine, as are all that run the tests.
    fn line(local: &str, remote: &str, state: &str, user: u32, inode: u32) -> String {
        format!(
            "  7: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {user:5}        0 {inode} 1 0000000000000000 20 4 30 10 -1"
        )
    }

    fn told(lines: &[String], client: &str) -> Option<u32> {
        let ends = Ends {
            client: client.parse().unwrap(),
            server: SERVER.parse().unwrap(),
        };
        let users = table::users(lines.iter().map(String::as_str), ends)?;
        assert_eq!(users.server, 1000);
        Some(users.client)
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn a_connection_is_known_by_both_ends_and_not_by_ports() {
        let ours = |client: &str| line("0100007F:1D71", client, "01", 1000, 2);
        let victim = line("0100007F:A001", "0100007F:1D71", "01", 1000, 3);
        // The same port, on 127.9.8.7.
        let other = line("0708097F:A001", "0100007F:1D71", "01", 1001, 4);
        let both = [ours("0100007F:A001"), victim, ours("0708097F:A001"), other];
        for lines in [both.to_vec(), both.iter().rev().cloned().collect()] {
            assert_eq!(told(&lines, "127.0.0.1:40961"), Some(1000));
            assert_eq!(told(&lines, "127.9.8.7:40961"), Some(1001));
            assert_eq!(told(&lines, "127.9.8.6:40961"), None);
            assert_eq!(told(&lines, "127.0.0.1:40962"), None);
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn what_is_missing_or_contradicted_or_left_by_its_program_is_nobodys() {
        let client = "0100007F:A001";
        let ours = line("0100007F:1D71", client, "01", 1000, 2);
        let its = |state, user, inode| line(client, "0100007F:1D71", state, user, inode);
        for (lines, user) in [
            (vec![its("01", 1001, 3)], None),
            (vec![ours.clone()], None),
            (vec![ours.clone(), its("01", 1001, 3)], Some(1001)),
            (vec![ours.clone(), its("01", 0, 3)], Some(0)),
            (vec![ours.clone(), its("05", 1001, 3)], Some(1001)),
            // Nobody's, and root's only by the look of it.
            (vec![ours.clone(), its("05", 0, 0)], None),
            (vec![ours.clone(), its("06", 0, 0)], None),
            (
                vec![ours.clone(), its("01", 1000, 3), its("01", 1000, 3)],
                Some(1000),
            ),
            (
                vec![ours.clone(), its("01", 1000, 3), its("01", 1001, 4)],
                None,
            ),
            (
                vec![ours, "nonsense".into(), "1: 7F:1 \u{e9}:2 01".into()],
                None,
            ),
        ] {
            assert_eq!(told(&lines, "127.0.0.1:40961"), user, "{lines:#?}");
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn an_older_address_is_one_however_a_socket_names_it() {
        let mapped = |address: &str| format!("0000000000000000FFFF0000{address}");
        let lines = [
            line("0100007F:1D71", "0100007F:A001", "01", 1000, 2),
            line(
                &mapped("0100007F:A001"),
                &mapped("0100007F:1D71"),
                "01",
                1001,
                3,
            ),
        ];
        assert_eq!(told(&lines, "127.0.0.1:40961"), Some(1001));
        assert_eq!(told(&lines, "[::ffff:127.0.0.1]:40961"), Some(1001));
        assert_eq!(told(&lines, "[::1]:40961"), None);
        let six = "00000000000000000000000001000000";
        let ends = Ends {
            client: "[::1]:40961".parse().unwrap(),
            server: "[::1]:7537".parse().unwrap(),
        };
        let lines = [
            line(
                &format!("{six}:1D71"),
                &format!("{six}:A001"),
                "01",
                1000,
                2,
            ),
            line(
                &format!("{six}:A001"),
                &format!("{six}:1D71"),
                "01",
                1001,
                3,
            ),
        ];
        let users = table::users(lines.iter().map(String::as_str), ends).unwrap();
        assert_eq!((users.client, users.server), (1001, 1000));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_of_our_own_is_ours_and_one_that_is_not_there_is_nobodys() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(server).unwrap();
        let _accepted = listener.accept().unwrap();
        let client = client.local_addr().unwrap();
        let check = |client: SocketAddr| async move {
            let mut request = Extensions::new();
            request.insert(Ends { client, server });
            check(&request).await
        };
        assert_eq!(check(client).await, Ok(()));
        let elsewhere = SocketAddr::from(([127, 9, 8, 7], client.port()));
        assert_eq!(check(elsewhere).await, Err(Stranger::Unknown));
        let none = super::check(&Extensions::new()).await;
        assert_eq!(none, Err(Stranger::Unknown));
    }
}
