//! Channels, timers and maps under load, which lock inside and let go before they return.

use std::sync::Arc;
use std::time::Duration;

use situations::multi_thread;
use tokio::sync::{broadcast, mpsc, watch, Notify};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

const TASKS: u32 = 4;
const ROUNDS: u32 = 1000;

async fn channels() -> u32 {
    let (messages, mut inbox) = mpsc::channel(8);
    let (news, _) = broadcast::channel(ROUNDS as usize);
    let (state, watched) = watch::channel(0);
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let messages = messages.clone();
        let (mut listener, mut watched) = (news.subscribe(), watched.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..ROUNDS {
                messages.send(listener.recv().await.unwrap()).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn(async move { while watched.changed().await.is_ok() {} }));
    }
    drop((messages, watched));
    tasks.push(tokio::spawn(async move {
        for round in 0..ROUNDS {
            news.send(round).unwrap();
            // The borrowed value is a read guard of the channel's own lock.
            state.send_modify(|value| *value += 1);
            assert_eq!(*state.borrow(), round + 1);
            yield_now().await;
        }
    }));
    let mut received = 0;
    while inbox.recv().await.is_some() {
        received += 1;
    }
    for task in tasks {
        task.await.unwrap();
    }
    received
}

async fn timers() -> u32 {
    let notify = Arc::new(Notify::new());
    let tasks: Vec<_> = (0..TASKS * 8)
        .map(|_| {
            let notify = notify.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    sleep(Duration::from_millis(1)).await;
                    assert!(timeout(Duration::from_secs(60), yield_now()).await.is_ok());
                    assert!(timeout(Duration::from_millis(1), notify.notified()).await.is_err());
                }
                1
            })
        })
        .collect();
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    ended
}

/// Both versions of DashMap, and a map under a parking_lot Mutex.
async fn maps() -> u32 {
    let old = Arc::new(dashmap5::DashMap::new());
    let new = Arc::new(dashmap6::DashMap::new());
    let plain = Arc::new(parking_lot::Mutex::new(std::collections::HashMap::new()));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let (old, new, plain) = (old.clone(), new.clone(), plain.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                let key = round % 64;
                *old.entry(key).or_insert(0) += 1;
                *new.entry(key).or_insert(0) += 1;
                *plain.lock().entry(key).or_insert(0) += 1;
                yield_now().await;
                assert!(old.get(&key).map(|value| *value) > Some(0));
                if let Some(mut value) = new.get_mut(&key) {
                    *value += 1;
                }
                old.insert(1000 + task, round);
                yield_now().await;
                old.remove(&(1000 + task));
                if round % 100 == 0 {
                    assert!(new.iter().map(|entry| *entry.value()).sum::<u32>() > 0);
                    old.retain(|_, value| *value > 0);
                    yield_now().await;
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let total = plain.lock().values().sum();
    assert_eq!(old.iter().map(|entry| *entry.value()).sum::<u32>(), total);
    total
}

fn main() {
    let (received, ended, total) = multi_thread(2).block_on(async {
        let (channels, timers) = (tokio::spawn(channels()), tokio::spawn(timers()));
        let total = tokio::spawn(maps()).await.unwrap();
        (channels.await.unwrap(), timers.await.unwrap(), total)
    });
    println!("clean_inner_locks {received} {ended} {total}");
}
