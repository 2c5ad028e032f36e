//! Parameters and attributes as a client writes them: the other direction of what reads them, in the plainest form.

use std::net::IpAddr;

use smtp_edge::envelope::ReversePath;
use smtp_edge::smtp::dsn_params::{Notify, Return};
use smtp_edge::smtp::params::{Body, MailParams, RcptParams};
use smtp_edge::smtp::xclient::{Forward, ForwardProtocol};

/// The parameters of MAIL, each behind a blank.
pub(crate) fn mail_params(params: &MailParams) -> String {
    let auth = params.auth.as_ref().map(|path| match path {
        ReversePath::Null => "<>".to_owned(),
        ReversePath::Mailbox(mailbox) => xtext(&mailbox.to_string()),
    });
    let body = params.body.map(|body| match body {
        Body::SevenBit => "7BIT",
        Body::EightBitMime => "8BITMIME",
    });
    let ret = params.ret.map(|ret| match ret {
        Return::Full => "FULL",
        Return::Headers => "HDRS",
    });
    let flag = |flag: bool, name: &str| {
        if flag {
            format!(" {name}")
        } else {
            String::new()
        }
    };
    [
        parameter("SIZE", params.size.map(|size| size.to_string())),
        parameter("BODY", body.map(str::to_owned)),
        parameter("AUTH", auth),
        parameter("RET", ret.map(str::to_owned)),
        parameter("ENVID", params.envelope_id.as_deref().map(xtext)),
        flag(params.smtputf8, "SMTPUTF8"),
        flag(params.require_tls, "REQUIRETLS"),
    ]
    .concat()
}

/// The parameters of RCPT, each behind a blank.
pub(crate) fn rcpt_params(params: &RcptParams) -> String {
    let original = params.original.as_ref();
    let original = original.map(|one| format!("{};{}", one.address_type, xtext(&one.address)));
    [
        parameter("NOTIFY", params.notify.map(notify)),
        parameter("ORCPT", original),
    ]
    .concat()
}

fn notify(notify: Notify) -> String {
    let words = [
        (notify.success, "SUCCESS"),
        (notify.failure, "FAILURE"),
        (notify.delay, "DELAY"),
    ];
    let words: Vec<&str> = words
        .into_iter()
        .filter_map(|(asked, word)| asked.then_some(word))
        .collect();
    if words.is_empty() {
        return "NEVER".to_owned();
    }
    words.join(",")
}

/// The attributes of XCLIENT, each behind a blank.
pub(crate) fn forward(forward: &Forward) -> String {
    let address = match forward.address {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("IPV6:{address}"),
        None => "[UNAVAILABLE]".to_owned(),
    };
    let protocol = forward.protocol.map(|protocol| match protocol {
        ForwardProtocol::Smtp => "SMTP",
        ForwardProtocol::Esmtp => "ESMTP",
    });
    [
        parameter("ADDR", Some(address)),
        parameter("NAME", forward.name.as_deref().map(xtext)),
        parameter("HELO", forward.helo.as_deref().map(xtext)),
        parameter("PROTO", protocol.map(str::to_owned)),
        parameter(
            "LOGIN",
            forward.login.as_ref().map(|name| xtext(name.as_str())),
        ),
    ]
    .concat()
}

fn parameter(name: &str, value: Option<String>) -> String {
    value.map_or_else(String::new, |value| format!(" {name}={value}"))
}

/// RFC 3461 §4.
pub(crate) fn xtext(text: &str) -> String {
    let written = |octet: u8| match octet {
        b'!'..=b'~' if !b"+=".contains(&octet) => char::from(octet).to_string(),
        _ => format!("+{octet:02X}"),
    };
    text.bytes().map(written).collect()
}
