//! Commands that are given elsewhere on this home, while a node runs here: it does their work.

use std::io;

use clap::Parser;
use skep_publisher::swarm::Network;

use super::{carry_out, needs_store, node};
use crate::{
    cli::{Cli, NetworkArg},
    context::Context,
    error::{CliError, Exit, Result},
    output::{Output, Stream},
    remote::{self, Asked, Serving, Socket},
    running::{Guest, Running},
};

/// Lets the node that runs here do the work of commands that come to `socket`. Without it, they fail.
pub(crate) fn serve(
    ctx: &Context,
    running: Running,
    socket: io::Result<Socket>,
) -> Option<Serving> {
    let node = ctx.clone();
    let run = move |asked| run_for(&node, &running, asked);
    match socket.and_then(|socket| remote::serve(socket, run)) {
        Ok(serving) => Some(serving),
        Err(e) => {
            let socket = remote::path(ctx.home.root());
            ctx.out.warn(format!(
                "other commands on this home have to wait until this one ends: can't listen at {}: {e}",
                socket.display()
            ));
            None
        }
    }
}

/// Does the command of another process on the node that runs here. `ctx` is that of the node.
fn run_for(ctx: &Context, running: &Running, asked: Asked) -> Exit {
    let cli = match Cli::try_parse_from(&asked.args) {
        Ok(cli) => cli,
        Err(e) => {
            // It has parsed them too.
            let _ = asked.voice.text(Stream::Err, &e.to_string());
            return Exit::Usage;
        }
    };
    let out = Output::to(&cli.global, asked.voice);
    let guest = Guest {
        running: running.clone(),
        gone: asked.gone,
    };
    let done = check_network(ctx, running, cli.global.network)
        .and_then(|()| ctx.for_guest(guest, &out, (asked.folder, asked.home)))
        .and_then(
            |ctx| match needs_store(&cli.command) || node::is_question(&cli.command) {
                true => carry_out(&ctx, cli.command),
                false => Err(CliError::usage("this command does not need the store")),
            },
        );
    // The other process is to draw nothing after it was told how the command ended.
    out.end();
    done.unwrap_or_else(|error| {
        out.error(&error);
        error.exit
    })
}

/// Fails if a person wants another network than that of the running node.
fn check_network(ctx: &Context, running: &Running, wanted: Option<NetworkArg>) -> Result<()> {
    match wanted {
        Some(wanted) if Network::from(wanted) != ctx.network => Err(CliError::usage(format!(
            "`{}` runs on this home with `--network {}`, not `{}`",
            running.name,
            NetworkArg::from(ctx.network).name(),
            wanted.name()
        ))
        .hint("leave `--network` out, or stop that one first")),
        _ => Ok(()),
    }
}
