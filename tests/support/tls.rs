//! TLS for clients and servers of the loopback interface, which trust one authority and nobody else.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, ServerConfig, ServerConnection,
    StreamOwned,
};

use super::cluster::authority::Authority;

/// For a client that still has to say who it is.
pub(crate) fn trusting(authority: &Authority) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

/// A client's side of a connection.
pub(crate) fn to_server(
    tls: &Arc<ClientConfig>,
    address: SocketAddr,
    stream: TcpStream,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let connection = ClientConnection::new(Arc::clone(tls), address.ip().into());
    Ok(StreamOwned::new(connection.map_err(io::Error::other)?, stream))
}

/// Who stands between a client and a server: a server to the one, a client to the other. Whoever
/// comes with a certificate does not get past it; a token does.
#[derive(Clone, Debug)]
pub(crate) struct Between {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Between {
    /// With a certificate of `shown`, before a server that has one of `behind`.
    pub(crate) fn new(shown: &Authority, behind: &Authority) -> Self {
        let leaf = shown.server();
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(leaf.chain(), leaf.private())
            .unwrap();
        let client = trusting(behind).with_no_client_auth();
        Self { server: Arc::new(server), client: Arc::new(client) }
    }

    pub(crate) fn to_client(
        &self,
        stream: TcpStream,
    ) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(Arc::clone(&self.server));
        Ok(StreamOwned::new(connection.map_err(io::Error::other)?, stream))
    }

    pub(crate) fn to_server(
        &self,
        address: SocketAddr,
        stream: TcpStream,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        to_server(&self.client, address, stream)
    }
}
