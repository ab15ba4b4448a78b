//! A task looks up the host name given as its argument with the system's resolver.

use std::net::{IpAddr, ToSocketAddrs};

use situations::{multi_thread, stay_on_stack};

#[inline(never)]
fn blocks_in_lookup(host: &str) -> Vec<IpAddr> {
    let found = (host, 80).to_socket_addrs().unwrap().map(|address| address.ip()).collect();
    stay_on_stack("blocks_in_lookup");
    found
}

fn main() {
    let host = std::env::args().nth(1).expect("host name");
    let found = multi_thread(2)
        .block_on(async { tokio::spawn(async move { blocks_in_lookup(&host) }).await.unwrap() });
    println!("dns_in_task {}", found[0]);
}
