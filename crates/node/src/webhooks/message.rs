//! What is sent: the body of a delivery and its signature.

use super::hook::hex;
use crate::events::Told;
use hmac::{Hmac, Mac, digest::InvalidLength};
use rayswarm_api::Time;
use sha2::Sha256;

/// The body of a delivery, the same in every try.
pub fn body(told: &Told, at: Time) -> String {
    let Told { id, name, data, .. } = told;
    format!(r#"{{"id":{id},"event":"{name}","at":"{at}","data":{data}}}"#)
}

/// The value of `Rayswarm-Signature`. The time is signed too: an old delivery cannot be passed off as a new one.
pub fn signature(secret: &str, seconds: u64, body: &str) -> Result<String, InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{seconds}.{body}").as_bytes());
    Ok(format!("t={seconds},v1={}", hex(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::UnixMillis;

    #[test]
    fn signatures_are_those_of_other_implementations() {
        // Python: hmac.new(b"secret", b'1700000000.{"id":1}', "sha256").hexdigest()
        assert_eq!(
            signature("secret", 1_700_000_000, r#"{"id":1}"#).unwrap(),
            "t=1700000000,v1=3dd1b9aef568d75f6790a84bd2e5dfa1f44409eef3cbdbd3f10b837376100c11",
        );
    }

    #[test]
    fn a_body_is_json_with_the_event_in_it() {
        let told = Told {
            id: 7,
            name: "output",
            job: None,
            data: r#"{"path":"a \"b\".png"}"#.into(),
        };
        let value: serde_json::Value = serde_json::from_str(&body(&told, Time(UnixMillis(0)))).unwrap();
        let expected = serde_json::json!({
            "id": 7,
            "event": "output",
            "at": "1970-01-01T00:00:00.000Z",
            "data": { "path": "a \"b\".png" },
        });
        assert_eq!(value, expected);
    }
}
