//! Signs a message in a file and prints it: `sign_file <domain> <selector> <key.pem> <seconds since 1970> <message.eml>`.

use std::error::Error;
use std::io::Write;

use dkim_core::{HeaderBlock, SignatureParams, Signer, SigningKey, crlf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [domain, selector, key, seconds, file] = arguments.as_slice() else {
        return Err(
            "usage: sign_file <domain> <selector> <key.pem> <seconds since 1970> <message.eml>"
                .into(),
        );
    };
    let key = SigningKey::from_pem(&std::fs::read_to_string(key)?)?;
    let params =
        SignatureParams::new(domain.parse()?, selector.parse()?).timestamp(seconds.parse()?);
    let file = std::fs::read(file)?;
    let message = crlf(&file);

    let (header, start) = HeaderBlock::parse(&message)?;
    let mut signer = Signer::new(&header, vec![(params, key)])?;
    for chunk in message.get(start..).unwrap_or_default().chunks(16 * 1024) {
        signer.update(chunk)?;
    }

    let mut out = std::io::stdout().lock();
    for signature in signer.finish()? {
        out.write_all(&signature.text)?;
    }
    out.write_all(&message)?;
    Ok(())
}
