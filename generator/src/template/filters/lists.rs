//! Filters for lists.

use std::cmp::Ordering;

use tera::{TeraResult, Value};

use super::conditions::{self, Condition};
use super::{Call, Own, fail};

pub(super) const ALL: &[Own] = &[
    Own {
        name: "where",
        arguments: conditions::ARGUMENTS,
        call: |call| chosen(call, true),
    },
    Own {
        name: "where_not",
        arguments: conditions::ARGUMENTS,
        call: |call| chosen(call, false),
    },
    Own {
        name: "find",
        arguments: conditions::ARGUMENTS,
        call: find,
    },
    Own {
        name: "sort",
        arguments: &["attribute", "reverse", "natural"],
        call: sort,
    },
    Own {
        name: "map",
        arguments: &["attribute"],
        call: map,
    },
    Own {
        name: "compact",
        arguments: &[],
        call: compact,
    },
    Own {
        name: "concat",
        arguments: &["with"],
        call: concat,
    },
    Own {
        name: "push",
        arguments: &["item"],
        call: push,
    },
    Own {
        name: "array_to_sentence_string",
        arguments: &["connector"],
        call: sentence,
    },
    Own {
        name: "default",
        arguments: &["value", "boolean"],
        call: default,
    },
];

fn chosen(call: &Call<'_>, wanted: bool) -> TeraResult<Value> {
    let condition = Condition::of(call)?;
    let items = call.list()?.iter();
    let chosen = items.filter(|item| condition.holds(item) == wanted);
    Ok(chosen.cloned().collect::<Vec<Value>>().into())
}

fn find(call: &Call<'_>) -> TeraResult<Value> {
    let condition = Condition::of(call)?;
    let found = call.list()?.iter().find(|item| condition.holds(item));
    Ok(found.cloned().unwrap_or_else(Value::none))
}

/// Sorts as Tera does, but what has no such attribute stands at the end, also in reverse.
fn sort(call: &Call<'_>) -> TeraResult<Value> {
    let attribute = call.argument::<&str>("attribute")?;
    let reverse = call.argument("reverse")?.unwrap_or(false);
    let natural = call.argument("natural")?.unwrap_or(false);
    let key = |item: &Value| {
        let key = match attribute {
            Some(path) => item.get_from_path(path).cloned(),
            None => Some(item.clone()),
        };
        let key = key.filter(|key| !key.is_none() && !key.is_undefined())?;
        Some(match key.as_str() {
            Some(text) if natural => Value::from(text.to_lowercase()),
            _ => key,
        })
    };
    if attribute.is_none() {
        call.list()?.iter().try_for_each(tera::fuel::weigh)?;
    }
    let mut items: Vec<(Option<Value>, &Value)> =
        call.list()?.iter().map(|item| (key(item), item)).collect();
    let mut keys = items.iter().filter_map(|(key, _)| key.as_ref());
    if let Some(first) = keys.next()
        && let Some(other) = keys.find(|key| first.partial_cmp(key).is_none())
    {
        return Err(fail(
            format!(
                "{} and {} can't be sorted",
                crate::template::components::of_type(first.name()),
                crate::template::components::of_type(other.name())
            ),
            "all that is sorted must be numbers, or all texts",
        ));
    }
    items.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) if reverse => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    let items = items.into_iter().map(|(_, item)| item.clone());
    Ok(items.collect::<Vec<Value>>().into())
}

fn map(call: &Call<'_>) -> TeraResult<Value> {
    let attribute = call.must::<&str>("attribute")?;
    let items = call.list()?.iter();
    let values = items.map(|item| {
        let value = item.get_from_path(attribute);
        value.cloned().unwrap_or_else(Value::none)
    });
    Ok(values.collect::<Vec<Value>>().into())
}

fn compact(call: &Call<'_>) -> TeraResult<Value> {
    let items = call.list()?.iter();
    let items = items.filter(|item| !item.is_none() && !item.is_undefined());
    Ok(items.cloned().collect::<Vec<Value>>().into())
}

fn concat(call: &Call<'_>) -> TeraResult<Value> {
    let with = call.must::<Value>("with")?;
    let Some(more) = with.as_array().or(with.is_none().then_some(&[])) else {
        return Err(fail(
            "the argument `with` is not a list",
            "one more item is added with push(item=…)",
        ));
    };
    Ok([call.list()?, more].concat().into())
}

fn push(call: &Call<'_>) -> TeraResult<Value> {
    let mut items = call.list()?.to_vec();
    items.push(call.must::<Value>("item")?);
    Ok(items.into())
}

/// `a, b, and c`.
fn sentence(call: &Call<'_>) -> TeraResult<Value> {
    let connector = call.argument::<&str>("connector")?.unwrap_or("and");
    call.list()?.iter().try_for_each(tera::fuel::weigh)?;
    let items: Vec<String> = call.list()?.iter().map(Value::to_string).collect();
    Ok(match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} {connector} {two}"),
        [front @ .., last] => format!("{}, {connector} {last}", front.join(", ")),
    }
    .into())
}

/// Tera's own, but for values that are none as well: that is what a page lacks.
fn default(call: &Call<'_>) -> TeraResult<Value> {
    let default = call.must::<Value>("value")?;
    let boolean = call.argument::<bool>("boolean")?.unwrap_or_default();
    let value = &call.value;
    let is_missing = value.is_undefined() || value.is_none() || (boolean && !value.is_truthy());
    Ok(if is_missing { default } else { value.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, prints};

    const PAGES: &str = r#"[
        {"n": "a", "w": 2, "tags": [{"name": "Rust & Co", "slug": "rust-co"}], "in": {"x": 1}},
        {"n": "b", "w": 10, "tags": [], "in": {"x": "1"}},
        {"n": "C", "w": null, "tags": ["plain"], "text": "hello"},
        {"n": "d", "w": 1}
    ]"#;

    fn names(filters: &str) -> String {
        let template = format!("{{% for i in x | {filters} %}}{{{{ i.n }}}}{{% endfor %}}");
        prints(&template, PAGES).unwrap()
    }

    #[test]
    fn where_chooses_by_attribute_operator_and_value() {
        for (arguments, expected) in [
            ("attribute='n', value='b'", "b"),
            ("attribute='in.x', value=1", "ab"),
            ("attribute='in.x', value='1'", "ab"),
            ("attribute='tags', value='Rust & Co'", "a"),
            ("attribute='tags', value='rust-co'", "a"),
            ("attribute='tags', operator='contains', value='plain'", "C"),
            ("attribute='text', operator='contains', value='ell'", "C"),
            ("attribute='w', operator='>', value=1", "ab"),
            ("attribute='w', operator='<=', value=2", "ad"),
            ("attribute='w', operator='!=', value=2", "bCd"),
            ("attribute='n', operator='in', value=['a', 'd']", "ad"),
            ("attribute='w'", "abd"),
            ("attribute='w', operator='!='", "C"),
            ("attribute='w', value=none", "C"),
            ("attribute='nothing', value='x'", ""),
        ] {
            assert_eq!(
                names(&format!("where({arguments})")),
                expected,
                "{arguments}"
            );
        }
        assert_eq!(names("where_not(attribute='n', value='b')"), "aCd");
        assert_eq!(names("where_not(attribute='text')"), "abd");
        let found = "{% set p = x | find(attribute='w', operator='>', value=2) %}{{ p.n }}";
        assert_eq!(prints(found, PAGES).unwrap(), "b");
        let none = "{{ x | find(attribute='w', value=99) }}";
        assert_eq!(prints(none, PAGES).unwrap(), "");
        let error = prints(
            "{{ x | where(attribute='w', operator='containts', value=1) }}",
            PAGES,
        );
        assert!(error.unwrap_err().contains("did you mean `contains`?"));
    }

    #[test]
    fn sort_puts_what_has_no_attribute_at_the_end() {
        assert_eq!(names("sort(attribute='w')"), "dabC");
        assert_eq!(names("sort(attribute='w', reverse=true)"), "badC");
        assert_eq!(names("sort(attribute='n')"), "Cabd");
        assert_eq!(names("sort(attribute='n', natural=true)"), "abCd");
        assert_eq!(names("sort(attribute='nothing')"), "abCd");
        check("[3, 1, 2]", &[("{{ x | sort | join(sep=' ') }}", "1 2 3")]);
        let error = prints("{{ x | sort }}", "[1, \"a\"]").unwrap_err();
        assert!(
            error.contains("a whole number and a text can't be sorted"),
            "{error}"
        );
    }

    #[test]
    fn lists_are_put_together_and_taken_apart() {
        check(
            "[\"a\", null, \"b\", \"c\"]",
            &[
                ("{{ x | compact | join(sep='-') }}", "a-b-c"),
                (
                    "{{ x | compact | array_to_sentence_string }}",
                    "a, b, and c",
                ),
                (
                    "{{ ['a', 'b'] | array_to_sentence_string(connector='or') }}",
                    "a or b",
                ),
                (
                    "{{ ['a'] | concat(with=['b']) | push(item='c') | join }}",
                    "abc",
                ),
                (
                    "{{ [{'a': 1}, {'b': 2}] | map(attribute='a') | jsonify }}",
                    "[1,null]",
                ),
                (
                    "{{ x[1] | default(value='d') }}{{ x[0] | default(value='d') }}",
                    "da",
                ),
                ("{{ '' | default(value='d', boolean=true) }}", "d"),
                ("{{ x[1] | where(attribute='a') | length }}", "0"),
            ],
        );
    }
}
