//! The commands, one a file.

pub(crate) mod browse;
pub(crate) mod build;
pub(crate) mod clone;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod draft;
pub(crate) mod export;
pub(crate) mod follow;
pub(crate) mod fork;
pub(crate) mod guests;
pub(crate) mod host;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod new;
pub(crate) mod node;
pub(crate) mod peers;
pub(crate) mod post;
pub(crate) mod publish;
pub(crate) mod retract;
pub(crate) mod revert;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod unfollow;
pub(crate) mod verify;

use crate::{
    cli::{Cli, Command},
    context::Context,
    error::{CliError, Exit, Result},
    output::Output,
    remote,
};

/// Runs the command that was asked for: through the node that runs on this home, if it needs the store and one
/// runs.
pub(crate) fn run(cli: Cli, out: &Output) -> Result<Exit> {
    let ctx = Context::new(&cli.global, out)?;
    if needs_store(&cli.command)
        && let Some(exit) = remote::through(&ctx)?
    {
        return Ok(exit);
    }
    carry_out(&ctx, cli.command)
}

/// Whether a command works on the store. The others never wait for it.
fn needs_store(command: &Command) -> bool {
    match command {
        Command::New(_)
        | Command::Init(_)
        | Command::Draft(_)
        | Command::Post(_)
        | Command::Build(_)
        | Command::Key(_)
        | Command::Demo(_) => false,
        Command::Status(_)
        | Command::Diff(_)
        | Command::Publish(_)
        | Command::Revert(_)
        | Command::Retract(_)
        | Command::Log(_)
        | Command::Show(_)
        | Command::Verify(_)
        | Command::Export(_)
        | Command::Import(_)
        | Command::Clone(_)
        | Command::Fork(_)
        | Command::Follow(_)
        | Command::Unfollow(_)
        | Command::Browse(_)
        | Command::Serve(_)
        | Command::Host(_)
        | Command::Peers(_) => true,
        Command::Node(args) => args.runs(),
    }
}

fn carry_out(ctx: &Context, command: Command) -> Result<Exit> {
    match command {
        Command::New(args) => new::run(ctx, &args),
        Command::Init(args) => init::run(ctx, &args),
        Command::Draft(args) => draft::run(ctx, &args),
        Command::Post(args) => post::run(ctx, &args),
        Command::Build(args) => build::run(ctx, &args),
        Command::Key(args) => key::run(ctx, &args),
        Command::Serve(args) => block_on(ctx, serve::run(ctx, &args)),
        Command::Status(args) => block_on(ctx, status::run(ctx, &args)),
        Command::Diff(args) => block_on(ctx, diff::run(ctx, &args)),
        Command::Publish(args) => block_on(ctx, publish::run(ctx, &args)),
        Command::Revert(args) => block_on(ctx, revert::run(ctx, &args)),
        Command::Retract(args) => block_on(ctx, retract::run(ctx, &args)),
        Command::Log(args) => block_on(ctx, log::run(ctx, &args)),
        Command::Show(args) => block_on(ctx, show::run(ctx, &args)),
        Command::Verify(args) => block_on(ctx, verify::run(ctx, &args)),
        Command::Export(args) => block_on(ctx, export::run(ctx, &args)),
        Command::Import(args) => block_on(ctx, import::run(ctx, &args)),
        Command::Clone(args) => block_on(ctx, clone::run(ctx, &args)),
        Command::Fork(args) => block_on(ctx, fork::run(ctx, &args)),
        Command::Follow(args) => block_on(ctx, follow::run(ctx, &args)),
        Command::Unfollow(args) => block_on(ctx, unfollow::run(ctx, &args)),
        Command::Browse(args) => block_on(ctx, browse::run(ctx, &args)),
        Command::Host(args) => block_on(ctx, host::run(ctx, &args)),
        Command::Node(args) => node::run(ctx, &args),
        Command::Peers(args) => block_on(ctx, peers::run(ctx, &args)),
        Command::Demo(args) => block_on(ctx, demo::run(ctx, &args)),
    }
}

/// Does an async command, on the running node if it is done there.
fn block_on(ctx: &Context, command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    if let Some(guest) = &ctx.guest {
        return guest.block_on(command);
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::failed("io", format!("can't start: {e}")))?
        .block_on(command)
}
