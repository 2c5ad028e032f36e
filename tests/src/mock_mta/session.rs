//! One SMTP session of the exchanger, from the greeting to the end of the connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Arrived, Recipient, Shared, StartTls, Step};

/// Serves one connection. An error of the socket ends it, as does a scripted drop.
pub(super) async fn run(stream: TcpStream, client: SocketAddr, shared: Arc<Shared>) {
    let number = shared.begin_transcript();
    let mut session = Session {
        stream: BufReader::new(Box::new(stream)),
        client,
        shared,
        number,
        tls: false,
        helo: String::new(),
        transaction: None,
    };
    let _closed = session.serve().await;
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct Session {
    stream: BufReader<Box<dyn Stream>>,
    client: SocketAddr,
    shared: Arc<Shared>,
    number: usize,
    tls: bool,
    helo: String,
    transaction: Option<Transaction>,
}

struct Transaction {
    from: String,
    parameters: Vec<String>,
    recipients: Vec<Recipient>,
}

/// Whether a stage was passed.
#[derive(PartialEq, Eq)]
enum Passed {
    Yes,
    No,
}

impl Session {
    async fn serve(&mut self) -> io::Result<()> {
        let step = self.shared.behaviour().connect;
        if self.answer(step, "220 mx.test ESMTP mock").await? == Passed::No {
            return Ok(());
        }
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned();
            self.shared.note(self.number, &line);
            let verb = line
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "HELO" => self.hello(&line, verb == "EHLO").await?,
                "STARTTLS" => self.start_tls().await?,
                "MAIL" => self.mail(&line).await?,
                "RCPT" => self.rcpt(&line).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.transaction = None;
                    self.write("250 2.0.0 reset").await?;
                }
                "NOOP" => self.write("250 2.0.0 ok").await?,
                "QUIT" => return self.write("221 2.0.0 bye").await,
                _ => self.write("500 5.5.1 unknown command").await?,
            }
        }
    }

    async fn hello(&mut self, line: &str, extended: bool) -> io::Result<()> {
        let behaviour = self.shared.behaviour();
        let offered = behaviour.extensions;
        if extended && !offered.ehlo {
            return self.write("502 5.5.1 EHLO is not known here").await;
        }
        self.transaction = None;
        line.get(5..)
            .unwrap_or_default()
            .trim()
            .clone_into(&mut self.helo);
        let mut lines = vec!["mx.test".to_owned()];
        if extended {
            if offered.pipelining {
                lines.push("PIPELINING".to_owned());
            }
            if offered.eight_bit_mime {
                lines.push("8BITMIME".to_owned());
            }
            if offered.smtputf8 {
                lines.push("SMTPUTF8".to_owned());
            }
            if let Some(size) = offered.size {
                lines.push(format!("SIZE {size}"));
            }
            if offered.starttls.is_some() && !self.tls {
                lines.push("STARTTLS".to_owned());
            }
            lines.push("ENHANCEDSTATUSCODES".to_owned());
        }
        let last = lines.len() - 1;
        let reply: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| format!("250{}{line}", if index == last { ' ' } else { '-' }))
            .collect();
        self.answer(behaviour.ehlo, &reply.join("\r\n"))
            .await
            .map(|_| ())
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        match self.shared.behaviour().extensions.starttls {
            None => return self.write("502 5.5.1 STARTTLS is not known here").await,
            Some(StartTls::Refused) => return self.write("454 4.7.0 no TLS for now").await,
            Some(StartTls::BrokenHandshake) => {
                self.write("220 2.0.0 go ahead").await?;
                return self.close().await;
            }
            Some(StartTls::InjectedReply) => {
                self.write("220 2.0.0 go ahead\r\n250 2.0.0 injected")
                    .await?;
            }
            Some(StartTls::Works) => self.write("220 2.0.0 go ahead").await?,
        }
        // What was buffered in clear is dropped with the old reader, and the session begins anew (RFC 3207 §4.2).
        let clear: Box<dyn Stream> = Box::new(tokio::io::empty());
        let clear = std::mem::replace(&mut self.stream, BufReader::new(clear)).into_inner();
        let encrypted = self.shared.tls.accept(clear).await?;
        self.stream = BufReader::new(Box::new(encrypted));
        self.tls = true;
        self.helo.clear();
        self.transaction = None;
        self.shared.note(self.number, "(encrypted)");
        Ok(())
    }

    async fn mail(&mut self, line: &str) -> io::Result<()> {
        let behaviour = self.shared.behaviour();
        let Some((from, parameters)) = path(line) else {
            return self.write("501 5.5.4 a path is expected").await;
        };
        let extensions = &behaviour.extensions;
        let has = |wanted: &str| {
            parameters
                .iter()
                .any(|parameter| parameter.to_ascii_uppercase().starts_with(wanted))
        };
        if has("BODY=8BITMIME") && !extensions.eight_bit_mime
            || has("SMTPUTF8") && !extensions.smtputf8
        {
            return self
                .write("555 5.5.4 a parameter that was not offered")
                .await;
        }
        let declared = parameters.iter().find_map(|parameter| {
            parameter
                .to_ascii_uppercase()
                .strip_prefix("SIZE=")?
                .parse::<u64>()
                .ok()
        });
        if let (Some(declared), Some(limit)) = (declared, extensions.size)
            && declared > limit
        {
            return self.write("552 5.3.4 too large").await;
        }
        if self.answer(behaviour.mail, "250 2.1.0 ok").await? == Passed::Yes {
            self.transaction = Some(Transaction {
                from,
                parameters,
                recipients: Vec::new(),
            });
        }
        Ok(())
    }

    async fn rcpt(&mut self, line: &str) -> io::Result<()> {
        let Some((path, parameters)) = path(line) else {
            return self.write("501 5.5.4 a path is expected").await;
        };
        if self.transaction.is_none() {
            return self.write("503 5.5.1 MAIL first").await;
        }
        let step = self.shared.behaviour().for_recipient(&path);
        if self.answer(step, "250 2.1.5 ok").await? == Passed::Yes
            && let Some(transaction) = &mut self.transaction
        {
            transaction.recipients.push(Recipient { path, parameters });
        }
        Ok(())
    }

    async fn data(&mut self) -> io::Result<()> {
        let Some(transaction) = self
            .transaction
            .take_if(|transaction| !transaction.recipients.is_empty())
        else {
            return self.write("503 5.5.1 no valid recipients").await;
        };
        let behaviour = self.shared.behaviour();
        if self.answer(behaviour.data, "354 go ahead").await? == Passed::No {
            return Ok(());
        }
        let data = self.read_data(behaviour.in_data).await?;
        if behaviour
            .extensions
            .size
            .is_some_and(|limit| data.len() as u64 > limit)
        {
            return self.write("552 5.3.4 too large").await;
        }
        // It is kept before the reply is written: whoever has read the reply finds it. A reply that cannot be written
        // leaves it kept, as a real exchanger would.
        let arrived = Arrived {
            client: self.client,
            helo: self.helo.clone(),
            tls: self.tls,
            from: transaction.from,
            parameters: transaction.parameters,
            recipients: transaction.recipients,
            data,
        };
        match resolve(behaviour.end_of_data).await {
            Step::Accept => {
                self.shared.keep(arrived);
                self.write("250 2.0.0 kept").await
            }
            other => self.answer(other, "").await.map(|_| ()),
        }
    }

    /// Reads to CRLF.CRLF and nothing less, and takes the stuffed dots out (RFC 5321 §4.5.2).
    async fn read_data(&mut self, in_data: Step) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        let mut in_data = Some(in_data);
        loop {
            let mut line = Vec::new();
            read_line(&mut self.stream, &mut line).await?;
            if line == b".\r\n" {
                return Ok(data);
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if let Some(step) = in_data.take() {
                match resolve(step).await {
                    Step::Accept | Step::Wait(..) => {}
                    Step::Reply(reply) => {
                        self.write(&reply).await?;
                        self.close().await?;
                    }
                    Step::Drop => self.close().await?,
                }
            }
        }
    }

    /// Writes what a step says; `positive` where it accepts.
    async fn answer(&mut self, step: Step, positive: &str) -> io::Result<Passed> {
        match resolve(step).await {
            Step::Accept | Step::Wait(..) => self.write(positive).await.map(|()| Passed::Yes),
            Step::Reply(reply) => {
                self.write(&reply).await?;
                if reply.starts_with("421") {
                    self.close().await?;
                }
                Ok(Passed::No)
            }
            Step::Drop => self.close().await.map(|()| Passed::No),
        }
    }

    async fn write(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(reply.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }

    /// Ends the session: the error unwinds the loop and drops the socket.
    async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "scripted"))
    }
}

/// Passes the gates of a step.
async fn resolve(mut step: Step) -> Step {
    while let Step::Wait(gate, then) = step {
        gate.pass().await;
        step = *then;
    }
    step
}

/// Reads up to CRLF; a lone LF does not end a line.
async fn read_line(stream: &mut BufReader<Box<dyn Stream>>, line: &mut Vec<u8>) -> io::Result<()> {
    while !line.ends_with(b"\r\n") {
        if stream.read_until(b'\n', line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// The path between the angle brackets, and the parameters after it.
fn path(line: &str) -> Option<(String, Vec<String>)> {
    let (_, rest) = line.split_once('<')?;
    let (path, parameters) = rest.rsplit_once('>')?;
    Some((
        path.to_owned(),
        parameters
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect(),
    ))
}
