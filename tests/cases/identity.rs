//! Which domain a message is from: its From field says so, in whatever way it is written, and never its envelope.

use edge_tests::messages;
use edge_tests::setup::{PRIMARY, SUBDOMAIN, Setup};
use edge_tests::world::World;

const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

/// Sends one message for each header under enforcing, and requires the key's signature.
async fn signed(headers: &[&str]) {
    let world = World::start(Setup::signing("2", "s1")).await;
    for (number, header) in headers.iter().enumerate() {
        let message = message(header);
        world
            .send("bounces@elsewhere.example", &[TO], &message)
            .await;
        let arrived = world.partner.arrival(number + 1).await;
        assert!(arrived.data.ends_with(&message), "{}", arrived.text());
        world.assert_signed(&arrived, &[KEY]).await;
    }
}

/// Sends one message for each header under both modes: best effort lets it go unsigned, enforce reports 5.6.0.
async fn unsignable(headers: &[&str]) {
    let passing = |mode| Setup::signing(mode, "s1").with("message", "second_from", "\"pass\"");
    let best_effort = World::start(passing("1")).await;
    let enforce = World::start(passing("2")).await;
    for (number, header) in headers.iter().enumerate() {
        let from = "rita@renovations.com";
        let id = best_effort.send(from, &[TO], &message(header)).await;
        let arrived = best_effort.partner.arrival(number + 1).await;
        arrived.assert_unsigned();
        let class = best_effort.logged(&id, "signing_failed", "class").await;
        assert_eq!(class, "cannot_sign", "{header}");

        let id = enforce.send(from, &[TO], &message(header)).await;
        let report = enforce.internal.arrival(number + 1).await;
        assert_eq!(report.from, "");
        assert!(report.text().contains("Status: 5.6.0"), "{}", report.text());
        enforce.settled(&id).await;
    }
    assert_eq!(enforce.partner.transcripts().len(), 0);
}

fn message(header: &str) -> Vec<u8> {
    format!(
        "{header}To: <{TO}>\r\nSubject: The kitchen\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\
         Message-ID: <kitchen@client.renovations.com>\r\n\r\nThe kitchen is done.\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn from_in_every_way_of_writing_one_mailbox() {
    signed(&[
        "From: rita@renovations.com\r\n",
        "From: Rita <rita@renovations.com>\r\n",
        "From: Rita (the \"boss\" of x@evil.example) <rita@renovations.com> (really)\r\n",
        "From: \"x@evil.example, y@evil.example\" <rita@renovations.com>\r\n",
        "From: =?UTF-8?B?UmnFoWEgPHhAZXZpbC5leGFtcGxlPg==?= <rita@renovations.com>\r\n",
        "From: =?UTF-8?Q?J=C3=BCrgen?=\r\n =?UTF-8?Q?_M=C3=BCller?= <rita@Renovations.COM>\r\n",
        "From: \"rita@evil.example\"@renovations.com\r\n",
        "FROM:\r\n\t<rita@renovations.com>\r\n",
    ])
    .await;
}

#[tokio::test]
async fn of_several_authors_the_sender_decides() {
    signed(&[
        "From: Ann <ann@elsewhere.example>, Rita <rita@renovations.com>\r\nSender: rita@renovations.com\r\n",
    ])
    .await;
}

#[tokio::test]
async fn what_has_no_one_author_cannot_be_signed() {
    unsignable(&[
        "",
        "From: rita@renovations.com\r\nFrom: rita@renovations.com\r\n",
        "From: ann@elsewhere.example, rita@renovations.com\r\n",
        "From: ann@elsewhere.example, rita@renovations.com\r\nSender: bob@sales.renovations.com\r\n",
        "From: undisclosed:;\r\n",
        "From: rita at renovations.com\r\n",
    ])
    .await;
}

#[tokio::test]
async fn the_envelope_never_decides() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let message = messages::plain("sue@elsewhere.example", TO);
    let id = world.send("rita@renovations.com", &[TO], &message).await;
    let arrived = world.partner.arrival(1).await;
    arrived.assert_unsigned();
    assert_eq!(
        world.logged(&id, "unsigned", "domain").await,
        "elsewhere.example"
    );
}

#[tokio::test]
async fn a_blank_before_the_colon_does_not_part_the_verifiers() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let header = "From : rita@renovations.com\r\nReply-To\t: rita@renovations.com\r\n";
    world
        .send("rita@renovations.com", &[TO], &message(header))
        .await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn a_domain_with_other_letters_matches_as_it_is_written_in_dns() {
    let setup = Setup::notes("RouterDKIMSigning=2\nDKIM_KEY_xn--mller-kva.example=s1\n").key(
        "xn--mller-kva.example",
        "s1",
        "Ed25519",
    );
    let world = World::start(setup).await;
    let key = "s1._domainkey.xn--mller-kva.example";
    for (number, from) in ["jo@xn--mller-kva.example", "jo@m\u{fc}ller.example"]
        .iter()
        .enumerate()
    {
        let message = message(&format!("From: {from}\r\n"));
        world.send("rita@renovations.com", &[TO], &message).await;
        let arrived = world.partner.arrival(number + 1).await;
        world.assert_signed(&arrived, &[key]).await;
    }
}

#[tokio::test]
async fn a_subdomain_that_only_looks_like_one_is_not_signed() {
    let world = World::start(Setup::signing("2", "s1")).await;
    for (number, domain) in ["evilrenovations.com", "renovations.com.evil.example"]
        .iter()
        .enumerate()
    {
        let from = format!("rita@{domain}");
        let message = messages::plain(&from, TO);
        world.send(&from, &[TO], &message).await;
        let arrived = world.partner.arrival(number + 1).await;
        assert!(arrived.values("DKIM-Signature").is_empty(), "{domain}");
    }
    assert!(SUBDOMAIN.ends_with(PRIMARY));
}
