//! The gateway's port.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::StackError;

/// The port people expect.
const USUAL: u16 = 8080;

/// Listens on the port asked for, or on the usual one, or on any.
pub(super) async fn gateway(port: Option<u16>) -> Result<TcpListener, StackError> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => listen(port).await.map_err(|_| StackError::Port { port }),
        None => match listen(USUAL).await {
            Ok(listener) => Ok(listener),
            Err(_taken) => listen(0).await.map_err(StackError::Address),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_refused_when_asked_for() {
        let first = gateway(Some(0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let refused = gateway(Some(port)).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("port {port} is taken")), "{refused}");
    }

    #[tokio::test]
    async fn a_taken_usual_port_is_replaced() {
        let (first, second) = (gateway(None).await.unwrap(), gateway(None).await.unwrap());
        assert_ne!(first.local_addr().unwrap(), second.local_addr().unwrap());
    }
}
