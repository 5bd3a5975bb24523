//! `skep.json`: what the site tells gateways and hosts about itself. It is there if `[web]` is.

use serde_json::{Map, Value};

use crate::config::Config;

/// Its path.
pub(crate) const PATH: &str = "skep.json";

/// The file.
pub(crate) fn render(config: &Config) -> String {
    let web = config.web.as_ref();
    let fields = [
        ("title", config.title.as_ref()),
        ("description", config.description.as_ref()),
        ("fallback_page", web.and_then(|web| web.fallback.as_ref())),
        ("csp", web.and_then(|web| web.csp.as_ref())),
    ];
    let fields = fields.into_iter();
    let fields: Map<_, _> = fields
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?.as_str()))))
        .collect();
    format!("{:#}\n", Value::Object(fields))
}
