//! A key record in the forms that name servers and their services take.

use super::KeyRecord;

impl KeyRecord {
    /// The value cut into strings of at most 255 octets, as a TXT record holds them (RFC 1035 §3.3.14).
    pub fn strings(&self) -> Vec<String> {
        let mut strings = vec![String::new()];
        for character in self.to_value().chars() {
            match strings.last_mut() {
                Some(last) if last.len() + character.len_utf8() <= LONGEST_STRING => {
                    last.push(character);
                }
                Some(_) | None => strings.push(character.to_string()),
            }
        }
        strings
    }

    /// The record for a zone file (RFC 1035 §5.1): `owner. IN TXT ( "…" "…" )`.
    ///
    /// `owner` is the record's name, as `KeyName` displays it; the dot at its end is added.
    pub fn bind(&self, owner: &str) -> String {
        let strings: Vec<String> = self.strings().iter().map(|string| quoted(string)).collect();
        format!("{} IN TXT ( {} )", absolute(owner), strings.join("\n    "))
    }

    /// Two lines for `nsupdate` (RFC 2136): take the old record away, add this one.
    pub fn nsupdate(&self, owner: &str, ttl: u32) -> String {
        let owner = absolute(owner);
        let strings: Vec<String> = self.strings().iter().map(|string| quoted(string)).collect();
        format!(
            "update delete {owner} TXT\nupdate add {owner} {ttl} TXT {}\n",
            strings.join(" ")
        )
    }

    /// A change batch for Amazon Route 53, as JSON.
    pub fn route53(&self, owner: &str, ttl: u32) -> String {
        let strings: Vec<String> = self.strings().iter().map(|string| quoted(string)).collect();
        format!(
            "{{\"Changes\":[{{\"Action\":\"UPSERT\",\"ResourceRecordSet\":{{\"Name\":{},\"Type\":\"TXT\",\"TTL\":{ttl},\
             \"ResourceRecords\":[{{\"Value\":{}}}]}}}}]}}",
            quoted(&absolute(owner)),
            json_string(&strings.join(" ")),
        )
    }

    /// A line for the data file of `tinydns`; it cuts the strings itself.
    pub fn tinydns(&self, owner: &str, ttl: u32) -> String {
        let escaped: String = self
            .to_value()
            .bytes()
            .map(|octet| match octet {
                b':' | b'\\' => format!("\\{octet:03o}"),
                b' '..=b'~' => char::from(octet).to_string(),
                other => format!("\\{other:03o}"),
            })
            .collect();
        format!("'{}:{escaped}:{ttl}", owner.trim_end_matches('.'))
    }
}

fn absolute(owner: &str) -> String {
    format!("{}.", owner.trim_end_matches('.'))
}

/// A string of a zone file: `"` and `\` escaped, other than printable ASCII as `\DDD` (RFC 1035 §5.1).
fn quoted(string: &str) -> String {
    let escaped: String = string
        .bytes()
        .map(|octet| match octet {
            b'"' | b'\\' => format!("\\{}", char::from(octet)),
            b' '..=b'~' => char::from(octet).to_string(),
            other => format!("\\{other:03}"),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// `text` is printable ASCII: [`quoted`] made it.
fn json_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// RFC 1035 §3.3: a character string has one octet for its length.
const LONGEST_STRING: usize = 255;

#[cfg(test)]
mod tests {
    use crate::{KeyRecord, SigningKey};

    #[test]
    fn strings_are_short_and_join_to_the_value() {
        for bits in [1024, 2048, 4096] {
            let record = SigningKey::generate_rsa(bits).unwrap().record();
            let strings = record.strings();
            assert!(
                strings
                    .iter()
                    .all(|string| string.len() <= 255 && !string.is_empty())
            );
            assert_eq!(strings.concat(), record.to_value());
        }
    }

    #[test]
    fn short_records_in_every_form() {
        let value = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=;";
        let record = KeyRecord::parse(value).unwrap();
        let owner = "brisbane._domainkey.football.example.com";
        assert_eq!(
            record.bind(owner),
            format!("{owner}. IN TXT ( \"{value}\" )")
        );
        assert_eq!(
            record.nsupdate(owner, 60),
            format!("update delete {owner}. TXT\nupdate add {owner}. 60 TXT \"{value}\"\n")
        );
        assert_eq!(
            record.route53(owner, 60),
            format!(
                "{{\"Changes\":[{{\"Action\":\"UPSERT\",\"ResourceRecordSet\":{{\"Name\":\"{owner}.\",\"Type\":\"TXT\",\
                 \"TTL\":60,\"ResourceRecords\":[{{\"Value\":\"\\\"{value}\\\"\"}}]}}}}]}}"
            )
        );
        assert_eq!(record.tinydns(owner, 60), format!("'{owner}:{value}:60"));
    }

    #[test]
    fn notes_are_escaped() {
        let record = KeyRecord::parse("n=a\"b\\c:d; p=").unwrap();
        assert!(record.bind("x").contains(r#"n=a\"b\\c:d;"#));
        assert!(record.tinydns("x", 1).contains(r#"n=a"b\134c\072d;"#));
    }
}
