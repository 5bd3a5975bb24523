//! Who may come in: connections that others open are bounded in number, and one that does nothing makes room for
//! one that comes. So thousands of them cost neither memory without end nor keep honest nodes out.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::{
    EndpointId,
    endpoint::{Connection, VarInt, WeakConnectionHandle},
    protocol::{AcceptError, ProtocolHandler},
};
use tokio::{sync::Semaphore, time::Instant};

/// How many connections there may be at a time that others opened, of both protocols together.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// How many of them one node may have: one for each protocol and command, and some that end or begin.
const OF_ONE_NODE: usize = 16;

/// Who has more than so many is the first to make room: one for each protocol is enough.
const FAIR: usize = 2;

/// How long a connection may take to begin with something, and over what time it is seen what each moves.
const GRACE: Duration = Duration::from_secs(1);

/// How many may wait at a time for somebody inside to have had that time.
const MAX_WAITING: usize = 256;

/// How often one who waits looks, four times within [`GRACE`].
const LOOKS: u32 = 8;

/// Who moves less than this within [`GRACE`], in bytes, does nothing.
const NOTHING: u64 = 1 << 10;

/// The code with which a connection is closed for which there is no room. The peer may try again later.
pub(super) const BUSY: VarInt = VarInt::from_u32(0x62);

/// The connections that others have opened.
#[derive(Debug, Clone)]
pub(super) struct Doors {
    guests: Arc<Mutex<Guests>>,
    /// Who waits has one of these.
    waiting: Arc<Semaphore>,
}

impl Default for Doors {
    fn default() -> Self {
        let guests = Guests {
            limit: MAX_CONNECTIONS,
            friends: HashSet::new(),
            next: 0,
            here: BTreeMap::new(),
            looked: None,
        };
        Self {
            guests: Arc::new(Mutex::new(guests)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

/// Why a connection can't come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// Its node has as many as it may.
    OfItsOwn,
    /// There is nobody who has had time to show whether he does something.
    OfNewcomers,
}

#[derive(Debug)]
struct Guests {
    /// How many there may be.
    limit: usize,
    /// Whose connections make room last.
    friends: HashSet<EndpointId>,
    next: u64,
    here: BTreeMap<u64, Guest>,
    /// When it was looked last what each of them moves.
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Guest {
    node: EndpointId,
    came: Instant,
    connection: WeakConnectionHandle,
    /// How many bytes it had moved at the last look.
    moved: u64,
    /// How many of them since the look before.
    lately: u64,
}

impl Doors {
    /// Lets a connection in, for as long as the result exists; or says that there is no room. Where all have just
    /// come, it waits until one of them has had its time.
    async fn let_in(&self, connection: &Connection) -> Option<Inside> {
        let mut waits = None;
        for _ in 0..LOOKS {
            match self.enter(connection) {
                Ok(inside) => return Some(inside),
                Err(Full::OfItsOwn) => return None,
                Err(Full::OfNewcomers) => {
                    if waits.is_none() {
                        waits = Some(self.waiting.try_acquire().ok()?);
                    }
                    tokio::time::sleep(GRACE / 4).await;
                }
            }
        }
        None
    }

    fn enter(&self, connection: &Connection) -> Result<Inside, Full> {
        let (node, now) = (connection.remote_id(), Instant::now());
        let mut guests = self.guests();
        let of_node = guests.here.values().filter(|guest| guest.node == node);
        if of_node.count() >= OF_ONE_NODE {
            return Err(Full::OfItsOwn);
        }
        while guests.here.len() >= guests.limit {
            guests.send_away(now).ok_or(Full::OfNewcomers)?;
        }
        let number = guests.next;
        guests.next += 1;
        let guest = Guest {
            node,
            came: now,
            moved: moved(connection),
            lately: 0,
            connection: connection.weak_handle(),
        };
        guests.here.insert(number, guest);
        Ok(Inside {
            doors: self.clone(),
            number,
        })
    }

    /// Lets at most `limit` in from now on.
    pub(super) fn set_limit(&self, limit: usize) {
        self.guests().limit = limit;
    }

    /// Of more than are let in, those that do the least go, except who has just come.
    pub(super) fn clear(&self) {
        let mut guests = self.guests();
        let now = Instant::now();
        while guests.here.len() > guests.limit && guests.send_away(now).is_some() {}
    }

    /// From now on, `friends` stay where one of the others can go.
    pub(super) fn prefer(&self, friends: HashSet<EndpointId>) {
        self.guests().friends = friends;
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        // A table of numbers is right at any moment, also after a panic elsewhere.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    /// Closes the connection that has to make room, if there is one.
    fn send_away(&mut self, now: Instant) -> Option<()> {
        let idlest = self.idlest(now, random())?;
        let guest = self.here.remove(&idlest)?;
        if let Some(connection) = guest.connection.upgrade() {
            connection.close(BUSY, b"busy");
        }
        Some(())
    }

    /// The connection that has to make room: the last of the node that has the most of them; where all have few, of
    /// those that have had time to do something, the one that moved the least; of those that did nothing any, so
    /// that nobody can know whom he drives out.
    fn idlest(&mut self, now: Instant, random: u32) -> Option<u64> {
        if self.looked.is_none_or(|looked| now - looked >= GRACE) {
            self.looked = Some(now);
            for guest in self.here.values_mut() {
                let moved = guest
                    .connection
                    .upgrade()
                    .map_or(guest.moved, |c| moved(&c));
                guest.lately = moved.saturating_sub(guest.moved);
                guest.moved = moved;
            }
        }
        let mut of_node: HashMap<EndpointId, usize> = HashMap::new();
        for guest in self.here.values() {
            *of_node.entry(guest.node).or_default() += 1;
        }
        let seen = self.here.iter().map(|(number, guest)| Seen {
            number: *number,
            of_node: of_node[&guest.node],
            age: now - guest.came,
            lately: guest.lately,
            is_friend: self.friends.contains(&guest.node),
        });
        choose(&seen.collect::<Vec<_>>(), random)
    }
}

/// What decides which connection makes room.
#[derive(Debug, Clone, Copy)]
struct Seen {
    number: u64,
    /// How many connections its node has.
    of_node: usize,
    age: Duration,
    lately: u64,
    is_friend: bool,
}

/// Of a full house a stranger goes, and only of one full of friends a friend.
fn choose(seen: &[Seen], random: u32) -> Option<u64> {
    let of = |is_friend| choose_of(seen, is_friend, random);
    of(false).or_else(|| of(true))
}

fn choose_of(seen: &[Seen], is_friend: bool, random: u32) -> Option<u64> {
    let same = || seen.iter().filter(move |seen| seen.is_friend == is_friend);
    let greedy = same().filter(|seen| seen.of_node > FAIR);
    if let Some(last) = greedy.max_by_key(|seen| (seen.of_node, seen.number)) {
        return Some(last.number);
    }
    let old = || same().filter(|seen| seen.age >= GRACE);
    let idle: Vec<&Seen> = old().filter(|seen| seen.lately < NOTHING).collect();
    match idle.len() {
        0 => old().min_by_key(|seen| seen.lately).map(|seen| seen.number),
        count => Some(idle[random as usize % count].number),
    }
}

fn moved(connection: &Connection) -> u64 {
    let stats = connection.stats();
    stats.udp_tx.bytes + stats.udp_rx.bytes
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without it who makes room can be foreseen, which is bearable.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// A connection is inside as long as this exists.
#[derive(Debug)]
struct Inside {
    doors: Doors,
    number: u64,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.doors.guests().here.remove(&self.number);
    }
}

/// A protocol whose connections come in by the doors.
#[derive(Debug)]
pub(super) struct Guarded<P> {
    doors: Doors,
    talk: Talk,
    protocol: P,
}

/// How much those who come in have to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    /// The protocol has bounds of its own.
    Bounded,
    /// They ask, and what they say is little: who says much is sent away. iroh-blobs reads requests of a MiB
    /// into memory, and waits for their end for ever.
    Little,
}

impl<P> Guarded<P> {
    pub(super) fn new(doors: &Doors, talk: Talk, protocol: P) -> Self {
        Self {
            doors: doors.clone(),
            talk,
            protocol,
        }
    }
}

/// Is there when a peer has said more than its requests, and the confirmations of what it got, can be.
async fn chatter(connection: &Connection) {
    let mut looks = tokio::time::interval(GRACE);
    loop {
        looks.tick().await;
        let stats = connection.stats();
        if stats.udp_rx.bytes > SAID_FREELY + stats.udp_tx.bytes / 4 {
            return;
        }
    }
}

/// In bytes. A request for ranges of a blob has some hundred.
const SAID_FREELY: u64 = 512 << 10;

impl<P: ProtocolHandler> ProtocolHandler for Guarded<P> {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Some(_inside) = self.doors.let_in(&connection).await else {
            connection.close(BUSY, b"busy");
            return Ok(());
        };
        if self.talk == Talk::Bounded {
            return self.protocol.accept(connection).await;
        }
        tokio::select! {
            done = self.protocol.accept(connection.clone()) => done,
            () = chatter(&connection) => {
                connection.close(BUSY, b"too much");
                Ok(())
            }
        }
    }

    async fn shutdown(&self) {
        self.protocol.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: u64, age: u64, lately: u64) -> Seen {
        Seen {
            number,
            of_node: 1,
            age: Duration::from_millis(age),
            lately,
            is_friend: false,
        }
    }

    #[test]
    fn who_has_many_makes_room_before_those_who_do_nothing() {
        let of_many = |number, of_node| Seen {
            of_node,
            ..seen(number, 10, 90_000)
        };
        let house = [
            seen(1, 5000, 0),
            of_many(2, 3),
            of_many(3, 4),
            of_many(4, 4),
            of_many(5, 2),
        ];
        assert_eq!(choose(&house, 0), Some(4));
        assert_eq!(choose(&[seen(1, 5000, 0), of_many(5, 2)], 0), Some(1));
    }

    #[test]
    fn friends_make_room_when_there_is_nobody_else() {
        let friend = |seen| Seen {
            is_friend: true,
            ..seen
        };
        let idle = friend(seen(1, 5000, 0));
        let busy = seen(2, 5000, 90_000);
        assert_eq!(choose(&[idle, busy], 0), Some(2));
        // One who has just come is no such person yet.
        assert_eq!(choose(&[idle, seen(3, 10, 0)], 0), Some(1));
        assert_eq!(choose(&[idle, friend(seen(4, 5000, 90_000))], 0), Some(1));
    }

    #[test]
    fn who_moves_the_least_makes_room_and_nobody_does_in_the_first_second() {
        assert_eq!(choose(&[], 0), None);
        assert_eq!(choose(&[seen(1, 0, 0), seen(2, 999, 0)], 0), None);
        let busy = [seen(1, 5000, 90_000), seen(2, 5000, 70_000), seen(3, 10, 0)];
        assert_eq!(choose(&busy, 7), Some(2));
        // Of those that do nothing each may be the one, and no other.
        let idle = [seen(1, 5000, 90_000), seen(2, 9000, 60), seen(3, 2000, 0)];
        let chosen: Vec<_> = (0..4).map(|random| choose(&idle, random)).collect();
        assert_eq!(chosen, [Some(2), Some(3), Some(2), Some(3)]);
    }
}
