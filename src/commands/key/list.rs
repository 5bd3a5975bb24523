//! `skep key list`: the keys that are here.

use serde_json::{Map, Value, json};
use skep_publisher::{
    archive::address::Address,
    keys::{
        self,
        backup::{self, Form},
    },
};

use crate::{
    context::{Context, date, rfc3339},
    error::Result,
};

pub(super) fn run(ctx: &Context) -> Result<()> {
    let mut addresses = Vec::new();
    let mut backups = Map::new();
    for site in keys::list(&ctx.home)? {
        let address = Address::of(site).to_string();
        let last = backup::last(&ctx.home, site)?;
        let how = match last {
            None => "no backup yet".to_owned(),
            Some(last) => format!("{} {}", words(last.form), date(last.time)),
        };
        ctx.out.say(format!("{address}  {how}"));
        let last = last.map(|last| json!({"form": last.form.name(), "time": rfc3339(last.time)}));
        backups.insert(address.clone(), last.unwrap_or(Value::Null));
        addresses.push(address);
    }
    if addresses.is_empty() {
        let dir = ctx.home.keys();
        ctx.out
            .note(format!("There are no keys in {}.", dir.display()));
    }
    ctx.out
        .json(&json!({"event": "key_list", "keys": addresses, "backups": backups}));
    Ok(())
}

fn words(form: Form) -> &'static str {
    match form {
        Form::Sealed => "exported, with a passphrase,",
        Form::Phrase => "recovery phrase shown",
        Form::Plain => "exported, unprotected,",
        Form::Imported => "imported",
    }
}
