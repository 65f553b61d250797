//! `serve`: listens, answers, and on SIGTERM or Ctrl-C finishes what is under way.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::BuiltApp;

/// How long requests under way may take once the server was told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// How the server is to start.
pub(super) struct Options {
    pub migrate: bool,
    /// Whether enqueued work is done here too.
    pub jobs: bool,
}

pub(super) async fn run(built: BuiltApp, options: &Options) -> anyhow::Result<()> {
    let core = built.core;
    let config = core.config();
    super::ready_database(&core, options.migrate).await?;
    if let Some(why) = core.mailer().obstacle() {
        tracing::warn!("mails wait and cannot be sent: {why}");
    }
    core.start().await?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; set PORT or HOST to something that is free")
    })?;
    let listener = listener.tap_io(|stream| {
        // Without it small answers may wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    tracing::info!(%address, url = config.url, "listening");
    let (stop, stopped) = watch::channel(());
    let mut late = stopped.clone();
    let told = core.clone();
    tokio::spawn(async move {
        stop_signal().await;
        told.shutdown().begin();
        drop(stop);
    });
    let worker = options
        .jobs
        .then(|| tokio::spawn(crate::jobs::work(core.clone(), stopped.clone())));
    let mut told = stopped;
    let service = built
        .router
        .into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = told.changed().await;
        tracing::info!("stopping: no new requests are taken");
    });
    let too_late = async move {
        let _ = late.changed().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.context("the server failed")?,
        () = too_late => tracing::warn!("some requests did not finish in time"),
    }
    if let Some(worker) = worker {
        let _ = worker.await;
    }
    if timeout(GRACE, core.shutdown().settled()).await.is_err() {
        tracing::warn!("some work could not be settled; the next start does it");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Returns when the process is told to stop.
#[cfg(unix)]
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be watched; stop the server with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Returns when the process is told to stop.
#[cfg(not(unix))]
pub async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
