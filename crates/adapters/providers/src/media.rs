//! Images and documents in the forms that providers take.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_llm::{ErrorKind, Media, MediaSource, ModelError};

/// An image or document, sorted by what a provider must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sorted<'m> {
    /// An image in Base64.
    Image(&'m Arc<str>),
    /// An image at an address.
    ImageAt(&'m str),
    /// A PDF in Base64.
    Pdf(&'m Arc<str>),
    /// A document of text, decoded.
    Text(String),
    /// A document at an address.
    DocumentAt(&'m str),
    /// Something else in Base64.
    Other,
}

/// Sorts `media`. `Err` when its Base64 or its text is broken.
pub(crate) fn sort(media: &Media) -> Result<Sorted<'_>, ModelError> {
    Ok(match &media.source {
        MediaSource::Url(url) if media.is_image() => Sorted::ImageAt(url),
        MediaSource::Url(url) => Sorted::DocumentAt(url),
        MediaSource::Base64(data) if media.is_image() => Sorted::Image(data),
        MediaSource::Base64(data) if media.media_type == "application/pdf" => Sorted::Pdf(data),
        MediaSource::Base64(data) if is_text(&media.media_type) => {
            Sorted::Text(decode(media, data)?)
        }
        MediaSource::Base64(_) => Sorted::Other,
    })
}

/// A `data:` URL (RFC 2397).
pub(crate) fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// The file name to give, made up from the type where there is none.
pub(crate) fn name(media: &Media) -> String {
    media.name.clone().unwrap_or_else(|| {
        let ending = media.media_type.rsplit('/').next().unwrap_or("bin");
        format!("document.{ending}")
    })
}

/// A text document as a part of the conversation, for providers that take only text.
pub(crate) fn inline(media: &Media, text: &str) -> String {
    format!("<document name=\"{}\">\n{text}\n</document>", name(media))
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/xml" | "application/toml")
}

fn decode(media: &Media, data: &str) -> Result<String, ModelError> {
    let refuse =
        |why: &str| ModelError::new(ErrorKind::InvalidRequest, format!("{} is {why}", name(media)));
    let bytes = STANDARD.decode(data).map_err(|_| refuse("no valid Base64"))?;
    String::from_utf8(bytes).map_err(|_| refuse("no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_and_broken_text_named() {
        let text = |data: &str| Media {
            media_type: "text/plain".into(),
            name: Some("a.txt".into()),
            source: MediaSource::Base64(data.into()),
        };
        assert_eq!(sort(&text("aGk=")), Ok(Sorted::Text("hi".into())));
        for broken in ["%%", "/w=="] {
            assert!(sort(&text(broken)).unwrap_err().message.contains("a.txt"));
        }
    }
}
