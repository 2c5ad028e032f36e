//! The PROXY protocol, versions 1 and 2: who the client is, told by a proxy before anything else.
//!
//! [`read`] takes the header off a connection that comes from a proxy of the settings (`listen.proxy_from`), and not an
//! octet more, since a client's own may follow at once. [`parse`] is pure. Headers are bounded in length and time; those
//! that are malformed, name no client that could be one, or come late end the connection without an answer, as the
//! specification wants it. Nobody else's header is ever looked for: to the session it is a line that is no command.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The connection is a client's, at this address.
    Client(IpAddr),
    /// It is the proxy's own (LOCAL, to see whether we live), or it does not tell whose (UNKNOWN, AF_UNIX).
    Nobody,
}

/// Why a proxy's connection is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Neither version's header.
    #[error(
        "the proxy sent no PROXY header, or a malformed one: have it send one, or take it out of listen.proxy_from"
    )]
    Malformed,
    /// More than a header needs.
    #[error("the PROXY header is longer than {MAX_V2} octets: have the proxy send fewer TLVs")]
    TooLong,
    /// An address that no client of ours can have. The client itself is at fault, or the proxy is not to be trusted.
    #[error("the PROXY header names {address} as the client, which can be nobody beyond the proxy")]
    Impossible {
        /// The address.
        address: IpAddr,
    },
    /// It did not come.
    #[error("the PROXY header did not come in time")]
    Late,
    /// The connection broke.
    #[error("the proxy's connection broke before its header was complete")]
    Lost(#[source] io::Error),
}

/// Reads the header at the front of `input`: its claim and its length, or `None` as long as it may still become one.
///
/// # Errors
/// [`HeaderError`], as early as the octets allow.
pub fn parse(input: &[u8]) -> Result<Option<(Claim, usize)>, HeaderError> {
    let begins = |signature: &[u8]| signature.iter().zip(input).all(|(a, b)| a == b);
    let ends = if begins(V1) {
        let end = input.iter().take(MAX_V1).position(|octet| *octet == b'\n');
        match end {
            None if input.len() >= MAX_V1 => return Err(HeaderError::TooLong),
            end => end.map(|end| end + 1),
        }
    } else if begins(V2) {
        match input.get(14..16) {
            Some(&[high, low]) => Some(16 + usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        }
    } else {
        return Err(HeaderError::Malformed);
    };
    if ends.is_some_and(|length| length > MAX_V2) {
        return Err(HeaderError::TooLong);
    }
    // The crate is shown the header alone, so that what it misses there is not looked for in what follows.
    let Some(header) = ends.and_then(|length| input.get(..length)) else {
        return Ok(None);
    };
    let (header, length) =
        ProxyHeader::parse(header, CONFIG).map_err(|_| HeaderError::Malformed)?;
    let claim = match header.proxied_address() {
        None => Claim::Nobody,
        Some(addresses) if addresses.protocol == Protocol::Stream => {
            Claim::Client(possible(addresses.source.ip().to_canonical())?)
        }
        Some(_) => return Err(HeaderError::Malformed), // UDP, over TCP
    };
    Ok(Some((claim, length)))
}

/// A loopback address beyond a proxy would be trusted as our own machine is; the others are nobody's.
fn possible(address: IpAddr) -> Result<IpAddr, HeaderError> {
    let impossible = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if impossible {
        Err(HeaderError::Impossible { address })
    } else {
        Ok(address)
    }
}

/// Takes the header off the connection within `time`.
///
/// # Errors
/// [`HeaderError`].
pub async fn read(stream: &mut TcpStream, time: Duration) -> Result<Claim, HeaderError> {
    let reading = tokio::time::timeout(time, read_header(stream)).await;
    reading.unwrap_or(Err(HeaderError::Late))
}

async fn read_header(stream: &mut TcpStream) -> Result<Claim, HeaderError> {
    let mut header = vec![0; MAX_V2];
    let mut taken = 0;
    loop {
        let free = header.get_mut(taken..).unwrap_or_default();
        let seen = stream.peek(free).await.map_err(HeaderError::Lost)?;
        if seen == 0 {
            return Err(HeaderError::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        let parsed = parse(header.get(..taken + seen).unwrap_or_default())?;
        // As long as the header is not complete, all that was seen is part of it.
        let length = parsed.map_or(taken + seen, |(_, length)| length);
        let part = header.get_mut(taken..length).unwrap_or_default();
        stream.read_exact(part).await.map_err(HeaderError::Lost)?;
        taken = length;
        if let Some((claim, _)) = parsed {
            return Ok(claim);
        }
    }
}

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, as its specification reckons.
const MAX_V1: usize = 107;
/// Room for the addresses and for what proxies tell of a client's TLS.
const MAX_V2: usize = 2048;
const CONFIG: ParseConfig = ParseConfig {
    include_tlvs: false,
    allow_v1: true,
    allow_v2: true,
};

#[cfg(test)]
#[path = "proxy_protocol_tests.rs"]
mod tests;
