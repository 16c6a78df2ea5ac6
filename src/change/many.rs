//! One value or a list of them, where both read well in YAML.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// One or several: `id` or `[tenant, id]`. Written as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Many<T>(pub Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let list = match Value::deserialize(d)? {
            Value::Array(list) => list,
            one => vec![one],
        };
        if list.is_empty() {
            return Err(D::Error::custom("the list is empty"));
        }
        let read = list.into_iter().map(serde_json::from_value).collect::<Result<Vec<T>, _>>();
        read.map(Many).map_err(D::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Ident;
    use serde_json::json;

    #[test]
    fn one_is_a_list_of_one() {
        let read = |v: Value| serde_json::from_value::<Many<Ident>>(v);
        assert_eq!(read(json!("a")).unwrap(), read(json!(["a"])).unwrap());
        assert!(read(json!([])).unwrap_err().to_string().contains("empty"));
        assert!(read(json!([1])).is_err());
    }
}
