//! Tasks taken back, and workers without any.

#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::{Rect, Slice, TaskId, TaskSpec, Work};
use rayswarm_network::work::Purpose;
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

fn grant(attempt: u64) -> TaskGrant {
    TaskGrant {
        attempt: AttemptId(attempt),
        task: TaskSpec {
            id: TaskId(attempt),
            frame: 1,
            tile: Rect {
                x: 0,
                y: 0,
                width: 1,
                height: 1,
            },
            slice: Slice::whole(1),
            work: Work { milli_wu: 1 },
        },
        padding: 0,
        purpose: Purpose::Render,
    }
}

/// A queue at its first task, which first said that it moves `seconds` ago and is a tenth done since then.
async fn at_work(seconds: u64) -> Queue {
    let queue = Queue::default();
    queue.grant([grant(1), grant(2)]);
    queue.next().await.unwrap();
    let since = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
    let mut state = queue.lock();
    let running = state.rendering.as_mut().unwrap();
    running.moving = Some((since, 10));
    running.done_permille = 110;
    drop(state);
    queue
}

async fn is_ended(queue: &Queue) -> bool {
    let ended = pin!(queue.rest_not_worth_it());
    ended.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

#[tokio::test]
async fn a_task_that_was_taken_back_is_ended_if_much_of_it_is_left() {
    let long = at_work(60).await;
    assert!(!is_ended(&long).await, "nobody took it back");
    long.revoke(AttemptId(2));
    assert!(!is_ended(&long).await, "another was taken back");
    assert_eq!(long.holdings().running, [AttemptId(1)]);
    long.revoke(AttemptId(1));
    assert!(is_ended(&long).await);

    let short = at_work(6).await;
    short.revoke(AttemptId(1));
    assert!(!is_ended(&short).await, "its rest takes less than a minute");

    let building = at_work(600).await;
    building.lock().rendering.as_mut().unwrap().moving = None;
    building.revoke(AttemptId(1));
    assert!(!is_ended(&building).await, "nothing tells how long it takes");
}

#[test]
fn the_rest_is_told_from_the_pace_since_the_first_sign() {
    let begun = Instant::now();
    let at = |seconds: u64| begun + Duration::from_secs(seconds);
    let mut running = Running {
        attempt: AttemptId(1),
        done_permille: 0,
        moving: None,
        taken_back: true,
    };
    running.progress(0, at(300));
    assert_eq!(running.rest(at(300)), None, "the scene is being built");
    running.progress(100, at(300));
    assert_eq!(running.rest(at(361)), Some(Duration::from_secs(61)));
    running.progress(200, at(400));
    assert_eq!(running.rest(at(400)), Some(Duration::from_secs(800)));
    running.progress(1000, at(401));
    assert_eq!(running.rest(at(401)), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_queue_is_idle_once_nothing_is_held() {
    let queue = Queue::default();
    queue.grant([grant(1)]);
    let is_idle = |queue: &Queue| queue.lock().is_empty();
    assert!(!is_idle(&queue), "one waits");
    let held = queue.next().await.unwrap();
    assert!(!is_idle(&queue), "one is rendered");
    queue.rendered(&held);
    assert!(!is_idle(&queue), "one is on its way");
    queue.delivered(held.attempt);
    assert!(is_idle(&queue));
    queue.idle_for(Duration::ZERO).await;
}

#[tokio::test]
async fn an_abandoned_queue_gives_and_asks_for_nothing_more() {
    let queue = Queue::default();
    queue.grant([grant(1), grant(2)]);
    queue.abandon();
    queue.grant([grant(3)]);
    assert_eq!(queue.next().await.map(|grant| grant.attempt), None);
    queue.hungry().await;
    assert!(queue.is_closed());
}
