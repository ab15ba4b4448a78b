//! Has no async runtime of its own: opens the library named by its argument and calls it.

fn main() {
    let path = std::env::args_os().nth(1).expect("path of a plugin");
    let answer = unsafe {
        let plugin = libloading::Library::new(path).expect("the plugin opens");
        let run: libloading::Symbol<extern "C" fn() -> i32> =
            plugin.get(b"plugin_run").expect("the plugin has plugin_run");
        let answer = run();
        std::mem::forget(plugin);
        answer
    };
    println!("plugin_host {answer}");
}
