//! What every command needs: where things are, which network, how to speak, and the present moment.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use etcetera::BaseStrategy;
use jiff::Timestamp;
pub(crate) use skep_publisher::words::utc;
use skep_publisher::{archive::address::SiteId, home::Home, swarm::Network};

use crate::{
    cli::{Global, NetworkArg},
    error::{CliError, Result},
    output::Output,
    running::Guest,
    sites::{Sites, Turn},
};

/// What every command needs.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) network: Network,
    /// The network that a person named, if one did.
    pub(crate) named_network: Option<NetworkArg>,
    pub(crate) out: Output,
    /// Who works on which site in this process.
    pub(crate) sites: Sites,
    /// The folder that paths start from, if it is not that of this process.
    folder: Option<PathBuf>,
    /// For whom a running node does the command, if it does.
    pub(crate) guest: Option<Guest>,
}

impl Context {
    pub(crate) fn new(global: &Global, out: &Output) -> Result<Self> {
        let home = match &global.home {
            Some(home) => home.clone(),
            None => default_home()?,
        };
        // Child processes and the store may see another working folder.
        let home = std::path::absolute(&home).unwrap_or(home);
        Ok(Self {
            home: Home::new(home),
            network: global.network.map_or(Network::Public, Network::from),
            named_network: global.network,
            out: out.clone(),
            sites: Sites::default(),
            folder: None,
            guest: None,
        })
    }

    /// The same for a command of `guest` that was given in `folder`, speaks through `out`, and has `home` for this home.
    pub(crate) fn for_guest(
        &self,
        guest: Guest,
        out: &Output,
        (folder, home): (PathBuf, PathBuf),
    ) -> Result<Self> {
        let same = |one: &Path, other: &Path| {
            Ok::<_, std::io::Error>(one.canonicalize()? == other.canonicalize()?)
        };
        if !same(&home, self.home.root()).is_ok_and(|same| same) {
            let message = format!("{} is not the home of this node", home.display());
            return Err(CliError::failed("refused", message));
        }
        Ok(Self {
            home: Home::new(home),
            out: out.clone(),
            folder: Some(folder),
            guest: Some(guest),
            ..self.clone()
        })
    }

    /// Fails if nobody waits for the command any more: to be asked before what can't be undone.
    pub(crate) fn check_wanted(&self) -> Result<()> {
        self.guest.as_ref().map_or(Ok(()), Guest::check)
    }

    /// The same, speaking through `out`.
    pub(crate) fn with_output(self, out: Output) -> Self {
        Self { out, ..self }
    }

    /// Waits until nobody else in this process builds, reviews or signs that site.
    pub(crate) async fn turn(&self, site: SiteId) -> Turn {
        let soon = tokio::time::timeout(SILENCE, self.sites.turn(site));
        if let Ok(turn) = soon.await {
            return turn;
        }
        let note = "Another command is at work on this site; this one waits for it.";
        self.out.note(note);
        self.sites.turn(site).await
    }

    /// A path that a person typed, as it has to be opened. What is shown to them is what they typed.
    pub(crate) fn path(&self, typed: &Path) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(typed),
            None => typed.to_owned(),
        }
    }
}

/// How long a command waits for another without a word: a build for a page is over by then.
const SILENCE: Duration = Duration::from_secs(2);

fn default_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("SKEP_HOME").filter(|home| !home.is_empty()) {
        return Ok(home.into());
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|e| {
        CliError::usage(format!("there is no home folder: {e}"))
            .hint("say where keys and the store should be with `--home DIR`")
    })?;
    Ok(strategy.data_dir().join("skep"))
}

/// The present moment: the only place where the program asks the clock for a build or a version.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The day of a moment in seconds since 1970, in the time zone of this machine.
pub(crate) fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds)
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok());
    let moment = moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::system()).date());
    moment.map_or_else(|| "long ago".into(), |date| date.to_string())
}

/// A moment in seconds since 1970, for programs: `2026-11-24T19:08:00Z`.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let moment = i64::try_from(seconds).unwrap_or(i64::MAX);
    let moment = Timestamp::from_second(moment).unwrap_or(Timestamp::MAX);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same in whole seconds since 1970, never before it.
pub(crate) fn seconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_second()).unwrap_or(0)
}
