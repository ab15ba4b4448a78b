//! A plain program with threads and without any async runtime.

fn main() {
    let thread = std::thread::spawn(|| std::thread::sleep(situations::BLOCK));
    std::thread::sleep(situations::BLOCK);
    thread.join().unwrap();
    println!("no_runtime done");
}
