//! Tasks hold an entry of a DashMap across an await: got to read, to write, by entry, by iteration.

use std::sync::Arc;

use dashmap5::DashMap;
use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

type Map = Arc<DashMap<u32, u32>>;

async fn gets_across_await(map: Map) {
    let value = map.get(&1).unwrap();
    tokio::time::sleep(BLOCK).await;
    assert_eq!(*value, 0);
}

async fn gets_mut_across_await(map: Map) {
    let mut value = map.get_mut(&1).unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn has_entry_across_await(map: Map) {
    let entry = map.entry(2);
    tokio::time::sleep(BLOCK).await;
    *entry.or_insert(0) += 1;
}

async fn iterates_across_await(map: Map) {
    for entry in map.iter().take(1) {
        tokio::time::sleep(BLOCK).await;
        assert_eq!(*entry.value(), 1);
    }
}

async fn copies_before_await(map: Map) {
    let value = *map.get(&1).unwrap();
    map.insert(1, value);
    tokio::time::sleep(BLOCK).await;
    map.alter(&1, |_, value| value);
}

fn main() {
    let map = Map::new(DashMap::from_iter([(1, 0)]));
    run_local(async {
        spawn_local(copies_before_await(map.clone())).await.unwrap();
        spawn_local(gets_across_await(map.clone())).await.unwrap();
        spawn_local(gets_mut_across_await(map.clone())).await.unwrap();
        spawn_local(has_entry_across_await(map.clone())).await.unwrap();
        spawn_local(iterates_across_await(map.clone())).await.unwrap();
    });
    println!("guard_dashmap5 {}", map.len());
}
