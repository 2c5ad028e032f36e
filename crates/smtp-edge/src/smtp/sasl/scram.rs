//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, without a channel binding.
//!
//! ```text
//! C: n,,n=user,r=cnonce            client-first: header, then client-first-bare
//! S: r=cnonce snonce,s=salt,i=n    server-first
//! C: c=biws,r=cnonce snonce,p=...  client-final: client-final-without-proof, then the proof
//! S: v=...                         server-final
//! C:                               (an empty response, since 235 carries no data: RFC 4954 §4)
//! ```

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common_config::user_name::UserName;
use credstore::{ScramVerifier, Secret};
use zeroize::Zeroizing;

use super::exchange::{Exchange, Fault, Step, user};
use super::{Lookup, ServerNonce};

/// An exchange of SCRAM-SHA-256.
pub struct Scram(State);

#[expect(
    clippy::enum_variant_names,
    reason = "states are named for what they await"
)]
enum State {
    /// client-first.
    AwaitingFirst,
    /// The user's verifier, from the driver.
    AwaitingVerifier(First),
    /// client-final.
    AwaitingFinal(Box<Final>),
    /// The empty response to server-final; the proof was right.
    AwaitingEnd(UserName),
}

/// What client-first said.
struct First {
    name: UserName,
    /// `n,,` or `y,,`, which client-final repeats in base64.
    header: Box<str>,
    bare: Box<str>,
    nonce: Box<str>,
}

/// What client-final is checked against.
struct Final {
    first: First,
    server_first: String,
    /// Both halves.
    nonce: String,
    verifier: ScramVerifier,
}

impl Scram {
    /// Awaits client-first.
    pub(super) fn new() -> Self {
        Self(State::AwaitingFirst)
    }

    /// Takes the client's next message.
    pub(super) fn respond(self, response: &Secret) -> Step {
        let Ok(message) = std::str::from_utf8(response.expose()) else {
            return Step::Failed(self.name(), Fault::Malformed);
        };
        match self.0 {
            State::AwaitingFirst => match First::read(message) {
                Ok(first) => {
                    Step::Verifier(first.name.clone(), Self(State::AwaitingVerifier(first)))
                }
                Err(fault) => Step::Failed(None, fault),
            },
            // Nothing was asked of the client yet.
            State::AwaitingVerifier(first) => Step::Failed(Some(first.name), Fault::Malformed),
            State::AwaitingFinal(expected) => expected.check(message),
            State::AwaitingEnd(name) if message.is_empty() => Step::Done(name),
            State::AwaitingEnd(name) => Step::Failed(Some(name), Fault::Malformed),
        }
    }

    /// Goes on with the verifier that was asked for.
    #[must_use]
    pub fn challenge(self, lookup: Lookup, nonce: &ServerNonce) -> Step {
        let State::AwaitingVerifier(first) = self.0 else {
            return Step::Failed(self.name(), Fault::Malformed);
        };
        let verifier = match lookup {
            Lookup::Verifier(verifier) => verifier,
            Lookup::Unavailable => return Step::Failed(Some(first.name), Fault::Unavailable),
        };
        let nonce = format!("{}{}", first.nonce, nonce.0);
        let salt = STANDARD.encode(&verifier.salt);
        let server_first = format!("r={nonce},s={salt},i={}", verifier.iterations);
        let challenge = server_first.clone().into_bytes();
        let expected = Final {
            first,
            server_first,
            nonce,
            verifier,
        };
        let next = Self(State::AwaitingFinal(Box::new(expected)));
        Step::Challenge(challenge, Exchange::Scram(next))
    }

    /// The name that the client gave.
    fn name(&self) -> Option<UserName> {
        match &self.0 {
            State::AwaitingFirst => None,
            State::AwaitingVerifier(first) => Some(first.name.clone()),
            State::AwaitingFinal(expected) => Some(expected.first.name.clone()),
            State::AwaitingEnd(name) => Some(name.clone()),
        }
    }
}

impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scram")
    }
}

impl First {
    /// `gs2-header client-first-message-bare` (RFC 5802 §7).
    fn read(message: &str) -> Result<Self, Fault> {
        let mut parts = message.splitn(3, ',');
        let (binding, acting_for, bare) = (parts.next(), parts.next(), parts.next());
        let (Some(binding), Some(acting_for), Some(bare)) = (binding, acting_for, bare) else {
            return Err(Fault::Malformed);
        };
        match binding {
            // `y`: the client could bind, and believes that we cannot. It is right.
            "n" | "y" => {}
            _ if binding.starts_with("p=") => return Err(Fault::ChannelBinding),
            _ => return Err(Fault::Malformed),
        }
        // A first attribute of `m=` would be an extension that must be understood; it is no `n=`, and so refused.
        let mut attributes = bare.split(',');
        let name = attribute(attributes.next(), "n=").and_then(unescaped_user)?;
        let nonce = attribute(attributes.next(), "r=")?;
        let fits = (1..=MAX_NONCE).contains(&nonce.len());
        if !fits || !nonce.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(Fault::Malformed);
        }
        let other = match acting_for {
            "" => None,
            _ => Some(attribute(Some(acting_for), "a=").and_then(unescaped_user)?),
        };
        if other.is_some_and(|other| other != name) {
            return Err(Fault::OtherIdentity);
        }
        Ok(Self {
            name,
            header: format!("{binding},{acting_for},").into(),
            bare: bare.into(),
            nonce: nonce.into(),
        })
    }
}

impl Final {
    /// `c=…,r=…[,extensions],p=…`
    fn check(self, message: &str) -> Step {
        match self.signature(message) {
            Ok(signature) => {
                let server_final = format!("v={}", STANDARD.encode(signature));
                let next = Scram(State::AwaitingEnd(self.first.name));
                Step::Challenge(server_final.into_bytes(), Exchange::Scram(next))
            }
            Err(fault) => Step::Failed(Some(self.first.name), fault),
        }
    }

    /// Checks the proof, and gives the server's signature (RFC 5802 §3).
    fn signature(&self, message: &str) -> Result<hmac::Tag, Fault> {
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Fault::Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attribute(attributes.next(), "c=")?;
        let nonce = attribute(attributes.next(), "r=")?;
        if binding != STANDARD.encode(self.first.header.as_bytes()) || nonce != self.nonce {
            return Err(Fault::Malformed);
        }
        let proof = STANDARD.decode(proof).map_err(|_| Fault::Malformed)?;
        let signed = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        let stored_key = &self.verifier.stored_key;
        let client_signature = hmac_sha256(stored_key, signed.as_bytes());
        if proof.len() != client_signature.as_ref().len() {
            return Err(Fault::Malformed);
        }
        let octets = proof.iter().zip(client_signature.as_ref());
        let client_key: Zeroizing<Vec<u8>> =
            Zeroizing::new(octets.map(|(proof, signature)| proof ^ signature).collect());
        verify_slices_are_equal(digest(&SHA256, &client_key).as_ref(), stored_key)
            .map_err(|_| Fault::Wrong)?;
        Ok(hmac_sha256(&self.verifier.server_key, signed.as_bytes()))
    }
}

/// The challenge repeats the client's nonce, and must not outgrow the longest line of an exchange
/// ([`crate::smtp::line::MAX_AUTH_LINE`]). Clients send some 24 octets.
const MAX_NONCE: usize = 1024;

fn hmac_sha256(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

fn attribute<'a>(attribute: Option<&'a str>, name: &str) -> Result<&'a str, Fault> {
    attribute
        .and_then(|attribute| attribute.strip_prefix(name))
        .ok_or(Fault::Malformed)
}

/// RFC 5802 §5.1: `=2C` is a comma and `=3D` is `=`, which stand for themselves nowhere.
fn unescaped_user(text: &str) -> Result<UserName, Fault> {
    let mut parts = text.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = part.split_at_checked(2).ok_or(Fault::Malformed)?;
        name.push(match escaped {
            "2C" => ',',
            "3D" => '=',
            _ => return Err(Fault::Malformed),
        });
        name.push_str(rest);
    }
    user(name.as_bytes())
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
