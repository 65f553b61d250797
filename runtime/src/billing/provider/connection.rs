//! One HTTP request to the provider, with a limit on its time; over TLS in builds with the feature `stripe`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

const CONNECTING: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(20);
/// More than any answer has.
const MOST: usize = 8 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Sends `request`, whose address is absolute.
///
/// # Errors
/// When nothing whole comes back in time. Whether it was carried out is not known then.
pub async fn send(request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    tokio::time::timeout(WHOLE, exchange(request))
        .await
        .context("no answer in time")?
}

async fn exchange(mut request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let address = request.uri().clone();
    let host = address
        .host()
        .context("the address has no host")?
        .to_owned();
    let is_secure = address.scheme_str() == Some("https");
    let port = address
        .port_u16()
        .unwrap_or(if is_secure { 443 } else { 80 });
    let connecting = TcpStream::connect((host.as_str(), port));
    let stream = tokio::time::timeout(CONNECTING, connecting)
        .await
        .context("no connection in time")??;
    stream.set_nodelay(true)?;
    let path = address.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    if is_secure {
        over(tls::wrap(&host, stream).await?, request).await
    } else {
        over(stream, request).await
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = match Limited::new(body, MOST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(fault) => bail!("the answer broke off: {fault}"),
    };
    driver.abort();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}

#[cfg(feature = "stripe")]
mod tls {
    use std::sync::{Arc, OnceLock};

    use anyhow::Context as _;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

    pub async fn wrap(host: &str, stream: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
        let connector = match CONNECTOR.get() {
            Some(connector) => connector.clone(),
            None => {
                let made = connector()?;
                CONNECTOR.get_or_init(|| made).clone()
            }
        };
        let name = ServerName::try_from(host.to_owned()).context("the host has no name for TLS")?;
        Ok(connector.connect(name, stream).await?)
    }

    fn connector() -> anyhow::Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        anyhow::ensure!(
            !roots.is_empty(),
            "this machine has no certificates of authorities"
        );
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

#[cfg(not(feature = "stripe"))]
mod tls {
    use tokio::net::TcpStream;

    pub async fn wrap(_: &str, _: TcpStream) -> anyhow::Result<TcpStream> {
        anyhow::bail!("this build has no TLS; build with `--features stripe`")
    }
}
