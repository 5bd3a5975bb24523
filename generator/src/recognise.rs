//! Which program a folder is the website of, as far as its files tell.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::data::{self, Table};
use crate::engine::{Engine, OUTPUT, folder};
use crate::error::ErrorKind;

/// A program that a folder is the website of, and how it builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// What it is called: `Hugo`, for instance.
    pub generator: &'static str,
    /// The files that say so.
    pub marks: String,
    /// The title of the website, if its settings have one.
    pub title: Option<String>,
    /// How it is built.
    pub engine: Engine,
    /// What its author should know, each a sentence.
    pub notes: Vec<String>,
}

/// The programs that the folder `dir` may be the website of, the likeliest first. Nothing is run, and
/// settings that can't be read count for nothing.
pub fn recognise(dir: &Path) -> Vec<Recognised> {
    let site = Folder(dir);
    let known = [hugo, zola, mdbook, eleventy, jekyll];
    let mut found: Vec<Recognised> = known.iter().filter_map(|known| known(&site)).collect();
    if found.is_empty() {
        found.extend(html(&site));
    }
    found
}

/// A folder that is looked at.
struct Folder<'a>(&'a Path);

/// Settings are much shorter.
const MAX_SETTINGS: u64 = 1 << 20;

impl Folder<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.join(name).is_file()
    }

    fn has_folder(&self, name: &str) -> bool {
        self.0.join(name).is_dir()
    }

    /// The first of the files `names` that is there.
    fn first<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    fn text(&self, name: &str) -> String {
        let mut text = Vec::new();
        let file = File::open(self.0.join(name));
        let read = file.and_then(|file| file.take(MAX_SETTINGS).read_to_end(&mut text));
        match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(_) => String::new(),
        }
    }

    /// The settings in a file, or none if it can't be read.
    fn settings(&self, name: &str) -> Table {
        let text = self.text(name);
        let value = match name.rsplit('.').next() {
            Some("toml") => data::toml(ErrorKind::Data, name, &text, &text, 0).map(Value::Object),
            Some("json") => data::json(name, &text),
            _ => data::yaml(ErrorKind::Data, name, &text, &text, 1),
        };
        match value {
            Ok(Value::Object(table)) => table,
            _ => Table::new(),
        }
    }
}

/// The text under `key`, blind to case as Hugo is; `None` if it is empty.
fn text_of(table: &Table, key: &str) -> Option<String> {
    let found = table
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key));
    let text = found.and_then(|(_, value)| value.as_str())?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The program that writes to the folder `configured`, or if that is none in the site, with `flag` to
/// the folder `default`.
fn command(command: &str, configured: Option<String>, flag: &str, default: &str) -> Engine {
    let (command, output) = match configured.as_deref().map(folder) {
        None => (command.to_owned(), default.to_owned()),
        Some(Some(output)) => (command.to_owned(), output),
        Some(None) => (format!("{command} {flag}{default}"), default.to_owned()),
    };
    Engine::Command { command, output }
}

/// What to know of links that begin with the URL `base`.
fn absolute_links(generator: &str, base: &str, instead: &str) -> Option<String> {
    (base != "/").then(|| {
        format!(
            "{generator} begins absolute links with {base}, so that they lead there; with command = \"{instead}\" they stay on the site, wherever it is read"
        )
    })
}

fn hugo(site: &Folder<'_>) -> Option<Recognised> {
    let own = [
        "hugo.toml",
        "hugo.yaml",
        "hugo.yml",
        "hugo.json",
        "config/_default/hugo.toml",
        "config/_default/hugo.yaml",
        "config/_default/hugo.yml",
        "config/_default/hugo.json",
        "config/_default/config.toml",
        "config/_default/config.yaml",
        "config/_default/config.yml",
        "config/_default/config.json",
    ];
    let shared = ["config.toml", "config.yaml", "config.yml", "config.json"];
    let (marks, settings) = match site.first(&own) {
        Some(name) => (name.to_owned(), site.settings(name)),
        None => {
            let name = site.first(&shared)?;
            let settings = site.settings(name);
            if text_of(&settings, "baseURL").is_some() {
                (format!("baseURL in {name}"), settings)
            } else if text_of(&settings, "base_url").is_none() && site.has_folder("content") {
                let folder = ["themes", "layouts", "archetypes"]
                    .into_iter()
                    .find(|name| site.has_folder(name))?;
                (format!("{name}, content and {folder}"), settings)
            } else {
                return None;
            }
        }
    };
    // An older build may have left a draft in the folder: Hugo takes it out only when told to.
    let program = "hugo --cleanDestinationDir";
    let base = text_of(&settings, "baseURL");
    Some(Recognised {
        generator: "Hugo",
        marks,
        title: text_of(&settings, "title"),
        engine: command(
            program,
            text_of(&settings, "publishDir"),
            "--destination ",
            "public",
        ),
        notes: base
            .and_then(|base| absolute_links("Hugo", &base, &format!("{program} --baseURL /")))
            .into_iter()
            .collect(),
    })
}

fn zola(site: &Folder<'_>) -> Option<Recognised> {
    let name = site.first(&["zola.toml", "config.toml"])?;
    let settings = site.settings(name);
    let base = text_of(&settings, "base_url");
    if name == "config.toml" && base.is_none() {
        return None;
    }
    Some(Recognised {
        generator: "Zola",
        marks: match name {
            "zola.toml" => name.to_owned(),
            _ => format!("base_url in {name}"),
        },
        title: text_of(&settings, "title"),
        engine: command(
            "zola build",
            text_of(&settings, "output_dir"),
            "--force --output-dir ",
            "public",
        ),
        notes: base
            .and_then(|base| absolute_links("Zola", &base, "zola build --base-url /"))
            .into_iter()
            .collect(),
    })
}

fn mdbook(site: &Folder<'_>) -> Option<Recognised> {
    let name = site.first(&["book.toml"])?;
    let settings = site.settings(name);
    let table = |name: &str| settings.get(name).and_then(Value::as_object);
    let folder = table("build").and_then(|build| text_of(build, "build-dir"));
    let mut engine = command("mdbook build", folder, "--dest-dir ", "book");
    // With several forms of the book, each has a folder of its own in there.
    if let Engine::Command { output, .. } = &mut engine
        && table("output").is_some_and(|outputs| outputs.len() > 1)
    {
        output.push_str("/html");
    }
    Some(Recognised {
        generator: "mdBook",
        marks: name.to_owned(),
        title: table("book").and_then(|book| text_of(book, "title")),
        engine,
        notes: Vec::new(),
    })
}

fn eleventy(site: &Folder<'_>) -> Option<Recognised> {
    let name = site.first(&[
        ".eleventy.js",
        ".eleventy.mjs",
        ".eleventy.cjs",
        "eleventy.config.js",
        "eleventy.config.mjs",
        "eleventy.config.cjs",
        "eleventy.config.ts",
        "eleventy.config.mts",
    ]);
    let package = site.settings("package.json");
    let table = |name: &str| package.get(name).and_then(Value::as_object);
    let needs = |name: &str| table(name).is_some_and(|list| list.contains_key("@11ty/eleventy"));
    let marks = match name {
        Some(name) => name.to_owned(),
        None if needs("dependencies") || needs("devDependencies") => {
            "@11ty/eleventy in package.json".to_owned()
        }
        None => return None,
    };
    let script = table("scripts").and_then(|scripts| text_of(scripts, "build"));
    let (program, flag) = match script {
        Some(script) if script.contains("eleventy") => ("npm run build", "-- --output="),
        _ => ("npx @11ty/eleventy", "--output="),
    };
    let settings = name.map(|name| site.text(name)).unwrap_or_default();
    let engine = command(program, output_in_script(&settings), flag, OUTPUT);
    let Engine::Command { output, .. } = &engine else {
        return None;
    };
    Some(Recognised {
        generator: "Eleventy",
        marks,
        title: None,
        notes: vec![format!(
            "Eleventy leaves pages that it no longer makes in {output}: remove that folder after a draft was in it"
        )],
        engine,
    })
}

/// The output folder that a script for Eleventy seems to set: `output: "…"` or
/// `setOutputDirectory("…")`.
fn output_in_script(script: &str) -> Option<String> {
    ["output", "setOutputDirectory"].iter().find_map(|name| {
        script.match_indices(name).find_map(|(at, _)| {
            let rest = script[at + name.len()..].trim_start_matches(['"', '\'']);
            let rest = rest.trim_start().strip_prefix([':', '('])?.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (text, _) = rest[1..].split_once(quote)?;
            (!text.is_empty() && !text.contains('\n')).then(|| text.to_owned())
        })
    })
}

fn jekyll(site: &Folder<'_>) -> Option<Recognised> {
    let name = site.first(&["_config.yml", "_config.yaml", "_config.toml"])?;
    // Hexo has a file of that name too.
    if site.has_folder("source/_posts") || site.has_folder("scaffolds") {
        return None;
    }
    let settings = site.settings(name);
    let with = ["_posts", "_layouts", "_includes"].into_iter();
    let with = with.filter(|name| site.has_folder(name));
    let gemfile = site.has("Gemfile").then_some("Gemfile");
    let marks = std::iter::once(name).chain(with).chain(gemfile);
    let program = match gemfile {
        Some(_) => "bundle exec jekyll build",
        None => "jekyll build",
    };
    let prefix = text_of(&settings, "baseurl").filter(|prefix| prefix != "/");
    Some(Recognised {
        generator: "Jekyll",
        marks: marks.collect::<Vec<_>>().join(", "),
        title: text_of(&settings, "title"),
        engine: command(
            program,
            text_of(&settings, "destination"),
            "--destination ",
            OUTPUT,
        ),
        notes: prefix
            .map(|prefix| {
                format!(
                    "Jekyll begins links with {prefix}, where this site will not be: with command = \"{program} --baseurl ''\" they lead to its pages"
                )
            })
            .into_iter()
            .collect(),
    })
}

fn html(site: &Folder<'_>) -> Option<Recognised> {
    let name = site.first(&["index.html", "index.htm"])?;
    let text = site.text(name);
    // A page with front matter is not finished.
    if text.trim_start_matches('\u{feff}').starts_with("---") {
        return None;
    }
    Some(Recognised {
        generator: "plain HTML",
        marks: name.to_owned(),
        title: html_title(&text),
        engine: Engine::Static,
        notes: Vec::new(),
    })
}

/// The text of the element `title`, if there is nothing special in it.
fn html_title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = text[start..end].split_whitespace().collect::<Vec<_>>();
    let title = title.join(" ");
    (!title.is_empty() && title.len() < 200 && !title.contains(['&', '<'])).then_some(title)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is recognised in a folder with these files and texts: name, marks, title, command, output.
    fn seen(files: &[(&str, &str)]) -> Vec<(String, String, Option<String>, String, String)> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let all = recognise(dir.path()).into_iter().map(|found| {
            let (command, output) = match found.engine {
                Engine::Command { command, output } => (command, output),
                other => (other.name().to_owned(), String::new()),
            };
            let name = found.generator.to_owned();
            (name, found.marks, found.title, command, output)
        });
        all.collect()
    }

    #[test]
    fn programs_are_recognised_by_their_files() {
        const HUGO: &str = "hugo --cleanDestinationDir";
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str, &'a str)]);
        let cases: &[Case<'_>] = &[
            (&[("hugo.toml", "")], &[("Hugo", HUGO, "public")]),
            (
                &[("hugo.yaml", "publishDir: docs")],
                &[("Hugo", HUGO, "docs")],
            ),
            (
                &[("hugo.json", "{\"PublishDir\": \"./www/\"}")],
                &[("Hugo", HUGO, "www")],
            ),
            (
                &[("hugo.toml", "publishDir = '../docs'")],
                &[(
                    "Hugo",
                    "hugo --cleanDestinationDir --destination public",
                    "public",
                )],
            ),
            (
                &[("config/_default/hugo.toml", "title = 'x'")],
                &[("Hugo", HUGO, "public")],
            ),
            (
                &[("config.toml", "baseurl = 'https://h/'")],
                &[("Hugo", HUGO, "public")],
            ),
            (
                &[("config.yml", ""), ("content/a.md", ""), ("themes/t/x", "")],
                &[("Hugo", HUGO, "public")],
            ),
            // A file of that name alone says nothing.
            (&[("config.toml", "title = 'x'")], &[]),
            (&[("config.toml", "broken ["), ("content/a.md", "")], &[]),
            (
                &[
                    ("config.toml", "base_url = 'https://z'\noutput_dir = 'docs'"),
                    ("content/a.md", ""),
                    ("themes/t/x", ""),
                ],
                &[("Zola", "zola build", "docs")],
            ),
            (
                &[("zola.toml", "output_dir = '/srv/www'")],
                &[("Zola", "zola build --force --output-dir public", "public")],
            ),
            (&[("book.toml", "")], &[("mdBook", "mdbook build", "book")]),
            (
                &[("book.toml", "[build]\nbuild-dir = 'out'\n[output.html]\n")],
                &[("mdBook", "mdbook build", "out")],
            ),
            (
                &[("book.toml", "[output.html]\n[output.linkcheck]\n")],
                &[("mdBook", "mdbook build", "book/html")],
            ),
            (
                &[(
                    ".eleventy.js",
                    "return { dir: { input: 'src', output: 'dist' } }",
                )],
                &[("Eleventy", "npx @11ty/eleventy", "dist")],
            ),
            (
                &[("eleventy.config.mjs", "cfg.setOutputDirectory( \"www\" );")],
                &[("Eleventy", "npx @11ty/eleventy", "www")],
            ),
            (
                &[("eleventy.config.js", "dir: { output: '../x' }")],
                &[("Eleventy", "npx @11ty/eleventy --output=_site", "_site")],
            ),
            (
                &[(
                    "package.json",
                    "{\"devDependencies\": {\"@11ty/eleventy\": \"3\"}, \"scripts\": {\"build\": \"eleventy\"}}",
                )],
                &[("Eleventy", "npm run build", "_site")],
            ),
            (&[("package.json", "{\"dependencies\": {}}")], &[]),
            (
                &[("_config.yml", "destination: out"), ("_posts/x.md", "")],
                &[("Jekyll", "jekyll build", "out")],
            ),
            (
                &[("_config.yml", "a: ["), ("Gemfile", "")],
                &[("Jekyll", "bundle exec jekyll build", "_site")],
            ),
            (&[("_config.yml", ""), ("source/_posts/x.md", "")], &[]),
            (
                &[("index.html", "<title>x</title>")],
                &[("plain HTML", "static", "")],
            ),
            (&[("index.html", "---\n---\n<p>")], &[]),
            (&[("readme.md", "")], &[]),
            // Two at once: both are told, the likelier first; HTML beside them says nothing.
            (
                &[("hugo.toml", ""), ("book.toml", ""), ("index.html", "")],
                &[("Hugo", HUGO, "public"), ("mdBook", "mdbook build", "book")],
            ),
        ];
        for (files, expected) in cases {
            let seen = seen(files);
            let seen: Vec<_> = seen
                .iter()
                .map(|(name, _, _, command, output)| (&**name, &**command, &**output))
                .collect();
            assert_eq!(seen, *expected, "{files:?}");
        }
    }

    #[test]
    fn titles_come_from_where_each_program_has_them() {
        for (files, title) in [
            (&[("hugo.toml", "Title = 'A'")][..], Some("A")),
            (&[("_config.yml", "title: B")], Some("B")),
            (&[("_config.yml", "title: ''")], None),
            (&[("book.toml", "[book]\ntitle = 'C'")], Some("C")),
            (
                &[("index.html", "<TITLE lang=en>\n D\n e</TITLE>")],
                Some("D e"),
            ),
            (&[("index.html", "<title>D &amp; e</title>")], None),
            (
                &[("index.html", "<p>\u{130}<title>\u{130}</title>")],
                Some("\u{130}"),
            ),
            (&[("index.html", "<title>never ends")], None),
        ] {
            assert_eq!(seen(files)[0].2.as_deref(), title, "{files:?}");
        }
    }

    #[test]
    fn links_that_would_lead_elsewhere_are_told() {
        let notes = |name: &str, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), text).unwrap();
            recognise(dir.path()).remove(0).notes.join(" ")
        };
        let hugo = notes("hugo.toml", "baseURL = 'https://h/'");
        assert!(
            hugo.contains("https://h/") && hugo.contains("--baseURL /"),
            "{hugo}"
        );
        assert_eq!(notes("hugo.toml", "baseURL = '/'"), "");
        let zola = notes("config.toml", "base_url = 'https://z'");
        assert!(zola.contains("zola build --base-url /"), "{zola}");
        let jekyll = notes("_config.yml", "baseurl: /blog");
        assert!(
            jekyll.contains("/blog") && jekyll.contains("--baseurl ''"),
            "{jekyll}"
        );
        assert_eq!(notes("_config.yml", "baseurl: ''\nurl: https://j"), "");
    }
}
