//! docs/templates.md is complete, and each example in it gives what stands behind it.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use super::{filters, functions};
use crate::{LoadOptions, load, render};

const DOCUMENTATION: &str = include_str!("../../../docs/templates.md");

/// The site of the examples; the documentation describes it.
const SITE: &[(&str, &str)] = &[
    (
        "skep.toml",
        "title = \"Ada's notes\"\ndescription = 'On engines'\nauthor = 'Ada'\n\
         url = 'https://ada.example'\ntimezone = 'Europe/Berlin'\n\
         nav = [{title = 'About', url = '/about/'}]\n[collections.recipes]\ntitle = 'Recipes'\n",
    ),
    (
        "_posts/2026-01-02-engines.md",
        "---\ntitle: Engines\ndescription: How they turn\nimage: /wheel.svg\n\
         tags: [Machines, Notes]\ncategory: Work\nupdated: 2026-01-05\nmood: calm\n---\n\
         They *turn*.\n\n## Parts\n\nMany.\n",
    ),
    (
        "_posts/2025-12-24-snow.md",
        "---\ntitle: Snow\ntags: [Notes]\n---\nIt fell.\n",
    ),
    ("about.md", "---\ntitle: About\n---\nMe.\n"),
    ("_recipes/tea.md", "---\ntitle: Tea\n---\nBoil.\n"),
    ("_data/people.yml", "- name: Ada\n  born: 1815\n"),
    ("_includes/note.html", "{{ page.title }}!"),
    (
        "_includes/box.html",
        "{% component box(title) %}<b>{{ title }}</b>{% endcomponent %}",
    ),
    ("wheel.svg", "<svg/>"),
];

/// The rows of the tables in the sections whose heading begins with `heading`.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    // How deep the heading is below which all belongs here.
    let mut here: Option<usize> = None;
    let mut in_table = false;
    let mut in_code = false;
    for line in DOCUMENTATION.lines() {
        in_code ^= line.starts_with("```");
        if line.starts_with('#') && !in_code {
            let depth = line.find(' ').unwrap_or(0);
            if here.is_none_or(|above| depth <= above) {
                let is_it = line[depth..].trim_start().starts_with(heading);
                here = is_it.then_some(depth);
            }
        }
        if !line.starts_with('|') {
            in_table = false;
            continue;
        }
        if line.starts_with("| ---") {
            in_table = true;
        } else if in_table && here.is_some() {
            let line = line.replace("\\|", "\u{1}");
            let cells = line.trim_matches('|').split('|');
            rows.push(
                cells
                    .map(|cell| cell.trim().replace('\u{1}', "|"))
                    .collect(),
            );
        }
    }
    assert!(!rows.is_empty(), "no table below '{heading}'");
    rows
}

/// What stands in the quotes of code in `cell`.
fn code(cell: &str) -> &str {
    let inner = cell
        .strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'));
    inner.unwrap_or_else(|| panic!("'{cell}' is not code"))
}

/// What each of `templates` prints on the output `path`, whose layout is `layout`.
fn print(layout: &str, head: &str, path: &str, templates: &[String]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let page = templates.join("\u{1}");
    let layout = (format!("_layouts/{layout}.html"), format!("{head}{page}"));
    let files = SITE
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let others = ["post", "page", "tag", "term", "archive", "collection"]
        .map(|name| (format!("_layouts/{name}.html"), String::new()));
    for (path, text) in files.chain(others).chain([layout]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let now = "2026-06-15T12:00:00Z".parse().unwrap();
    let site =
        load(folder.path(), &LoadOptions::published(now)).unwrap_or_else(|error| panic!("{error}"));
    let html = render(&site, path).unwrap_or_else(|error| panic!("{error}"));
    let html = String::from_utf8(html).unwrap();
    html.split('\u{1}').map(str::to_owned).collect()
}

fn on_post(templates: &[String]) -> Vec<String> {
    print("post", "", "2026/01/02/engines/index.html", templates)
}

/// Checks that the names in the first column are `names`, and that each example prints what stands behind it.
fn check_examples(heading: &str, names: &[&str]) {
    let rows = rows(heading);
    let listed: BTreeSet<&str> = rows.iter().map(|row| code(&row[0])).collect();
    assert_eq!(listed.len(), rows.len(), "{heading}: a name twice");
    let names: BTreeSet<&str> = names.iter().copied().collect();
    let missing: Vec<_> = names.difference(&listed).collect();
    let too_many: Vec<_> = listed.difference(&names).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "{heading}: missing {missing:?}, too many {too_many:?}"
    );
    check_rows(&rows);
}

/// Checks that the template in the last but one column of each row prints what stands in the last.
fn check_rows(rows: &[Vec<String>]) {
    let templates: Vec<String> = rows
        .iter()
        .map(|row| code(&row[row.len() - 2]).to_owned())
        .collect();
    let printed = on_post(&templates);
    assert_eq!(printed.len(), rows.len());
    let mut wrong = Vec::new();
    for (row, printed) in rows.iter().zip(printed) {
        let expected = code(&row[row.len() - 1]);
        let printed = printed.replace('\n', "⏎");
        if printed != expected {
            wrong.push(format!("{}\n  {printed}", row[row.len() - 2]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_filters_are_documented_and_do_what_is_said() {
    check_examples("Filters", &filters::names());
}

#[test]
fn all_functions_are_documented_and_do_what_is_said() {
    let names = functions::names();
    // One stops the build, and one stands in blocks only.
    let (apart, names) = names
        .into_iter()
        .partition(|name| ["super", "throw"].contains(name));
    let (apart, names): (Vec<&str>, Vec<&str>) = (apart, names);
    check_examples("Functions", &names);
    for name in apart {
        assert!(DOCUMENTATION.contains(&format!("{name}(")), "{name}");
    }
}

#[test]
fn all_tests_are_documented_and_do_what_is_said() {
    check_examples("Tests", &functions::test_names());
}

#[test]
fn what_is_said_of_the_syntax_is_so() {
    check_rows(&rows("Syntax"));
    check_rows(&rows("Operators"));
}

#[test]
fn what_is_written_in_liquid_has_a_row_that_works() {
    let rows = rows("Coming from Jekyll");
    // Their last column is a template, if it is all code.
    let templates: Vec<String> = rows
        .iter()
        .map(|row| row[1].as_str())
        .filter(|cell| cell.starts_with("`{") && cell.ends_with('`'))
        .map(|cell| code(cell).to_owned())
        .collect();
    assert!(templates.len() > 20, "{templates:?}");
    on_post(&templates);
}

/// Checks the variables below `heading`: each is there, and those that a value stands behind have it; and the
/// map `shown`, which is found at `real`, has no others, but for `own`.
fn check_variables(
    heading: &str,
    (shown, real): (&str, &str),
    own: &[String],
    print: impl Fn(&[String]) -> Vec<String>,
) {
    let rows = rows(heading);
    let mut templates: Vec<String> = rows
        .iter()
        .map(|row| {
            let name = code(&row[0]).replacen(shown, real, 1);
            format!("{{{{ {name} | jsonify }}}}")
        })
        .collect();
    templates.push(format!("{{{{ {real} | keys | jsonify }}}}"));
    // A template that mentions them gets them.
    templates.push("{# related toc #}".to_owned());
    let printed = print(&templates);
    for (row, printed) in rows.iter().zip(&printed) {
        if let Some(value) = row.get(2).filter(|value| value.starts_with('`')) {
            assert_eq!(printed, code(value), "{}", row[0]);
        }
    }
    let keys: Vec<String> = serde_json::from_str(&printed[rows.len()]).unwrap();
    let documented: BTreeSet<&str> = rows.iter().map(|row| code(&row[0])).collect();
    for key in keys.iter().filter(|key| !own.contains(key)) {
        let name = format!("{shown}.{key}");
        assert!(
            documented.contains(name.as_str()),
            "{name} is not documented"
        );
    }
}

/// What the section on `page` documents.
fn of_any_page() -> Vec<String> {
    let rows = rows("`page`");
    let keys = rows
        .iter()
        .filter_map(|row| code(&row[0]).strip_prefix("page."));
    keys.map(str::to_owned).collect()
}

#[test]
fn all_variables_are_documented_and_are_there() {
    let own = |name: &str| [name.to_owned()];
    check_variables("`site`", ("site", "site"), &own("timezone"), on_post);
    check_variables("`page`", ("page", "page"), &own("mood"), on_post);
    check_variables("Pages that list", ("page", "page"), &of_any_page(), |all| {
        print("tag", "", "tags/notes/index.html", all)
    });
    check_variables("`paginator`", ("paginator", "paginator"), &[], |all| {
        let head = "---\npaginate: 1\n---\n";
        print("archive", head, "archive/page/2/index.html", all)
    });
    let layout = ("layout", "layout");
    check_variables("`layout` and `content`", layout, &own("width"), |all| {
        let head = "---\nwidth: 3\n---\n";
        print("post", head, "2026/01/02/engines/index.html", all)
    });
    check_variables("Terms", ("term", "site.tags[0]"), &[], on_post);
    let recipes = ("collection", "site.collections.recipes");
    check_variables("Collections", recipes, &[], on_post);
    check_variables("Feeds", ("feed", "site.feeds[0]"), &[], on_post);
    check_variables("Headings", ("heading", "page.toc[0]"), &[], on_post);
}
