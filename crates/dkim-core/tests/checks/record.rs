//! Key records: what is read is rendered so that it reads the same, and its exports hold it on whole lines.

use dkim_core::{KeyRecord, SigningKey};

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(record) = KeyRecord::parse(&text) else {
        return;
    };
    let value = record.to_value();
    assert_eq!(KeyRecord::parse(&value).as_ref(), Ok(&record), "{value:?}");
    assert_eq!(record.is_revoked(), record.bits() == 0);
    assert_eq!(record.strings().concat(), value);
    let strings = record.strings();
    assert!(strings.iter().all(|string| string.len() <= 255));
    let key = SigningKey::from_ed25519_seed(&[3; 32]).expect("a seed makes a key");
    if record.matches(&key).is_ok() {
        assert!(key.record().matches(&key).is_ok() && record.bits() == 256);
    }
    let owner = "sel._domainkey.example.com";
    let (nsupdate, tinydns) = (record.nsupdate(owner, 60), record.tinydns(owner, 60));
    assert_eq!((nsupdate.lines().count(), tinydns.lines().count()), (2, 1));
    for export in [
        record.bind(owner),
        nsupdate,
        record.route53(owner, 60),
        tinydns,
    ] {
        let is_plain = |octet| matches!(octet, b' '..=b'~' | b'\n');
        assert!(export.bytes().all(is_plain), "{export:?}");
    }
}
