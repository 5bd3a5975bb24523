//! What is written in Liquid, Jinja or Hugo's templates, and how it is written here.

use super::tags::{self, Tag};
use crate::documents::TemplateText;
use crate::error::{Error, ErrorKind};
use crate::template::filters;

/// How the tag is written here, if it is one of Liquid or Jinja.
pub(super) fn tag(tag: &Tag<'_>) -> Option<String> {
    let rest = tag.rest();
    Some(match tag.word() {
        "assign" => match rest.split_once('=') {
            Some((name, value)) if !value.contains('|') => {
                format!("write {{% set {} = {} %}}", name.trim(), value.trim())
            }
            _ => "write {% set name = value %}".to_owned(),
        },
        "capture" => format!("write {{% set {rest} %}} … {{% endset %}}"),
        "endcapture" => "write {% endset %}".to_owned(),
        "unless" => format!("write {{% if not {rest} %}} … {{% endif %}}"),
        "endunless" => "write {% endif %}".to_owned(),
        "elsif" | "elseif" => format!("write {{% elif {rest} %}}"),
        "comment" | "endcomment" => "comments are written {# … #}".to_owned(),
        "case" | "when" | "endcase" | "switch" => {
            "write {% if a == 1 %} … {% elif a == 2 %} … {% else %} … {% endif %}".to_owned()
        }
        "increment" => format!("write {{% set_global {rest} = {rest} + 1 %}}"),
        "decrement" => format!("write {{% set_global {rest} = {rest} - 1 %}}"),
        "cycle" => "in a loop, `loop.index0 % 2` tells the even items from the odd".to_owned(),
        "tablerow" | "endtablerow" => "write the table with {% for … %}".to_owned(),
        "highlight" | "endhighlight" => {
            "write {% filter highlight(lang=\"…\") %} … {% endfilter %}; in Markdown, a block between ```"
                .to_owned()
        }
        "link" => format!("write {{{{ get_url(path=\"{rest}\") }}}}"),
        "post_url" => format!("write {{{{ get_url(path=\"_posts/{rest}.md\") }}}}"),
        "render" | "include_relative" | "include_cached" => {
            "write {% include \"name.html\" %}: it lies in _includes".to_owned()
        }
        "seo" => "write {% include \"seo.html\" %}".to_owned(),
        "feed_meta" => {
            "{% include \"seo.html\" %} links the feeds; they are in `site.feeds`".to_owned()
        }
        "paginate" => "write `paginate: 10` into the front matter of the page".to_owned(),
        "layout" => "write `layout: name` into the front matter".to_owned(),
        "macro" | "endmacro" | "import" | "from" | "call" => {
            "write {% component name(a, b=1) %} … {% endcomponent %}, and call it: {{ <name a=\"x\" /> }}"
                .to_owned()
        }
        "with" | "endwith" | "let" | "define" => "write {% set name = value %}".to_owned(),
        "echo" | "print" => format!("write {{{{ {rest} }}}}"),
        "liquid" => "write each line as a tag of its own".to_owned(),
        "gist" | "youtube" | "include_code" => {
            "a component can do that: {% component … %} in _includes".to_owned()
        }
        _ => return None,
    })
}

/// What is meant by a filter of Liquid, Jinja or Hugo that Tera calls something else or has no need of.
pub(super) fn filter(name: &str) -> Option<String> {
    let use_instead = |other: &str| format!("here it is {other}");
    Some(match name {
        "upcase" => use_instead("`upper`"),
        "downcase" => use_instead("`lower`"),
        "size" | "count" | "len" => use_instead("`length`"),
        "strip" | "trim_spaces" => use_instead("`trim`"),
        "lstrip" => use_instead("`trim_start`"),
        "rstrip" => use_instead("`trim_end`"),
        "uniq" => use_instead("`unique`"),
        "newline_to_br" | "linebreaksbr" => use_instead("`newlines_to_br`"),
        "url_encode" | "url_escape" => use_instead("`urlencode`, or `cgi_escape` for forms"),
        "url_decode_" | "unescape" => use_instead("`url_decode`"),
        "truncatewords" => use_instead("`truncate_words(length=…)`"),
        "append" | "prepend" => use_instead("`a ~ b`, which joins texts"),
        "plus" => use_instead("`a + b`"),
        "minus" => use_instead("`a - b`"),
        "times" => use_instead("`a * b`"),
        "divided_by" => use_instead("`a / b`, or `a // b` in whole numbers"),
        "modulo" => use_instead("`a % b`"),
        "ceil" | "floor" => use_instead(&format!("`round(method=\"{name}\")`")),
        "remove" | "remove_first" | "remove_last" => use_instead("`replace(from=…, to=\"\")`"),
        "replace_first" | "replace_last" | "regex_replace" => {
            use_instead("`replace(from=…, to=…)`")
        }
        "slice" | "limit" | "offset" | "pop" | "shift" | "after" => {
            use_instead("a slice: `list[1:5]`, `list[:5]`, `list[5:]`, `list[:-1]`")
        }
        "unshift" => use_instead("`[item] | concat(with=list)`"),
        "sort_natural" => use_instead("`sort(attribute=…, natural=true)`"),
        "where_exp" | "find_exp" | "filter" | "select" | "reject" | "group_by_exp" => {
            use_instead("`where(attribute=…, operator=\">\", value=…)`, or [x for x in list if …]")
        }
        "pluck" => use_instead("`map(attribute=…)`"),
        "to_integer" => use_instead("`int`"),
        "inspect" | "json" | "json_encode" | "dump" | "tojson" => use_instead("`jsonify`"),
        "escape_once" => use_instead("`escape`; what `{{ }}` prints is escaped already"),
        "markdown" => use_instead("`markdownify`"),
        "striptags" => use_instead("`strip_html`"),
        "slug" => use_instead("`slugify`"),
        "date_to_rfc2822" => use_instead("`date_to_rfc822`"),
        "dateFormat" | "strftime" => use_instead("`date(format=…)`"),
        "sample" | "shuffle" | "random" => {
            "there is no chance here: the same sources make the same site".to_owned()
        }
        "sassify" | "scssify" => "files that end with .scss become CSS by themselves".to_owned(),
        "date_to_html" | "timeago" => use_instead("`date(format=…)`"),
        _ => return None,
    })
}

/// What is meant by a function of Zola, Jinja or Hugo.
pub(super) fn function(name: &str) -> Option<String> {
    Some(match name {
        "now" => "the time of the build is `site.time`".to_owned(),
        "get_section" => "a folder is a collection here: `site.collections`".to_owned(),
        "get_taxonomy_url" => "write get_term(taxonomy=…, name=…), which has a `url`".to_owned(),
        "load_data" => "files in _data are in `site.data`".to_owned(),
        "get_random" => "there is no chance here: the same sources make the same site".to_owned(),
        "url_for" | "ref" | "relref" => "write get_url(path=\"…\")".to_owned(),
        "get_env" => {
            "a site must not depend on the machine; `site` has all of skep.toml".to_owned()
        }
        _ => return None,
    })
}

/// What is meant by a variable of Liquid, Jinja or Hugo.
pub(super) fn variable(name: &str) -> Option<String> {
    Some(match name {
        "forloop" => {
            "here it is `loop`: loop.index, loop.index0, loop.first, loop.last, loop.length"
                .to_owned()
        }
        "jekyll" | "hugo" => "the settings are in `site`".to_owned(),
        "include" => {
            "an include sees the variables around it; a component has arguments".to_owned()
        }
        "now" | "today" => "the time of the build is `site.time`".to_owned(),
        "config" => "the settings are in `site`".to_owned(),
        "section" | "taxonomy" | "term" | "current_url" => {
            "it is in `page`: page.taxonomy, page.term, page.url".to_owned()
        }
        "nil" | "null" | "blank" | "empty" => nothing_is(),
        "body" => {
            "a component has a `body` only if its call has one: {{ body | default(value=\"\") }}"
                .to_owned()
        }
        _ => return None,
    })
}

fn nothing_is() -> String {
    "write `if a` or `if not a`; `a is none` asks for nothing at all".to_owned()
}

/// What is wrong at the byte `from` of a tag, whose text begins `text`.
pub(super) fn inside(tag: &Tag<'_>, text: &str, from: usize) -> Option<String> {
    let (before, here) = (text.get(..from)?, text.get(from..)?);
    let word = tags::word_at(text, from);
    let rest = tag.rest();
    match (tag.word(), word) {
        ("include" | "extends", _) if !rest.starts_with(['"', '\'']) => {
            let name = rest.split_whitespace().next().unwrap_or_default();
            let quotes = match name.contains(['{', '$']) || name.is_empty() {
                true => "the name stands there as it is, in quotes: \"name.html\"".to_owned(),
                false => format!(
                    "put the name into quotes: {{% {} \"{name}\" %}}",
                    tag.word()
                ),
            };
            return Some(match rest.contains('=') {
                true => format!("{quotes}; {}", with_arguments()),
                false => quotes,
            });
        }
        ("include", _) => return Some(with_arguments()),
        ("for", "limit" | "offset" | "reversed" | "cols") => {
            let list = before.split_once(" in ")?.1.trim();
            let value = here[word.len()..].trim_start_matches([':', ' ']);
            let value = tags::word_at(value, 0);
            return Some(match word {
                "limit" => format!("write {list}[:{value}]"),
                "offset" => format!("write {list}[{value}:]"),
                _ => format!("write {list} | reverse"),
            });
        }
        (_, ".") if rest.contains("..") => {
            return Some("write range(start=1, end=6), whose end is left out".to_owned());
        }
        (_, ".") => {
            return Some("put it into a variable first: {% set it = … %}, then it.name".to_owned());
        }
        (_, "contains") => {
            let container = last_operand(before);
            let item = first_operand(&here[word.len()..]);
            return Some(format!("write {item} in {container}"));
        }
        (_, "&") => return Some("write `and`".to_owned()),
        (_, "|") if before.ends_with('|') => return Some("write `or`".to_owned()),
        (_, "!") => return Some("write `not`".to_owned()),
        (_, "?") => return Some("write {{ b if a else c }}".to_owned()),
        (_, "$") => return Some("names have no $ before them".to_owned()),
        (_, ":") => return liquid_filter(before, &here[1..]),
        _ => {}
    }
    // `where("a", "b")`, or a comma left out.
    let call = before.rfind('(').map(|at| &before[..at])?;
    let name = call
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;
    if before.trim_end().ends_with('(') {
        return Some(named(name, here.split(')').next()?));
    }
    Some("put a comma between the arguments, and a name before each: name=value".to_owned())
}

fn with_arguments() -> String {
    "an include takes no arguments: it sees the variables around it, so {% set %} them before; \
     or make it a component: {% component name(a) %}"
        .to_owned()
}

/// `| where: "a", "b"` with the names that the arguments have here.
fn liquid_filter(before: &str, after: &str) -> Option<String> {
    let name = before
        .trim_end()
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .filter(|name| !name.is_empty())?;
    if let Some(hint) = filter(name) {
        return Some(hint);
    }
    let end = unquoted(after).find(|(_, c)| matches!(c, '|' | '}' | '%'));
    let values = &after[..end.map_or(after.len(), |(at, _)| at)];
    Some(named(name, values.trim().trim_end_matches('-')))
}

/// The call of a filter or function `name` with these `values`, each with its name.
fn named(name: &str, values: &str) -> String {
    let known = filters::arguments(name).or_else(|| crate::template::functions::arguments(name));
    let values = split(values);
    let Some(names) = known.filter(|names| names.len() >= values.len() && !values.is_empty())
    else {
        return format!("arguments have names here: {name}(name=value)");
    };
    let pairs: Vec<String> = names
        .iter()
        .zip(&values)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("write {name}({})", pairs.join(", "))
}

/// The parts of `values` between commas that stand in no quotes.
fn split(values: &str) -> Vec<&str> {
    let commas = unquoted(values).filter(|(_, c)| *c == ',');
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in commas {
        parts.push(values[start..at].trim());
        start = at + 1;
    }
    parts.push(values[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The characters of `text` that stand in no quotes.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    text.char_indices().filter(move |(_, c)| {
        match (quote, *c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(*c),
            (None, _) => return true,
        }
        false
    })
}

fn last_operand(text: &str) -> &str {
    let text = text.trim();
    text.rsplit(' ').next().unwrap_or(text)
}

fn first_operand(text: &str) -> &str {
    let text = text.trim_start();
    let end = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].find(quote).map(|at| at + 2),
        _ => text.find(|c: char| c.is_whitespace() || c == '%'),
    };
    &text[..end.unwrap_or(text.len())]
}

/// What compiles and does not mean what it says: a comparison with a name that has no value here is never an error.
pub(super) fn check(text: &TemplateText) -> Vec<Error> {
    let body = text.body();
    let mut errors = Vec::new();
    for tag in tags::all(body) {
        let tag_text = &body[tag.start..];
        let length = tag_text.find(tag.inside).unwrap_or(0) + tag.inside.len();
        let tag_text = &tag_text[..length];
        for name in ["nil", "blank", "empty", "null"] {
            for (at, _) in tag_text.match_indices(name) {
                let before = tag_text[..at].trim_end();
                let after = &tag_text[at + name.len()..];
                let is_compared = before.ends_with("==") || before.ends_with("!=");
                if is_compared && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                    let error = Error::new(
                        ErrorKind::Template,
                        format!("there is no variable `{name}`"),
                    );
                    let at = text.body_start + tag.start + at;
                    errors.push(
                        error
                            .at_offset(&text.file, &text.text, at)
                            .with_hint(nothing_is()),
                    );
                }
            }
        }
        if let Some(at) = tag_text.find("__tera_context") {
            let error = Error::new(
                ErrorKind::Template,
                "`__tera_context` comes in another order each time",
            );
            let at = text.body_start + tag.start + at;
            errors.push(
                error
                    .at_offset(&text.file, &text.text, at)
                    .with_hint("look at one variable: {{ page | jsonify(pretty=true) }}"),
            );
        }
    }
    errors
}
