//! The real `sam deploy` of the real template.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{self, Context as Digest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::functions::{self, Architecture};
use crate::process;
use crate::project::{Project, State};
use crate::python::{Environment, Tools};
use crate::signing::Issuer;
use crate::stack::Stack;
use crate::ui::{self, Step};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    logical_resource_id: String,
    physical_resource_id: String,
}

/// The SAM CLI, set up for one stack.
#[derive(Debug)]
pub(crate) struct Sam {
    environment: Environment,
    app_dir: PathBuf,
    project: Project,
}

impl Sam {
    /// Finds or installs it.
    pub(crate) async fn of(project: &Project, state: &State) -> Result<Self> {
        let environment = Environment::of(project, Tools::Deploy).await?;
        Ok(Self { environment, app_dir: state.file("sam"), project: project.clone() })
    }

    /// One of its commands, to be run against `cloud`.
    pub(crate) fn command(&self, cloud: &Cloud, arguments: &[&str]) -> Command {
        let mut sam = self.environment.program("sam");
        cloud.configure(&mut sam);
        sam.args(arguments)
            .current_dir(self.project.root())
            .env("SAM_CLI_TELEMETRY", "0")
            .env("SAM_CLI_CHECK_FOR_UPDATES", "false")
            // Its notes about itself, which otherwise go to the home folder.
            .env("__SAM_CLI_APP_DIR", &self.app_dir);
        sam
    }

    /// The same for another program of its environment.
    pub(crate) fn companion(&self, name: &str) -> Command {
        let mut program = self.environment.program(name);
        program.current_dir(self.project.root());
        program
    }
}

/// Deploys, unless the very same is deployed already.
pub(crate) async fn deploy(
    project: &Project,
    state: &State,
    sam: &Sam,
    cloud: Cloud,
    architecture: Architecture,
) -> Result<Stack> {
    let stack_name = state.stack_name();
    let issuer = Issuer::of(state)?;
    let parameters = parameters(&issuer, architecture)?;
    let fingerprint = fingerprint(project, &cloud, &parameters)?;
    if let Some(stack) = Stack::find(state)?
        && stack.fingerprint == fingerprint
    {
        ui::note("✓ Deployment: nothing has changed since the last one");
        return Ok(stack);
    }

    let step = Step::start("Deployment");
    step.now("sam deploy");
    // Its own, empty configuration: a samconfig.toml for AWS must not reach in here.
    let config = state.file("samconfig.toml");
    fs::write(&config, "version = 0.1\n").context("cannot write the SAM CLI's configuration")?;
    let mut sam_deploy = sam.command(&cloud, &["deploy", "--stack-name", &stack_name, "--resolve-s3"]);
    sam_deploy
        .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"])
        .args([OsStr::new("--config-file"), config.as_os_str()])
        .args([OsStr::new("--template-file"), project.template().as_os_str()])
        .arg("--parameter-overrides")
        .args(parameters.iter().map(|(name, value)| format!("{name}={}", quoted(value))));
    process::logged(&mut sam_deploy, &state.file("deploy.log")).await?;

    step.now("reading what it made");
    let outputs: Vec<Output> = list(sam, &cloud, &stack_name, "stack-outputs").await?;
    let outputs: BTreeMap<_, _> = outputs.into_iter().map(|it| (it.output_key, it.output_value)).collect();
    let resources: Vec<Resource> = list(sam, &cloud, &stack_name, "resources").await?;
    let names = function_names(project)?;
    let functions: BTreeMap<_, _> = resources
        .into_iter()
        .filter(|it| names.contains(&it.logical_resource_id))
        .map(|it| (it.logical_resource_id, it.physical_resource_id))
        .collect();
    let api_id = outputs.get("ApiId").context("the template has no output ApiId")?;
    let stack = Stack {
        stack_name,
        // MiniStack and LocalStack both serve APIs below this path, for clients that cannot resolve made-up hosts.
        api_url: format!("{}/_aws/execute-api/{api_id}/v1/order-history", cloud.endpoint_url),
        cloud,
        outputs,
        functions,
        issuer,
        fingerprint,
    };
    stack.save(state)?;
    step.done(format_args!("stack {} with {} functions", stack.stack_name, stack.functions.len()));
    Ok(stack)
}

/// Deletes the stack from an endpoint that outlives us.
pub(crate) async fn delete(state: &State, sam: &Sam, stack: &Stack) -> Result<()> {
    let mut command = sam.command(
        &stack.cloud,
        &["delete", "--stack-name", &stack.stack_name, "--no-prompts", "--region", &stack.cloud.region],
    );
    process::logged(&mut command, &state.file("delete.log")).await
}

/// What the template is told here. Operators choose other values; docs/OPERATIONS.md lists them.
fn parameters(issuer: &Issuer, architecture: Architecture) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("LedgerOrigin", "order-history.local".to_owned()),
        ("Jwks", issuer.jwks()?),
        ("JwtIssuer", issuer.issuer.clone()),
        ("JwtAudience", issuer.audience.clone()),
        ("Architecture", architecture.name().to_owned()),
        ("DeletionProtection", "false".to_owned()),
    ])
}

/// As the SAM CLI wants values that have quotes in them.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\\\""))
}

fn fingerprint(project: &Project, cloud: &Cloud, parameters: &[(&str, String)]) -> Result<String> {
    let mut digest = Digest::new(&digest::SHA256);
    digest.update(cloud.endpoint_url.as_bytes());
    for (name, value) in parameters {
        digest.update(format!("\n{name}={value}").as_bytes());
    }
    let mut files = functions::bootstraps(project)?;
    files.insert(0, project.template());
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        digest.update(digest::digest(&digest::SHA256, &content).as_ref());
    }
    Ok(hex::encode(digest.finish()))
}

/// The template's names of functions: a line `Name:` with `Type: AWS::Serverless::Function` right below.
fn function_names(project: &Project) -> Result<Vec<String>> {
    let template = fs::read_to_string(project.template()).context("cannot read the template")?;
    let lines: Vec<&str> = template.lines().collect();
    let names = lines.windows(2).filter(|pair| pair[1].trim() == "Type: AWS::Serverless::Function");
    Ok(names.map(|pair| pair[0].trim().trim_end_matches(':').to_owned()).collect())
}

async fn list<T: DeserializeOwned>(sam: &Sam, cloud: &Cloud, stack_name: &str, what: &str) -> Result<Vec<T>> {
    let mut command = sam.command(cloud, &["list", what, "--stack-name", stack_name, "--output", "json"]);
    let printed = process::output(&mut command).await?;
    serde_json::from_slice(&printed).with_context(|| format!("`sam list {what}` printed something else than JSON"))
}
