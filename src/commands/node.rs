//! `skep node`: a node without a face, and the service that runs it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::block_on;
use crate::{
    cli::{Command, NetworkArg},
    context::Context,
    error::{CliError, Exit, Result},
    faceless::Faceless,
    output::BOLD,
    remote::{self, Socket},
    running::Running,
    service::{Found, Managed, Service, Start, Written},
    swarm,
};

/// Keep your sites and those that you follow up to date, and serve them, without pages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep node            until Ctrl-C
  skep node install    from now on, and at each login: a service of yours, not of the system
  skep node status
  skep node remove

Other commands go on working meanwhile: on the same home, they are done by it. `skep browse` lets it show its pages, and
prints the link to them. The service has the home and the network of the command that installed it.")]
pub(crate) struct NodeArgs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum What {
    /// Run it as a service of this user: under systemd; for launchd (macOS) the file is written, untested
    #[command(after_help = "Examples:\n  skep node install\n  skep node install --home ~/other")]
    Install,
    /// Say whether the service is installed, and which node runs on this home
    #[command(after_help = "Examples:\n  skep node status")]
    Status,
    /// End the service and take it away; nothing that it keeps is lost
    #[command(after_help = "Examples:\n  skep node remove")]
    Remove,
}

const NAME: &str = "skep node";

/// The arguments of the question what a node is, to one that runs.
const QUESTION: [&str; 3] = ["--json", "node", "status"];

impl NodeArgs {
    /// Whether it is to run a node.
    pub(crate) fn runs(&self) -> bool {
        self.what.is_none()
    }
}

/// Whether a command asks a running node what it is.
pub(crate) fn is_question(command: &Command) -> bool {
    matches!(command, Command::Node(args) if matches!(args.what, Some(What::Status)))
}

pub(crate) fn run(ctx: &Context, args: &NodeArgs) -> Result<Exit> {
    match (args.what, &ctx.guest) {
        (None, _) => block_on(ctx, run_node(ctx)),
        (Some(What::Status), Some(guest)) => {
            ctx.out.json(&describe(ctx, &guest.running));
            Ok(Exit::Done)
        }
        (Some(What::Status), None) => status(ctx),
        (Some(What::Install), _) => install(ctx),
        (Some(What::Remove), _) => remove(ctx),
    }
}

async fn run_node(ctx: &Context) -> Result<Exit> {
    if let Some(guest) = &ctx.guest {
        return Err(swarm::in_use(ctx, &guest.running));
    }
    let open = swarm::own(ctx, NAME).await?;
    // Who comes before the node has started waits for it.
    let socket = Socket::open(&ctx.home);
    let scratch = open.scratch();
    let (node, events) = swarm::start(ctx, open).await?;
    let ready = {
        let node = node.clone();
        move || {
            let ticket = node.ticket().map(ToString::to_string);
            ctx.out.json(&json!({"event": "ready", "ticket": ticket}));
            ctx.out.say("This node is up. Ctrl-C ends.");
            if let Some(ticket) = ticket {
                ctx.out.field("ticket", ticket);
            }
        }
    };
    let faceless = Faceless {
        name: NAME,
        node,
        scratch,
        events,
    };
    faceless.run(ctx, socket, ready).await?;
    Ok(Exit::Done)
}

/// What a running node says of itself.
fn describe(ctx: &Context, running: &Running) -> Value {
    json!({
        "event": "node",
        "name": running.name,
        "version": env!("CARGO_PKG_VERSION"),
        "network": NetworkArg::from(ctx.network).name(),
        "ticket": running.node.ticket().map(ToString::to_string),
    })
}

fn install(ctx: &Context) -> Result<Exit> {
    let service = Service::of_user()?;
    let program = std::env::current_exe()
        .map_err(|e| CliError::failed("io", format!("can't tell where this program is: {e}")))?;
    let written = service.write(&Start {
        program: &program,
        home: ctx.home.root(),
        network: ctx.named_network.map(NetworkArg::name),
    })?;
    // One that can't say what it is keeps the service from its store no less, and `status` says so.
    let other = running_node(ctx).unwrap_or_default();
    let starting = service.starting(written);
    let managed = service.manage(&starting);
    ctx.out.json(&json!({
        "event": "node_install",
        "file": service.file.display().to_string(),
        "manager": service.manager(),
        "written": written != Written::Same,
        "started": managed == Managed::Done,
        "next": match managed {
            Managed::Done => &[],
            _ => &starting[..],
        },
    }));
    let file = service.file.display();
    ctx.out.say(match written {
        Written::New => format!("{BOLD}{file}{BOLD:#} is written."),
        Written::Changed => format!("{BOLD}{file}{BOLD:#} is written anew."),
        Written::Same => format!("{BOLD}{file}{BOLD:#} is there already."),
    });
    if managed == Managed::Done {
        ctx.out
            .say("The node runs from now on, and whenever you are logged in.");
        if let Some(name) = other["name"].as_str().filter(|name| *name != NAME) {
            ctx.out.note(format!(
                "`{name}` runs on this home now: the service begins when that ends."
            ));
        }
        let hint = "`loginctl enable-linger` lets it run while you are logged out too";
        ctx.out.field("next", hint);
        ctx.out.field(
            "look",
            "skep node status; journalctl --user -u skep.service",
        );
    }
    left_to_do(ctx, &service, &managed, &starting)
}

fn remove(ctx: &Context) -> Result<Exit> {
    let service = Service::of_user()?;
    let file = service.file.display();
    let (removed, managed) = service.remove()?;
    let commands = service.stopping();
    ctx.out.json(&json!({
        "event": "node_remove",
        "file": file.to_string(),
        "manager": service.manager(),
        "removed": removed,
        "next": match managed {
            Managed::Done => &[],
            _ => &commands[..],
        },
    }));
    ctx.out.say(match removed {
        true => format!("{file} is deleted. What the node keeps stays where it is."),
        false => format!("There is no {file}."),
    });
    left_to_do(ctx, &service, &managed, &commands)
}

/// Says what a person has to type, if the service manager has not done it.
fn left_to_do(
    ctx: &Context,
    service: &Service,
    managed: &Managed,
    commands: &[String],
) -> Result<Exit> {
    let exit = match managed {
        Managed::Done => return Ok(Exit::Done),
        Managed::Unavailable if service.is_tried() => {
            ctx.out
                .note("There is no `systemctl` here. Where there is, type:");
            Exit::Done
        }
        Managed::Unavailable => {
            ctx.out
                .note("Nobody has tried this with launchd so far. Type:");
            Exit::Done
        }
        Managed::Failed(why) => {
            ctx.out.warn(why);
            ctx.out.note("Type, in a session of your own:");
            Exit::Failed
        }
    };
    for command in commands {
        ctx.out.note(format!("  {command}"));
    }
    Ok(exit)
}

fn status(ctx: &Context) -> Result<Exit> {
    let service = Service::of_user()?;
    let found = service.found()?;
    let is_installed = matches!(found, Found::Ours(_));
    let state = match is_installed {
        true => service.state(),
        false => None,
    };
    let (node, trouble) = match running_node(ctx) {
        Ok(node) => (node, None),
        Err(e) => (Value::Null, Some(e)),
    };
    ctx.out.json(&json!({
        "event": "node_status",
        "file": service.file.display().to_string(),
        "manager": service.manager(),
        "installed": is_installed,
        "foreign": found == Found::Foreign,
        "state": state,
        "home": ctx.home.root().display().to_string(),
        "node": node,
        "trouble": trouble.as_ref().map(|e| &e.message),
    }));
    let file = service.file.display();
    ctx.out.say(match (&found, &state) {
        (Found::Ours(_), Some(state)) => format!("The service is installed ({file}): {state}"),
        (Found::Ours(_), None) => format!("The service is installed ({file})."),
        (Found::Foreign, _) => format!("{file} is there, and was not written by skep."),
        (Found::Nothing, _) => {
            "The service is not installed. `skep node install` does that.".into()
        }
    });
    let home = ctx.home.root().display();
    if let Some(e) = trouble {
        ctx.out.warn(&e.message);
        if let Some(hint) = &e.hint {
            ctx.out.note(format!("  {hint}"));
        }
        return Ok(Exit::Failed);
    }
    let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
    match node.is_null() {
        true => ctx.out.say(format!("No node runs on {home}.")),
        false => {
            ctx.out.say(format!("`{}` runs on {home}.", text("name")));
            ctx.out.field("version", text("version"));
            ctx.out.field("network", text("network"));
            if let Some(ticket) = node["ticket"].as_str() {
                ctx.out.field("ticket", ticket);
            }
        }
    }
    Ok(Exit::Done)
}

/// What the node that runs on this home says of itself; null if none runs.
fn running_node(ctx: &Context) -> Result<Value> {
    let Some(answer) = remote::ask(ctx, &QUESTION)? else {
        return Ok(Value::Null);
    };
    let mut node: Value = serde_json::from_str(&answer).map_err(|e| {
        CliError::failed(
            "protocol",
            format!("what the node says of itself is no JSON: {e}"),
        )
    })?;
    if let Some(fields) = node.as_object_mut() {
        // It is a part of another event here.
        fields.shift_remove("event");
        fields.shift_remove("schema");
    }
    Ok(node)
}
