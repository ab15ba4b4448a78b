//! Plain threads wait on Condvars for what tasks put in, with the locks that the tasks take as well.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use situations::multi_thread;
use tokio::task::yield_now;

const TASKS: u32 = 4;
const ROUNDS: u32 = 3000;
const THREADS: usize = 2;

#[derive(Default)]
struct Queues {
    queue: Mutex<VecDeque<Option<u32>>>,
    filled: Condvar,
    small_queue: parking_lot::Mutex<VecDeque<Option<u32>>>,
    small_filled: parking_lot::Condvar,
}

impl Queues {
    fn put(&self, item: Option<u32>) {
        self.queue.lock().unwrap().push_back(item);
        self.filled.notify_one();
        self.small_queue.lock().push_back(item);
        self.small_filled.notify_one();
    }

    fn takes_from_queue(&self) -> u32 {
        let mut taken = 0;
        let mut queue = self.queue.lock().unwrap();
        loop {
            match queue.pop_front() {
                Some(Some(_)) => taken += 1,
                Some(None) => return taken,
                None => queue = self.filled.wait(queue).unwrap(),
            }
        }
    }

    fn takes_from_small_queue(&self) -> u32 {
        let mut taken = 0;
        let mut queue = self.small_queue.lock();
        loop {
            match queue.pop_front() {
                Some(Some(_)) => taken += 1,
                Some(None) => return taken,
                None => drop(self.small_filled.wait_for(&mut queue, Duration::from_millis(5))),
            }
        }
    }
}

fn main() {
    let queues = Arc::new(Queues::default());
    let mut threads = Vec::new();
    for _ in 0..THREADS {
        let shared = queues.clone();
        threads.push(std::thread::spawn(move || shared.takes_from_queue()));
        let shared = queues.clone();
        threads.push(std::thread::spawn(move || shared.takes_from_small_queue()));
    }
    multi_thread(2).block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let shared = queues.clone();
            tasks.push(tokio::spawn(async move {
                for round in 0..ROUNDS {
                    shared.put(Some(round));
                    yield_now().await;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    for _ in 0..THREADS {
        queues.put(None);
    }
    let taken: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("clean_condvar_thread {taken}");
}
