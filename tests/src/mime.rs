//! What the parts of a message mean, as Python's reader of mail has it.

use tokio::process::Command;

use crate::environment;

/// Type, charset and decoded content of each leaf.
pub async fn leaves(message: &[u8]) -> serde_json::Value {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), message).expect("a temporary file can be written");
    let output = Command::new(environment::judges().join("venv/bin/python"))
        .arg("-I")
        .arg(environment::script("mime.py"))
        .arg(file.path())
        .output()
        .await
        .expect("the judges are installed: run `cargo xtask test`");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).expect("mime.py prints JSON")
}
