//! `skep init`: an existing website made publishable, whatever builds it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use skep_generator::{Engine, OUTPUT, Recognised, config, recognise, scaffold};
use skep_publisher::{archive::address::Address, error::printable, keys};

use crate::{
    backup,
    context::Context,
    error::{CliError, Exit, Result},
    output::{BOLD, Output},
    site::SiteDir,
    trust,
};

/// Make an existing website publishable: Hugo, Zola, Eleventy, mdBook, Jekyll, plain HTML
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep init my-blog
  skep init my-blog --static                     publish the folder as it is
  skep init . --command \"make site\" --output out

It writes skep.toml, mints a key, and changes nothing else. The program that builds the website goes on
doing so: `skep publish` runs it.")]
pub(crate) struct InitArgs {
    /// The website's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Publish the folder as it is; nothing builds it
    #[arg(long = "static", conflicts_with_all = ["engine", "command", "output"])]
    plain: bool,
    /// Who builds it [default: as its files tell]
    #[arg(long, value_name = "NAME")]
    engine: Option<EngineArg>,
    /// What builds it, as you would type it in its folder
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// The folder to which it is built
    #[arg(long, value_name = "DIR")]
    output: Option<String>,
    /// The website's title [default: the one in its settings, else the folder's name]
    #[arg(long)]
    title: Option<String>,
}

/// The engines that `--engine` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    /// skep itself
    Tera,
    /// Any program: `--command`
    Command,
    /// Nobody: the folder as it is
    Static,
}

pub(crate) fn run(ctx: &Context, args: &InitArgs) -> Result<Exit> {
    let dir = &args.dir;
    check_folder(ctx, dir)?;
    let mut found = recognise(dir).into_iter();
    let first = found.next();
    let engine = args.engine(first.as_ref())?;
    if engine == Engine::Static {
        check_static(ctx, dir)?;
    }
    let title = args.title(first.as_ref())?;

    scaffold::init(dir, &title, &engine)?;
    let made = (|| {
        // Whoever says here what builds the site need not be asked again.
        if let Engine::Command { command, .. } = &engine {
            trust::remember(&ctx.home, dir, command)?;
        }
        // The key comes last: a key without a site would be one that nobody knows of.
        Ok(keys::create(&ctx.home)?)
    })();
    let address = match made {
        Ok(site) => Address::of(site).to_string(),
        Err(e) => {
            // The error that is told is why there is no key.
            let _ = std::fs::remove_file(dir.join(config::FILE));
            return Err(e);
        }
    };
    scaffold::set_address(dir, &address).map_err(|e| {
        CliError::from(e).hint(format!(
            "its key is made: write `address = \"{address}\"` into the first line of skep.toml"
        ))
    })?;

    let others: Vec<Recognised> = found.collect();
    // What was said about another engine does not hold for this one.
    let first = first.filter(|first| first.engine == engine);
    tell(ctx, dir, &address, &engine, first.as_ref(), &others);
    Ok(Exit::Done)
}

/// Fails unless `dir` is a folder that is no site yet.
fn check_folder(ctx: &Context, dir: &Path) -> Result<()> {
    let shown = dir.display();
    if !dir.is_dir() {
        return Err(CliError::usage(format!("there is no folder {shown}"))
            .hint(format!("make a new site there with: skep new {shown}")));
    }
    let file = dir.join(config::FILE);
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    if !file.is_file() {
        let message = format!(
            "{} is a link that leads nowhere, or no file",
            file.display()
        );
        return Err(CliError::failed("refused", message).hint("remove it first"));
    }
    // If it lacks an address, this says what to do.
    let site = SiteDir::open(ctx, dir)?.id()?;
    Err(CliError::failed(
        "refused",
        format!("{shown} is a site of skep already: {}", Address::of(site)),
    )
    .hint("see what a publish would change with `skep status`; what builds it is under [build] in skep.toml"))
}

/// Fails if everything that a person has would be published.
fn check_static(ctx: &Context, dir: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    let Some(folder) = real(dir) else {
        return Ok(());
    };
    let home = etcetera::home_dir().ok().and_then(|home| real(&home));
    let keeps_keys = real(ctx.home.root()).is_some_and(|keys| keys.starts_with(&folder));
    if folder.parent().is_none() || home.is_some_and(|home| home.starts_with(&folder)) || keeps_keys
    {
        return Err(CliError::failed(
            "refused",
            format!(
                "{} holds far more than a website: all of it would be published",
                dir.display()
            ),
        )
        .hint("put the website into a folder of its own"));
    }
    Ok(())
}

impl InitArgs {
    /// Who is to build the site: as the arguments say, else as its files tell.
    fn engine(&self, found: Option<&Recognised>) -> Result<Engine> {
        let recognised = found.map(|found| &found.engine);
        let (found_command, found_output) = match recognised {
            Some(Engine::Command { command, output }) => (Some(command), Some(output)),
            _ => (None, None),
        };
        let wanted = match (self.plain, self.engine) {
            (true, _) => Some(EngineArg::Static),
            (false, None) if self.command.is_some() => Some(EngineArg::Command),
            (false, engine) => engine,
        };
        if self.command.is_some() && wanted != Some(EngineArg::Command) {
            return Err(CliError::usage(
                "`--command` goes with `--engine command` only",
            ));
        }
        if self.output.is_some() && wanted == Some(EngineArg::Static) {
            return Err(CliError::usage(
                "`--output` has no meaning where nothing is built: the folder itself is published",
            ));
        }
        let by_command = |needed: &str| {
            let command = self.command.as_ref().or(found_command);
            let output = self.output.as_ref().or(found_output);
            match (command, output) {
                (Some(command), Some(output)) => Ok(Engine::command(command, output)?),
                _ => Err(CliError::usage(needed).hint(
                    "for instance: --command \"hugo\" --output public, with the folder to which it writes",
                )),
            }
        };
        match wanted {
            Some(EngineArg::Static) => Ok(Engine::Static),
            Some(EngineArg::Tera) => Ok(Engine::Tera {
                output: match &self.output {
                    Some(output) => Engine::folder(output)?,
                    None => OUTPUT.to_owned(),
                },
            }),
            Some(EngineArg::Command) => {
                by_command("a program that builds the site needs `--command` and `--output`")
            }
            None => match recognised {
                Some(engine) if self.output.is_none() => Ok(engine.clone()),
                Some(_) => by_command("`--output` needs `--command` here"),
                None => Err(CliError::failed(
                    "not-recognised",
                    format!(
                        "nothing in {} tells what builds it: it looks like no website of Hugo, Zola, Eleventy, mdBook or Jekyll, and has no index.html",
                        self.dir.display()
                    ),
                )
                .hint("say it with `--command COMMAND --output DIR`, or publish the folder as it is with `--static`; `skep new DIR` makes a new site")),
            },
        }
    }

    fn title(&self, found: Option<&Recognised>) -> Result<String> {
        let name = || {
            let dir = self.dir.canonicalize().ok()?;
            Some(dir.file_name()?.to_string_lossy().into_owned())
        };
        let title = self.title.clone();
        let title = title.or_else(|| found?.title.clone()).or_else(name);
        title.ok_or_else(|| CliError::usage("a website needs a title: `--title TITLE`"))
    }
}

/// Says what was found and made, and what comes next.
fn tell(
    ctx: &Context,
    dir: &Path,
    address: &str,
    engine: &Engine,
    found: Option<&Recognised>,
    others: &[Recognised],
) {
    let out: &Output = &ctx.out;
    let notes = found.map_or(&[][..], |found| &found.notes);
    let (command, output) = match engine {
        Engine::Command { command, output } => (Some(command), Some(output)),
        Engine::Tera { output } => (None, Some(output)),
        _ => (None, None),
    };
    out.json(&json!({
        "event": "init", "address": address,
        "dir": dir,
        "engine": engine.name(),
        "command": command,
        "output": output,
        "generator": found.map(|found| found.generator),
        "marks": found.map(|found| &found.marks),
        "others": others.iter().map(|other| other.generator).collect::<Vec<_>>(),
        "notes": notes,
    }));
    let shown = dir.display();
    out.say(match found {
        Some(found) => format!(
            "{BOLD}{shown}{BOLD:#} is a site of skep now. It looks like {} ({}).",
            found.generator,
            printable(&found.marks)
        ),
        None => format!("{BOLD}{shown}{BOLD:#} is a site of skep now."),
    });
    out.field("address", address);
    match engine {
        Engine::Command { command, output } => out.field(
            "build",
            format!("{} (to {})", printable(command), printable(output)),
        ),
        Engine::Tera { .. } => out.field("build", "skep itself"),
        _ => out.field("build", "nothing: the folder is published as it is"),
    }
    backup::advise(ctx, dir);
    for other in others {
        let how = match &other.engine {
            Engine::Command { command, output } => format!(
                "under [build] in skep.toml: command = \"{}\", output = \"{}\"",
                printable(command),
                printable(output)
            ),
            engine => format!("under [build] in skep.toml: engine = \"{}\"", engine.name()),
        };
        out.note(format!(
            "It looks like {} too ({}). If that builds it, say so {how}.",
            other.generator,
            printable(&other.marks)
        ));
    }
    for note in notes {
        out.note(format!("{}.", printable(note)));
    }
    out.field(
        "next",
        format!("skep status {shown}, then skep publish {shown}"),
    );
}
