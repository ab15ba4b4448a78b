//! Tasks wait on a channel of the standard library: with a time limit, and for a message.

use std::sync::mpsc::{channel, Receiver};

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn waits_with_limit(messages: &Receiver<u32>) -> bool {
    let nothing = messages.recv_timeout(BLOCK).is_err();
    stay_on_stack("waits_with_limit");
    nothing
}

#[inline(never)]
fn waits_for_message(messages: &Receiver<u32>) -> u32 {
    let message = messages.recv().unwrap();
    stay_on_stack("waits_for_message");
    message
}

fn main() {
    let message = multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            let (sender, messages) = channel();
            assert!(waits_with_limit(&messages));
            tokio::task::yield_now().await;
            std::thread::spawn(move || {
                std::thread::sleep(BLOCK);
                sender.send(5).unwrap();
            });
            waits_for_message(&messages)
        });
        task.await.unwrap()
    });
    println!("mpsc_in_task {message}");
}
