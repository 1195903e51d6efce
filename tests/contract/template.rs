//! template.yaml, as far as other places must agree with it.

use std::collections::{BTreeMap, BTreeSet};

use yaml_rust2::{Yaml, YamlLoader, yaml::Hash};

/// The template. CloudFormation's short forms (`!Ref Api`) are read as their bare values.
pub(crate) struct Template(Yaml);

impl Template {
    pub(crate) fn read() -> Self {
        let text = crate::read("template.yaml");
        Self(YamlLoader::load_from_str(&text).unwrap().remove(0))
    }

    fn resources(&self, kind: &str) -> impl Iterator<Item = (&str, &Hash)> {
        let resources = self.0["Resources"].as_hash().unwrap().iter();
        let of_kind = resources.filter(move |(_, resource)| resource["Type"].as_str() == Some(kind));
        of_kind.map(|(name, resource)| (name.as_str().unwrap(), resource["Properties"].as_hash().unwrap()))
    }

    /// The functions: the program of each, with its properties.
    fn functions(&self) -> impl Iterator<Item = (&str, &Hash)> {
        self.resources("AWS::Serverless::Function").map(|(name, properties)| {
            let code = get(properties, "CodeUri").as_str().unwrap();
            let program = code.strip_prefix("target/lambda/").map(|code| code.trim_end_matches('/'));
            (program.unwrap_or_else(|| panic!("{name} has its code elsewhere: {code}")), properties)
        })
    }

    /// The names of all programs that are deployed.
    pub(crate) fn programs(&self) -> BTreeSet<String> {
        self.functions().map(|(program, _)| program.to_owned()).collect()
    }

    /// The routes of each function that has any: `GET /path`. `{path+}`, the rest of a path, is `{path}` in OpenAPI.
    pub(crate) fn routes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (program, properties) in self.functions() {
            let events = properties.get(&Yaml::String("Events".to_owned())).and_then(Yaml::as_hash);
            let events = events.into_iter().flat_map(Hash::values);
            for event in events.filter(|event| event["Type"].as_str() == Some("Api")) {
                let property = |name: &str| event["Properties"][name].as_str().unwrap();
                let route = format!("{} {}", property("Method"), property("Path").replace("+}", "}"));
                assert!(routes.entry(program.to_owned()).or_default().insert(route), "{program} has a route twice");
            }
        }
        for (program, route) in self.defined_routes() {
            assert!(routes.entry(program.clone()).or_default().insert(route), "{program} has a route twice");
        }
        routes
    }

    /// The routes that are written out in the API's own definition, with the function of each.
    fn defined_routes(&self) -> Vec<(String, String)> {
        let (_, api) = self.resources("AWS::Serverless::Api").next().unwrap();
        assert_eq!(get(api, "MergeDefinitions").as_bool(), Some(true), "or the routes of the functions are left out");
        let paths = get(api, "DefinitionBody")["paths"].as_hash().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            item.as_hash().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        });
        let route = |(path, method, operation): (&Yaml, &Yaml, &Yaml)| {
            let (path, method) = (path.as_str().unwrap(), method.as_str().unwrap().to_uppercase());
            (self.behind(&operation["x-amazon-apigateway-integration"]), format!("{method} {path}"))
        };
        operations.map(route).collect()
    }

    /// The program behind an integration that streams on AWS, and does not elsewhere. Address, mode and what the function is
    /// told must go together, or its answers are not understood.
    fn behind(&self, integration: &Yaml) -> String {
        let choice = |yaml: &Yaml| -> [String; 3] {
            let choice = yaml.as_vec().unwrap().iter().map(|value| value.as_str().unwrap().to_owned());
            choice.collect::<Vec<_>>().try_into().unwrap()
        };
        assert_eq!(choice(&integration["responseTransferMode"]), ["OnAws", "STREAM", "BUFFERED"]);
        let [condition, streaming, whole] = choice(&integration["uri"]);
        assert_eq!(condition, "OnAws");
        let name = |uri: &str, version: &str, action: &str| {
            let (before, after) = uri.split_once(&format!(":lambda:path/{version}/functions/${{")).unwrap();
            assert_eq!(before, "arn:${AWS::Partition}:apigateway:${AWS::Region}");
            after.strip_suffix(&format!(".Arn}}/{action}")).unwrap().to_owned()
        };
        let function = name(&streaming, "2021-11-15", "response-streaming-invocations");
        assert_eq!(name(&whole, "2015-03-31", "invocations"), function);
        let (_, properties) = self.resources("AWS::Serverless::Function").find(|(name, _)| *name == function).unwrap();
        let told = &get(properties, "Environment")["Variables"]["RESPONSE_TRANSFER"];
        assert_eq!(choice(told), ["OnAws", "stream", "buffered"]);
        let permissions: Vec<_> = self.resources("AWS::Lambda::Permission").collect();
        assert!(permissions.iter().any(|(_, permission)| get(permission, "FunctionName").as_str() == Some(&function)));
        get(properties, "CodeUri")
            .as_str()
            .unwrap()
            .trim_start_matches("target/lambda/")
            .trim_end_matches('/')
            .to_owned()
    }

    /// Whether the role of a function allows it an action on a resource, by a statement that names both.
    pub(crate) fn may(&self, program: &str, action: &str, resource: &str) -> bool {
        let (_, function) = self.functions().find(|(name, _)| *name == program).unwrap();
        let role = get(function, "Role").as_str().unwrap().strip_suffix(".Arn").unwrap();
        let (_, role) = self.resources("AWS::IAM::Role").find(|(name, _)| *name == role).unwrap();
        let policies = get(role, "Policies").as_vec().unwrap().iter();
        let mut statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_vec().unwrap());
        let names = |yaml: &Yaml, wanted: &str| match yaml {
            Yaml::Array(all) => all.iter().any(|one| one.as_str() == Some(wanted)),
            one => one.as_str() == Some(wanted),
        };
        statements.any(|statement| {
            statement["Effect"].as_str() == Some("Allow")
                && names(&statement["Action"], action)
                && names(&statement["Resource"], resource)
        })
    }

    /// The tables by their logical names, and their indexes as `<table>.<index>`: attribute, its type and its role, for each
    /// part of the key.
    pub(crate) fn tables(&self) -> BTreeMap<String, Vec<(String, String, String)>> {
        let table = |(name, properties): (&str, &Hash)| {
            let list = |name| get(properties, name).as_vec().unwrap().iter();
            let text = |yaml: &Yaml, name: &str| yaml[name].as_str().unwrap().to_owned();
            let types: BTreeMap<String, String> = list("AttributeDefinitions")
                .map(|definition| (text(definition, "AttributeName"), text(definition, "AttributeType")))
                .collect();
            let part = |key: &Yaml| {
                let attribute = text(key, "AttributeName");
                let kind = types[&attribute].clone();
                (attribute, kind, text(key, "KeyType"))
            };
            let indexes = properties.get(&Yaml::String("GlobalSecondaryIndexes".to_owned()));
            let indexes = indexes.and_then(Yaml::as_vec).into_iter().flatten().map(|index| {
                let keys = index["KeySchema"].as_vec().unwrap().iter().map(part);
                (format!("{name}.{}", text(index, "IndexName")), keys.collect())
            });
            let table = (name.to_owned(), list("KeySchema").map(part).collect());
            indexes.chain([table]).collect::<Vec<_>>()
        };
        self.resources("AWS::DynamoDB::Table").flat_map(table).collect()
    }
}

fn get<'a>(hash: &'a Hash, name: &str) -> &'a Yaml {
    hash.get(&Yaml::String(name.to_owned())).unwrap_or_else(|| panic!("there is no {name}"))
}

#[test]
fn every_function_of_the_workspace_is_deployed() {
    let folders = std::fs::read_dir(crate::file("functions")).unwrap();
    let name = |folder: std::fs::DirEntry| {
        let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
        let line = manifest.lines().find_map(|line| line.strip_prefix("name = "));
        line.unwrap().trim_matches('"').to_owned()
    };
    let built: BTreeSet<String> = folders.map(|folder| name(folder.unwrap())).collect();
    assert_eq!(Template::read().programs(), built, "left: template.yaml; right: functions/");
}

/// An API function is in the alarm for slow answers, unless its calls take as long as its clients want.
#[test]
fn the_latency_alarm_looks_at_every_api_function_that_should_be_fast() {
    let template = Template::read();
    let (_, alarm) = template.resources("AWS::CloudWatch::Alarm").find(|(name, _)| *name == "ApiLatencyAlarm").unwrap();
    let metrics = get(alarm, "Metrics").as_vec().unwrap()[1].as_vec().unwrap();
    let watched: BTreeSet<String> = metrics[1..]
        .iter()
        .map(|metric| {
            let id = metric["Id"].as_str().unwrap();
            let expression = metrics[0]["Expression"].as_str().unwrap();
            assert!(expression.contains(&format!("FILL({id}, 0)")), "{id} is not in the alarm's expression");
            let dimension = &metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"];
            dimension.as_str().unwrap().to_owned()
        })
        .collect();
    let mut fast = BTreeSet::new();
    let routes = template.routes();
    for (name, properties) in template.resources("AWS::Serverless::Function") {
        let program = get(properties, "CodeUri").as_str().unwrap().trim_start_matches("target/lambda/");
        if program != "stream-api/" && routes.contains_key(program.trim_end_matches('/')) {
            fast.insert(name.to_owned());
        }
    }
    assert_eq!(watched, fast, "left: the alarm; right: the API functions");
}
