//! Before its runtime begins, forbids itself the system calls whose numbers are its arguments.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_sandbox() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_sandbox");
}

fn forbid(number: u32) {
    let statement = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        statement((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0),
        statement((libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, 0, 1, number),
        statement(libc::BPF_RET as u16, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        statement(libc::BPF_RET as u16, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program as *const _), 0);
    }
}

fn main() {
    for number in std::env::args().skip(1) {
        forbid(number.parse().expect("a number"));
    }
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async { blocks_in_sandbox() }).await.unwrap() });
    println!("sandboxed done");
}
