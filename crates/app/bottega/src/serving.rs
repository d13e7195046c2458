//! The server of this user: what it is made of, and how clients find it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bottega_agency::{Agency, Deployments, Options, Shelf};
use bottega_api::{ApiError, codes};
use bottega_client::{
    Agents, HostedAgents, HostedParts, Remote, ServeRequest, Serving, Told, Whereabouts,
    agency_error, api_error, group_error, market_error,
};
use bottega_config::{ServerAddress, ServerFileError, ServerFiles};
use bottega_groups::{Blackboard, Exchange, Options as GroupOptions};
use bottega_journal_sqlite::SqliteStore;
use bottega_market::{Market, Options as MarketOptions};
use bottega_platform::PlatformError;
use bottega_sandbox_wasm::{Engine, Options as EngineOptions};
use bottega_server::{Limits, Server, TlsFiles};
use bottega_store::{Lease, Leases};
use bottega_types::{Secret, SystemClock, SystemEntropy};
use futures::future::BoxFuture;

use crate::app::App;
use crate::collector::Sending;
use crate::hiring::Hiring;
use crate::outland::Outland;

/// What agents of this user's server are called after the `@`.
pub(crate) const PLATFORM: &str = "local";
/// The lease of whoever serves: agents live in one place at a time.
const LEASE: &str = "server";
/// Bytes of a message at most.
const LARGEST: usize = 1 << 20;
/// Receivers of a message at most.
const RECEIVERS: usize = 256;
/// Tenders that go on at a time, at most.
const TENDERS: usize = 10_000;
/// How long agents may take to deal with what waits for them when the server ends.
const ENDING: Duration = Duration::from_secs(10);
/// How long a server that was killed is waited for, and how often is looked whether it is gone.
const LEAVING: Duration = Duration::from_secs(15);
const LEAVING_LOOK: Duration = Duration::from_millis(250);
/// The variable that holds the token for a server that is named.
const TOKEN: &str = "BOTTEGA_SERVER_TOKEN";

fn files(app: &App) -> Result<ServerFiles, ApiError> {
    Ok(ServerFiles::new(app.places()?))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn unusable(error: ServerFileError) -> ApiError {
    ApiError::new(codes::FILE, error.to_string()).step(error.next_step())
}

/// The agents of the server that is named, or of the one of this user.
pub(crate) fn connect(app: &App, at: &Whereabouts) -> Result<Arc<dyn Agents>, ApiError> {
    let files = files(app)?;
    let own = files.address().map_err(unusable)?;
    let url = match (&at.server, &own) {
        (Some(url), _) => url.clone(),
        (None, Some(own)) => own.url.clone(),
        (None, None) => {
            let why = "no server of yours runs on this machine";
            return Err(ApiError::new(codes::NO_SERVER, why));
        }
    };
    let given = app.environment.get(TOKEN).map(|token| Secret::new(token.to_owned()));
    // The token of this machine's server is for that server alone.
    let own = own.filter(|own| own.url == url.trim_end_matches('/'));
    let token = match given {
        Some(token) => Some(token),
        None if own.is_some() => files.token().map_err(unusable)?,
        None => None,
    };
    let token = token.ok_or_else(|| {
        ApiError::new(codes::NOT_LET_IN, format!("nothing lets you in at {url}"))
            .step(format!("set {TOKEN} to the token of that server"))
    })?;
    // Where nothing is encrypted nobody has to be believed, and no settings are needed.
    if !url.starts_with("https:") {
        return Ok(Arc::new(Remote::new(&url, token)?));
    }
    let certificate = own.as_ref().and_then(|own| own.certificate.as_deref());
    let believed = believed(app, at, certificate)?;
    let socket = own.and_then(|own| own.socket);
    Ok(Arc::new(Remote::reached(&url, token, believed.as_deref(), socket)?))
}

/// The certificates that are believed in beside the system's: those that are named, or that of one's own server.
fn believed(app: &App, at: &Whereabouts, own: Option<&Path>) -> Result<Option<Vec<u8>>, ApiError> {
    let file = match &at.ca_cert {
        Some(file) => file.clone(),
        None => match &app.config()?.settings().server.ca_cert {
            Some(written) => app.places()?.expand(written),
            // Where its user may not read it any more, the system's may do.
            None => return Ok(own.and_then(|file| std::fs::read(file).ok())),
        },
    };
    std::fs::read(&file).map(Some).map_err(|error| {
        ApiError::new(codes::FILE, format!("{} can't be read: {error}", file.display()))
            .step("name a file with the certificate that vouches for the server, as PEM")
    })
}

/// The certificate and the key of the server, and its names, as the settings have them.
fn identity(app: &App) -> Result<Option<TlsFiles>, ApiError> {
    let settings = &app.config()?.settings().server;
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => {
            let places = app.places()?;
            Ok(Some(TlsFiles { certificate: places.expand(certificate), key: places.expand(key) }))
        }
        (None, None) => Ok(None),
        (given, _) => {
            let (given, missing) = match given {
                Some(_) => ("certificate", "tls_key"),
                None => ("key", "tls_cert"),
            };
            let why = format!("TLS has a {given}, and `server.{missing}` is not set");
            Err(ApiError::new(codes::SETTINGS, why)
                .step("name both, by `--tls-cert` and `--tls-key`, or neither"))
        }
    }
}

/// What a server takes of what every command has.
pub(crate) struct Parts {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) hiring: Arc<Hiring>,
    pub(crate) outland: Arc<Outland>,
    pub(crate) told: Told,
    pub(crate) sending: Option<Arc<Sending>>,
}

/// Serves agents until `stop` ends; then they deal with what waits for them, and it is over.
pub(crate) async fn serve(
    app: &App,
    parts: Parts,
    request: ServeRequest,
    ready: &(dyn Fn(Serving) + Send + Sync),
    stop: BoxFuture<'static, ()>,
) -> Result<(), ApiError> {
    let files = files(app)?;
    let Some(_lease) = lease(app, &parts.store).await? else {
        let address = files.address().map_err(unusable)?;
        let place = address.map(|own| format!(" at {}", own.url)).unwrap_or_default();
        let why = format!("a server of yours runs already{place}");
        return Err(ApiError::new(codes::AGENT_STATE, why)
            .step("use that one, or end it first; another BOTTEGA_HOME may have its own"));
    };
    let token = files.token_or_new().map_err(unusable)?;
    let deployments = deployments(app, &parts)?;
    let store = parts.store;
    let clock = Arc::new(SystemClock);
    let market = Market::new(MarketOptions {
        agency: Arc::clone(deployments.agency()),
        journal: store.clone(),
        views: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        most: TENDERS,
    });
    let market = Arc::new(market.map_err(market_error)?);
    let groups = GroupOptions {
        agency: Arc::clone(deployments.agency()),
        journal: store.clone(),
        views: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
    };
    let exchange = Exchange::new(groups.clone()).map_err(group_error)?;
    let blackboard = Blackboard::new(groups, exchange.clone()).map_err(group_error)?;
    let blackboard = Arc::new(blackboard);
    let agents = Arc::new(HostedAgents::new(HostedParts {
        deployments: Arc::clone(&deployments),
        market: Arc::clone(&market),
        exchange: exchange.clone(),
        blackboard: Arc::clone(&blackboard),
        audience: parts.told.audience,
        costs: parts.told.costs,
        journal: store,
        clock,
    }));
    let watching = parts.sending.as_ref().and_then(|sending| sending.watch(agents.clone()));
    let settings = &app.config()?.settings().server;
    let connections = usize::try_from(settings.connections).unwrap_or(usize::MAX);
    let requests_per_second = settings.requests_per_second;
    let limits = Limits { connections, requests_per_second, ..Limits::default() };
    let tls = identity(app)?;
    // Named from here, since clients begin elsewhere.
    let certificate = tls.as_ref().and_then(|tls| std::path::absolute(&tls.certificate).ok());
    let options = bottega_server::Options {
        listen: request.listen,
        tls,
        hosts: settings.hosts.clone(),
        token,
        agents: agents.clone(),
        limits,
    };
    // Nobody begins to work where nobody could reach them.
    let server = Server::bind(options).await?;
    let url = server.url();
    deployments.agency().open_directory().await.map_err(agency_error)?;
    deployments.agency().open_management().await.map_err(agency_error)?;
    // Whoever begins may speak to these at once.
    exchange.begin().await.map_err(group_error)?;
    blackboard.begin().await.map_err(group_error)?;
    for not_begun in deployments.restore().await.map_err(agency_error)? {
        tracing::error!(agent = not_begun.name, "could not be begun: {}", not_begun.why);
    }
    market.begin().await.map_err(market_error)?;
    blackboard.tell_latest().await;
    let address = ServerAddress { url: url.clone(), socket: server.socket(), certificate };
    files.announce(&address).map_err(unusable)?;
    ready(Serving { url, token_file: files.token_file().display().to_string() });
    server.run(stop).await;
    files.withdraw();
    drop(watching);
    if let Some(sending) = &parts.sending {
        sending.look(&*agents).await;
    }
    deployments.agency().shutdown(ENDING).await;
    Ok(())
}

/// The lease of whoever serves. One that was just killed holds it until the kernel has taken its memory back, which takes a
/// while where that held a model: it is waited for, unless it answers.
async fn lease(app: &App, store: &SqliteStore) -> Result<Option<Lease>, ApiError> {
    let looking = async {
        loop {
            let lease = store.lease(LEASE);
            let lease = lease.map_err(|error| api_error(PlatformError::Store(error)))?;
            if lease.is_some() {
                return Ok(lease);
            }
            let answers = async { connect(app, &Whereabouts::default()).ok()?.list().await.ok() };
            if bottega_actor::within(LEAVING_LOOK, answers).await.flatten().is_some() {
                return Ok(None);
            }
            bottega_actor::sleep(LEAVING_LOOK).await;
        }
    };
    bottega_actor::within(LEAVING, looking).await.unwrap_or(Ok(None))
}

/// Nobody yet, and what it takes to begin them.
fn deployments(app: &App, parts: &Parts) -> Result<Arc<Deployments>, ApiError> {
    let Parts { store, hiring, outland, .. } = parts;
    let places = app.places()?;
    let options = EngineOptions { cache: Some(places.compiled()), ..EngineOptions::default() };
    let engine = Engine::new(options).map_err(|error| {
        ApiError::new(codes::INTERNAL, format!("agents can't be run here: {error}"))
    })?;
    let agency = Agency::new(Options {
        platform: PLATFORM.to_owned(),
        journal: store.clone(),
        views: store.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        largest: LARGEST,
        receivers: RECEIVERS,
    });
    let shelf = Shelf {
        blobs: store.clone(),
        leases: store.clone(),
        loader: Arc::new(engine),
        definitions: hiring.clone(),
        beyond: outland.clone(),
        homes: places.agents.clone(),
    };
    Ok(Arc::new(Deployments::new(Arc::new(agency), shelf)))
}
