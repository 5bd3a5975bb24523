//! Filters for numbers.

use std::cmp::Ordering;

use tera::{TeraResult, Value};

use super::{Call, Own, fail};

pub(super) const ALL: &[Own] = &[
    Own {
        name: "at_least",
        arguments: &["n"],
        call: |call| bounded(call, Ordering::Less),
    },
    Own {
        name: "at_most",
        arguments: &["n"],
        call: |call| bounded(call, Ordering::Greater),
    },
    Own {
        name: "sum",
        arguments: &["attribute"],
        call: sum,
    },
];

/// The bound `n` in place of a value that lies on the `wrong` side of it.
fn bounded(call: &Call<'_>, wrong: Ordering) -> TeraResult<Value> {
    let bound = call.must::<Value>("n")?;
    if !call.value.is_number() {
        return Err(call.must_be("Number"));
    }
    if !bound.is_number() {
        return Err(fail(
            "the argument `n` is not a number",
            "| int makes one of a text",
        ));
    }
    Ok(match call.value.partial_cmp(&bound) == Some(wrong) {
        true => bound,
        false => call.value.clone(),
    })
}

fn sum(call: &Call<'_>) -> TeraResult<Value> {
    let attribute = call.argument::<&str>("attribute")?;
    let mut whole: i128 = 0;
    let mut parts = 0.0;
    let mut is_whole = true;
    for item in call.list()? {
        let value = match attribute {
            Some(path) => item.get_from_path(path),
            None => Some(item),
        };
        let Some(value) = value.filter(|value| !value.is_none()) else {
            continue;
        };
        match (value.as_i128(), value.as_f64()) {
            (Some(number), _) => whole = whole.saturating_add(number),
            (None, Some(number)) => {
                parts += number;
                is_whole = false;
            }
            (None, None) => {
                return Err(fail(
                    format!("'{value}' is not a number"),
                    "only numbers can be summed; | int makes one of a text",
                ));
            }
        }
    }
    Ok(match (is_whole, i64::try_from(whole)) {
        (true, Ok(sum)) => sum.into(),
        (true, Err(_)) => whole.into(),
        #[allow(clippy::cast_precision_loss)]
        (false, _) => (whole as f64 + parts).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, prints};

    #[test]
    fn bounds_and_sums() {
        check(
            "[{\"a\": 1}, {\"a\": 2.5}, {}, {\"a\": null}]",
            &[
                ("{{ 3 | at_least(n=5) }} {{ 7 | at_least(n=5) }}", "5 7"),
                ("{{ 3 | at_most(n=5) }} {{ 7 | at_most(n=5) }}", "3 5"),
                ("{{ x | sum(attribute='a') }}", "3.5"),
                ("{{ [1, 2, -4] | sum }}", "-1"),
                ("{{ [] | sum }}", "0"),
            ],
        );
        let error = prints("{{ ['a'] | sum }}", "1").unwrap_err();
        assert!(error.contains("'a' is not a number"), "{error}");
    }
}
