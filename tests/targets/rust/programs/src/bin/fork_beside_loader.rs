//! Forks again and again while another thread opens and closes an object; each child has a runtime.
//! usage: fork_beside_loader OBJECT

use std::os::unix::ffi::OsStrExt;

use situations::{current_thread, multi_thread};

fn open_and_close(path: std::ffi::CString) {
    loop {
        unsafe {
            let object = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            std::thread::spawn(|| {}).join().unwrap();
            libc::dlclose(object);
        }
    }
}

fn main() {
    let path = std::env::args_os().nth(1).expect("path of an object");
    let path = std::ffi::CString::new(path.as_bytes()).unwrap();
    let runtime = multi_thread(1);
    runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
    std::thread::spawn(move || open_and_close(path));
    for _ in 0..300 {
        let child = unsafe { libc::fork() };
        if child == 0 {
            let own = current_thread();
            own.block_on(async { tokio::spawn(async {}).await.unwrap() });
            unsafe { libc::_exit(0) };
        }
        let mut status = 1;
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
    }
    println!("fork_beside_loader done");
    std::process::exit(0);
}
