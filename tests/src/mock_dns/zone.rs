//! The records that a [`MockDns`](super::MockDns) answers from.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, MX, TXT};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};

/// Records by owner name, and names that fail.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    records: BTreeMap<LowerName, Vec<RData>>,
    failing: BTreeSet<LowerName>,
}

/// What a zone has for a question.
#[derive(Debug)]
pub enum Answer {
    /// These records, those that CNAMEs lead to included.
    Records(Vec<Record>),
    /// The name exists, but has none of that type.
    NoSuchRecord,
    /// The name does not exist: NXDOMAIN.
    NoSuchName,
    /// SERVFAIL.
    Failure,
}

impl Zone {
    /// An empty zone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an A or AAAA record.
    pub fn address(&mut self, owner: &str, address: impl Into<IpAddr>) -> &mut Self {
        let data = match address.into() {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        self.add(owner, data)
    }

    /// Adds an MX record.
    pub fn mx(&mut self, owner: &str, preference: u16, exchange: &str) -> &mut Self {
        self.add(owner, RData::MX(MX::new(preference, name(exchange))))
    }

    /// Adds a null MX (RFC 7505): the domain takes no mail.
    pub fn null_mx(&mut self, owner: &str) -> &mut Self {
        self.add(owner, RData::MX(MX::new(0, Name::root())))
    }

    /// Adds a TXT record, split into strings of at most 255 octets.
    pub fn txt(&mut self, owner: &str, value: &str) -> &mut Self {
        let strings = value.as_bytes().chunks(255).collect();
        self.add(owner, RData::TXT(TXT::from_bytes(strings)))
    }

    /// Adds a CNAME record.
    pub fn cname(&mut self, owner: &str, target: &str) -> &mut Self {
        self.add(owner, RData::CNAME(CNAME(name(target))))
    }

    /// Forgets every record of a name, and that it fails.
    pub fn remove(&mut self, owner: &str) -> &mut Self {
        self.records.remove(&lower(owner));
        self.failing.remove(&lower(owner));
        self
    }

    /// Every question about the name fails with SERVFAIL until [`Zone::remove`] or [`Zone::recover`].
    pub fn fail(&mut self, owner: &str) -> &mut Self {
        self.failing.insert(lower(owner));
        self
    }

    /// Ends what [`Zone::fail`] began; the records are there as before.
    pub fn recover(&mut self, owner: &str) -> &mut Self {
        self.failing.remove(&lower(owner));
        self
    }

    /// Reads a zone: one record a line, `<owner> <A|AAAA|MX|TXT|CNAME> <data>`; `MX 0 .` is the null MX, the data of
    /// TXT is the rest of the line, `#` begins a comment line.
    ///
    /// # Errors
    /// [`ZoneFileError`] with the line.
    pub fn parse(text: &str) -> Result<Self, ZoneFileError> {
        let mut zone = Self::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            zone.parse_record(line).ok_or_else(|| ZoneFileError {
                line: index + 1,
                text: line.to_owned(),
            })?;
        }
        Ok(zone)
    }

    fn parse_record(&mut self, line: &str) -> Option<()> {
        let (owner, rest) = line.split_once(char::is_whitespace)?;
        let (kind, data) = rest.trim_start().split_once(char::is_whitespace)?;
        let data = data.trim();
        owner.parse::<Name>().ok()?;
        match kind.to_ascii_uppercase().as_str() {
            "A" | "AAAA" => self.address(owner, data.parse::<IpAddr>().ok()?),
            "MX" => {
                let (preference, exchange) = data.split_once(char::is_whitespace)?;
                exchange.trim().parse::<Name>().ok()?;
                self.mx(owner, preference.parse().ok()?, exchange.trim())
            }
            "TXT" => self.txt(owner, data),
            "CNAME" => {
                data.parse::<Name>().ok()?;
                self.cname(owner, data)
            }
            _ => return None,
        };
        Some(())
    }

    /// The answer to a question.
    #[must_use]
    pub fn answer(&self, asked: &LowerName, kind: RecordType) -> Answer {
        let mut found = Vec::new();
        let mut owner = asked.clone();
        // A chain longer than this is a loop; the resolver is left to deal with what it has.
        for _ in 0..8 {
            if self.failing.contains(&owner) {
                return Answer::Failure;
            }
            let Some(records) = self.records.get(&owner) else {
                let parent_of_one = self.records.keys().any(|name| owner.zone_of(name));
                return match (found.is_empty(), parent_of_one) {
                    (true, false) => Answer::NoSuchName,
                    (true, true) => Answer::NoSuchRecord,
                    (false, _) => Answer::Records(found),
                };
            };
            let record = |data: &RData| Record::from_rdata(Name::from(&owner), 0, data.clone());
            let matching: Vec<Record> = records
                .iter()
                .filter(|data| data.record_type() == kind)
                .map(record)
                .collect();
            if !matching.is_empty() {
                found.extend(matching);
                return Answer::Records(found);
            }
            let alias = records.iter().find_map(|data| match data {
                RData::CNAME(target) => Some((record(data), LowerName::from(&target.0))),
                _ => None,
            });
            match alias {
                Some((record, target)) => {
                    found.push(record);
                    owner = target;
                }
                None if found.is_empty() => return Answer::NoSuchRecord,
                None => return Answer::Records(found),
            }
        }
        Answer::Records(found)
    }

    fn add(&mut self, owner: &str, data: RData) -> &mut Self {
        self.records.entry(lower(owner)).or_default().push(data);
        self
    }
}

/// A line of a zone file is not a record.
#[derive(Debug, PartialEq, Eq)]
pub struct ZoneFileError {
    /// The line's number, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
}

impl std::fmt::Display for ZoneFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "line {}: expected `<owner> <A|AAAA|MX|TXT|CNAME> <data>`, found {:?}",
            self.line, self.text
        )
    }
}

impl std::error::Error for ZoneFileError {}

fn name(text: &str) -> Name {
    let mut name: Name = text
        .parse()
        .unwrap_or_else(|error| panic!("{text:?} is not a domain name: {error}"));
    name.set_fqdn(true);
    name
}

fn lower(text: &str) -> LowerName {
    LowerName::from(name(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_file_is_read_or_its_line_named() {
        let zone = Zone::parse("# comment\n\nexample.com MX 10 mx.example.com\nmx.example.com A 127.0.0.2\nnull.test MX 0 .\nk._domainkey.example.com TXT v=DKIM1; p=abc\n").unwrap();
        let check = |owner: &str, kind: RecordType, expected: &str| {
            let answer = format!("{:?}", zone.answer(&lower(owner), kind));
            assert!(answer.contains(expected), "{owner} {kind}: {answer}");
        };
        check("EXAMPLE.com", RecordType::MX, "preference: 10");
        check("mx.example.com", RecordType::A, "127.0.0.2");
        check("mx.example.com", RecordType::AAAA, "NoSuchRecord");
        check("_domainkey.example.com", RecordType::TXT, "NoSuchRecord"); // an empty non-terminal exists
        check("other.test", RecordType::MX, "NoSuchName");
        assert_eq!(
            Zone::parse("a A 127.0.0.1\nb MX ten mx\n")
                .unwrap_err()
                .line,
            2
        );
    }
}
