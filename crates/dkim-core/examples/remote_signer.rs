//! Signs with a key that lives elsewhere; here "elsewhere" is another value of this program.

use std::error::Error;

use dkim_core::{
    Algorithm, Limits, RawSignError, RawSigner, SignatureParams, SigningKey, sign, verify,
};

/// Stands for an HSM or a key service. It is asked for signatures over 32 octets, and for nothing else.
struct Device {
    key: aws_lc_rs::signature::Ed25519KeyPair,
}

impl RawSigner for Device {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519Sha256
    }

    fn public_key(&self) -> Vec<u8> {
        use aws_lc_rs::signature::KeyPair;
        self.key.public_key().as_ref().to_vec()
    }

    fn sign_sha256(&self, digest: &[u8; 32]) -> Result<Vec<u8>, RawSignError> {
        let signature = self.key.try_sign(digest).map_err(RawSignError::new)?;
        Ok(signature.as_ref().to_vec())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device {
        key: aws_lc_rs::signature::Ed25519KeyPair::generate()?,
    };
    let key = SigningKey::from_raw_signer(Box::new(device))?;
    let record = key.record().to_value();
    let message = b"From: joe@example.com\r\nSubject: dinner\r\n\r\nHi.\r\n";
    let params = SignatureParams::new("example.com".parse()?, "sel".parse()?);

    let headers = sign(message, &[(params, key)])?;
    let mut signed: Vec<u8> = headers.into_iter().flat_map(|header| header.text).collect();
    signed.extend_from_slice(message);
    for verification in verify(&signed, |_| Ok(vec![record.clone()]), 0, &Limits::default()) {
        println!("{verification}");
    }
    Ok(())
}
