//! Changes identity (to its own) after the runtime has begun: the C library makes every thread of
//! the process take part and waits for all of them.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_after_setuid() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_after_setuid");
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
    assert_eq!(unsafe { libc::setuid(libc::getuid()) }, 0);
    assert_eq!(unsafe { libc::setgid(libc::getgid()) }, 0);
    runtime.block_on(async { tokio::spawn(async { blocks_after_setuid() }).await.unwrap() });
    println!("setuid_later done");
}
