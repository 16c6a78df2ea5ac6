//! The options that every command takes.

use super::complete;
use crate::base::HumanDuration;
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// The options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The project's folder [default: the nearest one with a dagmar.yaml]
    #[arg(long, global = true, value_name = "DIR", env = "DAGMAR_PROJECT", hide_env_values = true, value_hint = clap::ValueHint::DirPath, help_heading = "Global options")]
    pub project: Option<PathBuf>,

    /// The environment [default: the first in dagmar.yaml]
    #[arg(long, global = true, value_name = "NAME", env = "DAGMAR_ENV", hide_env_values = true, help_heading = "Global options", add = complete::environments())]
    pub env: Option<String>,

    /// Connect here instead of to the environment's URL: postgres://user@host/db
    #[arg(long, global = true, value_name = "URL", hide_env_values = true, help_heading = "Global options")]
    pub url: Option<String>,

    /// The output format: text, json, and others that the command supports
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options", add = complete::formats())]
    pub format: Option<String>,

    /// A value for ${NAME} in changesets; may be given several times
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", help_heading = "Global options")]
    pub vars: Vec<String>,

    /// Does not ask for confirmation
    #[arg(long, short = 'y', global = true, help_heading = "Global options")]
    pub yes: bool,

    /// How long to wait for a server that is starting: 30s
    #[arg(long, global = true, value_name = "TIME", default_value = "0", help_heading = "Global options")]
    pub wait: HumanDuration,

    /// No colours; NO_COLOR does the same
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,

    /// Prints only results and errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,

    /// Prints more detail
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
}
