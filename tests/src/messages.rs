//! Messages that people send: plain, with an attachment, in 8-bit text.

use mail_builder::MessageBuilder;

/// A short plain message with CRLF line ends, made by hand so that its bytes are known.
#[must_use]
pub fn plain(from: &str, to: &str) -> Vec<u8> {
    with_from(
        &format!("Rita Renovator <{from}>"),
        to,
        "The kitchen is done.\r\n",
    )
}

/// A message with this From field and body.
#[must_use]
pub fn with_from(from: &str, to: &str, body: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: <{to}>\r\nSubject: The kitchen\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\
         Message-ID: <kitchen@client.renovations.com>\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A multipart message with a text, an HTML alternative and an attachment.
#[must_use]
pub fn multipart(from: &str, to: &str) -> Vec<u8> {
    let picture: Vec<u8> = (0..=255).cycle().take(6000).collect();
    MessageBuilder::new()
        .from(("Rita Renovator", from))
        .to(to)
        .subject("The plan, as a picture")
        .date(1_795_510_800_i64)
        .message_id("plan@client.renovations.com")
        .text_body("The plan is attached.\nGreetings\n")
        .html_body("<p>The plan is <b>attached</b>.</p>\n")
        .attachment("image/png", "plan.png", picture)
        .write_to_vec()
        .expect("a message in memory")
}

/// A message in 8-bit UTF-8.
#[must_use]
pub fn eight_bit(from: &str, to: &str) -> Vec<u8> {
    format!(
        "From: =?UTF-8?Q?J=C3=BCrgen?= <{from}>\r\nTo: <{to}>\r\nSubject: =?UTF-8?Q?K=C3=BCche?=\r\n\
         Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <kueche@client.renovations.com>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Die Küche ist schön geworden.\r\nGrüße\r\n"
    )
    .into_bytes()
}

/// A message that clients may spoil: 8-bit text, lines of dots, blanks at the end, and one line of `longest` octets.
#[must_use]
pub fn delicate(from: &str, to: &str, longest: usize) -> Vec<u8> {
    let mut message = eight_bit(from, to);
    let long = "lang ".repeat(longest / 5);
    let lines = [
        ".",
        "..",
        ".\u{fc}brig",
        "",
        "From hier an",
        "Blanks \t ",
        long.trim_end(),
        "",
        "-- ",
        "Rita",
    ];
    for line in lines {
        message.extend(line.as_bytes());
        message.extend(b"\r\n");
    }
    message
}
