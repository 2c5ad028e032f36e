//! Prints a key record in the form that a name server takes: `export_record <form> <owner> <ttl> <value>`.
//!
//! The forms are `bind` (which has no ttl of its own), `nsupdate`, `route53` and `tinydns`.

use std::error::Error;

use dkim_core::KeyRecord;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [form, owner, ttl, value] = arguments.as_slice() else {
        return Err(
            "usage: export_record bind|nsupdate|route53|tinydns <owner> <ttl> <value>".into(),
        );
    };
    let record = KeyRecord::parse(value)?;
    let ttl = ttl.parse()?;
    let text = match form.as_str() {
        "bind" => record.bind(owner),
        "nsupdate" => record.nsupdate(owner, ttl),
        "route53" => record.route53(owner, ttl),
        "tinydns" => record.tinydns(owner, ttl),
        _ => return Err(format!("{form} is none of bind, nsupdate, route53 and tinydns").into()),
    };
    println!("{text}");
    Ok(())
}
