//! The socket that administrative requests come in by: opened so that nobody else gets in, and cleared away at the end.

use std::fs::{File, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use common_config::admin_address::AdminAddress;

use super::caller::may_ask;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

/// Why the admin listener cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The loopback address cannot be listened on.
    #[error("cannot listen on {address}: see admin.listen")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The socket file cannot be made.
    #[error("cannot listen on {path}: see admin.listen; its folder must exist and be writable")]
    File {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Another process answers at the socket file.
    #[error("another process listens on {path}: stop it, or name another file in admin.listen")]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// Something else has that name.
    #[error("{path} is there and is no socket: name another file in admin.listen")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
}

/// An open socket.
#[derive(Debug)]
pub enum Socket {
    /// On a loopback address.
    Loopback(TcpListener),
    /// On a socket file, which lasts as long as this does.
    Unix(UnixListener, SocketFile),
}

/// A connection that came in.
#[derive(Debug)]
pub enum Accepted {
    /// From a program that may be a browser with a stranger's page in it.
    Loopback(TcpStream),
    /// From a process of the server's own user, or of root, with its user id.
    Administrator(UnixStream, u32),
    /// From a process of another user, to whom somebody has opened the socket file.
    Stranger(UnixStream, u32),
}

/// A socket file. It is removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that stays is taken away by the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Socket {
    /// Opens it. A file that a killed server left behind is replaced.
    ///
    /// # Errors
    /// [`SocketError`].
    pub async fn open(address: &AdminAddress) -> Result<Self, SocketError> {
        match address {
            AdminAddress::Loopback(address) => {
                let bound = TcpListener::bind(address).await;
                bound
                    .map(Self::Loopback)
                    .map_err(|source| SocketError::Bind {
                        address: *address,
                        source,
                    })
            }
            AdminAddress::Unix(path) => {
                let error = |source| SocketError::File {
                    path: path.clone(),
                    source,
                };
                clear_away(path).await?;
                let listener = private_listener(path).map_err(error)?;
                Ok(Self::Unix(listener, SocketFile(path.clone())))
            }
        }
    }

    /// Where it is, as the settings write it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Loopback(listener) => listener
                .local_addr()
                .map(|address| address.to_string())
                .unwrap_or_default(),
            Self::Unix(_, SocketFile(path)) => format!("unix:{}", path.display()),
        }
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// What the system said.
    pub async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Loopback(listener) => Ok(Accepted::Loopback(listener.accept().await?.0)),
            Self::Unix(listener, _) => {
                let stream = listener.accept().await?.0;
                let uid = stream.peer_cred()?.uid();
                let own = rustix::process::geteuid().as_raw();
                Ok(if may_ask(uid, own) {
                    Accepted::Administrator(stream, uid)
                } else {
                    Accepted::Stranger(stream, uid)
                })
            }
        }
    }
}

/// A listener whose file never had another mode than 0600: bind gives the file the mode of the socket.
fn private_listener(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    let handle = File::from(socket.as_fd().try_clone_to_owned()?);
    handle.set_permissions(Permissions::from_mode(MODE))?;
    socket.bind(path)?;
    socket.listen(BACKLOG)
}

/// Removes what an earlier run left, and nothing else.
async fn clear_away(path: &Path) -> Result<(), SocketError> {
    let path_of = || path.to_path_buf();
    match std::fs::symlink_metadata(path) {
        Err(_) => return Ok(()), // bind says what is wrong, if something is
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(SocketError::NotASocket { path: path_of() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|source| SocketError::File {
                path: path_of(),
                source,
            })
        }
        Ok(_) | Err(_) => Err(SocketError::Taken { path: path_of() }),
    }
}

const MODE: u32 = 0o600;
const BACKLOG: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        let metadata = std::fs::symlink_metadata(path).unwrap();
        assert!(metadata.file_type().is_socket());
        metadata.permissions().mode() & 0o7777
    }

    #[tokio::test]
    async fn a_socket_file_is_private_and_goes_with_the_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let address = AdminAddress::Unix(path.clone());
        let socket = Socket::open(&address).await.unwrap();
        assert_eq!(mode(&path), 0o600);
        let second = Socket::open(&address).await;
        assert!(matches!(second, Err(SocketError::Taken { .. })));
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_server_left_is_replaced_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let address = AdminAddress::Unix(path.clone());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = Socket::open(&address).await.unwrap();
        assert_eq!(mode(&path), 0o600);
        drop(socket);
        std::fs::write(&path, "notes").unwrap();
        let refused = Socket::open(&address).await;
        assert!(matches!(refused, Err(SocketError::NotASocket { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    }
}
