//! `dagmar key`: makes keys to sign plans with.

use crate::cli::answers::NewKey;
use crate::cli::shell::file::{self, Existing};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::task::Outcome;
use crate::plan::signature;
use std::path::PathBuf;

/// Creates keys for signing sealed plans.
///
/// Ed25519, in the file formats of OpenSSL (PKCS #8 and SubjectPublicKeyInfo as PEM).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar key new release.key
  dagmar plan --out release.plan --sign release.key
  dagmar plan --verify release.plan --key release.key.pub
  openssl pkey -in release.key -pubout")]
pub struct Args {
    #[command(subcommand)]
    what: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Writes a private key to FILE, readable only by you, and the public key to FILE.pub
    New {
        /// The file of the private key; it must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let Action::New { file: private } = &args.what;
    let mut public = private.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    let texts = signature::generate()?;
    file::write(private, &texts.0, 0o600, Existing::Stays)?;
    file::write(&public, &texts.1, 0o644, Existing::Stays)?;
    match form {
        Form::Json => out.json(&NewKey { private, public: &public }),
        Form::Text => out.data(format!("wrote {} (keep it secret) and {}", private.display(), public.display())),
    }
    Ok(())
}
