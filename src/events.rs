//! What happens at a node that goes on running, in words and for programs.

use data_encoding::HEXLOWER;
use serde_json::json;
use skep_publisher::{archive::address::Address, swarm::Event};

use crate::output::{Output, bytes};

/// Says what has happened.
pub(crate) fn say(out: &Output, event: &Event) {
    match event {
        Event::Version {
            site,
            version,
            received,
        } => {
            let address = Address::of(*site).to_string();
            out.json(&json!({
                "event": "version",
                "address": address,
                "version": version,
                "received": received,
            }));
            out.say(format!(
                "Keeps version {version} of {address} (received {})",
                bytes(*received)
            ));
        }
        Event::Elsewhere { site, version } => {
            let address = Address::of(*site).to_string();
            out.json(&json!({"event": "elsewhere", "address": address, "version": version}));
            out.warn(format!(
                "version {version} of {address}, a site of yours, was published from another machine; \
                 `skep status` shows what your files change in it"
            ));
        }
        Event::Forked { site, version } => {
            let address = Address::of(*site).to_string();
            out.json(&json!({"event": "forked", "address": address, "version": version}));
            out.warn(format!(
                "{address}, a site of yours, is forked: version {version}, published from another machine, \
                 contradicts what is here; `skep status` shows it, and the next `skep publish` mends it"
            ));
        }
        Event::Kept {
            site,
            version,
            node,
        } => {
            let (address, name) = (Address::of(*site).to_string(), HEXLOWER.encode(node));
            out.json(&json!({
                "event": "kept", "address": address, "version": version, "node": name,
            }));
            out.say(format!(
                "Node {} keeps version {version} of {address} now.",
                &name[..10]
            ));
        }
        Event::Limits(limits) => {
            out.json(&json!({"event": "limits", "limits": limits}));
            out.say(format!("Has other limits from now on: {limits}"));
        }
        Event::BadConfig(why) => {
            out.json(&json!({"event": "bad_config", "reason": why}));
            out.warn(format!("the settings stay as they are: {why}"));
        }
        Event::Refused { site, reason } => {
            let address = Address::of(*site).to_string();
            out.json(&json!({"event": "refused", "address": address, "reason": reason}));
            out.warn(format!("refused what a peer sent for {address}: {reason}"));
        }
    }
}
