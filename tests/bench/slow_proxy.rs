//! A connection on which every answer takes a while, so that elapsed time counts round trips.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Listens on a free port and passes everything on to `upstream`; each piece of an answer waits for `delay`.
pub(crate) async fn start(upstream: SocketAddr, delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, upstream, delay));
        }
    });
    Ok(address)
}

async fn pass_on(client: TcpStream, upstream: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut piece = vec![0; 1 << 20];
    loop {
        let length = from_server.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        tokio::time::sleep(delay).await;
        to_client.write_all(&piece[..length]).await?;
    }
    requests.abort();
    Ok(())
}
