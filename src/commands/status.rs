//! `skep status`: what `publish` would change.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use skep_publisher::{archive::address::Address, history, store::Holders};

use crate::{
    backup,
    built::From,
    choice::Choice,
    context::Context,
    error::{Exit, Result},
    fork::Fork,
    forking::Origin,
    report::Report,
    site::SiteDir,
    swarm,
};

/// Show what `publish` would change
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep status
  skep status my-site --json
  skep status --only 'about/**' --only feed.xml")]
pub(crate) struct StatusArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    choice: Choice,
    /// List all changes; else a terminal gets a hundred of a kind
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(ctx: &Context, args: &StatusArgs) -> Result<Exit> {
    let dir = SiteDir::open(ctx, &args.dir)?;
    let site = dir.id()?;
    dir.remember(ctx, site);
    let origin = dir.origin()?;
    let plan = args.from.plan(ctx, &dir)?;
    // The store first: its owner is the only one who builds into the cache.
    let open = swarm::open(ctx, "skep status").await?;
    let turn = ctx.turn(site).await;
    let shown = (|| {
        let built = plan.carry_out(ctx, site)?;
        let (review, left_out) = built.review(ctx, &open.store, &args.choice)?;
        let holders = open.store.holders(site)?;
        let known = built.inspect(ctx, &review)?;
        let report = Report {
            left_out,
            all: args.all,
            ..Report::new(&open.store, &review, &known.warnings)
        };
        let mut result = report.json("status");
        known.add_to(&mut result);
        result["holders"] = holders.count().into();
        result["holders_named"] = holders.named.into();
        result["holders_whole"] = holders.whole.into();
        result["backed_up"] = backup::is_made(ctx, site).into();
        let have = review.base.as_ref().map_or(0, |entry| entry.number);
        let unseen = history::unseen(&ctx.home, site, have)?;
        let elsewhere = open.store.elsewhere(site)?;
        result["from_elsewhere"] = elsewhere.map(|elsewhere| elsewhere.newest).into();
        // Null if nobody here knows.
        result["published"] = match (&review.base, &unseen) {
            (Some(_), _) => true.into(),
            (None, None) => false.into(),
            (None, Some(_)) => Value::Null,
        };
        let is_unknown = review.base.is_none() && unseen.is_some();
        let fork = Fork::of(&review, unseen);
        fork.add_to(&mut result);
        result["origin"] = origin.as_ref().map(Origin::to_string).into();
        // Whoever reads the list may take long for it.
        drop(turn);
        ctx.out.json(&result);
        ctx.out.say(format!("{}", Address::of(site)));
        if let Some(origin) = &origin {
            ctx.out.say(format!("A fork of {origin}."));
        }
        match &review.base {
            None if is_unknown => {
                ctx.out.say(
                    "No version of the site is on this machine; it may be published all the same.",
                );
                ctx.out.field("next", format!(
                    "fetch what is published with `skep log {} --peer TICKET`, or `skep import FILE`",
                    Address::of(site)
                ));
            }
            None => ctx.out.say("Nothing is published yet."),
            Some(entry) if review.mend.as_ref().is_some_and(|mend| !mend.is_onto_own()) => {
                ctx.out.say(format!(
                    "The site is forked. Version {} from another machine is what the next one follows on.",
                    entry.number
                ));
            }
            Some(entry) => ctx.out.say(format!(
                "Version {} is the newest. {}.",
                entry.number,
                kept_by(holders)
            )),
        }
        if let Some(elsewhere) = elsewhere {
            ctx.out.warn(format!(
                "version {} was published from another machine; this one had seen version {} before",
                elsewhere.newest, elsewhere.before
            ));
        }
        report.show(&ctx.out);
        // What it has is seen now.
        open.store.shown(site)?;
        fork.show(&ctx.out);
        backup::remind(ctx, site, &args.dir);
        Ok::<_, crate::error::CliError>(())
    })();
    open.end.close().await;
    shown?;
    Ok(Exit::Done)
}

/// Who says that it keeps a version, in words.
fn kept_by(holders: Holders) -> String {
    let Holders {
        named,
        whole,
        others,
    } = holders;
    let keep = |nodes: usize| match nodes {
        1 => "1 node that you named keeps it".to_owned(),
        n => format!("{n} nodes that you named keep it"),
    };
    let all = match (named, whole) {
        (_, 0) => String::new(),
        (1, _) => ", with all versions".to_owned(),
        (_, whole) => format!(", {whole} of them with all versions"),
    };
    match (named, others) {
        (0, 0) => "No other node has said that it keeps it".to_owned(),
        (0, 1) => "1 other node says that it keeps it".to_owned(),
        (0, n) => format!("{n} other nodes say that they keep it"),
        (named, 0) => format!("{}{all}", keep(named)),
        (named, others) => format!(
            "{}{all}; {} more {}",
            keep(named),
            others,
            match others {
                1 => "says so",
                _ => "say so",
            }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_a_version_is_said_by_how_much_that_is_worth() {
        let said = |named, whole, others| {
            kept_by(Holders {
                named,
                whole,
                others,
            })
        };
        for (holders, words) in [
            (said(0, 0, 0), "No other node has said that it keeps it"),
            (said(0, 0, 1), "1 other node says that it keeps it"),
            (said(0, 0, 7), "7 other nodes say that they keep it"),
            (
                said(1, 1, 0),
                "1 node that you named keeps it, with all versions",
            ),
            (
                said(3, 2, 4),
                "3 nodes that you named keep it, 2 of them with all versions; 4 more say so",
            ),
            (
                said(2, 0, 1),
                "2 nodes that you named keep it; 1 more says so",
            ),
        ] {
            assert_eq!(holders, words);
        }
    }
}
