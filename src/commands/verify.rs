//! `skep verify`: every signature and hash, again.

use clap::Args;
use serde_json::json;
use skep_publisher::{archive::address::Address, verify::verify};

use crate::{
    context::Context,
    error::{Exit, Result},
    output::{bytes, count},
    site::id_of,
    swarm,
};

/// Check every signature and hash of a site again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep verify
  skep verify skep://…")]
pub(crate) struct VerifyArgs {
    /// The site's folder, or its address
    #[arg(default_value = ".", value_name = "DIR|ADDRESS")]
    site: String,
}

pub(crate) async fn run(ctx: &Context, args: &VerifyArgs) -> Result<Exit> {
    let site = id_of(ctx, &args.site)?;
    let ready = swarm::here(ctx, "skep verify", site).await?;
    let mut state = ready.state.clone();
    let verified = loop {
        let verified = verify(&ready.store, &state);
        match ready.store.known(site) {
            // A retraction that came meanwhile has taken away what was just looked for.
            Ok(now) if verified.is_err() && now.head != state.head => state = now,
            _ => break verified,
        }
    };
    ready.close().await;
    let verified = verified?;
    ctx.out.json(&json!({
        "event": "verify", "address": Address::of(site).to_string(),
        "versions": verified.versions,
        "whole": verified.whole,
        "retracted": verified.retracted,
        "files": verified.files,
        "bytes": verified.bytes,
    }));
    ctx.out.say(format!(
        "All is as it was signed: {}, {} of them here with all their bytes ({}, {} hashed).{}",
        count(verified.versions, "version"),
        verified.whole,
        count(verified.files, "file"),
        bytes(verified.bytes),
        match verified.retracted {
            0 => String::new(),
            n => format!(
                " {} retracted.",
                if n == 1 {
                    "One was".into()
                } else {
                    format!("{n} were")
                }
            ),
        },
    ));
    Ok(Exit::Done)
}
