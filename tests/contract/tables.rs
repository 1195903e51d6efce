//! The tables that the tests of the store and of the handlers run on are those that are deployed.

use std::collections::BTreeMap;

use store::testing::LocalDynamo;

use crate::template::Template;

#[tokio::test]
async fn the_tables_of_the_tests_have_the_keys_of_the_template() {
    let dynamo = LocalDynamo::start().await;
    let client = dynamo.aws().dynamo();
    let mut tables = BTreeMap::new();
    for name in client.list_tables().send().await.unwrap().table_names.unwrap() {
        let table = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
        let kind = |attribute: &str| {
            let definition = table.attribute_definitions().iter().find(|it| it.attribute_name() == attribute);
            definition.unwrap().attribute_type().as_str().to_owned()
        };
        let part = |key: &aws_sdk_dynamodb::types::KeySchemaElement| {
            let attribute = key.attribute_name().to_owned();
            let kind = kind(&attribute);
            (attribute, kind, key.key_type().as_str().to_owned())
        };
        for index in table.global_secondary_indexes() {
            let name = format!("{name}Table.{}", index.index_name().unwrap());
            tables.insert(name, index.key_schema().iter().map(part).collect::<Vec<_>>());
        }
        tables.insert(format!("{name}Table"), table.key_schema().iter().map(part).collect::<Vec<_>>());
    }
    assert_eq!(tables, Template::read().tables(), "left: store::testing; right: template.yaml");
}
