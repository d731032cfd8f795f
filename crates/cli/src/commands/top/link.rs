//! Talking with the daemon: what there is each second, and what the keys ask for.

use super::state::{Farm, Wish};
use crate::{daemon, exit::in_full};
use rayswarm_api::{Client, ClientError, farm::NodeChange};
use std::{path::Path, time::Duration};
use tokio::{
    sync::mpsc::{Receiver, Sender},
    time::{MissedTickBehavior, interval, timeout},
};

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a node may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is told to the screen.
#[derive(Debug)]
pub enum News {
    /// What there is.
    Seen(Box<Farm>),
    /// The node does not answer, and why.
    Away(String),
    /// What became of a wish.
    Said(String),
}

/// Looks each second and after each wish, until nobody wishes anything any more and every wish is done.
pub async fn talk(data_dir: &Path, client: Client, mut wishes: Receiver<Wish>, news: Sender<News>) {
    let mut client = Some(client);
    let mut turn = interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            wish = wishes.recv() => {
                let Some(wish) = wish else { return };
                let said = perform(client.as_ref(), wish).await;
                // Nobody may be left to hear it; the next wish is done all the same.
                let _ = news.send(News::Said(said)).await;
            }
            _ = turn.tick() => {}
        }
        tokio::select! {
            seen = look(data_dir, &mut client) => {
                // Where nobody hears it any more, the end comes with the wishes.
                let _ = news.send(seen).await;
            }
            () = news.closed() => {}
        }
    }
}

/// What there is now. A daemon that was started again has another address.
async fn look(data_dir: &Path, client: &mut Option<Client>) -> News {
    let known = match client {
        Some(known) => known.clone(),
        None => match daemon::client(data_dir) {
            Ok(found) => found,
            Err(error) => return News::Away(error.to_string()),
        },
    };
    match in_time(farm(&known)).await {
        Ok(farm) => {
            *client = Some(known);
            News::Seen(Box::new(farm))
        }
        Err(why) => {
            *client = None;
            News::Away(why)
        }
    }
}

async fn farm(client: &Client) -> Result<Farm, ClientError> {
    let (node, jobs, providers) = tokio::try_join!(client.node(), client.jobs(), client.providers())?;
    Ok(Farm { node, jobs, providers })
}

async fn perform(client: Option<&Client>, wish: Wish) -> String {
    let Some(client) = client else {
        return "not done: the node does not answer".into();
    };
    let done = in_time(async {
        match wish {
            Wish::RestProvider(paused) => {
                let change = NodeChange {
                    provider_paused: Some(paused),
                    ..NodeChange::default()
                };
                client.change_node(&change).await.map(drop)
            }
            Wish::Pause(id) => client.pause_job(id).await.map(drop),
            Wish::Resume(id) => client.resume_job(id).await.map(drop),
            Wish::Cancel(id) => client.cancel_job(id).await.map(drop),
        }
    });
    match done.await {
        Ok(()) => wish.done(),
        Err(why) => format!("not done: {why}"),
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, ClientError>>) -> Result<T, String> {
    match timeout(PATIENCE, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(ClientError::Refused(problem))) => Err(in_full(&problem)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the node has not answered within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::channel;

    #[tokio::test]
    async fn a_node_that_is_away_is_told_of_and_wishes_to_it_are_answered() {
        // Nobody listens on port 1, and no daemon has left its address in this folder.
        let client = Client::new("127.0.0.1:1", "token");
        let nowhere = Path::new("/nonexistent/rayswarm");
        let (wish, wishes) = channel(1);
        let (tell, mut news) = channel(4);
        assert!(wish.try_send(Wish::RestProvider(true)).is_ok());
        let listening = async {
            assert!(matches!(news.recv().await, Some(News::Said(said)) if said.starts_with("not done: no daemon")));
            assert!(matches!(news.recv().await, Some(News::Away(why)) if why.contains("no daemon answers")));
            assert!(matches!(news.recv().await, Some(News::Away(why)) if why.contains("no daemon runs in")));
            drop((wish, news));
        };
        tokio::join!(talk(nowhere, client, wishes, tell), listening);
    }
}
