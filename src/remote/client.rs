//! A command that lets the running node do its work, and does itself what only it can: it writes, asks, and
//! runs what builds a site.

use std::{
    ffi::OsString,
    io::{self, ErrorKind},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        net::UnixStream,
    },
    path::Path,
    time::Duration,
};

use zeroize::Zeroizing;

use super::{
    frames::{self, Executed, MAX_PIECE, Request, ToClient, ToServer},
    place,
};
use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::{Output, Stream},
};

/// How long a node may take to answer: it may be starting, or do as much for others as it does at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets the node that runs on this home do the command of this process; `None` if none runs.
pub(crate) fn through(ctx: &Context) -> Result<Option<Exit>> {
    let Some(mut stream) = open(ctx)? else {
        return Ok(None);
    };
    stream.set_read_timeout(None).map_err(|e| silent(ctx, &e))?;
    let terminals = [Stream::Out, Stream::Err].map(|stream| ctx.out.voice().is_terminal(stream));
    let request = request(ctx, std::env::args_os(), terminals)?;
    frames::write(&mut stream, &request).map_err(|e| broken_off(&e))?;
    serve(&mut stream, &ctx.out)
        .map(Some)
        .map_err(|e| broken_off(&e))
}

/// What the node that runs on this home writes to stdout for a command with the arguments `args` that needs
/// nobody; `None` if no node runs.
pub(crate) fn ask(ctx: &Context, args: &[&str]) -> Result<Option<String>> {
    let Some(mut stream) = open(ctx)? else {
        return Ok(None);
    };
    let args = ["skep"].iter().chain(args).map(OsString::from);
    let request = request(ctx, args, [false; 2])?;
    let failed = |e: io::Error| silent(ctx, &e);
    frames::write(&mut stream, &request).map_err(failed)?;
    let mut answer = String::new();
    loop {
        match frames::read(&mut stream).map_err(failed)? {
            ToClient::Out(text) if answer.len() < MAX_PIECE => answer += &text,
            ToClient::Err(_) | ToClient::Progress(_) => {}
            ToClient::End(0) => return Ok(Some(answer)),
            _ => {
                return Err(failed(io::Error::new(
                    ErrorKind::InvalidData,
                    "it does not say what it was asked",
                )));
            }
        }
    }
}

/// A connection to the node that runs on this home, after both have greeted; `None` if none runs. Whoever reads
/// from it waits for [`PATIENCE`] at most.
fn open(ctx: &Context) -> Result<Option<UnixStream>> {
    let Some(mut stream) = place::connect(&ctx.home) else {
        return Ok(None);
    };
    let failed = |e: io::Error| silent(ctx, &e);
    if !is_own(&stream).map_err(failed)? {
        let message = format!(
            "another user listens at {}",
            super::path(ctx.home.root()).display()
        );
        return Err(CliError::failed("refused", message)
            .hint("give this skep a home of its own with `--home DIR`"));
    }
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    // If it is ending, that shows when its greeting is read.
    let _ = frames::greet(&mut stream);
    match frames::is_greeted(&mut stream) {
        Ok(true) => Ok(Some(stream)),
        Ok(false) => {
            let message = format!(
                "the skep that runs on {} is another version",
                ctx.home.root().display()
            );
            Err(CliError::failed("version", message).hint("stop it and start it again"))
        }
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(failed(e)),
    }
}

/// What the node is to do for this process.
fn request(
    ctx: &Context,
    args: impl Iterator<Item = OsString>,
    terminals: [bool; 2],
) -> Result<Request> {
    let folder = std::env::current_dir()
        .map_err(|e| CliError::failed("io", format!("can't tell the folder that this is: {e}")))?;
    Ok(Request {
        args: args.map(OsStringExt::into_vec).collect(),
        folder: folder.into_os_string().into_vec(),
        home: ctx.home.root().as_os_str().as_bytes().to_owned(),
        terminals,
    })
}

/// Does what the node says, until it says how the command has ended.
pub(super) fn serve(stream: &mut UnixStream, out: &Output) -> io::Result<Exit> {
    let voice = out.voice();
    let text = |e: io::Error| e.to_string();
    loop {
        let answer = match frames::read(stream)? {
            ToClient::Out(text) => {
                out.pass_on(Stream::Out, &text);
                continue;
            }
            ToClient::Err(text) => {
                out.pass_on(Stream::Err, &text);
                continue;
            }
            ToClient::Progress(at) => {
                voice.progress(at.as_ref());
                continue;
            }
            ToClient::End(code) => return Ok(Exit::of(code)),
            ToClient::Raw(bytes) => ToServer::Written(voice.raw(&bytes).map_err(text)),
            ToClient::Ask(question) => ToServer::Answer(voice.ask(&question).map(Ok)),
            ToClient::AskSecret(prompt) => {
                let typed = voice.ask_secret(&prompt);
                // It is wiped when it was sent.
                let secret = |mut typed: Zeroizing<String>| std::mem::take(&mut *typed);
                ToServer::Answer(typed.map(|typed| typed.map(secret).map_err(text)))
            }
            ToClient::Execute {
                dir,
                command,
                is_shown,
            } => {
                let dir = OsString::from_vec(dir);
                let ended = voice.execute(Path::new(&dir), &command, is_shown);
                ToServer::Executed(ended.map_err(text).map(|ended| Executed {
                    success: ended.success,
                    code: ended.code,
                    words: ended.words,
                    last: ended.last,
                }))
            }
        };
        let sent = frames::write(stream, &answer);
        if let ToServer::Answer(Some(Ok(answer))) = answer {
            drop(Zeroizing::new(answer));
        }
        sent?;
    }
}

/// Whether the process at the other end is one of the same user: what it says is done here.
fn is_own(stream: &UnixStream) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _entered = runtime.enter();
    // A copy is as blocking as what it is a copy of.
    stream.set_nonblocking(true)?;
    let is_own = place::is_own(&tokio::net::UnixStream::from_std(stream.try_clone()?)?);
    stream.set_nonblocking(false)?;
    is_own
}

fn silent(ctx: &Context, error: &io::Error) -> CliError {
    let socket = super::path(ctx.home.root());
    let why = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("no answer within {} s", PATIENCE.as_secs())
        }
        _ => error.to_string(),
    };
    CliError::failed(
        "locked",
        format!(
            "a skep runs on {}, but does not take this command at {}: {why}",
            ctx.home.root().display(),
            socket.display()
        ),
    )
    .hint("it may have too much to do; else stop it and start it again")
}

fn broken_off(error: &io::Error) -> CliError {
    CliError::failed(
        "broken-off",
        format!("the skep that did this has ended, or was stopped, before it was done ({error})"),
    )
    .hint("`skep log` shows whether a version was signed; give the command again")
}
