//! A task blocks for ever; the process is there until someone ends it.

use situations::{multi_thread, stay_on_stack};

#[inline(never)]
fn never_comes_back() {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        stay_on_stack("never_comes_back");
    }
}

fn main() {
    multi_thread(2).block_on(async {
        println!("hang started");
        tokio::spawn(async { never_comes_back() }).await.unwrap();
    });
}
