//! Filters that make groups. The groups stand in the order in which their first items do: the order of Tera's own
//! `group_by` is another in each run.

use std::collections::HashMap;

use tera::value::Key;
use tera::{Map, TeraResult, Value};

use super::{Call, Own, dates, fail};

pub(super) const ALL: &[Own] = &[
    Own {
        name: "group_by",
        arguments: &["attribute"],
        call: group_by,
    },
    Own {
        name: "group_by_date",
        arguments: &["format", "attribute"],
        call: group_by_date,
    },
];

/// A map from each value of the attribute to the items that have it. An item with a list is in the group of each
/// of its values; one without is in none.
fn group_by(call: &Call<'_>) -> TeraResult<Value> {
    let attribute = call.must::<&str>("attribute")?;
    let mut groups = Groups::default();
    for item in call.list()? {
        let found = item.get_from_path(attribute);
        for value in found.map(values).unwrap_or_default() {
            groups.add(key(value)?, item);
        }
    }
    Ok(groups.finish())
}

/// A map from each date, as the format shows it, to the items of that date.
fn group_by_date(call: &Call<'_>) -> TeraResult<Value> {
    let format = call.argument::<&str>("format")?.unwrap_or("%Y");
    let attribute = call.argument::<&str>("attribute")?.unwrap_or("date");
    let mut groups = Groups::default();
    for item in call.list()? {
        let date = item.get_from_path(attribute).cloned();
        let shown = dates::show(
            &Call {
                value: date.unwrap_or_else(Value::none),
                ..*call
            },
            format,
        )?;
        if let Some(shown) = shown.as_str() {
            groups.add(Key::from(shown.to_owned()), item);
        }
    }
    Ok(groups.finish())
}

/// Groups in the order in which they came up.
#[derive(Default)]
struct Groups {
    all: Vec<(Key<'static>, Vec<Value>)>,
    places: HashMap<Key<'static>, usize>,
}

impl Groups {
    fn add(&mut self, key: Key<'static>, item: &Value) {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.clone(), self.all.len());
                self.all.push((key, Vec::new()));
                self.all.len() - 1
            }
        };
        self.all[place].1.push(item.clone());
    }

    fn finish(self) -> Value {
        let groups = self.all.into_iter();
        Value::from(
            groups
                .map(|(key, items)| (key, items.into()))
                .collect::<Map>(),
        )
    }
}

fn values(value: &Value) -> Vec<&Value> {
    match value.as_array() {
        Some(list) => list.iter().collect(),
        None if value.is_none() || value.is_undefined() => Vec::new(),
        None => vec![value],
    }
}

/// The key of the group of `value`; a term of a taxonomy goes by its name.
fn key(value: &Value) -> TeraResult<Key<'static>> {
    if let Some(text) = value.as_str() {
        return Ok(Key::from(text.to_owned()));
    }
    if let Some(flag) = value.as_bool() {
        return Ok(Key::Bool(flag));
    }
    if let Some(name) = value.as_map().and_then(|map| map.get(&Key::Str("name"))) {
        return key(name);
    }
    if value.is_number() {
        return Ok(match value.as_i64() {
            Some(number) => Key::I64(number),
            None => Key::from(value.to_string()),
        });
    }
    Err(fail(
        "a map can't be the name of a group",
        "group by one of its attributes, such as attribute=\"a.b\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn groups_stand_in_the_order_of_their_first_items() {
        let x = r#"[
            {"n": 1, "c": "z", "date": "2026-05-01", "tags": [{"name": "t", "slug": "t"}, "u"]},
            {"n": 2, "c": "a", "date": "2025-01-01T00:30:00+01:00", "tags": ["u"]},
            {"n": 3, "c": "z", "date": "2026-01-01"},
            {"n": 4, "y": 2026}
        ]"#;
        let each = |filter: &str| {
            format!(
                "{{% for k, group in x | {filter} %}}{{{{ k }}}}:\
                 {{% for i in group %}}{{{{ i.n }}}}{{% endfor %}} {{% endfor %}}"
            )
        };
        check(
            x,
            &[
                (&each("group_by(attribute='c')"), "z:13 a:2 "),
                (&each("group_by(attribute='tags')"), "t:1 u:12 "),
                (&each("group_by(attribute='y')"), "2026:4 "),
                (&each("group_by_date"), "2026:13 2025:2 "),
                (&each("group_by_date(format='%B')"), "May:1 January:23 "),
            ],
        );
    }
}
