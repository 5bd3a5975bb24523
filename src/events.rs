//! What happens at a node that goes on running, in words and for programs.

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
        Event::Limits(limits) => {
            out.json(&json!({"event": "limits", "limits": limits}));
            out.say(format!("Has other limits from now on: {limits}"));
        }
        Event::BadConfig(why) => {
            out.json(&json!({"event": "bad-config", "reason": why}));
            out.warn(format!("the settings stay as they are: {why}"));
        }
        Event::Refused { site, reason } => {
            let address = Address::of(*site).to_string();
            out.json(&json!({"event": "refused", "address": address, "reason": reason}));
            out.warn(format!("refused what a peer sent for {address}: {reason}"));
        }
    }
}
