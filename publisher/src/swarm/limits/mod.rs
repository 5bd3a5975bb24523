//! What a node gives and keeps at most, as a person decides in `config.toml`. It can change while the node runs.

mod disk;
mod flow;
mod uploads;
mod watch;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

pub(super) use disk::{has_room, make_room, visited};
pub(super) use flow::Flow;
pub(super) use uploads::Uploads;
pub(super) use watch::watch;

use super::doors::{Doors, MAX_CONNECTIONS};

/// What a node gives and keeps at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// kB a second that go to all other nodes together; no limit by default.
    pub upload: Option<Upload>,
    /// How many connections other nodes may have open here.
    pub connections: Connections,
    /// MB that sites of others have here together, the pinned, followed and visited ones; no limit by default.
    pub disk: Option<u64>,
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.upload {
            Some(rate) => write!(f, "{} kB/s up", rate.0)?,
            None => f.write_str("any upload")?,
        }
        write!(f, ", {} connections, ", self.connections.0)?;
        match self.disk {
            Some(mb) => write!(f, "{mb} MB for sites of others"),
            None => f.write_str("any room for sites of others"),
        }
    }
}

/// kB a second. Much slower, others would give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct Upload(u64);

impl TryFrom<u64> for Upload {
    type Error = String;

    fn try_from(rate: u64) -> Result<Self, String> {
        match (16..=1 << 30).contains(&rate) {
            true => Ok(Self(rate)),
            false => Err(format!(
                "{rate} kB/s is no rate that others can work with: at least 16, or leave it out for no limit; what is not to be shared at all can be paused on its page"
            )),
        }
    }
}

/// A number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct Connections(usize);

impl Default for Connections {
    fn default() -> Self {
        Self(MAX_CONNECTIONS)
    }
}

impl TryFrom<u64> for Connections {
    type Error = String;

    fn try_from(count: u64) -> Result<Self, String> {
        let found = usize::try_from(count).ok();
        let found = found.filter(|count| (4..=4096).contains(count));
        found
            .map(Self)
            .ok_or_else(|| format!("{count} connections are not possible: 4 to 4096 are"))
    }
}

/// The limits of a running node.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) upload: Flow,
    pub(super) doors: Doors,
    /// In bytes.
    disk: Arc<AtomicU64>,
}

impl Live {
    pub(super) fn new(limits: Limits) -> Self {
        let live = Self {
            upload: Flow::default(),
            doors: Doors::default(),
            disk: Arc::new(AtomicU64::new(u64::MAX)),
        };
        live.set(limits);
        live
    }

    /// Has these limits from now on.
    fn set(&self, limits: Limits) {
        self.upload.set(limits.upload.map(|rate| rate.0 * 1000));
        self.doors.set_limit(limits.connections.0);
        let disk = limits.disk.map(|mb| mb.saturating_mul(1_000_000));
        self.disk.store(disk.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many bytes sites of others may have.
    fn disk(&self) -> u64 {
        self.disk.load(Ordering::Relaxed)
    }
}
