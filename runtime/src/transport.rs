//! One HTTP request to another server, whose answer comes in pieces; over TLS in builds that have it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// The most that is read of an answer that is told whole: an error, or an answer without a stream.
const WHOLE: usize = 8 * 1024 * 1024;

/// An answer whose body is still to come. Dropping it closes the connection.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    connection: AbortHandle,
    silence: Duration,
}

/// Sends `request`, whose address is absolute. No more than `silence` may pass without a word, now or later.
///
/// # Errors
/// When there is no connection or no answer.
pub async fn send(mut request: Request<Full<Bytes>>, silence: Duration) -> anyhow::Result<Reply> {
    let address = request.uri().clone();
    let host = address.host().context("the address has no host")?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let is_secure = address.scheme_str() == Some("https");
    let port = address
        .port_u16()
        .unwrap_or(if is_secure { 443 } else { 80 });
    let path = address.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    let connecting = async {
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        anyhow::Ok(stream)
    };
    let late = || format!("no connection to {host}:{port} in time");
    let stream = tokio::time::timeout(CONNECTING, connecting)
        .await
        .with_context(late)?
        .with_context(|| format!("cannot connect to {host}:{port}"))?;
    if !is_secure {
        return exchange(stream, request, silence).await;
    }
    let secured = tokio::time::timeout(CONNECTING, tls::secure(&host, stream))
        .await
        .with_context(late)?
        .with_context(|| format!("no secure connection to {host}:{port}"))?;
    exchange(secured, request, silence).await
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    silence: Duration,
) -> anyhow::Result<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = Closing(tokio::spawn(connection).abort_handle());
    let response = tokio::time::timeout(silence, sender.send_request(request))
        .await
        .context("the endpoint says nothing")??;
    let (parts, body) = response.into_parts();
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body,
        connection: connection.keep(),
        silence,
    })
}

/// Closes a connection that nobody took over.
struct Closing(AbortHandle);

impl Closing {
    fn keep(self) -> AbortHandle {
        let handle = self.0.clone();
        std::mem::forget(self);
        handle
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Reply {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// When the connection breaks off, or nothing comes for too long.
    pub async fn piece(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            let frame = tokio::time::timeout(self.silence, self.body.frame())
                .await
                .context("the endpoint has fallen silent")?;
            match frame {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.context("the answer broke off")?;
                    // Trailers say nothing to us.
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// All of the body.
    ///
    /// # Errors
    /// When it breaks off, or is longer than any answer.
    pub async fn whole(mut self) -> anyhow::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            if all.len() + piece.len() > WHOLE {
                bail!("the answer is longer than {WHOLE} bytes");
            }
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

#[cfg(feature = "https-client")]
mod tls {
    //! TLS with this machine's certificates of authorities.

    use std::sync::{Arc, OnceLock};

    use anyhow::{Context as _, ensure};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    pub async fn secure(host: &str, stream: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).context("the host has no name for TLS")?;
        Ok(connector()?.connect(name, stream).await?)
    }

    fn connector() -> anyhow::Result<TlsConnector> {
        static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
        if let Some(connector) = CONNECTOR.get() {
            return Ok(connector.clone());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        ensure!(
            !roots.is_empty(),
            "this machine has no certificates of authorities; on Debian: apt install ca-certificates"
        );
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let made = TlsConnector::from(Arc::new(config));
        Ok(CONNECTOR.get_or_init(|| made).clone())
    }
}

#[cfg(not(feature = "https-client"))]
mod tls {
    use tokio::net::TcpStream;

    pub async fn secure(_: &str, _: TcpStream) -> anyhow::Result<TcpStream> {
        anyhow::bail!("this build has no TLS; build with `--features production`")
    }
}
