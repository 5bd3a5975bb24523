mod blocks;
mod components;
mod hostile;
mod inlines;

use super::*;

fn rendered_with(text: &str, settings: &Settings) -> Result<Rendered, Vec<Note>> {
    let context = Context {
        path: "_posts/trip/index.md",
        settings,
        template_ids: &NO_IDS,
        write_code: &plain_code,
    };
    render(text, &context)
}

fn rendered(text: &str) -> Rendered {
    rendered_with(text, &Settings::default()).unwrap()
}

fn html(text: &str) -> String {
    rendered(text).html
}

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).unwrap()
}
