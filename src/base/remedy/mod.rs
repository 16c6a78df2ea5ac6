//! What to do about something, as a value: text, and the operations and options that it names. Each door words
//! it for itself: the command line as commands, a page as links.

mod names;

pub use names::{Operation, Setting};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::ops::Add;

/// How a door words a remedy.
pub type Wording = fn(&Remedy) -> String;

/// What to do, or what is the case: text in which operations and options are named as values. Text alone converts
/// into it; parts are put together with `+`: `Operation::Apply.at(env) + " continues"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Remedy {
    parts: Vec<Part>,
}

/// A part of a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "RemedyPart")]
pub enum Part {
    /// Text.
    Text {
        /// As it stands.
        text: String,
    },
    /// An operation.
    Call(Call),
    /// Options of the operation that gave the answer.
    Options {
        /// The options.
        options: Vec<Choice>,
    },
}

/// An operation with what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[schemars(rename = "RemedyCall")]
pub struct Call {
    /// The operation.
    pub operation: Operation,
    /// The environment; absent: the one of the operation that gave the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it is about: changesets, files, a state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Its options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
}

/// An option with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[schemars(rename = "RemedyOption")]
pub struct Choice {
    /// The option.
    pub option: Setting,
    /// Its value; absent: it takes none, or only its name is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Argument>,
}

/// A value of an operation or option.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "RemedyArgument")]
pub enum Argument {
    /// This value. Others may have written it: a door quotes it for where it puts it.
    Given(String),
    /// The value of a variable of the process.
    Variable {
        /// The name of the variable.
        variable: String,
    },
    /// One that the reader has to fill in: null.
    Open,
}

impl Remedy {
    /// Its parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its parts, where one of them is no text: what a program cannot read in the text.
    #[must_use]
    pub fn named(&self) -> Option<&Self> {
        self.parts.iter().any(|part| !matches!(part, Part::Text { .. })).then_some(self)
    }

    /// Changes every text and value in it.
    pub fn each_text(&mut self, mut change: impl FnMut(&mut String)) {
        let mut arguments: Vec<&mut Argument> = Vec::new();
        for part in &mut self.parts {
            match part {
                Part::Text { text } => change(text),
                Part::Call(call) => {
                    call.environment.iter_mut().for_each(&mut change);
                    arguments.extend(&mut call.arguments);
                    arguments.extend(call.options.iter_mut().filter_map(|choice| choice.value.as_mut()));
                }
                Part::Options { options } => {
                    arguments.extend(options.iter_mut().filter_map(|choice| choice.value.as_mut()));
                }
            }
        }
        for argument in arguments {
            if let Argument::Given(text) = argument {
                change(text);
            }
        }
    }
}

impl Operation {
    /// The operation by its name alone.
    #[must_use]
    pub fn call(self) -> Call {
        Call { operation: self, environment: None, arguments: Vec::new(), options: Vec::new() }
    }

    /// The operation in this environment.
    #[must_use]
    pub fn at(self, environment: impl Into<String>) -> Call {
        self.call().at(environment)
    }

    /// The operation with this argument.
    #[must_use]
    pub fn on(self, argument: impl Into<Argument>) -> Call {
        self.call().on(argument)
    }

    /// The operation with this option.
    #[must_use]
    pub fn with(self, option: impl Into<Choice>) -> Call {
        self.call().with(option)
    }
}

impl Call {
    /// In this environment.
    #[must_use]
    pub fn at(self, environment: impl Into<String>) -> Self {
        Self { environment: Some(environment.into()), ..self }
    }

    /// With this argument as well.
    #[must_use]
    pub fn on(mut self, argument: impl Into<Argument>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With this option as well.
    #[must_use]
    pub fn with(mut self, option: impl Into<Choice>) -> Self {
        self.options.push(option.into());
        self
    }
}

impl Setting {
    /// The option with this value.
    #[must_use]
    pub fn to(self, value: impl Into<Argument>) -> Choice {
        Choice { option: self, value: Some(value.into()) }
    }

    /// The option with a value that the reader has to fill in.
    #[must_use]
    pub fn open(self) -> Choice {
        self.to(Argument::Open)
    }
}

impl<T: Into<String>> From<T> for Argument {
    fn from(value: T) -> Self {
        Argument::Given(value.into())
    }
}

impl From<Setting> for Choice {
    fn from(option: Setting) -> Self {
        Choice { option, value: None }
    }
}

impl From<String> for Remedy {
    fn from(text: String) -> Self {
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text { text }] } }
    }
}

impl From<&str> for Remedy {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// Several options, named together.
impl From<Vec<Choice>> for Remedy {
    fn from(options: Vec<Choice>) -> Self {
        Self { parts: vec![Part::Options { options }] }
    }
}

impl<T: Into<Remedy>> Add<T> for Remedy {
    type Output = Remedy;

    fn add(mut self, more: T) -> Remedy {
        for part in more.into().parts {
            match (self.parts.last_mut(), part) {
                (Some(Part::Text { text }), Part::Text { text: more }) => text.push_str(&more),
                (_, part) => self.parts.push(part),
            }
        }
        self
    }
}

/// What is a remedy by itself can begin one, and can follow a text.
macro_rules! remedies {
    ($($type:ty: $made:expr,)*) => {$(
        impl From<$type> for Remedy {
            fn from(value: $type) -> Self {
                let made: fn($type) -> Part = $made;
                Self { parts: vec![made(value)] }
            }
        }

        impl<T: Into<Remedy>> Add<T> for $type {
            type Output = Remedy;

            fn add(self, more: T) -> Remedy {
                Remedy::from(self) + more
            }
        }

        impl Add<$type> for &str {
            type Output = Remedy;

            fn add(self, more: $type) -> Remedy {
                Remedy::from(self) + more
            }
        }
    )*};
}

remedies! {
    Operation: |operation| Part::Call(operation.call()),
    Call: Part::Call,
    Setting: |setting| Part::Options { options: vec![setting.into()] },
    Choice: |choice| Part::Options { options: vec![choice] },
}

/// For logs of a program that has no words of its own: operations and options by their names in JSON.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |value: serde_json::Result<serde_json::Value>| match value {
            Ok(serde_json::Value::String(name)) => name,
            _ => String::new(),
        };
        let argument = |argument: &Argument| match argument {
            Argument::Given(text) => text.clone(),
            Argument::Variable { variable } => format!("${variable}"),
            Argument::Open => "…".to_owned(),
        };
        let choice = |choice: &Choice| {
            let value = choice.value.as_ref().map_or_else(String::new, |value| format!("={}", argument(value)));
            format!("{}{value}", name(serde_json::to_value(choice.option)))
        };
        for part in &self.parts {
            let words: Vec<String> = match part {
                Part::Text { text } => {
                    f.write_str(text)?;
                    continue;
                }
                Part::Call(call) => std::iter::once(name(serde_json::to_value(call.operation)))
                    .chain(call.arguments.iter().map(argument))
                    .chain(call.environment.iter().map(|name| format!("environment={name}")))
                    .chain(call.options.iter().map(choice))
                    .collect(),
                Part::Options { options } => options.iter().map(choice).collect(),
            };
            write!(f, "`{}`", words.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_remedy_is_text_and_what_it_names() {
        let remedy = Operation::Rollback.on("a b").at("prod") + " rolls it back; or " + Setting::LockWait.to("5m");
        assert_eq!(
            json!(remedy),
            json!([
                { "operation": "rollback", "environment": "prod", "arguments": ["a b"] },
                { "text": " rolls it back; or " },
                { "options": [{ "option": "lockWait", "value": "5m" }] },
            ])
        );
        assert_eq!(remedy.to_string(), "`rollback a b environment=prod` rolls it back; or `lockWait=5m`");
        let open = Operation::Mark.on("applied").on(Argument::Open).with(Setting::Reason.open());
        let open = json!("use " + open);
        assert_eq!(open[1]["arguments"], json!(["applied", null]));
        assert_eq!(open[1]["options"], json!([{ "option": "reason", "value": null }]));
    }

    #[test]
    fn text_alone_names_nothing() {
        assert!(Remedy::from("set it").named().is_none() && Remedy::from("").parts().is_empty());
        assert_eq!((Remedy::from("a") + "b" + "c".to_owned()).parts().len(), 1);
    }

    #[test]
    fn every_text_can_be_masked() {
        let mut remedy = "a" + Operation::Clear.on("a").at("a").with(Setting::Reason.to("a")) + Setting::Var.to("a");
        remedy.each_text(|text| *text = "*".to_owned());
        assert_eq!(remedy.to_string(), "*`clear * environment=* reason=*``var=*`");
    }
}
