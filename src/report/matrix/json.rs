//! The matrix for programs.

use crate::plan::matrix::Matrix;
use crate::report::json;
use serde_json::{Map, Value, json};

pub(super) fn render(matrix: &Matrix) -> String {
    let environments: Vec<Value> = matrix
        .environments
        .iter()
        .map(|column| {
            let mut value = match &column.answer {
                Ok(answer) => json!(answer),
                Err(silence) => json!({ "error": silence }),
            };
            if let Value::Object(map) = &mut value {
                map.insert("name".to_owned(), column.name.as_str().into());
                map.insert("reached".to_owned(), column.answer.is_ok().into());
            }
            value
        })
        .collect();
    let changesets: Vec<Value> = matrix
        .changesets
        .iter()
        .map(|row| {
            let names = matrix.environments.iter().map(|column| column.name.clone());
            let cells: Map<String, Value> = names.zip(row.cells.iter().map(|cell| json!(cell))).collect();
            json!({ "id": row.id, "description": row.description, "environments": cells })
        })
        .collect();
    let value = json!({ "environments": environments, "changesets": changesets });
    json::pretty(&value)
}
