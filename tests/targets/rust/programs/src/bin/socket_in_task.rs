//! A task reads from a blocking socket whose peer answers late.

use std::io::{Read, Write};
use std::net::TcpStream;

use situations::{multi_thread, server_answering_late, stay_on_stack};

#[inline(never)]
fn blocks_in_socket_read(stream: &mut TcpStream) -> [u8; 4] {
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    stay_on_stack("blocks_in_socket_read");
    answer
}

fn main() {
    let (address, server) = server_answering_late(1);
    multi_thread(2).block_on(async move {
        let task = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"ping").unwrap();
            blocks_in_socket_read(&mut stream)
        });
        assert_eq!(&task.await.unwrap(), b"pong");
    });
    server.join().unwrap();
    println!("socket_in_task done");
}
