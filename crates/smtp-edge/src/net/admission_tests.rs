//! The book of clients on a clock that stands still.

use std::net::Ipv4Addr;

use super::*;

fn limits() -> Limits {
    Limits {
        connections: 2,
        connection_rate: None,
        message_rate: None,
        memory: 1000,
        unlimited: Network::loopback().to_vec(),
    }
}

fn book(limits: Limits) -> (Arc<Admission>, Clock) {
    let clock = Clock::manual(std::time::UNIX_EPOCH);
    (Arc::new(Admission::new(limits, clock.clone())), clock)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
    let check = |first: &str, second: &str, same: bool| {
        let keys = [first, second].map(|text| client_network(address(text)));
        assert_eq!(keys[0] == keys[1], same, "{first} {second}");
    };
    check("192.0.2.1", "192.0.2.1", true);
    check("192.0.2.1", "192.0.2.2", false);
    check("192.0.2.1", "::ffff:192.0.2.1", true);
    check("2001:db8::1", "2001:db8::ffff:1", true);
    check("2001:db8::1", "2001:db8:0:1::1", false);
}

#[test]
fn connections_are_bounded_for_each_client_and_free_again_when_they_end() {
    let (book, _) = book(limits());
    let client = address("192.0.2.1");
    let first = book.enter(client).unwrap();
    let _second = book.enter(client).unwrap();
    assert_eq!(book.enter(client).unwrap_err(), Refusal::Connections);
    let _other = book.enter(address("192.0.2.2")).unwrap();
    drop(first);
    let _third = book.enter(client).unwrap();
    assert_eq!(book.enter(client).unwrap_err(), Refusal::Connections);
}

#[test]
fn unlimited_clients_have_no_bound_of_their_own() {
    let (book, _) = book(limits());
    let guests: Vec<_> = (0..10)
        .map(|_| book.enter(address("127.0.0.1")).unwrap())
        .collect();
    assert_eq!(book.clients().known.len(), 0);
    let mut share = guests[0].share();
    assert!(share.resize(1000).is_ok());
    assert!(guests[1].share().resize(1).is_err()); // that of all holds for them, too
}

#[test]
fn one_client_may_hold_half_of_the_memory() {
    let (book, _) = book(limits());
    let guest = book.enter(address("192.0.2.1")).unwrap();
    let sibling = book.enter(address("192.0.2.1")).unwrap();
    let mut share = guest.share();
    assert!(share.resize(400).is_ok());
    let mut second = sibling.share();
    assert!(second.resize(101).is_err());
    assert!(second.resize(100).is_ok());
    let other = book.enter(address("192.0.2.2")).unwrap();
    assert!(other.share().resize(500).is_ok());
}

#[test]
fn rates_are_bounded_for_each_client_and_recover_with_time() {
    let (book, clock) = book(Limits {
        connections: 100,
        connection_rate: Some("3/30s".parse().unwrap()),
        message_rate: Some("2/1m".parse().unwrap()),
        ..limits()
    });
    let client = address("192.0.2.1");
    let guest = book.enter(client).unwrap();
    assert_eq!(
        [(); 3].map(|()| guest.may_send()),
        [true, true, false],
        "the rate of messages"
    );
    // A new connection wins no messages.
    assert!(!book.enter(client).unwrap().may_send());
    drop(book.enter(client).unwrap());
    assert_eq!(book.enter(client).unwrap_err(), Refusal::Rate);
    assert!(book.enter(address("192.0.2.2")).unwrap().may_send());
    clock.advance(Duration::from_secs(10));
    drop(book.enter(client).unwrap());
    assert_eq!(book.enter(client).unwrap_err(), Refusal::Rate);
    clock.advance(Duration::from_secs(20));
    assert!(guest.may_send());
    assert!(!guest.may_send());
}

#[test]
fn who_has_gone_is_forgotten_at_once_when_there_is_no_rate_to_keep() {
    let (book, _) = book(limits());
    drop(book.enter(address("192.0.2.1")).unwrap());
    assert_eq!(book.clients().known.len(), 0);
}

#[test]
fn what_is_remembered_is_bounded_and_guests_are_never_forgotten() {
    let (book, clock) = book(Limits {
        connection_rate: Some("10/1m".parse().unwrap()),
        ..limits()
    });
    let nth = |number: u32| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number));
    let guest = book.enter(nth(0)).unwrap();
    for number in 1..100_000 {
        drop(book.enter(nth(number)).unwrap());
    }
    let known = book.clients().known.len();
    assert!(known <= REMEMBERED * 2, "{known}");
    assert!(book.clients().known.contains_key(&client_network(nth(0))));
    assert!(!book.clients().known.contains_key(&client_network(nth(1))));
    clock.advance(Duration::from_secs(60));
    drop(guest);
    for number in 0..100_000 {
        drop(book.enter(nth(number)).unwrap());
    }
    let known = book.clients().known.len();
    assert!(known <= REMEMBERED * 2, "{known}");
}
