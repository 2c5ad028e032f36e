//! The words behind `queue`.

use clap::{Args, Subcommand, ValueEnum};
use common_config::admin_address::AdminAddress;
use common_config::net::HostPort;
use common_config::units::Duration;
use router_config::Parameters;
use smtp_edge::ids::QueueId;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the server listens, in place of admin.listen in the settings
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) admin: Option<AdminAddress>,
    /// Print JSON: one object, or one in each line of a list
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the messages, the first accepted first
    List(Filters),
    /// Show all there is to see of messages
    Show {
        /// Their queue ids
        #[arg(required = true)]
        ids: Vec<QueueId>,
        /// Print the message itself, as it would leave without signatures, and nothing else
        #[arg(long, conflicts_with = "json")]
        message: bool,
    },
    /// Show how old the messages of each domain are
    Shape {
        #[command(flatten)]
        filters: Filters,
        /// Whose domains
        #[arg(long, value_enum, default_value_t = Side::Recipient)]
        by: Side,
    },
    /// Try messages again at once
    Retry(Selection),
    /// Neither try messages nor give them up until they are released
    Hold(Selection),
    /// Release messages that are held, and try them at once
    Release(Selection),
    /// Send messages to another next hop, at once and from then on
    Requeue {
        /// The next hop, written as in [router]: a host, or a host and a port; or `settings`, for those that the settings give
        #[arg(long, value_name = "HOST[:PORT]")]
        to: NextHop,
        #[command(flatten)]
        selection: Selection,
    },
    /// Give messages up: whoever does not have them will not, and the sender is told (5.4.7)
    Expire(Selection),
    /// Delete messages: nobody is told
    Delete(Selection),
    /// Take no new mail (451 4.3.2), try everything at once, and wait until nothing is left but what is held
    Drain {
        /// Take mail again
        #[arg(long)]
        off: bool,
        /// Do not wait
        #[arg(long, conflicts_with = "off")]
        no_wait: bool,
    },
}

/// Whose domains a shape is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Recipient,
    Sender,
}

/// Where messages are to go.
#[derive(Debug, Clone)]
pub(crate) enum NextHop {
    Settings,
    Host(HostPort),
}

impl std::str::FromStr for NextHop {
    type Err = common_config::net::HostPortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "settings" => Ok(Self::Settings),
            host => host.parse().map(Self::Host),
        }
    }
}

impl std::fmt::Display for NextHop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settings => f.write_str("settings"),
            Self::Host(host) => write!(f, "{host}"),
        }
    }
}

/// Which messages are meant. `*` stands for any characters, `?` for one; case does not matter.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which messages")]
pub(crate) struct Filters {
    /// The sender; '<>' is that of reports
    #[arg(long, value_name = "PATTERN")]
    sender: Option<String>,
    /// One of the recipients who do not have it yet
    #[arg(long, value_name = "PATTERN")]
    recipient: Option<String>,
    /// The domain of one of them
    #[arg(long, value_name = "PATTERN")]
    domain: Option<String>,
    /// Who handed it in: an address, a network, a user, or `ourselves` for reports
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Accepted at least so long ago: 30m, 12h, 3d
    #[arg(long, value_name = "AGE")]
    older_than: Option<Duration>,
    /// Accepted at most so long ago
    #[arg(long, value_name = "AGE")]
    newer_than: Option<Duration>,
    /// Where it stands
    #[arg(long, value_name = "STATE", value_parser = ["new", "deferred", "active", "held"])]
    state: Option<String>,
}

impl Filters {
    /// As a request has them.
    pub(crate) fn parameters(&self) -> Parameters {
        let age = |age: Option<Duration>| age.map(|age| age.to_string());
        let mut parameters = Parameters::default();
        for (name, value) in [
            ("sender", self.sender.clone()),
            ("recipient", self.recipient.clone()),
            ("domain", self.domain.clone()),
            ("client", self.client.clone()),
            ("older", age(self.older_than)),
            ("newer", age(self.newer_than)),
            ("state", self.state.clone()),
        ] {
            if let Some(value) = value {
                parameters.push(name, value);
            }
        }
        parameters
    }
}

/// With which messages something is to be done.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Their queue ids
    pub(crate) ids: Vec<QueueId>,
    #[command(flatten)]
    pub(crate) filters: Filters,
    /// Every message of the queue: to be said, since nothing else means it
    #[arg(long, conflicts_with = "ids", help_heading = "Which messages")]
    pub(crate) all: bool,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// How long to wait for deliveries of these messages that are under way
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) wait: Duration,
}
