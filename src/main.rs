//! `skep`: write in Markdown, preview live, publish with one command to a swarm of readers.
//!
//! This package is the command line: arguments, output, prompts and exit codes. What the commands do is
//! in `skep-generator` and `skep-publisher`, which know nothing of each other.

mod backup;
mod browser;
mod built;
mod catch_up;
mod choice;
mod cli;
mod commands;
mod confined;
mod context;
mod desk;
mod engine;
mod error;
mod events;
mod faceless;
mod folder;
mod fork;
mod forking;
mod kept;
mod making;
mod notes;
mod outgoing;
mod output;
mod passphrase;
#[cfg(test)]
mod reference;
mod remote;
mod report;
mod running;
mod service;
mod session;
mod shell;
mod site;
mod sites;
mod sources;
mod stop;
mod swarm;
mod trust;
mod workshop;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    if let Some(work) = confined::asked() {
        return work();
    }
    // Where the system refuses, there are fewer connections.
    let _ = skep_publisher::descriptors::raise();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return output::not_understood(&e, std::env::args_os()).into(),
    };
    let out = output::Output::new(&cli.global);
    let done = commands::run(cli, &out);
    out.end();
    match done {
        // Who reads a result that lacks a part must not take it for the whole.
        Ok(error::Exit::Done) if !out.is_whole() => error::Exit::Failed.into(),
        Ok(exit) => exit.into(),
        Err(error) => {
            out.error(&error);
            error.exit.into()
        }
    }
}
