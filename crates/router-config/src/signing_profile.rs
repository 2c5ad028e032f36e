//! How signatures are made for a destination: `[signing]` for everybody, and `[[signing.profiles]]` for those who need
//! others, such as receivers that take one signature or know one algorithm.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use common_config::name::DomainName;
use common_config::net::HostPort;
use common_config::units::Duration;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domains::DomainPattern;
use crate::error::RouterConfigError;
use crate::settings::SigningSettings;

/// How signatures are made for some destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningProfile {
    /// What it is called.
    pub name: ProfileName,
    /// Keys of other algorithms are passed over; all sign when nothing is set.
    pub algorithms: Option<Vec<SignatureAlgorithm>>,
    /// The most signatures; those of the first keys that the line names.
    pub max_signatures: Option<NonZeroUsize>,
    /// How long a signature is good for (`x=`); for ever when nothing.
    pub expire_after: Option<Duration>,
    /// Which header fields are covered.
    pub headers: HeaderNames,
}

impl SigningProfile {
    /// Of the keys that a line names, in its order, those whose turn it is: keys of algorithms that the profile does not take
    /// are passed over, and so are those behind the last that it wants. A key whose algorithm is not known cannot be had; it
    /// has its turn and leaves the place to the next.
    pub fn chosen<K>(
        &self,
        keys: impl Iterator<Item = K>,
        algorithm: impl Fn(&K) -> Option<SignatureAlgorithm>,
    ) -> impl Iterator<Item = K> {
        let most = self.max_signatures.map_or(usize::MAX, NonZeroUsize::get);
        let mut signing = 0;
        keys.filter(move |key| {
            let known = algorithm(key);
            let has_its_turn = signing < most && known.is_none_or(|known| self.takes(known));
            signing += usize::from(has_its_turn && known.is_some());
            has_its_turn
        })
    }

    fn takes(&self, algorithm: SignatureAlgorithm) -> bool {
        let algorithms = self.algorithms.as_ref();
        algorithms.is_none_or(|algorithms| algorithms.contains(&algorithm))
    }

    fn default_of(signing: &SigningSettings) -> Self {
        Self {
            name: ProfileName::default(),
            algorithms: signing.algorithms.clone(),
            max_signatures: signing.max_signatures,
            expire_after: signing.expire_after,
            headers: signing.headers.clone(),
        }
    }

    fn over(default: &Self, own: &ProfileSettings) -> Self {
        let algorithms = own.algorithms.clone();
        Self {
            name: own.name.clone(),
            algorithms: algorithms.or_else(|| default.algorithms.clone()),
            max_signatures: own.max_signatures.or(default.max_signatures),
            expire_after: own.expire_after.or(default.expire_after),
            headers: own
                .headers
                .clone()
                .unwrap_or_else(|| default.headers.clone()),
        }
    }
}

/// An element of `[[signing.profiles]]`. What it leaves out is as in `[signing]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSettings {
    /// What it is called in logs and answers.
    pub name: ProfileName,
    /// Recipient domains: `acme.com`, or `*.acme.com` for all below it.
    #[serde(default)]
    pub destinations: Vec<DomainPattern>,
    /// Servers of `router.next_hops`: all mail that goes to them.
    #[serde(default)]
    pub next_hops: Vec<HostPort>,
    /// See [`SigningProfile::algorithms`].
    pub algorithms: Option<Vec<SignatureAlgorithm>>,
    /// See [`SigningProfile::max_signatures`].
    pub max_signatures: Option<NonZeroUsize>,
    /// See [`SigningProfile::expire_after`].
    pub expire_after: Option<Duration>,
    /// See [`SigningProfile::headers`].
    pub headers: Option<HeaderNames>,
}

/// Names of header fields, as they are written; a list that is left out is the usual one. A name that ends in `*` stands
/// for all that begin so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeaderNames {
    /// Signed as often as they are present.
    pub signed: Option<Vec<String>>,
    /// Signed once more than they are present, so that none can be added (RFC 6376 §8.15).
    pub oversigned: Option<Vec<String>>,
    /// Never signed.
    pub never: Option<Vec<String>>,
}

/// An algorithm of signatures, by its name in `a=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum SignatureAlgorithm {
    /// RFC 6376 §3.3.2.
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
    /// RFC 8463 §3.
    #[serde(rename = "ed25519-sha256")]
    Ed25519Sha256,
}

/// The name of a profile: lower-case letters, digits, `-` and `_`, at the most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(Box<str>);

impl ProfileName {
    /// Whether it is that of `[signing]` itself.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProfileName {
    /// The profile of `[signing]` itself, for all that no other is for.
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(text: &str) -> Result<Self, ProfileNameError> {
        let plain = |octet: u8| {
            octet.is_ascii_lowercase() || octet.is_ascii_digit() || matches!(octet, b'-' | b'_')
        };
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            return Err(ProfileNameError);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ProfileName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProfileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = ProfileName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ProfileNameError, f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ProfileName, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A text is not the name of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name of lower-case letters, digits, - and _, such as \"one-signature\"")]
pub struct ProfileNameError;

/// All profiles, and for whom they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SigningProfiles {
    default: SigningProfile,
    others: Vec<SigningProfile>,
    /// Places in `others`.
    by_destination: HashMap<DomainPattern, usize>,
    by_next_hop: HashMap<HostPort, usize>,
}

impl SigningProfiles {
    pub(crate) fn new(signing: &SigningSettings) -> Result<Self, RouterConfigError> {
        let mut profiles = Self {
            default: SigningProfile::default_of(signing),
            others: Vec::with_capacity(signing.profiles.len()),
            by_destination: HashMap::new(),
            by_next_hop: HashMap::new(),
        };
        for own in &signing.profiles {
            if profiles.all().any(|other| other.name == own.name) {
                let name = own.name.clone();
                return Err(RouterConfigError::ProfileTwice { name });
            }
            let place = profiles.others.len();
            for destination in &own.destinations {
                let earlier = profiles.by_destination.insert(destination.clone(), place);
                if earlier.is_some() {
                    return Err(RouterConfigError::DestinationTwice {
                        destination: destination.to_string(),
                    });
                }
            }
            for hop in &own.next_hops {
                if profiles.by_next_hop.insert(hop.clone(), place).is_some() {
                    return Err(RouterConfigError::DestinationTwice {
                        destination: hop.to_string(),
                    });
                }
            }
            let profile = SigningProfile::over(&profiles.default, own);
            profiles.others.push(profile);
        }
        if let Some(profile) = profiles.all().find(|profile| signs_nothing(profile)) {
            let name = profile.name.clone();
            return Err(RouterConfigError::NoAlgorithm { name });
        }
        Ok(profiles)
    }

    /// The profile for a recipient domain and its fixed next hop, if it has one: what is said of the domain counts more
    /// than what is said of the hop, and the most specific pattern most.
    pub(crate) fn of(&self, domain: &DomainName, hop: Option<&HostPort>) -> &SigningProfile {
        if self.others.is_empty() {
            return &self.default;
        }
        let by_destination =
            DomainPattern::candidates(domain).find_map(|pattern| self.by_destination.get(&pattern));
        by_destination
            .or_else(|| self.by_next_hop.get(hop?))
            .and_then(|place| self.others.get(*place))
            .unwrap_or(&self.default)
    }

    pub(crate) fn default_profile(&self) -> &SigningProfile {
        &self.default
    }

    /// All of them, the default first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &SigningProfile> {
        std::iter::once(&self.default).chain(&self.others)
    }
}

fn signs_nothing(profile: &SigningProfile) -> bool {
    profile.algorithms.as_ref().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> SigningSettings {
        toml_edit::de::from_str(toml).unwrap()
    }

    const TWO: &str = "
        expire_after = '30d'
        [[profiles]]
        name = 'one-rsa'
        destinations = ['acme.com', '*.acme.com']
        algorithms = ['rsa-sha256']
        max_signatures = 1
        [[profiles]]
        name = 'short'
        destinations = ['eu.acme.com']
        next_hops = ['relay.example:25']
        expire_after = '7d'
    ";

    #[test]
    fn the_most_specific_destination_decides_and_then_the_next_hop() {
        let profiles = SigningProfiles::new(&settings(TWO)).unwrap();
        let check = |domain: &str, hop: &str, expected: &str| {
            let hop: Option<HostPort> = (!hop.is_empty()).then(|| hop.parse().unwrap());
            let profile = profiles.of(&domain.parse().unwrap(), hop.as_ref());
            assert_eq!(profile.name.as_str(), expected, "{domain} by {hop:?}");
        };
        check("acme.com", "", "one-rsa");
        check("us.acme.com", "", "one-rsa");
        check("eu.acme.com", "", "short");
        check("a.eu.acme.com", "", "one-rsa"); // *.acme.com; eu.acme.com is that domain alone
        check("notacme.com", "", "default");
        check("other.org", "relay.example:25", "short");
        check("other.org", "relay.example:26", "default");
        check("acme.com", "relay.example:25", "one-rsa"); // the domain counts more than the hop
    }

    #[test]
    fn what_a_profile_leaves_out_is_as_for_everybody() {
        let profiles = SigningProfiles::new(&settings(TWO)).unwrap();
        let of = |domain: &str| profiles.of(&domain.parse().unwrap(), None);
        assert_eq!(of("acme.com").expire_after, Some("30d".parse().unwrap()));
        assert_eq!(of("eu.acme.com").expire_after, Some("7d".parse().unwrap()));
        assert_eq!(of("eu.acme.com").max_signatures, None);
        assert!(of("eu.acme.com").takes(SignatureAlgorithm::Ed25519Sha256));
        assert!(!of("acme.com").takes(SignatureAlgorithm::Ed25519Sha256));
    }

    #[test]
    fn keys_sign_in_their_order_as_far_as_the_profile_takes_them() {
        use SignatureAlgorithm::{Ed25519Sha256, RsaSha256};
        let check = |profile: &str, keys: &[Option<SignatureAlgorithm>], expected: &[usize]| {
            let profiles = SigningProfiles::new(&settings(profile)).unwrap();
            let algorithm = |key: &(usize, &Option<SignatureAlgorithm>)| *key.1;
            let chosen = profiles.default.chosen(keys.iter().enumerate(), algorithm);
            let places: Vec<usize> = chosen.map(|(place, _)| place).collect();
            assert_eq!(places, expected, "{profile}");
        };
        let keys = [Some(Ed25519Sha256), None, Some(RsaSha256), Some(RsaSha256)];
        check("", &keys, &[0, 1, 2, 3]);
        check("max_signatures = 1", &keys, &[0]);
        check("max_signatures = 2", &keys, &[0, 1, 2]);
        check("algorithms = ['rsa-sha256']", &keys, &[1, 2, 3]);
        check(
            "algorithms = ['rsa-sha256']\nmax_signatures = 1",
            &keys,
            &[1, 2],
        );
    }

    #[test]
    fn profiles_that_contradict_each_other_are_refused() {
        let check = |toml: &str, expected: &str| {
            let error = SigningProfiles::new(&settings(toml)).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(
            "profiles = [{ name = 'a' }, { name = 'a' }]",
            "two profiles are called a",
        );
        check("profiles = [{ name = 'default' }]", "called default");
        check(
            "profiles = [{ name = 'a', destinations = ['x.com'] }, { name = 'b', destinations = ['X.com'] }]",
            "x.com stands in two",
        );
        check(
            "profiles = [{ name = 'a', next_hops = ['h:25', 'h'] }]",
            "h:25 stands in two",
        );
        check(
            "profiles = [{ name = 'a', algorithms = [] }]",
            "names no algorithm",
        );
        check("algorithms = []", "names no algorithm");
    }

    #[test]
    fn names_are_plain() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<ProfileName>().is_ok(), expected, "{text:?}");
        };
        check("one-signature_2", true);
        check("", false);
        check("One", false);
        check("a b", false);
        check("a\n", false);
        check(&"a".repeat(65), false);
    }
}
