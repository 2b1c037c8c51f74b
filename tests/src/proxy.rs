//! A TCP proxy on loopback to a server, which a test stops up: the server falls silent. It takes connections all the same, as a
//! server does that hangs; what was on its way arrives once it is open again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use local::postgres::Login;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

/// What Postgres says once it has let somebody in: ReadyForQuery, idle.
const LET_IN: &[u8] = b"Z\0\0\0\x05I";

/// How far it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Everything passes.
    Open,
    /// Nothing does.
    Silent,
    /// Whoever comes new is let in, and hears nothing more; nobody else hears anything.
    LetsIn,
}

/// A proxy to one server.
pub struct Proxy {
    /// Its port on 127.0.0.1.
    pub port: u16,
    flow: watch::Sender<Flow>,
    listener: AbortHandle,
}

impl Proxy {
    /// An open one to the server of a login.
    pub async fn to(login: &Login) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (flow, watched) = watch::channel(Flow::Open);
        let server = (login.host.clone(), login.port);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), watched.clone()));
            }
        });
        Self { port, flow, listener: accepting.abort_handle() }
    }

    /// Opens it, or stops it up.
    pub fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Both directions of one connection, until either end goes.
async fn carry(client: TcpStream, server: (String, u16), flow: watch::Receiver<Flow>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_in = Arc::new(AtomicBool::new(false));
    let asked = copy(from_client, to_server, (flow.clone(), is_in.clone()));
    let answered = copy(from_server, to_client, (flow, is_in));
    tokio::join!(asked, answered);
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    (mut flow, is_in): (watch::Receiver<Flow>, Arc<AtomicBool>),
) {
    let mut buffer = [0; 8192];
    while let Ok(read) = from.read(&mut buffer).await {
        let passes = |flow: &Flow| match flow {
            Flow::Open => true,
            Flow::Silent => false,
            Flow::LetsIn => !is_in.load(Ordering::Relaxed),
        };
        if flow.wait_for(passes).await.is_err() || read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
        is_in.fetch_or(buffer[..read].ends_with(LET_IN), Ordering::Relaxed);
    }
    // Whichever way it broke, the other end hears of it.
    let _gone = to.shutdown().await;
}
