//! `dagmar key`: makes keys to sign plans with.

use super::Outcome;
use super::global::Global;
use super::output::{Form, Output, form};
use crate::base::{Failure, Kind};
use crate::plan::signature;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Makes keys to sign sealed plans with.
///
/// Ed25519, in the files that OpenSSL reads and writes too (PKCS #8 and SubjectPublicKeyInfo as
/// PEM).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar key new release.key
  dagmar plan --out release.plan --sign release.key
  dagmar plan --verify release.plan --key release.key.pub
  openssl pkey -in release.key -pubout")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Writes a private key into FILE, which only you can read, and its public half into FILE.pub
    New {
        /// The file of the private key; it must not be there yet
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let What::New { file } = &args.what;
    let mut public = file.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    let texts = signature::generate()?;
    write(file, &texts.0, 0o600)?;
    write(&public, &texts.1, 0o644)?;
    match form {
        Form::Json => out.json(&json!({ "private": file, "public": public })),
        Form::Text => out.data(format!("wrote {} (keep it secret) and {}", file.display(), public.display())),
    }
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let wrong = |e: std::io::Error| {
        Failure::new(Kind::Usage, format!("cannot write `{}`: {e}", path.display()))
            .help("name a file that is not there yet")
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)
}
