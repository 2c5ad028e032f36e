//! What a reply means for the recipients it is about. Pure.

use std::time::Duration;

use super::reply::{Class, Reply};
use crate::spool::message::Fault;

/// What an attempt came to for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A next hop has taken the message.
    Delivered(Taken),
    /// Another round may succeed.
    Later(Fault),
    /// Another round may succeed, and it is not the recipient's fault: no host of the next hop was found, or would serve us.
    Unreachable(Fault),
    /// It will never succeed.
    Failed(Fault),
}

/// An [`Outcome`] and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The recipient's place in the envelope.
    pub recipient: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// A next hop's receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which host.
    pub remote: Box<str>,
    /// What it answered to the end of the data.
    pub reply: Box<str>,
    /// Whether the connection was encrypted.
    pub tls: bool,
    /// How long the route took, from its first look-up to this reply.
    pub took: Duration,
}

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The opening of the connection.
    Greeting,
    /// EHLO, or HELO after it.
    Hello,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The final dot.
    EndOfData,
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on; after the final dot: delivered.
    Accepted,
    /// This host will not serve us now: the next host may.
    NextHost,
    /// Not now, and other hosts of the same domain would most likely say the same.
    Later,
    /// Never.
    Failed,
}

/// Reads a reply at a stage.
#[must_use]
pub fn verdict(stage: Stage, reply: &Reply) -> Verdict {
    if reply.code() == 421 {
        // RFC 5321 §4.2.3: the host is closing the connection, whatever was asked.
        return match stage {
            Stage::EndOfData => Verdict::Later,
            Stage::Greeting | Stage::Hello | Stage::Mail | Stage::Recipient | Stage::Data => {
                Verdict::NextHost
            }
        };
    }
    match (stage, reply.class()) {
        // RFC 5321 §3.1: a host may refuse all mail with 554. It speaks for itself and not for its neighbours.
        (Stage::Greeting | Stage::Hello, class) => match class {
            Class::Done => Verdict::Accepted,
            Class::GoOn | Class::NotNow | Class::Never => Verdict::NextHost,
        },
        (Stage::Mail | Stage::Recipient | Stage::EndOfData, Class::Done)
        | (Stage::Data, Class::GoOn) => Verdict::Accepted,
        // RFC 5321 §4.5.3.1.10: a bare 552 to RCPT means "too many recipients" from hosts of RFC 821's age.
        (Stage::Recipient, Class::Never)
            if reply.code() == 552 && reply.enhanced_status().is_none() =>
        {
            Verdict::Later
        }
        (_, Class::Never) => Verdict::Failed,
        (_, Class::NotNow) => Verdict::Later,
        // A code that cannot stand here. Nothing is known to have happened, so it is tried again.
        (_, Class::Done | Class::GoOn) => Verdict::Later,
    }
}

/// A host's reply as a fault. `verdict` gives the class of the status when the host named none.
#[must_use]
pub fn fault(remote: &str, reply: &Reply, verdict: Verdict) -> Fault {
    let status = match (reply.enhanced_status(), verdict) {
        (Some(status), Verdict::Failed) if status.starts_with('5') => status,
        (Some(status), Verdict::NextHost | Verdict::Later) if status.starts_with('4') => status,
        (_, Verdict::Failed) => "5.0.0",
        (_, Verdict::Accepted | Verdict::NextHost | Verdict::Later) => "4.0.0",
    };
    Fault {
        status: status.into(),
        remote: Some(remote.into()),
        text: reply.to_string().into(),
    }
}

/// A fault in our own words: no host answered. The words may quote what a system or a library said, hence are made
/// printable and bounded like a host's.
#[must_use]
pub fn local_fault(status: &str, text: impl AsRef<str>) -> Fault {
    let printable = |c| if matches!(c, ' '..='~') { c } else { '?' };
    let text: String = text
        .as_ref()
        .chars()
        .take(LONGEST_TEXT)
        .map(printable)
        .collect();
    Fault {
        status: status.into(),
        remote: None,
        text: text.into(),
    }
}

const LONGEST_TEXT: usize = 500;

#[cfg(test)]
mod tests {
    use super::super::reply::ReplyReader;
    use super::*;

    fn reply(line: &str) -> Reply {
        let (reply, _) = ReplyReader::default()
            .read(format!("{line}\r\n").as_bytes())
            .unwrap();
        reply.unwrap()
    }

    #[test]
    fn each_reply_at_each_stage() {
        use Stage::{Data, EndOfData, Greeting, Hello, Mail, Recipient};
        use Verdict::{Accepted, Failed, Later, NextHost};
        let stages = [Greeting, Hello, Mail, Recipient, Data, EndOfData];
        let check = |line: &str, expected: [Verdict; 6]| {
            assert_eq!(
                stages.map(|stage| verdict(stage, &reply(line))),
                expected,
                "{line}"
            );
        };
        //                          greeting  hello     mail      recipient data      end of data
        check(
            "220 ready",
            [Accepted, Accepted, Accepted, Accepted, Later, Accepted],
        );
        check(
            "250 ok",
            [Accepted, Accepted, Accepted, Accepted, Later, Accepted],
        );
        check(
            "251 forwarded",
            [Accepted, Accepted, Accepted, Accepted, Later, Accepted],
        );
        check(
            "354 go on",
            [NextHost, NextHost, Later, Later, Accepted, Later],
        );
        check(
            "421 closing",
            [NextHost, NextHost, NextHost, NextHost, NextHost, Later],
        );
        check(
            "450 4.2.1 busy",
            [NextHost, NextHost, Later, Later, Later, Later],
        );
        check(
            "451 greylisted",
            [NextHost, NextHost, Later, Later, Later, Later],
        );
        check(
            "452 4.5.3 too many",
            [NextHost, NextHost, Later, Later, Later, Later],
        );
        check(
            "550 5.1.1 unknown",
            [NextHost, NextHost, Failed, Failed, Failed, Failed],
        );
        check(
            "552 too many",
            [NextHost, NextHost, Failed, Later, Failed, Failed],
        );
        check(
            "552 5.2.2 full",
            [NextHost, NextHost, Failed, Failed, Failed, Failed],
        );
        check(
            "554 5.7.1 no",
            [NextHost, NextHost, Failed, Failed, Failed, Failed],
        );
    }

    #[test]
    fn a_fault_has_a_status_of_its_outcome() {
        let check = |line: &str, verdict: Verdict, expected: &str| {
            let fault = fault("mx.example.net", &reply(line), verdict);
            assert_eq!(
                (&*fault.status, &*fault.text),
                (expected, line),
                "{verdict:?}"
            );
        };
        check("550 5.1.1 unknown", Verdict::Failed, "5.1.1");
        check("550 unknown", Verdict::Failed, "5.0.0");
        check("550 4.1.1 contradiction", Verdict::Failed, "5.0.0");
        check("450 4.2.1 busy", Verdict::Later, "4.2.1");
        check("554 5.3.2 no service here", Verdict::NextHost, "4.0.0");
        check("552 too many", Verdict::Later, "4.0.0");
    }
}
