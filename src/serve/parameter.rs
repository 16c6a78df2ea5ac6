//! The parameters behind `?`: what they may be, for the check of a request and for the documentation.

use super::problem::{Kind, Problem};
use serde_json::{Value, json};

/// A parameter behind `?`.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// What it may be.
    pub form: Form,
}

/// The environment, of routes whose path names none.
pub const ENVIRONMENT: Parameter =
    Parameter { name: "environment", about: "The environment; default: that of the service.", form: Form::Text };

/// The words that a parameter may be.
pub type Words = fn() -> Vec<&'static str>;

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// A text.
    Text,
    /// Texts, with commas between them.
    Texts,
    /// A whole number.
    Number {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(Words),
    /// Some of these words, with commas between them.
    SomeOf(Words),
}

impl Parameter {
    /// Checks a value.
    ///
    /// # Errors
    /// It is of another form.
    pub fn check(&self, value: &str) -> Result<(), Problem> {
        let wrong = |remedy: String| {
            let detail = format!("the parameter `{}` is not valid: `{value}`", self.name);
            Err(Problem::new(Kind::BadRequest, detail).remedy(remedy))
        };
        match self.form {
            Form::Text | Form::Texts => Ok(()),
            Form::Number { least, most } => match value.parse::<i64>() {
                // a number has one spelling
                Ok(number) if (least..=most).contains(&number) && number.to_string() == value => Ok(()),
                _ => wrong(format!("write a whole number from {least} to {most}")),
            },
            Form::Flag if ["true", "false"].contains(&value) => Ok(()),
            Form::Flag => wrong("write `true` or `false`".to_owned()),
            Form::OneOf(words) if words().contains(&value) => Ok(()),
            Form::OneOf(words) => wrong(format!("write one of: {}", words().join(", "))),
            Form::SomeOf(words) => {
                let words = words();
                match items(value).all(|item| words.contains(&item)) {
                    true => Ok(()),
                    false => wrong(format!("write some of them, with commas: {}", words.join(", "))),
                }
            }
        }
    }

    /// Its schema, as JSON Schema.
    #[must_use]
    pub fn schema(&self) -> Value {
        match self.form {
            Form::Text => json!({ "type": "string" }),
            Form::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Form::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Form::Flag => json!({ "type": "boolean" }),
            Form::OneOf(words) => json!({ "type": "string", "enum": words() }),
            Form::SomeOf(words) => json!({ "type": "array", "items": { "type": "string", "enum": words() } }),
        }
    }
}

/// The items of a list.
pub fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_form() {
        let words: Words = || vec!["a", "b"];
        let ok = |form: Form, value: &str| Parameter { name: "x", about: "", form }.check(value).is_ok();
        let number = Form::Number { least: 1, most: 500 };
        assert!(["1", "500"].iter().all(|value| ok(number, value)));
        for wrong in ["0", "501", "", "1.0", "+1", "01", "x", "99999999999999999999"] {
            assert!(!ok(number, wrong), "{wrong}");
        }
        assert!(ok(Form::Flag, "true") && ok(Form::Flag, "false") && !ok(Form::Flag, "") && !ok(Form::Flag, "1"));
        assert!(ok(Form::OneOf(words), "a") && !ok(Form::OneOf(words), "a,b") && !ok(Form::OneOf(words), ""));
        assert!(ok(Form::SomeOf(words), "a,b") && ok(Form::SomeOf(words), "") && !ok(Form::SomeOf(words), "a,c"));
        assert!(ok(Form::Text, "") && ok(Form::Texts, "a,,b"));
    }
}
