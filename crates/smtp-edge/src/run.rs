//! The composition root: builds every room from the settings, in the order in which they need each other, and keeps the
//! server running until a signal ends it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common_config::error::SettingsError;
use common_config::layers::Loaded;
use hickory_resolver::net::NetError;
use router_config::{RouterConfig, RouterConfigError};
use tokio::sync::{Semaphore, watch};

use crate::admin::health::Phase;
use crate::admin::socket::SocketError;
use crate::admin::{self, Sources};
use crate::clock::Clock;
use crate::config::Settings;
use crate::deliver::{Deliverer, DelivererError};
use crate::dns;
use crate::ids::QueueIds;
use crate::intake::Intake;
use crate::mail_log;
use crate::net::admission::Admission;
use crate::net::connection::Service;
use crate::net::descriptors::{self, Reserve};
use crate::net::door::{self, Door};
use crate::net::listener::{self, Entrance, ListenError};
use crate::net::tls::files::{Listed, TlsError, TlsFiles};
use crate::net::tls::{self, Tls};
use crate::queue::{self, Queue, QueueHandle};
use crate::reload::Reloader;
use crate::shutdown::{self, Signal, Signals};
use crate::signing::in_force::{InForce, InForceError};
use crate::signing::self_check::SelfChecks;
use crate::signing::step::SigningStep;
use crate::signing::watch::KeyringWatch;
use crate::smtp::server::SessionSettings;
use crate::smtp::timers::Timers;
use crate::spool::log::Condition;
use crate::spool::{self, Recovered, Spool, SpoolError};
use crate::users::directory::UserDirectory;
use crate::users::watch::UserWatch;

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The settings cannot be read.
    #[error("the settings cannot be used")]
    Settings(#[from] SettingsError),
    /// The settings contradict themselves or lack something.
    #[error("the routing and signing settings cannot be used")]
    Router(#[from] RouterConfigError),
    /// The signing policy cannot be put in force.
    #[error("the signing policy cannot be put in force")]
    InForce(#[from] InForceError),
    /// The machine has no usable name, and none is set.
    #[error("this server has no name to greet with: set smtp.hostname")]
    Hostname,
    /// The spool cannot be used.
    #[error("the spool cannot be used")]
    Spool(#[from] SpoolError),
    /// The resolver cannot be set up.
    #[error("the DNS resolver cannot be set up: name the servers to ask in [dns] servers")]
    Resolver(#[source] NetError),
    /// TLS cannot be set up.
    #[error("delivery cannot be set up")]
    Deliver(#[from] DelivererError),
    /// The certificate cannot be used.
    #[error("TLS for clients cannot be set up")]
    Tls(#[from] TlsError),
    /// No client can connect.
    #[error("the server cannot listen")]
    Listen(#[from] ListenError),
    /// Monitoring cannot ask.
    #[error("the admin listener cannot be opened")]
    Admin(#[from] SocketError),
    /// Signals cannot be caught.
    #[error("signals cannot be caught")]
    Signals(#[source] std::io::Error),
}

impl RunError {
    /// Whether the settings are at fault, so that starting again without a change would fail the same way.
    #[must_use]
    pub fn is_settings(&self) -> bool {
        match self {
            Self::Settings(_)
            | Self::Router(_)
            | Self::InForce(_)
            | Self::Hostname
            | Self::Tls(_) => true,
            Self::Listen(error) => error.is_settings(),
            Self::Resolver(_)
            | Self::Spool(_)
            | Self::Deliver(_)
            | Self::Admin(_)
            | Self::Signals(_) => false,
        }
    }
}

/// Runs the server under these settings; a reload reads them anew from `settings_file`.
///
/// # Errors
/// [`RunError`], before anything is accepted.
pub async fn run(loaded: Loaded<Settings>, settings_file: PathBuf) -> Result<(), RunError> {
    let settings = loaded.settings.clone();
    let clock = Clock::system();
    let hostname = settings.hostname().ok_or(RunError::Hostname)?;
    listener::check(&settings.listen)?;
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    let router = Arc::new(router(&loaded)?);
    let dns = dns::resolver(&settings.dns).map_err(RunError::Resolver)?;
    let signing = Arc::new(SigningStep::new(
        in_force(&settings, router, None).await?,
        SelfChecks::new(Arc::new(dns.clone())),
        clock.clone(),
    ));
    let tls = Arc::new(Tls::new(
        Tls::prepare(tls_files(&settings)?)?,
        clock.clone(),
    ));
    let (handle, inbox) = queue::channel();
    let (phase, phases) = watch::channel(Phase::Recovering);
    let (condition, conditions) = watch::channel(Condition::Works);
    let sources = Sources {
        signing: Arc::clone(&signing),
        queue: handle.clone(),
        phase: phases,
        spool: conditions,
        clock: clock.clone(),
    };
    let admin = admin::start(&settings.admin, sources).await?;
    raise_descriptors(&settings); // before the spool, which has one open for each of its segments
    let place = settings.data_dir().spool();
    let (spool, recovered) = spool::open(place, &settings.spool, clock.clone(), condition).await?;
    let intake = Arc::new(intake(
        &settings, &hostname, &spool, &handle, &signing, &clock, &recovered,
    ));
    let deliverer = Deliverer::new(&settings.delivery, dns, &hostname, clock.clone())?;
    let listeners = listener::open(&settings.listen).await?;
    if listeners.iter().any(|one| one.entrance == Entrance::Tls) {
        tls.need()?;
    }
    let queue = Queue::start(
        inbox,
        queue::Parts {
            spool,
            replay: Arc::clone(&signing) as _,
            deliver: Arc::new(deliverer),
            reporter: Arc::clone(&intake) as _,
            settings: settings.delivery.clone(),
            hostname: hostname.clone(),
            clock: clock.clone(),
        },
        recovered.messages,
    );
    let (stop, stopping) = watch::channel(false);
    let users = UserWatch::start(Arc::clone(&signing)).await;
    let door = door(
        &settings,
        &hostname,
        &intake,
        users.directory(),
        &tls,
        stopping,
    )?;
    let door = Arc::new(door);
    for listener in listeners {
        let address = listener.socket.local_addr();
        let address = address.map(|at| at.to_string()).unwrap_or_default();
        let first = listener.entrance.label();
        tokio::spawn(door::accept(listener, Arc::clone(&door)));
        tracing::info!(address, first, "listening");
    }
    tokio::spawn(tls::watch::watch(Arc::clone(&tls)));
    tokio::spawn(users.run());
    tokio::spawn(KeyringWatch::new(Arc::clone(&signing), handle.clone()).run());
    let reloader = Reloader {
        settings_file,
        signing,
        tls,
        queue: handle,
    };
    phase.send_replace(Phase::Serving);
    shutdown::tell_manager(&[sd_notify::NotifyState::Ready]);
    tracing::info!("ready");
    while let Signal::Reload = signals.next().await {
        reloader.reload().await;
    }
    phase.send_replace(Phase::Stopping);
    shutdown::stop(&stop, &door.room, settings.smtp.max_connections, queue).await;
    drop(admin);
    Ok(())
}

/// Reads the settings file with the environment over it.
///
/// # Errors
/// [`SettingsError`], naming file, line and key.
pub fn load_settings(file: &Path) -> Result<Loaded<Settings>, SettingsError> {
    common_config::layers::Layers::new()
        .toml(file)
        .environment("SMTP_EDGE_")
        .extract()
}

/// What the settings and the notes mean together.
///
/// # Errors
/// [`RouterConfigError`], naming the entries at fault.
pub fn router(loaded: &Loaded<Settings>) -> Result<RouterConfig, RouterConfigError> {
    let (router, signing) = (&loaded.settings.router, &loaded.settings.signing);
    let router = RouterConfig::load(router, signing, &loaded.notes)
        .map_err(|error| error.located(&loaded.origins))?;
    Ok(router.with_origins(loaded.origins.clone()))
}

/// The policy with the keys it names.
///
/// # Errors
/// [`InForceError`] when the postmaster is no mailbox.
pub async fn in_force(
    settings: &Settings,
    router: Arc<RouterConfig>,
    before: Option<&InForce>,
) -> Result<InForce, InForceError> {
    for warning in router.warnings() {
        tracing::warn!(%warning, "settings_warning");
    }
    let source = settings.key_source();
    let in_force = match before {
        Some(before) => before.succeeded_by(router, source).await?,
        None => InForce::load(router, source).await?,
    };
    in_force.log_faults();
    Ok(in_force)
}

fn intake(
    settings: &Settings,
    hostname: &str,
    spool: &Arc<dyn Spool>,
    queue: &QueueHandle,
    signing: &Arc<SigningStep>,
    clock: &Clock,
    recovered: &Recovered,
) -> Intake {
    let ids = QueueIds::default();
    if let Some(last) = recovered.last_id {
        ids.continue_after(last);
    }
    for record in &recovered.corrupt {
        mail_log::spool_record_damaged(record);
    }
    for record in &recovered.unknown {
        mail_log::spool_outcomes_unknown(record);
    }
    for id in &recovered.held {
        mail_log::spool_held(*id);
    }
    tracing::info!(messages = recovered.messages.len(), "recovered");
    Intake {
        hostname: hostname.into(),
        limits: settings.smtp.clone(),
        form: settings.message.clone(),
        spool: Arc::clone(spool),
        queue: queue.clone(),
        signing: Arc::clone(signing),
        ids,
        clock: clock.clone(),
    }
}

/// The files of certificates that the settings name, and whom to ask for a certificate.
///
/// # Errors
/// [`TlsError`] when the settings contradict themselves.
pub fn tls_files(settings: &Settings) -> Result<Option<TlsFiles>, TlsError> {
    let listed = if settings.router.relay_certificates.is_empty() {
        Listed::None
    } else {
        Listed::Some
    };
    let files = TlsFiles::named(&settings.tls, listed)?;
    if files.is_none() && !settings.listen.tls_addresses.is_empty() {
        return Err(TlsError::Needed);
    }
    Ok(files)
}

/// A server that has fewer descriptors than it could use works all the same, for fewer clients.
fn raise_descriptors(settings: &Settings) {
    let limit = descriptors::raise_limit();
    let deliveries = settings.delivery.concurrency;
    let wanted = settings.smtp.max_connections + DESCRIPTORS_OF_A_DELIVERY * deliveries;
    match limit {
        Ok(Some(limit)) if limit < wanted as u64 => tracing::warn!(
            warning = format!(
                "{limit} file descriptors are allowed, and {wanted} could be needed by smtp.max_connections and \
                 delivery.concurrency: raise LimitNOFILE, or lower them"
            ),
            "settings_warning"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(why = %error, "the limit of descriptors cannot be raised"),
    }
}

/// The connection, the message, and a question to a DNS server.
const DESCRIPTORS_OF_A_DELIVERY: usize = 3;

fn door(
    settings: &Settings,
    hostname: &str,
    intake: &Arc<Intake>,
    users: Arc<UserDirectory>,
    tls: &Arc<Tls>,
    stopping: watch::Receiver<bool>,
) -> Result<Door, ListenError> {
    let smtp = &settings.smtp;
    let timers = Timers {
        command: smtp.command_timeout.std(),
        data: smtp.data_timeout.std(),
        message: smtp.message_timeout.std(),
        least_rate: smtp.min_data_rate.octets(),
    };
    Ok(Door {
        settings: SessionSettings {
            hostname: hostname.into(),
            limits: smtp.limits(),
            postmaster: intake.signing.in_force().postmaster.clone(),
            starttls: false,
            auth: false,
            xclient_from: settings.listen.xclient_from.clone().into(),
        },
        service: Service {
            intake: Arc::clone(intake),
            tls: Arc::clone(tls),
            users,
            timers,
            stopping,
        },
        room: Arc::new(Semaphore::new(settings.smtp.max_connections)),
        admission: Arc::new(Admission::new(smtp.client_limits(), intake.clock.clone())),
        proxies: settings.listen.proxy_from.clone(),
        reserve: Reserve::new().map_err(ListenError::Reserve)?,
    })
}

/// Reads the settings and the keys they name, as a start would, and gives the remarks about them.
///
/// # Errors
/// The first thing at fault.
pub async fn check(file: &Path) -> Result<Vec<String>, RunError> {
    let loaded = load_settings(file)?;
    loaded.settings.hostname().ok_or(RunError::Hostname)?;
    let router = Arc::new(router(&loaded)?);
    listener::check(&loaded.settings.listen)?;
    Tls::prepare(tls_files(&loaded.settings)?)?;
    let remarks = router.warnings();
    let mut remarks: Vec<String> = remarks.iter().map(ToString::to_string).collect();
    let in_force = InForce::load(router, loaded.settings.key_source()).await?;
    let faults = in_force.keyring.faults();
    remarks.extend(faults.map(|(key, fault)| {
        format!(
            "the key {key} cannot sign: {}: {}",
            fault.class.explanation(),
            fault.why
        )
    }));
    Ok(remarks)
}
