//! The routes of the API, from its published description: a test that goes through them cannot forget a new one.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

/// What stands before every path of the document, and in the stack's address of the API.
const BASE_PATH: &str = "/order-history";

/// One method of one path.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Without the base path: `/events/{event_id}`.
    pub(crate) path: String,
    /// Whether it is a list, which takes a cursor.
    pub(crate) is_list: bool,
    /// Whether it wants a token.
    pub(crate) needs_token: bool,
}

/// All of them.
pub(crate) fn routes() -> Vec<Route> {
    let file = Path::new("../docs/openapi.json");
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.strip_prefix(BASE_PATH).unwrap().to_owned(),
                is_list: parameters.iter().any(|parameter| parameter["name"] == "cursor"),
                needs_token: operation.get("security").is_none(),
            });
        }
    }
    assert!(routes.len() >= 12, "docs/openapi.json lacks routes");
    routes
}

impl Route {
    /// `POST /events`
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path with its parameters filled in.
    pub(crate) fn filled(&self, value: impl Fn(&str) -> String) -> String {
        let mut path = String::new();
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
                Some(name) => path.push_str(&value(name)),
                None => path.push_str(segment),
            }
        }
        path
    }
}
