//! [`Connections`]: places for connections, and which connection loses its place when none is left.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::descriptors;

/// The most connections, however many files this process may open: each costs a buffer.
const MOST: usize = 1024;
/// The least number of places.
const LEAST: usize = 16;
/// Of so many places one address from elsewhere may have one.
const SHARE: usize = 8;
/// A busy connection that has sent nothing for so long may lose its place, if no idle one is left.
const QUIET: Duration = Duration::from_secs(5);
/// How long to wait before the next look for a connection that may be closed.
const AGAIN: Duration = Duration::from_millis(100);

/// A bounded number of connections.
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
    /// A place is free again.
    freed: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
}

/// What is known of a connection.
pub(super) struct Seat {
    from: IpAddr,
    /// How many of its requests are being answered.
    busy: AtomicUsize,
    /// When it was opened, or last sent anything.
    last: Mutex<Instant>,
    is_lost: AtomicBool,
    lost: Notify,
}

/// The place of a connection, which is free again when this is dropped.
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    seat: Arc<Seat>,
}

enum Tried {
    Admitted(Place),
    Refused,
    Full,
}

impl Connections {
    /// The connections of all servers of this process: half of the files that it may open. The
    /// other half is for the store and for peers.
    pub(super) fn of_process() -> Arc<Self> {
        static ALL: LazyLock<Arc<Connections>> = LazyLock::new(|| {
            let half = usize::try_from(descriptors::limit() / 2).unwrap_or(MOST);
            Arc::new(Connections::new(half.clamp(LEAST, MOST)))
        });
        ALL.clone()
    }

    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// A place for a connection from an address, as soon as there is one. `None` if that address
    /// has its share of the places, all in use.
    pub(super) async fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        loop {
            match self.try_admit(from) {
                Tried::Admitted(place) => return Some(place),
                Tried::Refused => return None,
                Tried::Full => drop(timeout(AGAIN, self.freed.notified()).await),
            }
        }
    }

    fn try_admit(self: &Arc<Self>, from: IpAddr) -> Tried {
        let mut open = self.lock();
        // Behind a proxy all connections come from this machine.
        let is_here = from.to_canonical().is_loopback();
        let of_address = |seat: &Seat| seat.from == from;
        if !is_here && open.count(of_address) >= (self.most / SHARE).max(1) {
            open.close_one(of_address);
            return Tried::Refused;
        }
        if open.seats.len() >= self.most {
            open.close_one(|_| true);
            return Tried::Full;
        }
        let number = open.next;
        open.next += 1;
        let seat = Arc::new(Seat::new(from));
        open.seats.insert(number, seat.clone());
        Tried::Admitted(Place {
            connections: self.clone(),
            number,
            seat,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn count(&self, is_meant: impl Fn(&Seat) -> bool) -> usize {
        self.seats.values().filter(|seat| is_meant(seat)).count()
    }

    /// Closes one of the connections that are meant: that which has been idle longest, else a busy
    /// one that has been quiet longest. None, if one is closing already, or all are at work.
    fn close_one(&self, is_meant: impl Fn(&Seat) -> bool) {
        let mut seats: Vec<_> = self.seats.values().filter(|seat| is_meant(seat)).collect();
        if seats
            .iter()
            .any(|seat| seat.is_lost.load(Ordering::Relaxed))
        {
            return;
        }
        seats.retain(|seat| !seat.is_busy() || seat.last().elapsed() >= QUIET);
        let longest = seats
            .iter()
            .min_by_key(|seat| (seat.is_busy(), seat.last()));
        if let Some(seat) = longest {
            seat.is_lost.store(true, Ordering::Relaxed);
            seat.lost.notify_one();
        }
    }
}

impl Seat {
    pub(super) fn new(from: IpAddr) -> Self {
        Self {
            from,
            busy: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
            is_lost: AtomicBool::new(false),
            lost: Notify::new(),
        }
    }

    /// Notes that the connection has sent something.
    pub(super) fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Notes that a request is being answered.
    pub(super) fn begin(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that one is not any more.
    pub(super) fn end(&self) {
        self.touch();
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Resolves when the connection has lost its place.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn seat(&self) -> Arc<Seat> {
        self.seat.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().seats.remove(&self.number);
        self.connections.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn admitted(connections: &Arc<Connections>, from: IpAddr) -> Option<Place> {
        match connections.try_admit(from) {
            Tried::Admitted(place) => Some(place),
            Tried::Refused | Tried::Full => None,
        }
    }

    fn lost(places: &[Place]) -> Vec<bool> {
        let seats = places.iter().map(|place| &place.seat.is_lost);
        seats
            .map(|is_lost| is_lost.load(Ordering::Relaxed))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_does_not() {
        let connections = Arc::new(Connections::new(3));
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(admitted(&connections, HERE).unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        places[0].seat.begin();
        places[1].seat.touch();
        assert!(admitted(&connections, HERE).is_none());
        assert_eq!(lost(&places), [false, false, true]);
        places[2].seat.lost().await;
        // One at a time.
        assert!(admitted(&connections, HERE).is_none());
        assert_eq!(lost(&places), [false, false, true]);
        places.pop();
        places.push(admitted(&connections, HERE).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_busy_only_a_quiet_one_makes_room() {
        let connections = Arc::new(Connections::new(2));
        let places = [0; 2].map(|_| admitted(&connections, HERE).unwrap());
        places.iter().for_each(|place| place.seat.begin());
        assert!(admitted(&connections, HERE).is_none());
        assert_eq!(lost(&places), [false, false]);
        tokio::time::advance(QUIET).await;
        places[0].seat.touch();
        assert!(admitted(&connections, HERE).is_none());
        assert_eq!(lost(&places), [false, true]);
    }

    #[test]
    fn an_address_elsewhere_has_a_share_and_this_machine_has_all() {
        let connections = Arc::new(Connections::new(16));
        let _its = [0; 2].map(|_| admitted(&connections, AWAY).unwrap());
        assert!(admitted(&connections, AWAY).is_none());
        let ours: Vec<_> = (0..14)
            .map_while(|_| admitted(&connections, HERE))
            .collect();
        assert_eq!(ours.len(), 14);
    }
}
