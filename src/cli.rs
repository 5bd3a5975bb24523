//! The arguments. Each command has its own in its file under `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use skep_publisher::swarm::Network;

use crate::commands::{
    browse, build, clone, demo, diff, draft, export, follow, fork, host, import, init, key, log,
    new, node, peers, post, publish, retract, revert, serve, show, status, unfollow, verify,
};

/// Write in Markdown, preview live, publish with one command to a swarm of readers.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  skep new my-site             a website with an address of its own, offline
  skep serve my-site           write, and see it at http://127.0.0.1:4000
  skep publish my-site         sign a version and hand it to those who keep it
  skep demo                    all of it on this machine, no network needed

Exit codes: 0 done, 1 failed, 2 bad usage, 3 signed here but not confirmed by whom you asked for.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What works with every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Where keys and the store are [default: $SKEP_HOME, else the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Which network to use [default: that of the node that runs on this home, else public]
    #[arg(long, global = true, value_enum, value_name = "NAME")]
    pub(crate) network: Option<NetworkArg>,
    /// Write JSON to stdout, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say only what went wrong
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say each step, on stderr
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// The networks that `--network` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NetworkArg {
    /// The internet, with number 0's relays and DNS and the Mainline DHT, and the local network
    Public,
    /// The local network only: nodes find each other there
    Lan,
    /// This machine only; nothing is looked up
    Loopback,
}

impl From<NetworkArg> for Network {
    fn from(arg: NetworkArg) -> Self {
        match arg {
            NetworkArg::Public => Self::Public,
            NetworkArg::Lan => Self::Lan,
            NetworkArg::Loopback => Self::Loopback,
        }
    }
}

impl From<Network> for NetworkArg {
    fn from(network: Network) -> Self {
        match network {
            Network::Public => Self::Public,
            Network::Lan => Self::Lan,
            Network::Loopback => Self::Loopback,
        }
    }
}

impl NetworkArg {
    /// What it is called on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Lan => "lan",
            Self::Loopback => "loopback",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::NewArgs),
    Init(init::InitArgs),
    Draft(draft::DraftArgs),
    Post(post::PostArgs),
    Build(build::BuildArgs),
    Serve(serve::ServeArgs),
    Status(status::StatusArgs),
    Diff(diff::DiffArgs),
    Publish(publish::PublishArgs),
    Revert(revert::RevertArgs),
    Retract(retract::RetractArgs),
    Log(log::LogArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Clone(clone::CloneArgs),
    Fork(fork::ForkArgs),
    Follow(follow::FollowArgs),
    Unfollow(unfollow::UnfollowArgs),
    Browse(browse::BrowseArgs),
    Host(host::HostArgs),
    Node(node::NodeArgs),
    Peers(peers::PeersArgs),
    Key(key::KeyArgs),
    Demo(demo::DemoArgs),
}
