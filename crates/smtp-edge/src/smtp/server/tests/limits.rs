//! The limits of a session: what is counted, what the client is told, and what is not held against it.

use std::fmt::Display;

use common_config::units::Rate;

use super::driver::{Driver, Stage, check};
use crate::config::SmtpSettings;
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::server::{Limit, Rejection};

/// The script ends the session at this limit.
fn check_end(stage: &Stage, script: &str, expected: &str, limit: Limit) {
    let driver = check(stage, script, expected);
    assert!(driver.session.is_closed(), "{script}");
    let last = driver.rejections.last();
    assert!(
        matches!(last, Some(Rejection::Limit(found)) if *found == limit),
        "{last:?}"
    );
}

#[test]
fn errors() {
    let stage = Stage::new().with(|limits| limits.errors = 3);
    let script = "EHLO x\nRCPT TO:<a@b.example>\nDATA now\nNOOP\nMAIL TO:<>\nNOOP\n";
    check_end(&stage, script, "220 250 503 501 250 501 421", Limit::Errors);
}

#[test]
fn unknown_commands() {
    let script = "X\nNOOP\n".repeat(4) + "X\nNOOP\n";
    let codes = "220 500 250 500 250 500 250 500 250 500 421";
    check_end(&Stage::new(), &script, codes, Limit::Unrecognized);
}

#[test]
fn commands_without_a_message() {
    let stage = Stage::new().with(|limits| limits.idle_commands = 4);
    let codes = "220 250 250 252 214 421";
    check_end(
        &stage,
        "EHLO x\nNOOP\nVRFY a\nHELP\nNOOP\nNOOP\n",
        codes,
        Limit::IdleCommands,
    );
    let again = "EHLO x\n".repeat(5);
    check_end(
        &stage,
        &again,
        "220 250 250 250 250 421",
        Limit::IdleCommands,
    );
    let aborted = format!("HELO x\n{}", "MAIL FROM:<>\nRSET\n".repeat(4));
    let codes = "220 250 250 250 250 250 250 250 250 421";
    check_end(&stage, &aborted, codes, Limit::IdleCommands);
    // A message makes up for them.
    let message = "MAIL FROM:<>\nRCPT TO:<a@b.example>\nDATA\n.\nRSET\nNOOP\nNOOP\n";
    let script = format!("EHLO x\n{}", message.repeat(3));
    let codes = format!("220 250{}", " 250 250 354 250 250 250 250".repeat(3));
    check(&stage, &script, &codes);
}

#[test]
fn messages() {
    let stage = Stage::new().with(|limits| limits.messages = 2);
    let message = "MAIL FROM:<>\nRCPT TO:<a@b.example>\nDATA\n.\n";
    let script = format!("EHLO x\n{}", message.repeat(3));
    let codes = "220 250 250 250 354 250 250 250 354 250 421";
    check_end(&stage, &script, codes, Limit::Messages);
    // RFC 9422 §4.1: MAIL counts whether it succeeds or fails.
    let refused = "EHLO x\nMAIL FROM:<> SIZE=1001\nMAIL FROM:<\nMAIL FROM:<>\nRSET\nMAIL FROM:<>\n";
    check_end(
        &stage,
        refused,
        "220 250 552 501 250 250 421",
        Limit::Messages,
    );
}

#[test]
fn message_size() {
    check(
        &Stage::new(),
        "EHLO x\nMAIL FROM:<> SIZE=1001\n",
        "220 250 552",
    );
    let data = |octets: usize| {
        let begun = "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n";
        let mut driver = Stage::new().driver();
        driver.hear(format!("{begun}{}\r\n.\r\nNOOP\r\n", "y".repeat(octets - 2)).as_bytes());
        driver
    };
    let check = |octets: usize, codes: &str, messages: usize| {
        let mut driver = data(octets);
        assert_eq!(
            driver.take_codes(),
            format!("220 250 250 250 354 {codes}"),
            "{octets}"
        );
        assert_eq!(driver.messages.len(), messages, "{octets}");
    };
    check(1000, "250 250", 1);
    check(1001, "552 250", 0);
    check(3000, "552 250", 0); // thrown away, and the session goes on
}

#[test]
fn what_is_thrown_away_of_data() {
    let mut driver = Stage::new().driver();
    driver.hear(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    let mut sent = 0;
    while !driver.session.is_closed() {
        driver.hear(&[b'y'; 100]);
        sent += 100;
        assert!(sent < 5000, "the session reads for ever");
    }
    assert_eq!(driver.take_codes(), "220 250 250 250 354 552 421");
    assert_eq!(sent, 4100); // the message's limit, and then that of what is thrown away
}

fn recipients(stage: &Stage, count: usize) -> Driver {
    let mut driver = stage.driver();
    driver.hear(b"HELO x\r\nMAIL FROM:<>\r\n");
    for number in 0..count {
        driver.hear(format!("RCPT TO:<u{number}@b.example>\r\n").as_bytes());
    }
    driver
}

#[test]
fn recipients_over_the_limit_are_no_errors_at_first() {
    let mut driver = recipients(&Stage::new().with(|limits| limits.errors = 2), 6);
    let codes = "220 250 250 250 250 250 452 452 452";
    assert_eq!(driver.take_codes(), codes);
    driver.hear(b"DATA\r\nx\r\n.\r\n");
    assert_eq!(driver.take_codes(), "354 250");
    assert_eq!(driver.messages[0].recipients.len(), 3);
    let mut driver = recipients(&Stage::new().with(|limits| limits.errors = 2), 8);
    assert_eq!(driver.take_codes(), format!("{codes} 452 452 421"));
}

#[test]
fn a_recipient_that_is_named_again_counts_again() {
    let rcpt = "RCPT TO:<a@b.example>\n".repeat(4);
    let script = format!("HELO x\nMAIL FROM:<>\n{rcpt}DATA\n.\n");
    let codes = "220 250 250 250 250 250 452 354 250";
    let driver = check(&Stage::new(), &script, codes);
    assert_eq!(driver.messages[0].recipients.len(), 1);
}

#[test]
fn line_length() {
    let mut driver = Stage::new().driver();
    let noop = |length: usize| format!("NOOP {}\r\n", "x".repeat(length - 7)).into_bytes();
    driver.hear(&noop(512));
    driver.hear(&noop(513));
    driver.hear(&noop(5000));
    assert_eq!(driver.take_codes(), "220 250 500 500");
}

#[test]
fn the_rate_of_messages_is_the_policys() {
    let mut stage = Stage::new();
    stage.client.address = "192.0.2.98".parse().unwrap();
    let driver = check(
        &stage,
        "EHLO x\nMAIL FROM:<>\nRCPT TO:<a@b.example>\n",
        "220 250 451 503",
    );
    assert!(matches!(driver.rejections.as_slice(), [Rejection::TooFast]));
}

#[test]
fn silence_and_a_shutdown_are_told() {
    let check = |script: &[u8], act: fn(&mut Driver), expected: &str| {
        let mut driver = Stage::new().driver();
        driver.hear(script);
        act(&mut driver);
        driver.hear(b"NOOP\r\n");
        assert_eq!(driver.take_codes(), expected);
        assert!(driver.session.is_closed());
    };
    check(b"", |driver| driver.session.handle_timeout(), "220 421");
    check(
        b"EHLO x\r\n",
        |driver| driver.session.handle_shutdown(),
        "220 250 421",
    );
    let data = b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nabc";
    check(
        data,
        |driver| driver.session.handle_timeout(),
        "220 250 250 250 354 421",
    );
}

/// The manual's table of limits, row by row, against the settings' defaults and the replies.
#[test]
fn the_manual_says_how_much_is_allowed() {
    let SmtpSettings {
        hostname: _,
        max_connections,
        max_connections_per_client,
        connection_rate,
        message_rate,
        unlimited_clients: _,
        max_receiving_memory,
        min_data_rate,
        max_message_size,
        max_header_size,
        max_header_fields,
        max_received,
        max_recipients,
        max_messages,
        max_line_length,
        max_errors,
        max_unrecognized,
        max_idle_commands,
        max_auth_failures,
        max_discarded,
        command_timeout,
        data_timeout,
        message_timeout,
    } = SmtpSettings::default();
    let and_closed = |reply: &Reply| format!("{}, closed", status(reply));
    let closed = |limit: Limit| and_closed(&replies::limit_reached("", limit));
    let slow = and_closed(&replies::timed_out(""));
    let quoted = |value: &dyn Display| format!("\"{value}\"");
    let number = |value: &dyn Display| value.to_string();
    let rate = |value: Option<Rate>| value.map_or("unset".to_owned(), |rate| quoted(&rate));
    let expected = [
        (
            "max_connections",
            number(&max_connections),
            and_closed(&replies::too_many_connections("")),
        ),
        (
            "max_connections_per_client",
            number(&max_connections_per_client),
            and_closed(&replies::too_many_from_client("")),
        ),
        (
            "connection_rate",
            rate(connection_rate),
            and_closed(&replies::too_fast("")),
        ),
        (
            "message_rate",
            rate(message_rate),
            status(&replies::too_many_messages()),
        ),
        (
            "max_receiving_memory",
            quoted(&max_receiving_memory),
            status(&replies::storage_unavailable()),
        ),
        ("min_data_rate", quoted(&min_data_rate), slow.clone()),
        (
            "max_message_size",
            quoted(&max_message_size),
            status(&replies::message_too_big()),
        ),
        (
            "max_header_size",
            quoted(&max_header_size),
            status(&replies::header_too_big()),
        ),
        (
            "max_header_fields",
            number(&max_header_fields),
            status(&replies::header_too_big()),
        ),
        (
            "max_received",
            number(&max_received),
            status(&replies::loop_detected()),
        ),
        (
            "max_recipients",
            number(&max_recipients),
            status(&replies::too_many_recipients()),
        ),
        (
            "max_messages",
            number(&max_messages),
            closed(Limit::Messages),
        ),
        (
            "max_line_length",
            number(&max_line_length),
            status(&replies::line_too_long()),
        ),
        ("max_errors", number(&max_errors), closed(Limit::Errors)),
        (
            "max_unrecognized",
            number(&max_unrecognized),
            closed(Limit::Unrecognized),
        ),
        (
            "max_idle_commands",
            number(&max_idle_commands),
            closed(Limit::IdleCommands),
        ),
        (
            "max_auth_failures",
            number(&max_auth_failures),
            closed(Limit::AuthFailures),
        ),
        (
            "max_discarded",
            quoted(&max_discarded),
            closed(Limit::Discarded),
        ),
        ("command_timeout", quoted(&command_timeout), slow.clone()),
        ("data_timeout", quoted(&data_timeout), slow.clone()),
        ("message_timeout", quoted(&message_timeout), slow),
    ];
    let manual = include_str!("../../../../../../docs/manual.md");
    let (_, section) = manual.split_once("### Limits\n").unwrap();
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ', '`']).to_owned())
                .collect()
        });
    let rows: Vec<Vec<String>> = rows.collect();
    let found: Vec<(&str, String, String)> = rows
        .iter()
        .map(|row| {
            (
                row[0].strip_prefix("smtp.").unwrap(),
                row[1].clone(),
                row[3].clone(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

/// The code and the enhanced status code of a reply.
fn status(reply: &Reply) -> String {
    let shown = reply.to_string();
    shown.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
