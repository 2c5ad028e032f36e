//! Headers as the specification writes them, cut at every octet, and hostile ones.

use proptest::prelude::*;

use super::*;

/// A header of version 2 with this command and family, and this behind them.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2, &[command, family], &length, rest].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0, 25];

fn ipv6(source: &str) -> Vec<u8> {
    let source: std::net::Ipv6Addr = source.parse().unwrap();
    let ports = [0x9c, 0x40, 0, 25];
    [&source.octets()[..], &[0x20; 16], &ports].concat()
}

/// What the header says, and at which of its octets it was known to be wrong.
fn outcome(input: &[u8]) -> Result<(Claim, usize), usize> {
    for end in 0..=input.len() {
        match parse(&input[..end]) {
            Ok(None) => {}
            Ok(Some(found)) => return Ok(found),
            Err(_) => return Err(end),
        }
    }
    Err(usize::MAX)
}

fn check(header: &[u8], expected: Claim) {
    let input = [header, b"EHLO client.example\r\n"].concat();
    assert_eq!(
        outcome(&input),
        Ok((expected, header.len())),
        "{:?}",
        String::from_utf8_lossy(header)
    );
    // However much comes at once, the header's end is the same.
    assert_eq!(parse(&input).unwrap(), Some((expected, header.len())));
}

#[test]
fn both_versions_name_the_client() {
    let client = |address: &str| Claim::Client(address.parse().unwrap());
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n",
        client("192.0.2.7"),
    );
    check(
        b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n",
        client("2001:db8::7"),
    );
    check(&v2(0x21, 0x11, &IPV4), client("192.0.2.7"));
    check(&v2(0x21, 0x21, &ipv6("2001:db8::7")), client("2001:db8::7"));
    // An IPv4 address in IPv6's clothes.
    check(
        &v2(0x21, 0x21, &ipv6("::ffff:192.0.2.7")),
        client("192.0.2.7"),
    );
    // TLVs behind the addresses are passed over: a name (2) of three octets, then padding (4).
    let tlvs = [&IPV4[..], b"\x02\x00\x03abc\x04\x00\x00"].concat();
    check(&v2(0x21, 0x11, &tlvs), client("192.0.2.7"));
}

#[test]
fn a_proxy_may_speak_for_itself_or_for_nobody() {
    check(b"PROXY UNKNOWN\r\n", Claim::Nobody);
    check(
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
        Claim::Nobody,
    );
    check(&v2(0x20, 0x00, b""), Claim::Nobody); // LOCAL
    check(&v2(0x20, 0x11, &IPV4), Claim::Nobody); // LOCAL, its addresses passed over
    check(&v2(0x21, 0x00, b""), Claim::Nobody); // AF_UNSPEC
    check(&v2(0x21, 0x31, &[0; 216]), Claim::Nobody); // AF_UNIX
}

#[test]
fn what_is_no_header_is_known_at_its_first_wrong_octet() {
    let rows: &[(&[u8], usize)] = &[
        (b"EHLO client.example\r\n", 1),
        (b"PROXIMITY", 5),
        (b"PROXY\r\n", 6),
        (b"\r\n\r\nQUIT", 5),
        (b"\x16\x03\x01", 1), // TLS without a header
    ];
    for (input, at) in rows {
        assert_eq!(
            outcome(input),
            Err(*at),
            "{:?}",
            String::from_utf8_lossy(input)
        );
    }
}

#[test]
fn malformed_headers_are_refused() {
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200], b"\r\n"].concat();
    let rows: &[&[u8]] = &[
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\nEHLO a\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.300 198.51.100.1 40000 25\r\n",
        &long,
        &v2(0x11, 0x11, &IPV4),        // version 1 in version 2's form
        &v2(0x22, 0x11, &IPV4),        // a command that is none
        &v2(0x21, 0x12, &IPV4),        // a datagram
        &v2(0x21, 0x41, &IPV4),        // a family that is none
        &v2(0x21, 0x11, &IPV4[..11]),  // too short for its addresses
        &v2(0x21, 0x11, &[0; MAX_V2]), // longer than any proxy needs
    ];
    for header in rows {
        assert!(
            matches!(outcome(header), Err(at) if at <= header.len()),
            "{:?}",
            String::from_utf8_lossy(header)
        );
    }
}

#[test]
fn clients_that_cannot_be_beyond_a_proxy_are_refused() {
    let mapped = v2(0x21, 0x21, &ipv6("::ffff:127.0.0.1"));
    let rows: &[&[u8]] = &[
        b"PROXY TCP4 127.0.0.1 198.51.100.1 40000 25\r\n",
        b"PROXY TCP6 ::1 2001:db8::1 40000 25\r\n",
        b"PROXY TCP6 ::ffff:127.0.0.1 2001:db8::1 40000 25\r\n",
        &mapped,
        b"PROXY TCP4 0.0.0.0 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 255.255.255.255 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 224.0.0.1 198.51.100.1 40000 25\r\n",
    ];
    for header in rows {
        assert!(
            matches!(parse(header), Err(HeaderError::Impossible { .. })),
            "{:?}",
            String::from_utf8_lossy(header)
        );
    }
}

proptest! {
    /// Whatever comes, in whatever parts, the answer is the same, and no more is waited for than a header may have.
    #[test]
    fn any_octets_are_judged_alike_wherever_they_are_cut(
        start in prop::sample::select(vec![&b""[..], V1, b"PROXY TCP4 ", V2, b"\r\n\r\n\0\r\nQUIT\n\x21\x11"]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let input = [start, &rest].concat();
        let whole = parse(&input);
        match outcome(&input) {
            Ok(found) => prop_assert_eq!(whole.unwrap(), Some(found)),
            Err(usize::MAX) => prop_assert_eq!(whole.unwrap(), None),
            Err(_) => prop_assert!(whole.is_err()),
        }
        if start.starts_with(V1) && input.len() >= MAX_V1 {
            prop_assert!(parse(&input).transpose().is_some());
        }
    }
}
