//! Nine ways to take several locks that look like a wrong order to a simple tool and are safe.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use situations::multi_thread;
use tokio::sync::Notify;
use tokio::task::yield_now;

const TASKS: usize = 6;
const ROUNDS: usize = 3000;

/// Runs one future per task number to its end.
async fn in_tasks<F, T>(body: T)
where
    F: Future<Output = ()> + Send + 'static,
    T: Fn(usize) -> F,
{
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(body(task))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

type Pair = Arc<(Mutex<u32>, Mutex<u32>)>;

fn pair() -> Pair {
    Pair::default()
}

/// Everyone locks the outer before the inner.
async fn hierarchical_order() {
    let locks = pair();
    in_tasks(|_| {
        let locks = locks.clone();
        async move {
            for _ in 0..ROUNDS {
                {
                    let mut outer = locks.0.lock().unwrap();
                    let mut inner = locks.1.lock().unwrap();
                    *outer += 1;
                    *inner += 1;
                }
                yield_now().await;
            }
        }
    })
    .await;
}

/// Either order, under a third lock that lets one in at a time.
async fn gate_lock() {
    let (gate, locks) = (Arc::new(parking_lot::Mutex::new(())), pair());
    in_tasks(|task| {
        let (gate, locks) = (gate.clone(), locks.clone());
        async move {
            for round in 0..ROUNDS {
                {
                    let _gate = gate.lock();
                    let (first, second) = match (task + round) % 2 {
                        0 => (&locks.0, &locks.1),
                        _ => (&locks.1, &locks.0),
                    };
                    let mut first = first.lock().unwrap();
                    *first += *second.lock().unwrap() % 2;
                }
                yield_now().await;
            }
        }
    })
    .await;
}

/// Either order, but the second is only tried for, and the first given back.
async fn try_and_back_off() {
    let locks = pair();
    in_tasks(|task| {
        let locks = locks.clone();
        async move {
            let (first, second) =
                if task % 2 == 0 { (&locks.0, &locks.1) } else { (&locks.1, &locks.0) };
            let mut done = 0;
            while done < ROUNDS {
                {
                    let mut first = first.lock().unwrap();
                    if let Ok(mut second) = second.try_lock() {
                        *first += 1;
                        *second += 1;
                        done += 1;
                    };
                }
                yield_now().await;
            }
        }
    })
    .await;
    assert_eq!(*locks.0.lock().unwrap() as usize, TASKS * ROUNDS);
}

/// Along a chain, each lock is taken before the one behind it is given back.
async fn hand_over_hand() {
    let chain: Arc<Vec<Mutex<u32>>> = Arc::new((0..5).map(|_| Mutex::new(0)).collect());
    in_tasks(|_| {
        let chain = chain.clone();
        async move {
            for _ in 0..ROUNDS {
                {
                    let mut here = chain[0].lock().unwrap();
                    for place in &chain[1..] {
                        *here += 1;
                        let next = place.lock().unwrap();
                        here = next;
                    }
                }
                yield_now().await;
            }
        }
    })
    .await;
}

/// A reader reads again: without a writer, or by the call that is made for it.
async fn reader_recursion() {
    let locks = Arc::new((RwLock::new(7), parking_lot::RwLock::new(0)));
    in_tasks(|task| {
        let locks = locks.clone();
        async move {
            for _ in 0..ROUNDS {
                {
                    let once = locks.0.read().unwrap();
                    let twice = locks.0.read().unwrap();
                    assert_eq!(*once, *twice);
                }
                if task == 0 {
                    *locks.1.write() += 1;
                } else {
                    let once = locks.1.read_recursive();
                    let twice = locks.1.read_recursive();
                    assert_eq!(*once, *twice);
                }
                yield_now().await;
            }
        }
    })
    .await;
}

/// Opposite orders of locks that belong to one task alone.
async fn lock_per_task() {
    in_tasks(|_| async move {
        let locks = pair();
        for _ in 0..ROUNDS {
            {
                let mut first = locks.0.lock().unwrap();
                *first += *locks.1.lock().unwrap() + 1;
            }
            yield_now().await;
            {
                let mut second = locks.1.lock().unwrap();
                *second += *locks.0.lock().unwrap() % 2;
            }
            yield_now().await;
        }
    })
    .await;
}

/// Opposite orders, one lock at a time.
async fn scoped_reacquire() {
    let locks = pair();
    in_tasks(|task| {
        let locks = locks.clone();
        async move {
            let (first, second) =
                if task % 2 == 0 { (&locks.0, &locks.1) } else { (&locks.1, &locks.0) };
            for _ in 0..ROUNDS {
                *first.lock().unwrap() += 1;
                *second.lock().unwrap() += 1;
                *first.lock().unwrap() += 1;
                yield_now().await;
            }
        }
    })
    .await;
}

/// Looks, locks and looks again before it initialises.
async fn double_checked_init() {
    static VALUE: OnceLock<u32> = OnceLock::new();
    static INITIALISED: AtomicU32 = AtomicU32::new(0);
    let cell: Arc<parking_lot::RwLock<Option<usize>>> = Arc::default();
    in_tasks(|_| {
        let cell = cell.clone();
        async move {
            for round in 0..ROUNDS {
                if *cell.read() != Some(round) {
                    let mut value = cell.write();
                    if *value != Some(round) {
                        *value = Some(round);
                    }
                }
                let initialise = || INITIALISED.fetch_add(1, Ordering::Relaxed);
                assert_eq!(*VALUE.get_or_init(initialise), 0);
                yield_now().await;
            }
        }
    })
    .await;
}

/// Both sides lock the queue, and await elsewhere.
async fn producer_consumer() {
    let shared = Arc::new((Mutex::new(VecDeque::new()), Notify::new()));
    in_tasks(|task| {
        let shared = shared.clone();
        async move {
            let (queue, filled) = &*shared;
            for round in 0..ROUNDS {
                if task % 2 == 0 {
                    queue.lock().unwrap().push_back(round);
                    filled.notify_one();
                    yield_now().await;
                } else {
                    loop {
                        let item = queue.lock().unwrap().pop_front();
                        match item {
                            Some(_) => break,
                            None => filled.notified().await,
                        }
                    }
                    // One notification may stand for several items.
                    filled.notify_one();
                }
            }
        }
    })
    .await;
}

fn main() {
    multi_thread(2).block_on(async {
        hierarchical_order().await;
        gate_lock().await;
        try_and_back_off().await;
        hand_over_hand().await;
        reader_recursion().await;
        lock_per_task().await;
        scoped_reacquire().await;
        double_checked_init().await;
        producer_consumer().await;
    });
    println!("clean_lock_patterns {}", TASKS * ROUNDS);
}
