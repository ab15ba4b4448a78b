//! A shared library with Tokio inside, for a host that has none.

use std::time::Duration;

#[inline(never)]
fn blocks_in_plugin() {
    std::thread::sleep(Duration::from_millis(30));
    std::hint::black_box("blocks_in_plugin");
}

#[no_mangle]
pub extern "C" fn plugin_run() -> i32 {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(async {
            tokio::task::yield_now().await;
            blocks_in_plugin();
            7
        });
        task.await.unwrap()
    })
}
