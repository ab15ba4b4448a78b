//! Has a runtime and opens the library named by its argument, which has Tokio of its own inside.

use std::os::unix::ffi::OsStrExt;

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_host() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_host");
}

fn call_plugin(path: std::ffi::CString) -> i32 {
    unsafe {
        let plugin = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        let run = libc::dlsym(plugin, c"plugin_run".as_ptr());
        assert!(!run.is_null(), "the plugin has plugin_run");
        std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> i32>(run)()
    }
}

fn main() {
    let path = std::env::args_os().nth(1).expect("path of a plugin");
    let path = std::ffi::CString::new(path.as_bytes()).unwrap();
    let runtime = multi_thread(2);
    let answer = runtime.block_on(async move {
        tokio::spawn(async {}).await.unwrap();
        let answer = tokio::task::spawn_blocking(|| call_plugin(path)).await.unwrap();
        tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK)).await.unwrap();
        tokio::spawn(async { blocks_in_host() }).await.unwrap();
        answer
    });
    println!("runtime_and_plugin {answer}");
}
