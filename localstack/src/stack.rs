//! A deployed stack, and the file that describes it.
//!
//! `.local/<name>/stack.json` is written after each deployment. `cargo local` reads it to find the stack again, and
//! the end-to-end tests read it to find everything they need: its path is in `ORDER_HISTORY_STACK`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::project::State;
use crate::signing::Issuer;

const RECORD: &str = "stack.json";

/// How long tokens of our own commands are good for.
const OWN_TOKEN: Duration = Duration::from_secs(15 * 60);

/// All that there is to know about a deployed stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stack {
    /// The name of the CloudFormation stack.
    pub(crate) stack_name: String,
    /// Where it is: `endpoint_url`, `region`, and `credentials` when they are made up.
    #[serde(flatten)]
    pub(crate) cloud: Cloud,
    /// The base address of the API as it can be called from this machine, without a slash at its end.
    pub(crate) api_url: String,
    /// The template's outputs, by name.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The functions: name in the template, and name as deployed.
    pub(crate) functions: BTreeMap<String, String>,
    /// Who signs tokens for it: `signing_key` (path), `key_id`, `issuer`, `audience`.
    #[serde(flatten)]
    pub(crate) issuer: Issuer,
    /// A hash of everything that was deployed: template, functions, parameters.
    pub(crate) fingerprint: String,
}

impl Stack {
    /// Where the description of a stack is.
    pub(crate) fn file(state: &State) -> PathBuf {
        state.file(RECORD)
    }

    /// The stack that was deployed last, if there is one.
    pub(crate) fn find(state: &State) -> Result<Option<Self>> {
        let path = Self::file(state);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged =
            || format!("{} is damaged: `cargo local down` and `cargo local up` make a new one", path.display());
        serde_json::from_slice(&text).map(Some).with_context(damaged)
    }

    /// The stack that commands work on; it is an error when there is none.
    pub(crate) fn running(state: &State) -> Result<Self> {
        match Self::find(state)? {
            Some(stack) => Ok(stack),
            None => bail!("there is no stack: start one with `cargo local up`"),
        }
    }

    /// Writes the description.
    pub(crate) fn save(&self, state: &State) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("cannot write the stack's description")?;
        let path = Self::file(state);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Forgets the description, since what it describes is gone.
    pub(crate) fn forget(state: &State) {
        let _ = fs::remove_file(Self::file(state));
    }

    /// An output of the template.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| format!("the template has no output {name}"))
    }

    /// A token for our own calls.
    pub(crate) fn own_token(&self, tenant: &str, role: &str) -> Result<String> {
        self.issuer.token("cargo-local", &[tenant.to_owned()], &[role.to_owned()], OWN_TOKEN)
    }

    /// A function by its name in the template (`EventsApi`) or by that of its program (`events-api`): the former.
    pub(crate) fn function(&self, wanted: &str) -> Result<&str> {
        let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
        match self.functions.keys().find(|name| plain(name) == plain(wanted)) {
            Some(name) => Ok(name),
            None => {
                let names: Vec<&str> = self.functions.keys().map(String::as_str).collect();
                bail!("there is no function {wanted}; there are {}", names.join(", "))
            }
        }
    }
}
