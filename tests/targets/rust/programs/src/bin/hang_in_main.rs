//! The body of block_on blocks for ever, before any task was polled.

use situations::{multi_thread, stay_on_stack};

#[inline(never)]
fn main_never_comes_back() {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        stay_on_stack("main_never_comes_back");
    }
}

fn main() {
    multi_thread(2).block_on(async {
        println!("hang started");
        main_never_comes_back();
    });
}
