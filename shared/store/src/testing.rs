//! A DynamoDB of one's own for a test: `dynoxide` in this process, behind the real SDK client over HTTP.
//!
//! Every read of it is strongly consistent, so it proves nothing about stale reads; the end-to-end tests and the fault
//! tests do.

mod bucket;
mod faults;
mod key;

use std::{collections::BTreeSet, net::SocketAddr};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, Region, SharedCredentialsProvider},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType,
        ScalarAttributeType::{N, S},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::Aws;

pub use bucket::MemoryBucket;
pub use faults::{Faults, Injected, Moment};
pub use key::MemoryKey;

/// The names of the tables in a [`LocalDynamo`].
pub const SEGMENTS: &str = "Segments";
pub const INDEX: &str = "Index";
pub const SCHEMAS: &str = "Schemas";
pub const REQUESTS: &str = "Requests";
pub const FAILURES: &str = "Failures";
pub const TREES: &str = "Trees";
pub const ORDERS: &str = "Orders";
pub const ACCESS: &str = "Access";

/// The tables as template.yaml declares them: name, partition key, sort key.
type TableKeys = (&'static str, (&'static str, ScalarAttributeType), Option<(&'static str, ScalarAttributeType)>);

/// An empty database with every table of template.yaml; it goes when this value is dropped.
#[derive(Debug)]
pub struct LocalDynamo {
    aws: Aws,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl LocalDynamo {
    /// # Panics
    /// When the server cannot be started: a test cannot go on without it.
    #[expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let database = dynoxide::Database::memory().expect("an in-memory database");
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
        let aws = Aws::new(config(&format!("http://{address}")));
        let tables: [TableKeys; 6] = [
            (SEGMENTS, ("tenant", S), Some(("first", N))),
            (INDEX, ("pk", S), Some(("sk", N))),
            (SCHEMAS, ("tenant", S), Some(("name", S))),
            (REQUESTS, ("key", S), None),
            (FAILURES, ("tenant", S), Some(("id", S))),
            (ACCESS, ("pk", S), Some(("sk", S))),
        ];
        for (name, partition, sort) in tables {
            create(aws.dynamo(), name, partition, sort).await;
        }
        create_indexed(aws.dynamo(), TREES, ["tenant", "name"], &[(crate::tree::OPEN_TREES, ["open", "tenant"])]).await;
        let by_day_and_customer =
            [(crate::orders::BY_DAY, ["tenant", "day_order"]), (crate::orders::BY_CUSTOMER, ["customer", "order_id"])];
        create_indexed(aws.dynamo(), ORDERS, ["tenant", "order_id"], &by_day_and_customer).await;
        Self { aws, address, server }
    }

    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Clients of a database that is reached at another address.
    #[must_use]
    pub fn client_at(address: SocketAddr) -> Aws {
        Aws::new(config(&format!("http://{address}")))
    }
}

impl Drop for LocalDynamo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A table with indexes that hold only keys; all of these are texts. `indexes`: name, partition key, sort key.
#[expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]
async fn create_indexed(dynamo: &Client, name: &str, keys: [&str; 2], indexes: &[(&str, [&str; 2])]) {
    let schema = |keys: [&str; 2]| {
        let parts = [(keys[0], KeyType::Hash), (keys[1], KeyType::Range)].map(|(attribute, key)| {
            KeySchemaElement::builder().attribute_name(attribute).key_type(key).build().expect("a complete key")
        });
        Some(parts.to_vec())
    };
    let attributes: BTreeSet<&str> = indexes.iter().flat_map(|(_, keys)| *keys).chain(keys).collect();
    let attributes = attributes.into_iter().map(|name| {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(S);
        definition.build().expect("a complete definition")
    });
    let indexes = indexes.iter().map(|(name, keys)| {
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = GlobalSecondaryIndex::builder().index_name(*name).set_key_schema(schema(*keys));
        index.projection(projection).build().expect("a complete index")
    });
    dynamo
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect()))
        .set_key_schema(schema(keys))
        .set_global_secondary_indexes(Some(indexes.collect()))
        .send()
        .await
        .expect("the table is created");
}

fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .retry_config(RetryConfig::disabled())
        .build()
}

#[expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]
async fn create(
    dynamo: &Client,
    name: &str,
    partition: (&str, ScalarAttributeType),
    sort: Option<(&str, ScalarAttributeType)>,
) {
    let mut request = dynamo.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let keys = [Some((partition, KeyType::Hash)), sort.map(|key| (key, KeyType::Range))];
    for ((attribute, scalar), key) in keys.into_iter().flatten() {
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(scalar);
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(key);
        request = request
            .attribute_definitions(definition.build().expect("a complete definition"))
            .key_schema(element.build().expect("a complete key"));
    }
    request.send().await.expect("the table is created");
}
