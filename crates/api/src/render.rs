//! One picture of the web through an image model: the whole way in one call.

use rayswarm_model::JobId;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, time::Duration};
use utoipa::ToSchema;

/// A picture to be rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RenderRequest {
    /// Where the picture is, `https://` or `http://`: a PNG or a JPEG. Needed, here or as `imageUrl`.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub image_url: Option<String>,
    /// The same as `image_url`, which goes first.
    #[serde(default, rename = "imageUrl")]
    #[schema(max_length = 2000)]
    pub image_url_in_camel_case: Option<String>,
    /// The image model: its name, the first digits of its hash, or what it does, as in `style-transfer`.
    pub model: String,
    /// Per cent of the result that are the model's; 100 by default.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub strength: Option<u8>,
    /// How long the answer may take.
    #[serde(default)]
    pub wait: Option<Wait>,
}

impl RenderRequest {
    /// Where the picture is.
    pub fn url(&self) -> Option<&str> {
        self.image_url.as_deref().or(self.image_url_in_camel_case.as_deref())
    }
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Wait {
    /// Until the picture is there, for 600 seconds at most; or not at all.
    Whether(bool),
    /// Seconds; more than 600 count as 600.
    Seconds(u32),
}

impl Wait {
    /// The longest wait: proxies and clients give up on a silent call sooner or later.
    pub const LONGEST: Duration = Duration::from_secs(600);

    /// As a span.
    pub fn span(self) -> Duration {
        match self {
            Self::Whether(true) => Self::LONGEST,
            Self::Whether(false) => Duration::ZERO,
            Self::Seconds(seconds) => Duration::from_secs(seconds.into()).min(Self::LONGEST),
        }
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::Whether(true)
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WaitVisitor)
    }
}

/// Says what `wait` may be, which the derived code for a choice without tags does not.
struct WaitVisitor;

impl de::Visitor<'_> for WaitVisitor {
    type Value = Wait;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or whole seconds for `wait`")
    }

    fn visit_bool<E: de::Error>(self, whether: bool) -> Result<Wait, E> {
        Ok(Wait::Whether(whether))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Wait, E> {
        Ok(Wait::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX)))
    }
}

/// How far a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenderStatus {
    /// It is there.
    Success,
    /// Its job goes on.
    Accepted,
}

/// A picture that is rendered, or being rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rendered {
    /// How far it is.
    pub status: RenderStatus,
    /// The same for people.
    pub message: String,
    /// Its job.
    #[schema(value_type = String)]
    pub job_id: JobId,
    /// Where the picture is, once it is there; under the name by which the node was called.
    pub output_url: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn asked(body: Value) -> Result<RenderRequest, String> {
        serde_json::from_value(body).map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_has_two_names() {
        for body in [
            json!({"image_url": "a", "model": "m"}),
            json!({"imageUrl": "a", "model": "m"}),
            json!({"imageUrl": "b", "image_url": "a", "model": "m"}),
        ] {
            assert_eq!(asked(body.clone()).unwrap().url(), Some("a"), "{body}");
        }
        assert_eq!(asked(json!({"model": "m"})).unwrap().url(), None);
        assert!(asked(json!({"image_url": "a"})).unwrap_err().contains("model"));
    }

    #[test]
    fn waiting_is_a_choice_or_a_number() {
        let span = |wait: Value| {
            let asked = asked(json!({"model": "m", "wait": wait}))?;
            Ok::<_, String>(asked.wait.unwrap_or_default().span().as_secs())
        };
        for (wait, seconds) in [
            (json!(true), 600),
            (json!(null), 600),
            (json!(false), 0),
            (json!(0), 0),
            (json!(30), 30),
            (json!(601), 600),
            (json!(u64::MAX), 600),
        ] {
            assert_eq!(span(wait.clone()), Ok(seconds), "{wait}");
        }
        for wrong in [json!("30"), json!(-1), json!(1.5), json!([])] {
            assert!(span(wrong.clone()).unwrap_err().contains("whole seconds"), "{wrong}");
        }
    }
}
