//! XCLIENT, Postfix's protocol for a proxy that speaks SMTP on behalf of a client
//! (<https://www.postfix.org/XCLIENT_README.html>): its attributes, as they are sent.

use std::net::IpAddr;

use common_config::user_name::UserName;

use super::command;
use super::xtext;

/// What a proxy says of its client. What it does not say is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forward {
    /// `ADDR`.
    pub address: Option<IpAddr>,
    /// `NAME`: what the reverse DNS says.
    pub name: Option<Box<str>>,
    /// `HELO`: what the client said to the proxy.
    pub helo: Option<Box<str>>,
    /// `PROTO`: whether the client said EHLO to the proxy.
    pub protocol: Option<ForwardProtocol>,
    /// `LOGIN`: who the client has proved to be.
    pub login: Option<UserName>,
}

/// What a client speaks to its proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardProtocol {
    /// HELO.
    Smtp,
    /// EHLO.
    Esmtp,
}

/// The attributes, as EHLO names them. `PORT`, `DESTADDR` and `DESTPORT` are read and come to nothing here.
pub const ATTRIBUTES: &str = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

/// Why an XCLIENT cannot be obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// There is no attribute, or one that is not known.
    #[error("an attribute is missing or not one that was offered")]
    Attribute,
    /// The value of an attribute is malformed.
    #[error("the value of the attribute {name} is malformed")]
    Value {
        /// The attribute.
        name: &'static str,
    },
}

impl Forward {
    /// Reads what stands behind XCLIENT.
    ///
    /// # Errors
    /// [`ForwardError`] for the first attribute that cannot be obeyed.
    pub fn read(argument: &[u8]) -> Result<Self, ForwardError> {
        let text = std::str::from_utf8(argument).map_err(|_| ForwardError::Attribute)?;
        let mut forward = Self::default();
        let mut attributes = text.split(' ').filter(|word| !word.is_empty()).peekable();
        if attributes.peek().is_none() {
            return Err(ForwardError::Attribute);
        }
        for attribute in attributes {
            let (name, value) = attribute.split_once('=').ok_or(ForwardError::Attribute)?;
            forward.set(&name.to_ascii_uppercase(), value)?;
        }
        Ok(forward)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ForwardError> {
        match name {
            "ADDR" => self.address = known("ADDR", value, address)?,
            "DESTADDR" => drop(known("DESTADDR", value, address)?),
            "PORT" => drop(known("PORT", value, |port| port.parse::<u16>().ok())?),
            "DESTPORT" => drop(known("DESTPORT", value, |port| port.parse::<u16>().ok())?),
            "NAME" => self.name = known("NAME", value, command::client_name)?,
            "HELO" => self.helo = known("HELO", value, command::client_name)?,
            "LOGIN" => self.login = known("LOGIN", value, |name| name.parse().ok())?,
            "PROTO" => self.protocol = known("PROTO", value, protocol)?,
            _ => return Err(ForwardError::Attribute),
        }
        Ok(())
    }
}

/// A value, unless the proxy says that it does not know it.
fn known<T>(
    name: &'static str,
    value: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ForwardError> {
    let error = ForwardError::Value { name };
    let text = xtext::decode(value).map_err(|_| error)?;
    let unknown = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"];
    if unknown
        .iter()
        .any(|unknown| text.eq_ignore_ascii_case(unknown))
    {
        return Ok(None);
    }
    read(&text).map(Some).ok_or(error)
}

/// An IPv4 address, or an IPv6 address behind `IPV6:`.
fn address(text: &str) -> Option<IpAddr> {
    let v6 = text
        .get(..5)
        .is_some_and(|tag| tag.eq_ignore_ascii_case("IPV6:"));
    let (_, address) = text.split_at_checked(if v6 { 5 } else { 0 })?;
    let address: IpAddr = address.parse().ok()?;
    (address.is_ipv6() == v6).then(|| address.to_canonical())
}

fn protocol(text: &str) -> Option<ForwardProtocol> {
    match text.to_ascii_uppercase().as_str() {
        "SMTP" => Some(ForwardProtocol::Smtp),
        "ESMTP" => Some(ForwardProtocol::Esmtp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read() {
        let check = |text: &str, expected: Result<Forward, ForwardError>| {
            assert_eq!(Forward::read(text.as_bytes()), expected, "{text:?}");
        };
        let all = Forward {
            address: Some("192.0.2.7".parse().unwrap()),
            name: Some("spike.porcupine.org".into()),
            helo: Some("[192.0.2.7]".into()),
            protocol: Some(ForwardProtocol::Esmtp),
            login: Some("rita hill".parse().unwrap()),
        };
        check(
            "NAME=spike.porcupine.org addr=192.0.2.7 PORT=1234 PROTO=esmtp HELO=[192.0.2.7] LOGIN=rita+20hill \
             DESTADDR=IPV6:2001:db8::1 DESTPORT=25",
            Ok(all),
        );
        let address = |address: &str| Forward {
            address: Some(address.parse().unwrap()),
            ..Forward::default()
        };
        check("ADDR=IPv6:2001:db8::1", Ok(address("2001:db8::1")));
        check("ADDR=IPV6:::ffff:192.0.2.1", Ok(address("192.0.2.1")));
        check(
            "ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]",
            Ok(Forward::default()),
        );
        check("", Err(ForwardError::Attribute));
        check("ADDR", Err(ForwardError::Attribute));
        check("COLOUR=red", Err(ForwardError::Attribute));
        let value = |name| Err(ForwardError::Value { name });
        check("ADDR=2001:db8::1", value("ADDR"));
        check("ADDR=IPV6:192.0.2.1", value("ADDR"));
        check("ADDR=localhost", value("ADDR"));
        check("PORT=70000", value("PORT"));
        check("PROTO=LMTP", value("PROTO"));
        check("HELO=a+0D+0AX:y", value("HELO")); // it would stand in a Received field
        check("HELO=a+20b", value("HELO"));
        check("LOGIN=", value("LOGIN"));
    }
}
