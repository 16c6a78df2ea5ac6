//! The body of a request, with its limits.

use crate::serve::accept::essence;
use crate::serve::exchange::Head;
use crate::serve::problem::{Kind, Problem};
use crate::source::ServeLimits;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::time::Duration;

/// Reads it.
///
/// # Errors
/// It is compressed, larger than `most` bytes, or too slow.
pub async fn read(body: Incoming, head: &Head, most: u64, limits: &ServeLimits) -> Result<Bytes, Problem> {
    if head.all("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Kind::UnsupportedMedia, "a compressed body is not read; send it as it is"));
    }
    let time = Duration::from_millis(limits.body_time.millis);
    let too_large = || Problem::new(Kind::TooLarge, format!("the body has more than {most} bytes"));
    let announced = head.one("content-length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > most) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX)).collect();
    match tokio::time::timeout(time, limited).await {
        Ok(Ok(all)) => Ok(all.to_bytes()),
        Ok(Err(why)) if why.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::BadRequest, "the body is not complete")),
        Err(_) => {
            let detail = format!("the body did not arrive within {}", limits.body_time);
            Err(Problem::new(Kind::BodyTimeout, detail))
        }
    }
}

/// Refuses a body of another type than this.
///
/// # Errors
/// It is of another type, or says none.
pub fn check_media(head: &Head, media: &str) -> Result<(), Problem> {
    match head.one("content-type").is_some_and(|own| essence(own).eq_ignore_ascii_case(media)) {
        true => Ok(()),
        false => Err(Problem::new(Kind::UnsupportedMedia, "the body is of another type than the path takes")
            .remedy(format!("send it with `Content-Type: {media}`"))),
    }
}
