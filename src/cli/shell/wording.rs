//! Remedies in the words of the command line: the table of operations and options, and how they are quoted.

use crate::base::remedy::{Argument, Call, Choice, Operation, Part, Remedy, Setting};
use std::borrow::Cow;

/// A remedy as text, commands and options in backticks.
pub fn worded(remedy: &Remedy) -> String {
    let text = |part: &Part| match part {
        Part::Text { text } => text.clone(),
        Part::Call(call) => format!("`{}`", command(call)),
        Part::Options { options } => format!("`{}`", spelled(options.iter().flat_map(option))),
    };
    remedy.parts().iter().map(text).collect()
}

/// A message with what to do about it.
pub fn with_todo<'a>(message: &'a str, todo: Option<&Remedy>) -> Cow<'a, str> {
    todo.map_or(message.into(), |todo| format!("{message}; {}", worded(todo)).into())
}

/// A call as a command line, for a shell.
pub fn command(call: &Call) -> String {
    let has = |choice: &Choice| options(call.operation).contains(&choice.option);
    debug_assert!(call.options.iter().all(has), "no command has these options: {call:?}");
    spelled(words(call))
}

/// A word of a command line.
#[derive(Debug, Clone, Copy)]
enum Word<'a> {
    /// Our own, as it stands.
    Own(&'a str),
    /// A value: others may have written it.
    Value(&'a str),
    /// A variable of the project with a value to be filled in.
    Named(&'a str),
    /// The value of a variable of the shell.
    Variable(&'a str),
}

/// The command of an operation, and what its argument is called in its help.
const fn operation(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::Adopt => ("adopt", ""),
        Operation::Apply => ("apply", "FILE"),
        Operation::Approve => ("approve", "FILE"),
        Operation::AtticList => ("attic list", ""),
        Operation::AtticRestore => ("attic restore", "ENTRY"),
        Operation::Baseline => ("baseline", ""),
        Operation::Check => ("check", ""),
        Operation::Clear => ("clear", "ID"),
        Operation::Diff => ("diff", "SIDE"),
        Operation::Drift => ("drift", ""),
        Operation::Generate => ("generate", ""),
        Operation::History => ("history", ""),
        Operation::Init => ("init", "DIR"),
        Operation::KeyNew => ("key new", "FILE"),
        Operation::LedgerGrants => ("ledger grants", ""),
        Operation::LedgerInstall => ("ledger install", ""),
        Operation::LedgerPolicy => ("ledger policy", ""),
        Operation::Lint => ("lint", ""),
        Operation::Mark => ("mark", "ID"),
        Operation::New => ("new", "ID"),
        Operation::Pause => ("pause", ""),
        Operation::Plan => ("plan", ""),
        Operation::Promote => ("promote", "FILE"),
        Operation::Prove => ("prove", ""),
        Operation::Rollback => ("rollback", "ID..."),
        Operation::Schema => ("schema", ""),
        Operation::Status => ("status", ""),
        Operation::TokenNew => ("token new", "NAME"),
    }
}

/// The options that remedies may give to an operation.
const fn options(operation: Operation) -> &'static [Setting] {
    match operation {
        Operation::Adopt | Operation::Mark => &[Setting::Reason],
        Operation::Baseline => &[Setting::IncludeData, Setting::Reason],
        Operation::Drift => &[Setting::Record],
        Operation::Check => &[Setting::Against, Setting::Fix, Setting::Json],
        Operation::Clear => &[Setting::Applied, Setting::AsRecorded, Setting::Reason],
        Operation::History => &[Setting::Key, Setting::Verify],
        Operation::LedgerGrants => &[Setting::Applier, Setting::Approver],
        Operation::Plan => &[Setting::Out, Setting::Sign, Setting::Sql, Setting::Verify],
        Operation::Prove => &[Setting::Record, Setting::ShadowUrl],
        Operation::Schema => &[Setting::List, Setting::Type],
        _ => &[],
    }
}

/// The spelling of an option, and what its value is called in the help; empty: it takes none.
const fn spelling(setting: Setting) -> (&'static str, &'static str) {
    match setting {
        Setting::Against => ("--against", ""),
        Setting::Allow => ("--allow", "KIND"),
        Setting::Applied => ("--applied", ""),
        Setting::Applier => ("--applier", "ROLE"),
        Setting::Approver => ("--approver", "ROLE"),
        Setting::AsRecorded => ("--as-recorded", ""),
        Setting::Cascade => ("--cascade", ""),
        Setting::DryRunLimit => ("--dry-run-limit", "TIME"),
        Setting::Env => ("--env", "NAME"),
        Setting::Fix => ("--fix", ""),
        Setting::From => ("--from", "ENV"),
        Setting::IncludeData => ("--include-data", ""),
        Setting::Json => ("--format json", ""),
        Setting::Key => ("--key", "FILE"),
        Setting::List => ("--list", ""),
        Setting::LockWait => ("--lock-wait", "TIME"),
        Setting::NoPreflight => ("--no-preflight", ""),
        Setting::Out => ("--out", "FILE"),
        Setting::Override => ("--override", "GATE"),
        Setting::Project => ("--project", "DIR"),
        Setting::Record => ("--record", ""),
        Setting::Reason => ("--reason", "TEXT"),
        Setting::Select => ("--select", "WHAT"),
        Setting::Shadow => ("--shadow", ""),
        Setting::ShadowUrl => ("--shadow", "URL"),
        Setting::Sign => ("--sign", "KEYFILE"),
        Setting::Sql => ("--sql", ""),
        Setting::Timeout => ("--timeout", "TIME"),
        Setting::Transaction => ("--transaction", "changeset"),
        Setting::Type => ("--type", "TYPE"),
        Setting::Url => ("--url", "URL"),
        Setting::Var => ("--var", "NAME=VALUE"),
        Setting::Verbose => ("-v", ""),
        Setting::Verify => ("--verify", "FILE"),
    }
}

/// Words of our own.
fn own(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.split(' ').map(Word::Own)
}

fn words(call: &Call) -> Vec<Word<'_>> {
    let (name, placeholder) = operation(call.operation);
    let mut words: Vec<Word<'_>> = own("dagmar").chain(own(name)).collect();
    words.extend(call.arguments.iter().map(|argument| value(argument, placeholder)));
    if let Some(name) = &call.environment {
        let option = if call.operation == Operation::Promote { "--to" } else { "--env" };
        words.extend([Word::Own(option), given(name, "NAME")]);
    }
    words.extend(call.options.iter().flat_map(option));
    words
}

fn option(choice: &Choice) -> Vec<Word<'_>> {
    let (name, placeholder) = spelling(choice.option);
    let mut words: Vec<Word<'_>> = own(name).collect();
    match (&choice.value, choice.option) {
        (Some(Argument::Given(name)), Setting::Var) => words.push(Word::Named(name)),
        (Some(argument), _) => words.push(value(argument, placeholder)),
        (None, _) => {}
    }
    words
}

fn value<'a>(argument: &'a Argument, placeholder: &'static str) -> Word<'a> {
    match argument {
        Argument::Given(text) => given(text, placeholder),
        Argument::Variable { variable } => Word::Variable(variable),
        Argument::Open => Word::Own(placeholder),
    }
}

/// A value; what would be an option is never given to a shell.
fn given<'a>(text: &'a str, placeholder: &'static str) -> Word<'a> {
    if text.starts_with('-') { Word::Own(placeholder) } else { Word::Value(text) }
}

/// Words for a POSIX shell.
fn spelled<'a>(words: impl IntoIterator<Item = Word<'a>>) -> String {
    let word = |word: Word<'_>| match word {
        Word::Own(text) => text.to_owned(),
        Word::Value(text) => quoted(text).into_owned(),
        Word::Named(name) => quoted(&format!("{name}=VALUE")).into_owned(),
        Word::Variable(name) => format!("\"${name}\""),
    };
    words.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A value as one word of a POSIX shell.
fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    /// The words of a line, as a shell reads them.
    fn read(line: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {line}");
        let output = std::process::Command::new("sh").args(["-c", &script]).env("URL", "postgres://").output();
        let output = String::from_utf8(output.expect("a shell").stdout).expect("UTF-8");
        output.split_terminator('\0').map(str::to_owned).collect()
    }

    /// A remedy that is one command as a shell gives it to clap, which takes it; what it requires may be missing.
    fn parsed(remedy: impl Into<Remedy>) -> Vec<String> {
        use clap::error::ErrorKind::{
            DisplayHelpOnMissingArgumentOrSubcommand as Help, MissingRequiredArgument as Argument,
            MissingSubcommand as Below,
        };
        let text = worded(&remedy.into());
        let words = read(text.trim_matches('`'));
        if let Err(wrong) = crate::cli::command().try_get_matches_from(&words) {
            assert!(matches!(wrong.kind(), Help | Argument | Below), "{text}: {wrong}");
        }
        words
    }

    /// The values that an operation takes, filled in.
    fn filled(operation: Operation) -> Call {
        let call = operation.at("prod");
        match operation {
            Operation::Mark => call.on("applied").on(Argument::Open),
            Operation::AtticRestore => call.on("3"),
            _ if self::operation(operation).1.is_empty() => call,
            _ => call.on(Argument::Open),
        }
    }

    #[test]
    fn every_operation_is_a_command_with_its_options() {
        for &operation in Operation::ALL {
            parsed(operation);
            let words = parsed(filled(operation));
            let names = |two: &[String]| ["--env", "--to"].contains(&two[0].as_str()) && two[1] == "prod";
            assert!(words.windows(2).any(names), "{words:?}");
            for &option in options(operation) {
                let is_flag =
                    spelling(option).1.is_empty() || (operation, option) == (Operation::History, Setting::Verify);
                parsed(filled(operation).with(if is_flag { option.into() } else { option.open() }));
            }
        }
        parsed(Operation::History.with(Setting::Verify).with(Setting::Key.open()));
    }

    #[test]
    #[should_panic(expected = "no command has these options")]
    fn a_call_has_the_options_of_its_command() {
        worded(&Operation::Status.with(Setting::Cascade).into());
    }

    #[test]
    fn every_option_is_one_of_some_command() {
        fn all(command: &clap::Command, found: &mut Vec<Arg>) {
            found.extend(command.get_arguments().cloned());
            command.get_subcommands().for_each(|below| all(below, found));
        }
        let mut known = Vec::new();
        all(&crate::cli::command(), &mut known);
        for &setting in Setting::ALL {
            let (name, placeholder) = spelling(setting);
            let name = name.split(' ').next().unwrap_or_default();
            let is_it = |arg: &&Arg| match name.strip_prefix("--") {
                Some(long) => arg.get_long() == Some(long),
                None => arg.get_short().is_some_and(|short| name == format!("-{short}")),
            };
            let found: Vec<&Arg> = known.iter().filter(is_it).collect();
            assert!(!found.is_empty(), "no command has `{name}`");
            let takes = |arg: &&Arg| arg.get_action().takes_values();
            let fits = |arg: &&Arg| placeholder.is_empty() || takes(arg);
            assert!(found.iter().any(fits), "`{name}` takes no value");
        }
    }

    #[test]
    fn what_others_wrote_is_one_word_and_no_option() {
        for id in ["001-a", "a b", "a'b", "$(rm -rf /)", "`id`", "a;b", "", "a\nb", "~", "日本"] {
            let words = parsed(Operation::Rollback.on(id).at("prod"));
            assert_eq!(words, ["dagmar", "rollback", id, "--env", "prod"]);
        }
        let call = Operation::Rollback.on("--yes").at("--url=postgres://elsewhere");
        assert_eq!(worded(&call.into()), "`dagmar rollback ID... --env NAME`");
        assert_eq!(worded(&Setting::Var.to("a;b").into()), "`--var 'a;b=VALUE'`");
    }

    #[test]
    fn a_remedy_is_worded_as_commands_and_options() {
        let both = Operation::Apply.at("prod") + " continues, " + Operation::Rollback.on("001-a") + " rolls it back";
        assert_eq!(worded(&both), "`dagmar apply --env prod` continues, `dagmar rollback 001-a` rolls it back");
        let gate = Remedy::from("or ") + vec![Setting::Override.open(), Setting::Reason.open()];
        assert_eq!(worded(&gate), "or `--override GATE --reason TEXT`");
        let url = Setting::Url.to(Argument::Variable { variable: "URL".to_owned() });
        assert_eq!(worded(&url.clone().into()), "`--url \"$URL\"`");
        assert_eq!(read(worded(&url.into()).trim_matches('`')), ["--url", "postgres://"]);
        assert_eq!(worded(&("see " + Setting::Verbose)), "see `-v`");
    }
}
