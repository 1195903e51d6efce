//! Databases that somebody else has started, with our tables made in them.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    operation::create_table::CreateTableError,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use store::testing::{INDEX, SEGMENTS};

use crate::{backends::Backend, chance::Chance};

/// Whoever listens there.
pub(crate) async fn at(name: &'static str, endpoint: &str, access_key: Option<&str>) -> Backend {
    let access_key = access_key.map(str::to_owned);
    let backend = Backend { name, endpoint: endpoint.trim_end_matches('/').to_owned(), access_key };
    let (_proxy, aws) = backend.reached_over(Arc::new(Chance::calm())).await;
    for (table, partition, sort) in [(SEGMENTS, "tenant", "first"), (INDEX, "pk", "sk")] {
        make_table(aws.dynamo(), table, partition, sort).await;
    }
    backend
}

async fn make_table(dynamo: &Client, name: &str, partition: &str, sort: &str) {
    let mut request = dynamo.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, scalar, key) in
        [(partition, ScalarAttributeType::S, KeyType::Hash), (sort, ScalarAttributeType::N, KeyType::Range)]
    {
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(scalar).build();
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(key).build();
        request = request.attribute_definitions(definition.unwrap()).key_schema(element.unwrap());
    }
    match request.send().await {
        Ok(_) => {}
        // From a run before.
        Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
        Err(error) => panic!("the table {name} cannot be made: {error:?}"),
    }
}
