//! Work that waits for the disk, where the runtime allows waiting.

use std::io;
use std::path::PathBuf;

use super::SpoolError;

/// Runs a blocking operation in the runtime's threads for that.
pub(super) async fn blocking<T: Send + 'static>(
    operation: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    match tokio::task::spawn_blocking(operation).await {
        Ok(result) => result,
        Err(error) => Err(SpoolError::Io {
            step: "finish its work in",
            path: PathBuf::new(),
            source: io::Error::other(error),
        }),
    }
}
