//! What a sender says about reports (RFC 3461): RET and ENVID of a message, NOTIFY and ORCPT of a recipient.

use super::xtext;

/// What a report of a failure is to bring back (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// `FULL`: the message.
    Full,
    /// `HDRS`: its header.
    Headers,
}

impl Return {
    pub(super) fn named(value: &str) -> Option<Self> {
        [("FULL", Self::Full), ("HDRS", Self::Headers)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(value))
            .map(|(_, ret)| ret)
    }
}

/// Reads the value of ENVID (RFC 3461 §4.4).
pub(super) fn envelope_id(value: &str) -> Option<Box<str>> {
    let fits = (1..=MAX_ENVELOPE_ID).contains(&value.len());
    xtext::decode(value).ok().filter(|_| fits)
}

/// When a sender wants a report about a recipient (RFC 3461 §4.1). None of the three is `NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notify {
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// On delay.
    pub delay: bool,
}

impl Notify {
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut notify = Self::default();
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for word in value.split(',') {
            match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => notify.success = true,
                "FAILURE" => notify.failure = true,
                "DELAY" => notify.delay = true,
                _ => return None,
            }
        }
        Some(notify)
    }

    /// What satisfies both, when a recipient is named twice.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        Self {
            success: self.success || other.success,
            failure: self.failure || other.failure,
            delay: self.delay || other.delay,
        }
    }
}

/// Whom the sender wrote to, before anybody forwarded (RFC 3461 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient {
    /// The kind of address: an atom, such as `rfc822` (RFC 6533 adds `utf-8`).
    pub address_type: Box<str>,
    /// The address: printable ASCII.
    pub address: Box<str>,
}

impl OriginalRecipient {
    pub(super) fn read(value: &str) -> Option<Self> {
        let (address_type, address) = value.split_once(';')?;
        let atom = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
        if value.len() > MAX_ORIGINAL_RECIPIENT
            || address_type.is_empty()
            || !address_type.bytes().all(atom)
        {
            return None;
        }
        let address = xtext::decode(address).ok()?;
        (!address.is_empty()).then(|| Self {
            address_type: address_type.into(),
            address,
        })
    }
}

/// RFC 3461 §4.4.
const MAX_ENVELOPE_ID: usize = 100;
/// RFC 3461 §4.2.
const MAX_ORIGINAL_RECIPIENT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notify_is_never_or_a_list() {
        let check = |value: &str, expected: Option<(bool, bool, bool)>| {
            let notify =
                Notify::read(value).map(|notify| (notify.success, notify.failure, notify.delay));
            assert_eq!(notify, expected, "{value:?}");
        };
        check("NEVER", Some((false, false, false)));
        check("success", Some((true, false, false)));
        check("FAILURE,DELAY", Some((false, true, true)));
        check("NEVER,FAILURE", None); // RFC 3461 §4.1: NEVER stands alone
        check("FAILURE,", None);
        check("", None);
    }

    #[test]
    fn addresses_and_identifiers_are_printable_and_bounded() {
        let original = |value: &str| {
            OriginalRecipient::read(value)
                .map(|original| format!("{};{}", original.address_type, original.address))
        };
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(original(value).as_deref(), expected, "{value:?}");
        };
        check("rfc822;Bob@example.com", Some("rfc822;Bob@example.com"));
        check("RFC822;a+2Bb@example.com", Some("RFC822;a+b@example.com"));
        check(
            "utf-8;m+5Cx{FC}ller@example.com",
            Some("utf-8;m\\x{FC}ller@example.com"),
        );
        check("rfc822;", None);
        check(";a@example.com", None);
        check("a@example.com", None);
        check("rfc 822;a@example.com", None);
        check("rfc822;a+0D+0AX:y", None);
        check(&format!("rfc822;{}", "a".repeat(494)), None);
        assert_eq!(envelope_id(&"a".repeat(100)).map(|id| id.len()), Some(100));
        assert_eq!(envelope_id(&"a".repeat(101)), None);
        assert_eq!(envelope_id(""), None);
    }
}
