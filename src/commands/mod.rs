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
pub(crate) mod host;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod new;
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
};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli, out: &Output) -> Result<Exit> {
    let ctx = Context::new(&cli.global, out)?;
    match cli.command {
        Command::New(args) => new::run(&ctx, &args),
        Command::Init(args) => init::run(&ctx, &args),
        Command::Draft(args) => draft::run(&ctx, &args),
        Command::Post(args) => post::run(&ctx, &args),
        Command::Build(args) => build::run(&ctx, &args),
        Command::Key(args) => key::run(&ctx, &args),
        Command::Serve(args) => block_on(serve::run(&ctx, &args)),
        Command::Status(args) => block_on(status::run(&ctx, &args)),
        Command::Diff(args) => block_on(diff::run(&ctx, &args)),
        Command::Publish(args) => block_on(publish::run(&ctx, &args)),
        Command::Revert(args) => block_on(revert::run(&ctx, &args)),
        Command::Retract(args) => block_on(retract::run(&ctx, &args)),
        Command::Log(args) => block_on(log::run(&ctx, &args)),
        Command::Show(args) => block_on(show::run(&ctx, &args)),
        Command::Verify(args) => block_on(verify::run(&ctx, &args)),
        Command::Export(args) => block_on(export::run(&ctx, &args)),
        Command::Import(args) => block_on(import::run(&ctx, &args)),
        Command::Clone(args) => block_on(clone::run(&ctx, &args)),
        Command::Fork(args) => block_on(fork::run(&ctx, &args)),
        Command::Follow(args) => block_on(follow::run(&ctx, &args)),
        Command::Unfollow(args) => block_on(unfollow::run(&ctx, &args)),
        Command::Browse(args) => block_on(browse::run(&ctx, &args)),
        Command::Host(args) => block_on(host::run(&ctx, &args)),
        Command::Demo(args) => block_on(demo::run(&ctx, &args)),
    }
}

fn block_on(command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::failed("io", format!("can't start: {e}")))?
        .block_on(command)
}
