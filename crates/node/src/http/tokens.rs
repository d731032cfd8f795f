//! The tokens of a node: the root token of its data folder, which opens everything, and those made with it, which open
//! what they are for. Only hashes are kept.

use super::{Answer, Body, Path, Refusal, auth::Caller, blocking};
use crate::{
    clock, identity,
    node::Node,
    private_list::{PrivateList, PrivateListError},
    requestor::refusal::{bad_input, chain, failed},
};
use axum::{Json, extract::State, http::StatusCode};
use rayswarm_api::{
    Problem, Time,
    access::{MadeToken, NewToken, Scope, TokenView},
    page::List,
};
use rayswarm_model::UnixMillis;
use serde::{Deserialize, Serialize};
use std::{
    path::Path as FilePath,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Tells our tokens from other secrets, for scanners that look for what was published by mistake.
const PREFIX: &str = "rst_";
const TOKENS_MAX: usize = 1000;
const NAME_LENGTH_MAX: usize = 100;
/// A century.
const EXPIRY_S_MAX: u64 = 3_155_760_000;
/// Uses are noted to the minute.
const NOTED_EVERY_MS: u64 = 60_000;
/// How often it is looked whether a token that is in use has expired.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Digits of an id.
const ID_DIGITS: usize = 16;

/// A secret text, of which the hash is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(blake3::Hash);

impl Token {
    /// A token from its text.
    pub fn new(text: &str) -> Self {
        Self(blake3::hash(text.as_bytes()))
    }

    /// Compares in a time that does not depend on where the texts differ.
    fn matches(self, given: Self) -> bool {
        self.0 == given.0
    }
}

/// The tokens of one node.
#[derive(Debug)]
pub struct Tokens {
    root: Token,
    file: PrivateList<Kept>,
    kept: Mutex<Vec<Kept>>,
    /// Told of each token that is revoked.
    revoked: watch::Sender<()>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    view: TokenView,
    hash: String,
}

impl Kept {
    fn is(&self, given: Token) -> bool {
        blake3::Hash::from_hex(&self.hash).is_ok_and(|hash| Token(hash).matches(given))
    }
}

impl Tokens {
    /// Those of a data folder.
    pub fn open(data_dir: &FilePath, root: Token) -> Result<Self, PrivateListError> {
        let file = PrivateList::in_folder(data_dir, "tokens");
        Ok(Self {
            root,
            kept: Mutex::new(file.read()?),
            file,
            revoked: watch::Sender::new(()),
        })
    }

    /// What a token opens, if it is one of this node's and has not expired.
    pub fn find(&self, given: Token, now: UnixMillis) -> Option<Vec<Scope>> {
        if self.root.matches(given) {
            return Some(Scope::ALL.to_vec());
        }
        let mut kept = self.kept();
        let found = kept.iter_mut().find(|known| known.is(given))?;
        if found.view.expires_at.is_some_and(|at| at.0 <= now) {
            return None;
        }
        // Written down with the next token that comes or goes: no call waits for the disk.
        found.view.last_used_at = Some(Time(UnixMillis(now.0 - now.0 % NOTED_EVERY_MS)));
        Some(found.view.scopes.clone())
    }

    /// Waits until a token opens nothing any more.
    pub async fn ended(self: Arc<Self>, token: Token) {
        let mut revoked = self.revoked.subscribe();
        while let Some(left) = self.left(token, clock::now()) {
            tokio::select! {
                // Its sender is `self`.
                _ = revoked.changed() => {}
                // By the wall clock, which can be set and goes on while the machine sleeps.
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            }
        }
    }

    /// How long a token still opens something, if nobody revokes it.
    fn left(&self, token: Token, now: UnixMillis) -> Option<Duration> {
        if self.root.matches(token) {
            return Some(Duration::MAX);
        }
        let kept = self.kept();
        let known = kept.iter().find(|known| known.is(token))?;
        match known.view.expires_at {
            None => Some(Duration::MAX),
            Some(at) if at.0 <= now => None,
            Some(at) => Some(at.0.since(now)),
        }
    }

    fn make(&self, wanted: NewToken, caller: &Caller, now: UnixMillis) -> Result<MadeToken, Problem> {
        check(&wanted)?;
        for scope in &wanted.scopes {
            if caller.require(*scope).is_err() {
                let detail = format!("a token cannot open {scope}, which the token that makes it does not open");
                return Err(Problem::new(403, "scope_exceeds", detail));
            }
        }
        let secret = identity::random().map_err(|error| failed("no_entropy", chain(&error)))?;
        let secret = secret
            .iter()
            .fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let Token(hash) = Token::new(&secret);
        let mut scopes = wanted.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        let view = TokenView {
            id: hash.to_hex().chars().take(ID_DIGITS).collect(),
            name: wanted.name,
            scopes,
            created_at: Time(now),
            last_used_at: None,
            expires_at: wanted
                .expires_in_s
                .map(|span| Time(now.after(Duration::from_secs(span)))),
        };
        let mut kept = self.kept();
        kept.retain(|known| known.view.expires_at.is_none_or(|at| at.0 > now));
        if kept.len() >= TOKENS_MAX {
            let detail = format!("this node has {TOKENS_MAX} tokens; revoke one first");
            return Err(Problem::new(409, "too_many_tokens", detail));
        }
        kept.push(Kept {
            view: view.clone(),
            hash: hash.to_hex().to_string(),
        });
        if let Err(error) = self.file.write(&kept) {
            kept.pop();
            return Err(failed("token_not_kept", chain(&error)));
        }
        Ok(MadeToken { view, token: secret })
    }

    fn list(&self) -> Vec<TokenView> {
        self.kept().iter().map(|kept| kept.view.clone()).collect()
    }

    fn revoke(&self, id: &str) -> Result<(), Problem> {
        let mut kept = self.kept();
        let left: Vec<Kept> = kept.iter().filter(|known| known.view.id != id).cloned().collect();
        if left.len() == kept.len() {
            return Err(Problem::new(404, "no_such_token", format!("there is no token {id:?}")));
        }
        let written = self.file.write(&left);
        written.map_err(|error| failed("token_not_revoked", chain(&error)))?;
        *kept = left;
        self.revoked.send_replace(());
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // Every change is one assignment: a panic elsewhere leaves it whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(wanted: &NewToken) -> Result<(), Problem> {
    if !(1..=NAME_LENGTH_MAX).contains(&wanted.name.chars().count()) {
        let detail = format!(
            "a token's name has 1 to {NAME_LENGTH_MAX} bytes, this one {}",
            wanted.name.len()
        );
        return Err(bad_input("bad_token", detail));
    }
    if wanted.scopes.is_empty() {
        return Err(bad_input(
            "bad_token",
            "a token without scopes opens nothing; name at least one",
        ));
    }
    match wanted.expires_in_s {
        Some(span) if !(1..=EXPIRY_S_MAX).contains(&span) => {
            let detail = format!("expires_in_s is {span}; it must be 1 to {EXPIRY_S_MAX}");
            Err(bad_input("bad_token", detail))
        }
        _ => Ok(()),
    }
}

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(tokens, make_token))
        .routes(routes!(revoke_token))
}

/// Lists tokens, oldest first, without the root token.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", responses(
    (status = 200, body = List<TokenView>),
))]
async fn tokens(State(node): State<Arc<Node>>) -> Answer<List<TokenView>> {
    Ok(Json(List {
        items: node.tokens.list(),
    }))
}

/// Makes a token, whose secret is shown this once.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = NewToken, responses(
    (status = 201, body = MadeToken),
))]
async fn make_token(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Body(wanted): Body<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Refusal> {
    let made = blocking(&node, move |node| node.tokens.make(wanted, &caller, clock::now())).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "The token")), responses(
    (status = 204, description = "It opens nothing any more"),
))]
async fn revoke_token(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    blocking(&node, move |node| node.tokens.revoke(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::task::Poll;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn wanted(scopes: &[Scope], expires_in_s: Option<u64>) -> NewToken {
        NewToken {
            name: "test".into(),
            scopes: scopes.to_vec(),
            expires_in_s,
        }
    }

    fn caller(scopes: &[Scope]) -> Caller {
        Caller {
            token: Token::new("any"),
            scopes: scopes.to_vec(),
        }
    }

    async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())).await
    }

    #[test]
    fn a_token_opens_what_it_is_for_until_it_expires_or_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path(), Token::new("root")).unwrap();
        let all = caller(&Scope::ALL);
        let made = tokens
            .make(wanted(&[Scope::Read, Scope::Read], Some(60)), &all, NOW)
            .unwrap();
        assert_eq!(tokens.find(Token::new(&made.token), NOW), Some(vec![Scope::Read]));
        assert_eq!(tokens.find(Token::new("root"), NOW), Some(Scope::ALL.to_vec()));
        assert_eq!(tokens.find(Token::new("rst_wrong"), NOW), None);
        assert_eq!(tokens.find(Token::new(&made.token), UnixMillis(NOW.0 + 60_000)), None);

        let again = Tokens::open(folder.path(), Token::new("root")).unwrap();
        assert_eq!(again.find(Token::new(&made.token), NOW), Some(vec![Scope::Read]));
        let text = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        assert!(!text.contains(&made.token) && text.contains(&made.view.id));
        again.revoke(&made.view.id).unwrap();
        assert_eq!(again.find(Token::new(&made.token), NOW), None);
        assert_eq!(again.revoke(&made.view.id).unwrap_err().status, 404);
    }

    #[tokio::test]
    async fn who_uses_a_token_hears_when_it_is_revoked_or_expires() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Arc::new(Tokens::open(folder.path(), Token::new("root")).unwrap());
        let all = caller(&Scope::ALL);
        let make = |span| tokens.make(wanted(&[Scope::Read], span), &all, clock::now()).unwrap();
        let [kept, other] = [make(None), make(Some(3600))];
        let ended = tokens.clone().ended(Token::new(&kept.token));
        tokio::pin!(ended);
        assert!(is_pending(&mut ended).await);
        tokens.revoke(&other.view.id).unwrap();
        assert!(is_pending(&mut ended).await, "another was revoked");
        tokens.clone().ended(Token::new(&other.token)).await;
        tokens.revoke(&kept.view.id).unwrap();
        ended.await;
        let short = tokens.make(wanted(&[Scope::Read], Some(1)), &all, NOW).unwrap();
        tokens.clone().ended(Token::new(&short.token)).await;
        let root = tokens.clone().ended(Token::new("root"));
        tokio::pin!(root);
        assert!(is_pending(&mut root).await);
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path(), Token::new("root")).unwrap();
        let some = caller(&[Scope::Read, Scope::Tokens]);
        let refused = tokens.make(wanted(&[Scope::Read, Scope::Spend], None), &some, NOW);
        assert_eq!(refused.unwrap_err().kind, "scope_exceeds");
        assert!(tokens.make(wanted(&[Scope::Read], None), &some, NOW).is_ok());
        for bad in [wanted(&[], None), wanted(&[Scope::Read], Some(0))] {
            assert_eq!(tokens.make(bad, &some, NOW).unwrap_err().status, 422);
        }
    }
}
